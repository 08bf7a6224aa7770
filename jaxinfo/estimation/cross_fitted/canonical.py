"""Linear maps of two variables: canonical variates and rotation to independence."""

from typing import NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows

__all__ = ["CanonicalVariates", "fit_canonical_variates", "fit_independent_rotation"]


class CanonicalVariates(NamedTuple):
    """Linear maps of x and y whose coordinates correlate pair by pair only.

    Attributes:
        means: of x and of y.
        weights: [D, m] and [E, m], the strongest pair first.
    """

    means: tuple[Rows, Rows]
    weights: tuple[Rows, Rows]

    def apply(self, side: int, rows: Rows) -> Rows:
        """The variates of x (side 0) or y (side 1), [N, m]."""
        return (rows - self.means[side]) @ self.weights[side]


def fit_canonical_variates(
    x: np.ndarray, y: np.ndarray, *, ridge: float, is_square: bool = False
) -> CanonicalVariates:
    """Fits canonical correlation analysis.

    Source: Hotelling, "Relations between two sets of variates", Biometrika 1936.

    Args:
        x: training rows of x, [N, D].
        y: training rows of y, [N, E].
        ridge: added to the diagonal of each covariance, in units of its mean.
        is_square: whether directions without a partner are kept too.

    Returns:
        The `CanonicalVariates`: min(D, E) of both sides, or D and E.
    """
    means = x.mean(axis=0), y.mean(axis=0)
    white_x, white_y = _whitening(x, ridge), _whitening(y, ridge)
    across = (x - means[0]).T @ (y - means[1]) / len(x)
    left, _, right = np.linalg.svd(
        white_x.T @ across @ white_y, full_matrices=is_square
    )
    return CanonicalVariates(means, (white_x @ left, white_y @ right.T))


def fit_independent_rotation(rows: np.ndarray, num_steps: int) -> np.ndarray:
    """Fits the map to uncorrelated coordinates that are independent (FastICA).

    Equal correlations leave canonical variates free to rotate; normal scores of rotated
    coordinates are not jointly normal unless the coordinates were.

    Source: Hyvarinen, "Fast and robust fixed-point algorithms for independent component
        analysis", IEEE Trans. Neural Networks 1999, with the contrast log cosh and
        symmetric decorrelation.

    Args:
        rows: training rows, [N, m].
        num_steps: the most iterations.

    Returns:
        A matrix W for `rows @ W`, [m, m].
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
