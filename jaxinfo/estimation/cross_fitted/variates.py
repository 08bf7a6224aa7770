"""Canonical variates of x and y, and of their expanded coordinates.

Products with Fourier features of the norm let a linear map undo a rotation whose angle
depends on the norm.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, pad_columns, pytree
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.marginals import (
    NormalScores,
    Views,
    fit_normal_scores,
)

__all__ = [
    "CanonicalVariates",
    "ExpandedVariates",
    "FeatureExpansion",
    "fit_canonical_variates",
    "fit_expanded_variates",
    "fit_expansion",
    "fit_independent_rotation",
]


class CanonicalVariates(NamedTuple):
    """Linear maps of x and y after which only paired coordinates correlate."""

    means: tuple[Rows, Rows]
    weights: tuple[Rows, Rows]  # [D, m] and [E, m], the strongest pair first.

    def apply(self, side: int, rows: Rows) -> Rows:
        """The variates of x (side 0) or y (side 1), [N, m]."""
        return (rows - self.means[side]) @ self.weights[side]


def fit_canonical_variates(
    x: np.ndarray, y: np.ndarray, *, ridge: float, is_square: bool = False
) -> CanonicalVariates:
    """Fits a canonical correlation analysis of rows of x and of y.

    Keeps min(D, E) directions of both, or all D and E if `is_square`. The ridge is in
    units of the mean variance.

    Source: Hotelling, "Relations between two sets of variates", Biometrika 1936.
    """
    means = x.mean(axis=0), y.mean(axis=0)
    white_x, white_y = _whitening(x, ridge), _whitening(y, ridge)
    across = (x - means[0]).T @ (y - means[1]) / len(x)
    left, _, right = np.linalg.svd(
        white_x.T @ across @ white_y, full_matrices=is_square
    )
    return CanonicalVariates(means, (white_x @ left, white_y @ right.T))


def fit_independent_rotation(rows: np.ndarray, num_steps: int) -> np.ndarray:
    """Fits W, [m, m], so that the coordinates of `rows @ W` are independent (FastICA).

    Canonical variates with equal correlations are determined only up to a rotation, and
    the normal scores of rotated coordinates are in general not jointly normal.

    Source: Hyvarinen, "Fast and robust fixed-point algorithms for independent component
        analysis", IEEE Trans. Neural Networks 1999, with the contrast log cosh and
        symmetric decorrelation.
    """
    whitening = _whitening(rows, 1e-8)
    white = (rows - rows.mean(axis=0)) @ whitening
    rotation = np.eye(rows.shape[1])
    for _ in range(num_steps):
        bent = np.tanh(white @ rotation)
        left, _, right = np.linalg.svd(
            white.T @ bent / len(white) - rotation * (1 - bent**2).mean(axis=0)
        )
        before, rotation = rotation, left @ right
        if np.min(np.abs(np.sum(before * rotation, axis=0))) > 1 - 1e-6:
            break
    return whitening @ rotation


def _whitening(rows: np.ndarray, ridge: float) -> np.ndarray:
    """The matrix that makes rows uncorrelated and of variance 1."""
    covariance = np.atleast_2d(np.cov(rows, rowvar=False))
    size = len(covariance)
    level = ridge * (np.trace(covariance) / size or 1.0)
    return np.linalg.inv(np.linalg.cholesky(covariance + level * np.eye(size))).T


@pytree("kind", "config")
class FeatureExpansion:
    """Appends products of coordinates with the norm and with each other."""

    norm_mean: float  # Mean and standard deviation of the mean square of a row.
    norm_scale: float
    scale: Rows | float  # Of each expanded coordinate.
    kind: str  # "fourier", "linear" or "none", as in `expansions` of the config.
    config: CrossFittedConfig

    def apply(self, rows: Rows) -> Rows:
        """The expanded rows, [N, D or more]."""
        if self.kind == "none":
            return rows
        xp, size = rows.__array_namespace__(), rows.shape[1]
        norm = xp.mean(rows**2, axis=1, keepdims=True) - self.norm_mean
        if self.kind == "linear":
            limit = self.config.max_standardized
            parts = [rows, rows * xp.clip(norm / self.norm_scale, -limit, limit)]
            return xp.concatenate(parts, axis=1) / self.scale
        angles = [k * norm / self.norm_scale for k in self.config.norm_frequencies]
        fourier = [function(angle) for angle in angles for function in (xp.cos, xp.sin)]
        left, right = np.triu_indices(size)
        if size > self.config.max_product_coordinates:
            left = right = np.arange(size)
        products = rows[:, left] * rows[:, right]
        parts = [rows, *(rows * feature for feature in fourier), products]
        return xp.concatenate(parts, axis=1) / self.scale


def fit_expansion(
    rows: np.ndarray, config: CrossFittedConfig, *, kind: str = "fourier"
) -> FeatureExpansion:
    """Fits the scale of the norm and of expanded coordinates to rows, [N, D]."""
    norm = np.mean(rows**2, axis=1)
    mean, deviation = float(norm.mean()), float(norm.std() or 1.0)
    plain = FeatureExpansion(mean, deviation, 1.0, kind, config)
    scale = plain.apply(rows).std(axis=0)
    return dataclasses.replace(plain, scale=np.where(scale > 0, scale, 1.0))


@pytree("view", "length")
class ExpandedVariates:
    """Canonical variates of expanded rows, rotated, mapped to normal scores, paired."""

    expansions: tuple[FeatureExpansion, ...]
    variates: CanonicalVariates
    rotations: tuple[Rows, ...]
    scores: tuple[NormalScores, ...]
    pairs: CanonicalVariates
    view: str  # Name of the field of `Views` that is expanded.
    length: int  # Number of columns of the result; missing ones are zero.

    @property
    def num_fitted(self) -> int:
        """Number of fitted directions, for the correction of their optimism."""
        return sum(len(weights) for weights in self.variates.weights)

    def apply(self, side: int, views: Views) -> Rows:
        """The variates of x (side 0) or y (side 1), [N, length]."""
        rows = self.leading(side, views) @ self.rotations[side]
        rows = self.pairs.apply(side, self.scores[side].apply(rows))
        return pad_columns(rows, self.length)

    def leading(self, side: int, views: Views) -> Rows:
        """The leading canonical variates of expanded rows, before the rotation."""
        rows = self.expansions[side].apply(getattr(views, self.view))
        return self.variates.apply(side, rows)[:, : len(self.rotations[side])]

    def rotate(
        self, views: Sequence[Views], size: int, config: CrossFittedConfig
    ) -> "ExpandedVariates":
        """Returns a copy whose first `size` variates are rotated to independence."""
        leading = [
            self.leading(side, rows)[:, :size] for side, rows in enumerate(views)
        ]
        rotations = [
            fit_independent_rotation(rows, config.num_rotation_steps)
            for rows in leading
        ]
        return self._fit_pairs(leading, rotations, config)

    def _fit_pairs(
        self,
        leading: list[np.ndarray],
        rotations: list[np.ndarray],
        config: CrossFittedConfig,
    ) -> "ExpandedVariates":
        rotated = [rows @ w for rows, w in zip(leading, rotations, strict=True)]
        scores = [fit_normal_scores(rows) for rows in rotated]
        normal = [s.apply(rows) for s, rows in zip(scores, rotated, strict=True)]
        pairs = fit_canonical_variates(*normal, ridge=config.ridge)
        return dataclasses.replace(
            self, rotations=tuple(rotations), scores=tuple(scores), pairs=pairs
        )


def fit_expanded_variates(
    views: Sequence[Views], view: str, config: CrossFittedConfig, *, kind: str
) -> ExpandedVariates:
    """Fits variates to one view of training rows of x and y, without a rotation."""
    sides = [getattr(side, view) for side in views]
    expansions = tuple(fit_expansion(r, config, kind=kind) for r in sides)
    x, y = (e.apply(rows) for e, rows in zip(expansions, sides, strict=True))
    ridge = config.ridge if kind == "none" else config.num_ridge_rows / len(x)
    variates = fit_canonical_variates(x, y, ridge=ridge)
    length = config.max_expanded_variates
    leading = [
        variates.apply(side, rows)[:, :length] for side, rows in enumerate((x, y))
    ]
    identity = [np.eye(rows.shape[1]) for rows in leading]
    blank = ExpandedVariates(expansions, variates, (), (), variates, view, length)
    return blank._fit_pairs(leading, identity, config)
