"""Canonical variates of expanded coordinates, each made normal again.

Products with Fourier features of the norm let linear maps undo a rotation whose angle
depends on the norm.
"""

import dataclasses

import jax
import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, pad_columns, static
from jaxinfo.estimation.cross_fitted.canonical import (
    CanonicalVariates,
    fit_canonical_variates,
    fit_independent_rotation,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.marginals import (
    NormalScores,
    Views,
    fit_normal_scores,
)

__all__ = [
    "ExpandedVariates",
    "FeatureExpansion",
    "fit_expanded_variates",
    "fit_expansion",
    "rotate_variates",
]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FeatureExpansion:
    """Coordinates, their products with Fourier features of the norm, and of each other.

    Attributes:
        norm_mean: mean of the mean square of a row.
        norm_scale: its standard deviation.
        scale: of each expanded coordinate, [more than D]; None leaves rows unchanged.
        frequencies: of the Fourier features.
        max_product_coordinates: above this many coordinates only squares are products.
    """

    norm_mean: float
    norm_scale: float
    scale: Rows | None
    frequencies: tuple[float, ...] = static()
    max_product_coordinates: int = static()

    def apply(self, rows: Rows) -> Rows:
        """The expanded rows, [N, more than D]."""
        if self.scale is None:
            return rows
        xp, size = rows.__array_namespace__(), rows.shape[1]
        norm = xp.mean(rows**2, axis=1, keepdims=True) - self.norm_mean
        norm = norm / self.norm_scale
        waves = [f(k * norm) for k in self.frequencies for f in (xp.cos, xp.sin)]
        left, right = np.triu_indices(size)
        if size > self.max_product_coordinates:
            left = right = np.arange(size)
        products = rows[:, left] * rows[:, right]
        parts = [rows, *(rows * wave for wave in waves), products]
        return xp.concatenate(parts, axis=1) / self.scale


def fit_expansion(
    rows: np.ndarray, config: CrossFittedConfig, *, is_expanded: bool = True
) -> FeatureExpansion:
    """Fits the mean and scale of the norm, and the scale of expanded coordinates.

    Args:
        rows: training rows, [N, D].
        config: settings.
        is_expanded: False leaves the rows unchanged.

    Returns:
        The `FeatureExpansion`.
    """
    norm = np.mean(rows**2, axis=1)
    unscaled = FeatureExpansion(
        float(norm.mean()),
        float(norm.std() or 1.0),
        np.ones(1) if is_expanded else None,
        config.norm_frequencies,
        config.max_product_coordinates,
    )
    if not is_expanded:
        return unscaled
    scale = unscaled.apply(rows).std(axis=0)
    return dataclasses.replace(unscaled, scale=np.where(scale > 0, scale, 1.0))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ExpandedVariates:
    """Variates of expanded rows, rotated, made normal again, and paired.

    Attributes:
        expansions: of x and of y.
        variates: canonical variates of the expanded rows.
        rotations: of the leading variates of x and of y.
        scores: normal scores of the rotated variates of x and of y.
        pairs: canonical variates of these scores.
        view: which of the `Views` is expanded.
        length: columns of the result; missing ones are zero.
    """

    expansions: tuple[FeatureExpansion, FeatureExpansion]
    variates: CanonicalVariates
    rotations: tuple[Rows, Rows]
    scores: tuple[NormalScores, NormalScores]
    pairs: CanonicalVariates
    view: str = static()
    length: int = static()

    @property
    def num_fitted(self) -> int:
        """Number of directions that were free when the variates were fitted."""
        return sum(len(weights) for weights in self.variates.weights)

    def apply(self, side: int, views: Views) -> Rows:
        """The variates of x (side 0) or y (side 1), [N, length]."""
        rows = self.expansions[side].apply(getattr(views, self.view))
        rows = self.variates.apply(side, rows)[:, : len(self.rotations[side])]
        rows = self.scores[side].apply(rows @ self.rotations[side])
        return pad_columns(self.pairs.apply(side, rows), self.length)


def fit_expanded_variates(
    views: list[Views], view: str, config: CrossFittedConfig, *, is_expanded: bool
) -> ExpandedVariates:
    """Fits variates of expanded rows, without a rotation.

    Args:
        views: of training rows of x and of y.
        view: which view is expanded.
        config: settings.
        is_expanded: False leaves the view unchanged.

    Returns:
        The `ExpandedVariates`.
    """
    x, y = (getattr(side, view) for side in views)
    expansions = tuple(
        fit_expansion(rows, config, is_expanded=is_expanded) for rows in (x, y)
    )
    ridge = config.expansion_ridge if is_expanded else config.ridge
    variates = fit_canonical_variates(
        expansions[0].apply(x), expansions[1].apply(y), ridge=ridge
    )
    return _paired(views, view, expansions, variates, None, config)


def rotate_variates(
    fitted: ExpandedVariates, views: list[Views], size: int, config: CrossFittedConfig
) -> ExpandedVariates:
    """Rotates the leading variates of each side to independence.

    Args:
        fitted: variates without a rotation.
        views: of training rows of x and of y.
        size: number of leading variates.
        config: settings.

    Returns:
        The rotated `ExpandedVariates`.
    """
    return _paired(views, fitted.view, fitted.expansions, fitted.variates, size, config)


def _paired(
    views: list[Views],
    view: str,
    expansions: tuple[FeatureExpansion, ...],
    variates: CanonicalVariates,
    rotated_size: int | None,
    config: CrossFittedConfig,
) -> ExpandedVariates:
    length = config.max_expanded_variates
    rotations, scores, normal = [], [], []
    for side, (rows, expansion) in enumerate(zip(views, expansions, strict=True)):
        kept = variates.apply(side, expansion.apply(getattr(rows, view)))
        kept = kept[:, : length if rotated_size is None else min(rotated_size, length)]
        rotation = (
            np.eye(kept.shape[1])
            if rotated_size is None
            else fit_independent_rotation(kept, config.num_rotation_steps)
        )
        fitted = fit_normal_scores(kept @ rotation)
        rotations.append(rotation)
        scores.append(fitted)
        normal.append(fitted.apply(kept @ rotation))
    pairs = fit_canonical_variates(*normal, ridge=config.ridge)
    return ExpandedVariates(
        expansions, variates, tuple(rotations), tuple(scores), pairs, view, length
    )
