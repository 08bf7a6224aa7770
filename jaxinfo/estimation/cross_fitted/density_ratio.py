"""Pointwise information by the critics of all folds."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array, Float, PyTree
from jaxinfo.estimation.cross_fitted.arrays import static
from jaxinfo.estimation.cross_fitted.combination import Combination
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.critics import inputs_of_kind, make_critic
from jaxinfo.estimation.cross_fitted.fold_maps import FoldMap
from jaxinfo.estimation.cross_fitted.marginals import Marginal
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.preprocessing import (
    check_row_counts,
    check_rows,
    is_traced,
)

__all__ = ["CrossFittedDensityRatio"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class CrossFittedDensityRatio(DensityRatio):
    """log p(x, y) / (p(x) p(y)) in nats, averaged over folds.

    Rows between those that were fitted have interpolated ranks, so that the ratio has
    gradients; beyond the extremes of the data it is constant in their ranks.

    Attributes:
        marginals: maps of x and of y alone.
        fold_maps: maps of each fold.
        params: of the critics, one after the other and each fold by fold, [C, K, ...].
        combinations: of the critics of each fold.
        log_normalizers: of each fold, nats.
        config: settings.
        shapes: of one row of x and of y.
    """

    marginals: tuple[Marginal, Marginal]
    fold_maps: tuple[FoldMap, ...]
    params: PyTree
    combinations: tuple[Combination, ...]
    log_normalizers: tuple[float, ...]
    config: CrossFittedConfig = static()
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = static()

    def log_ratio(self, x: Any, y: Any) -> Float[Array, " n"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Evaluates the pointwise mutual information of each pair of rows, nats.

        Args:
            x: rows of x, [N, ...].
            y: rows of y, [N, ...].

        Returns:
            log p(x, y) / (p(x) p(y)), nats, [N].

        Raises:
            ValueError: if the rows do not have the shapes of the fitted ones.
        """
        traced = is_traced(self, x, y)
        rows = {}
        for name, new, shape in zip("xy", (x, y), self.shapes, strict=True):
            # On the host in float64, unless the values are not known yet.
            new = jnp.asarray(new) if traced else check_rows(name, new)[0]
            if new.shape[1:] != shape:
                raise ValueError(
                    f"{name} must have rows of shape {shape}, as when fitted, got "
                    f"{new.shape[1:]}"
                )
            rows[name] = new.reshape(len(new), -1)
        check_row_counts(**rows)
        ratio = jax.tree.map(jnp.asarray, self) if traced else self
        return ratio._evaluate(*rows.values())

    def _evaluate(self, x: Any, y: Any) -> Any:
        views = [
            marginal.apply(rows)
            for marginal, rows in zip(self.marginals, (x, y), strict=True)
        ]
        by_fold = []
        for fold, fold_map in enumerate(self.fold_maps):
            inputs = [fold_map.apply(side, rows) for side, rows in enumerate(views)]
            critic = make_critic(self.config, fold_map.num_statistics)
            scores = []
            for number, kind in enumerate(self.config.kinds):
                params = jax.tree.map(lambda p, i=number, k=fold: p[i, k], self.params)
                pair = [jnp.asarray(inputs_of_kind(i, kind), float) for i in inputs]
                scores.append(critic.apply(params, *pair))
            combined = self.combinations[fold].apply(jnp.stack(scores))
            by_fold.append(combined - self.log_normalizers[fold])
        return jnp.mean(jnp.stack(by_fold), axis=0)
