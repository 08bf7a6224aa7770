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
    "fit_independent_directions",
    "fit_lift",
    "fit_normal_scores",
]

# Of the squared norm in standard deviations, in radians for each.
FREQUENCIES, WAVES = (0.5, 1.0), (np.cos, np.sin)
# All products of two coordinates up to this many, squares alone above.
MOST_COORDINATES_WITH_PRODUCTS = 8
# Turns of the search for independent directions.
NUM_TURNS = 30


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
    """Coordinates, their products with waves of the norm, and second-order products.

    With them canonical variates see a rotation that depends on the norm. Waves are
    bounded, where powers of the norm would let a few far rows rule the fit.

    Attributes:
        with_waves: False leaves the rows as they are.
        norm_mean: mean of the squared norm.
        norm_scale: its standard deviation.
        scale: of each lifted coordinate, [more than D].
    """

    with_waves: bool
    norm_mean: float
    norm_scale: float
    scale: np.ndarray

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """The lifted rows, [N, more than D]."""
        if not self.with_waves:
            return rows
        size = rows.shape[1]
        norm = (np.mean(rows**2, axis=1, keepdims=True) - self.norm_mean) / (
            self.norm_scale
        )
        waves = [wave(frequency * norm) for frequency in FREQUENCIES for wave in WAVES]
        left, right = np.triu_indices(size)
        if size > MOST_COORDINATES_WITH_PRODUCTS:
            left = right = np.arange(size)
        parts = [rows, *(rows * wave for wave in waves), rows[:, left] * rows[:, right]]
        return np.concatenate(parts, axis=1) / self.scale


def fit_lift(rows: np.ndarray, *, with_waves: bool) -> Lift:
    """Fits the center and scale of the norm, and the scale of what is lifted.

    Args:
        rows: training rows, [N, D].
        with_waves: False leaves the rows as they are.

    Returns:
        The `Lift`.
    """
    norm = np.mean(rows**2, axis=1)
    unscaled = Lift(with_waves, norm.mean(), norm.std() or 1.0, np.ones(1))
    scale = unscaled.apply(rows).std(axis=0)
    return unscaled._replace(scale=np.where(scale > 0, scale, 1.0))


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


def fit_independent_directions(rows: np.ndarray) -> np.ndarray:
    """Fits the turn that leaves uncorrelated coordinates independent (FastICA).

    Equal correlations leave canonical variates free to turn; normal scores of a turned
    coordinate are not jointly normal unless the coordinates were.

    Source: Hyvarinen, "Fast and robust fixed-point algorithms for independent component
        analysis", IEEE Trans. Neural Networks 1999, with the contrast log cosh and
        symmetric decorrelation.

    Args:
        rows: training rows, [N, m].

    Returns:
        A matrix W for `rows @ W`, whose columns are uncorrelated, [m, m].
    """
    whitener = _whitener(rows, 1e-8)
    white = (rows - rows.mean(axis=0)) @ whitener
    turn = np.eye(rows.shape[1])
    for _ in range(NUM_TURNS):
        bent = np.tanh(white @ turn)
        left, _, right = np.linalg.svd(
            white.T @ bent / len(white) - turn * (1 - bent**2).mean(axis=0)
        )
        before, turn = turn, left @ right
        if np.min(np.abs(np.sum(before * turn, axis=0))) > 1 - 1e-6:
            break
    return whitener @ turn
