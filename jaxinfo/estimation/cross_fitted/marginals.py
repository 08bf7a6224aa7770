"""Maps of one variable alone: normal scores, robust standardization and labels.

They are fitted to the rows of all folds: a map of x that never sees y cannot leak
dependence, and ranks among more rows cost held-out rows less.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, special, static
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.labels import Labels, fit_labels

__all__ = [
    "Marginal",
    "NormalScores",
    "Views",
    "fit_marginal",
    "fit_normal_scores",
    "interpolating",
]

# Standardized rows are far within this; it keeps their squares finite.
OVERFLOW = 1e6


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class NormalScores:
    """Ranks among the fitted rows as normal quantiles; ties share their mean rank.

    Attributes:
        ordered: the fitted rows, each coordinate sorted, [N, D].
        interpolates: whether the ranks of new rows are interpolated linearly and so
            have gradients, or are steps. Fitted rows get the same scores either way.
    """

    ordered: Rows
    interpolates: bool = static(False)

    def apply(self, rows: Rows) -> Rows:
        """The scores of rows, [M, D]."""
        xp = rows.__array_namespace__()

        def rank(known: Rows, new: Rows) -> Rows:
            below = xp.searchsorted(known, new, side="left")
            return (below + xp.searchsorted(known, new, side="right") + 1) / 2

        def rank_column(known: Rows, new: Rows) -> Rows:
            if self.interpolates:
                return xp.interp(new, known, rank(known, known))
            return rank(known, new)

        if xp is jnp:
            ranks = jax.vmap(rank_column, in_axes=1, out_axes=1)(self.ordered, rows)
        else:
            columns = zip(self.ordered.T, rows.T, strict=True)
            ranks = np.stack([rank_column(*pair) for pair in columns], axis=1)
        return special(rows).ndtri(ranks / (len(self.ordered) + 1))


def fit_normal_scores(rows: np.ndarray) -> NormalScores:
    """Fits the map that makes each coordinate standard normal; keeps all information.

    Args:
        rows: rows of one variable, [N, D].

    Returns:
        The `NormalScores`.
    """
    return NormalScores(np.sort(rows, axis=0))


def interpolating(tree: Any) -> Any:
    """The same maps, with `NormalScores` that interpolate, for rows beyond the data."""

    def switch(node: Any) -> Any:
        if isinstance(node, NormalScores):
            return dataclasses.replace(node, interpolates=True)
        return node

    return jax.tree.map(switch, tree, is_leaf=lambda x: isinstance(x, NormalScores))


class Views(NamedTuple):
    """Rows of one variable as the later stages use them.

    Attributes:
        normal: normal scores, [N, D].
        standardized: in robust standard deviations from the median, [N, D].
        clipped: the same, clipped, [N, D].
        about_zero: the same, clipped, with the origin of the data, [N, D].
        levels: one-hot labels, [N, all levels].
    """

    normal: Rows
    standardized: Rows
    clipped: Rows
    about_zero: Rows
    levels: Rows


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Marginal:
    """The maps of one variable.

    Attributes:
        scores: normal scores.
        center: median of each coordinate, [D].
        scale: robust standard deviation of each coordinate, [D].
        labels: the columns that are labels.
        max_standardized: clip of standardized coordinates.
    """

    scores: NormalScores
    center: Rows
    scale: Rows
    labels: Labels
    max_standardized: float = static()

    def apply(self, rows: Rows) -> Views:
        """The `Views` of rows, [N, D]."""
        xp, limit = rows.__array_namespace__(), self.max_standardized
        standardized = xp.clip((rows - self.center) / self.scale, -OVERFLOW, OVERFLOW)
        clipped = xp.clip(standardized, -limit, limit)
        return Views(
            self.scores.apply(rows),
            standardized,
            clipped,
            clipped + self.center / self.scale,
            self.labels.apply(rows),
        )


def fit_marginal(rows: np.ndarray, config: CrossFittedConfig) -> Marginal:
    """Fits the maps of one variable.

    Args:
        rows: all rows, [N, D].
        config: settings.

    Returns:
        The `Marginal`.
    """
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    scale = (high - low) / 1.349  # That of a normal distribution.
    scale = np.where(scale > 0, scale, rows.std(axis=0))
    return Marginal(
        (config.fit_scores or fit_normal_scores)(rows),
        middle,
        np.where(scale > 0, scale, 1.0),
        fit_labels(rows, config),
        config.max_standardized,
    )
