"""The pointwise information, averaged over the combined critics of all folds."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.core.types import Array, Float, PyTree
from jaxinfo.estimation.cross_fitted.arrays import Rows, pytree
from jaxinfo.estimation.cross_fitted.combination import Combination
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.critics import inputs_of_kind, make_critic
from jaxinfo.estimation.cross_fitted.fold_maps import CriticInputs, FoldMap
from jaxinfo.estimation.cross_fitted.marginals import Marginal
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.preprocessing import is_traced
from jaxinfo.estimation.samples import RowFormat, read_rows_of

__all__ = ["CrossFittedDensityRatio"]


@pytree("config", "formats")
class CrossFittedDensityRatio(DensityRatio):
    """log p(x, y) / (p(x) p(y)) in nats, averaged over folds.

    Ranks between fitted values are interpolated, so the ratio has gradients. Outside
    the fitted range of a coordinate the rank is constant.
    """

    marginals: tuple[Marginal, ...]  # For x and y.
    fold_maps: tuple[FoldMap, ...]  # For each fold.
    params: PyTree  # Parameters of the critics, leading axes [C, K].
    combinations: tuple[Combination, ...]  # For each fold.
    log_normalizers: tuple[float, ...]  # For each fold, nats.
    config: CrossFittedConfig
    formats: tuple[RowFormat, ...]  # Of x and of y.

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
        read = read_rows_of(self.formats, x, y)
        rows = [new.reshape(len(new), -1) for new in read]
        if is_traced(self, x, y):
            return _evaluate(self, *map(jnp.asarray, rows))
        # Rows that are not traced are mapped on the host in float64.
        return _score(self, self._inputs(*rows))

    def _inputs(self, x: Rows, y: Rows) -> list[list[CriticInputs]]:
        """Inputs of x and of y for the critics of each fold."""
        views = [m.apply(rows) for m, rows in zip(self.marginals, (x, y), strict=True)]
        return [
            [fold_map.apply(side, rows) for side, rows in enumerate(views)]
            for fold_map in self.fold_maps
        ]


@jax.jit
def _evaluate(ratio: CrossFittedDensityRatio, x: Array, y: Array) -> Array:
    return _score(ratio, ratio._inputs(x, y))


@jax.jit
def _score(ratio: CrossFittedDensityRatio, inputs: list[list[CriticInputs]]) -> Array:
    by_fold = []
    for fold, pair in enumerate(inputs):
        num_components = ratio.fold_maps[fold].num_components
        num_statistics = pair[0].statistics.shape[1]
        critic = make_critic(ratio.config, num_statistics, num_components)
        scores = []
        for number, kind in enumerate(ratio.config.kinds):
            params = jax.tree.map(lambda p, at=(number, fold): p[at], ratio.params)
            scores.append(
                critic.apply(params, *(inputs_of_kind(i, kind) for i in pair))
            )
        combined = ratio.combinations[fold].apply(jnp.stack(scores))
        by_fold.append(combined - ratio.log_normalizers[fold])
    return jnp.mean(jnp.stack(by_fold), axis=0)
