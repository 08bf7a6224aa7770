"""Coordinates in which dependence is simple, fitted on training rows on the host.

Normal scores take each coordinate's own law away, canonical variates pair up what is
correlated, and a lift lets them see products with the norm. Each map is fitted once and
applied to any rows.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

__all__ = [
    "CanonicalVariates",
    "Lift",
    "NormalScores",
    "fit_canonical_variates",
    "fit_lift",
    "fit_normal_scores",
]

# All products of two coordinates up to this many, squares alone above.
MOST_COORDINATES_WITH_PRODUCTS = 8


class NormalScores(NamedTuple):
    """Ranks among the fitted rows as normal quantiles; ties share their mean rank.

    Attributes:
        ordered: the fitted rows, each coordinate sorted, [N, D].
    """

    ordered: np.ndarray

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """The scores of rows, [M, D]."""
        columns = zip(self.ordered.T, rows.T, strict=True)
        ranks = [
            np.searchsorted(known, new, "left") + np.searchsorted(known, new, "right")
            for known, new in columns
        ]
        return ndtri((np.stack(ranks, axis=1) + 1) / 2 / (len(self.ordered) + 1))


def fit_normal_scores(rows: np.ndarray) -> NormalScores:
    """Fits the map that leaves each coordinate standard normal; keeps all information.

    Args:
        rows: training rows, [N, D].

    Returns:
        The `NormalScores`.
    """
    return NormalScores(np.sort(rows, axis=0))


class Lift(NamedTuple):
    """Coordinates, their products with powers of the norm, and second-order products.

    Attributes:
        order: the highest power of the norm; 0 leaves the rows as they are.
        norm_mean: mean of the squared norm.
        norm_scale: its standard deviation.
    """

    order: int
    norm_mean: float
    norm_scale: float

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """The lifted rows, [N, more than D]."""
        if self.order == 0:
            return rows
        size = rows.shape[1]
        if size == 1:
            return np.concatenate([rows**p for p in range(1, self.order + 2)], axis=1)
        norm = (np.mean(rows**2, axis=1, keepdims=True) - self.norm_mean) / (
            self.norm_scale
        )
        norm = np.clip(norm, -3, 3)
        left, right = np.triu_indices(size)
        if size > MOST_COORDINATES_WITH_PRODUCTS:
            left = right = np.arange(size)
        powers = [rows * norm**p for p in range(self.order + 1)]
        return np.concatenate([*powers, rows[:, left] * rows[:, right]], axis=1)


def fit_lift(rows: np.ndarray, *, order: int) -> Lift:
    """Fits the centre and scale of the norm.

    Args:
        rows: training rows, [N, D].
        order: the highest power of the norm.

    Returns:
        The `Lift`.
    """
    norm = np.mean(rows**2, axis=1)
    return Lift(order, float(norm.mean()), float(norm.std() or 1.0))


class CanonicalVariates(NamedTuple):
    """The linear maps of x and y whose coordinates correlate pair by pair.

    Attributes:
        means: of x and of y.
        weights: [D, m] and [E, m], the strongest pair first.
    """

    means: tuple[np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]

    def apply(self, side: int, rows: np.ndarray) -> np.ndarray:
        """The variates of x (side 0) or y (side 1), [N, m]."""
        return (rows - self.means[side]) @ self.weights[side]


def fit_canonical_variates(
    x: np.ndarray, y: np.ndarray, *, ridge: float, whole: bool = False
) -> CanonicalVariates:
    """Fits canonical correlation analysis.

    Source: Hotelling, "Relations between two sets of variates", Biometrika 1936.

    Args:
        x: training rows of x, [N, D].
        y: training rows of y, [N, E].
        ridge: added to the diagonal of each covariance, in units of its mean.
        whole: keep the directions without a partner too, so that both maps are square.

    Returns:
        The `CanonicalVariates`, min(D, E) of either side, or D and E.
    """
    whiteners = [_whitener(rows, ridge) for rows in (x, y)]
    means = x.mean(axis=0), y.mean(axis=0)
    across = (x - means[0]).T @ (y - means[1]) / len(x)
    left, _, right = np.linalg.svd(
        whiteners[0].T @ across @ whiteners[1], full_matrices=whole
    )
    return CanonicalVariates(means, (whiteners[0] @ left, whiteners[1] @ right.T))


def _whitener(rows: np.ndarray, ridge: float) -> np.ndarray:
    """The matrix that makes rows uncorrelated and of variance 1."""
    size = rows.shape[1]
    covariance = np.cov(rows, rowvar=False).reshape(size, size)
    level = ridge * (np.trace(covariance) / size or 1.0)
    factor = np.linalg.cholesky(covariance + level * np.eye(size))
    return np.linalg.inv(factor).T
