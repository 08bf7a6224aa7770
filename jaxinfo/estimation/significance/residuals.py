"""Residuals of one variable given another, by a ridge regression."""

import numpy as np

from jaxinfo.core.types import Float

__all__ = ["residuals_given"]

BANDWIDTHS = (2.0, 0.6, 0.2)  # In standard deviations of a coordinate of z.
PENALTIES = np.logspace(-6, 1, 15)  # Relative to the number of rows.


def residuals_given(
    generator: np.random.Generator,
    rows: Float[np.ndarray, "n d"],
    given: Float[np.ndarray, "n e"],
    num_features: int,
) -> Float[np.ndarray, "n d"]:
    """Subtracts from each column what a smooth function of z predicts, [N, D].

    The function is linear in z and in random Fourier features of z. Generalized
    cross-validation selects their bandwidth and the ridge penalty of each column.

    Source: Rahimi and Recht, "Random features for large-scale kernel machines", NeurIPS
        2007; Golub, Heath and Wahba, "Generalized cross-validation as a method for
        choosing a good ridge parameter", Technometrics 21, 1979.

    Args:
        generator: draws the features.
        rows: centered rows, [N, D].
        given: centered normal scores of z, [N, E].
        num_features: number of random Fourier features.

    Returns:
        The residuals, [N, D].
    """
    size = given.shape[1]
    frequencies = generator.normal(size=(size, num_features)) / np.sqrt(size)
    phases = generator.uniform(0, 2 * np.pi, num_features)
    best, fitted = np.full(rows.shape[1], np.inf), np.zeros_like(rows)
    for bandwidth in BANDWIDTHS:
        cosines = np.cos(given @ frequencies / bandwidth + phases)
        features = np.hstack([given, cosines - cosines.mean(axis=0)])
        errors, predicted = _ridge(features, rows)
        is_better = errors < best
        best = np.where(is_better, errors, best)
        fitted[:, is_better] = predicted[:, is_better]
    return rows - fitted


def _ridge(features: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest generalized cross-validation error of each column, and its fit."""
    num_rows = len(features)
    variances, directions = np.linalg.eigh(features.T @ features / num_rows)
    variances = np.maximum(variances, 0)
    moments = directions.T @ (features.T @ rows) / num_rows  # [F, D]
    total = np.mean(rows**2, axis=0)
    shrunk = 1 / (variances[:, None] + PENALTIES)  # [F, P]
    kept = variances[:, None] * shrunk
    explained = (2 * shrunk - kept * shrunk).T @ moments**2  # [P, D]
    degrees = kept.sum(axis=0)[:, None] + 1
    errors = (total - explained) / (1 - np.minimum(degrees / num_rows, 0.9)) ** 2
    chosen = errors.argmin(axis=0)
    coefficients = directions @ (shrunk[:, chosen] * moments)
    return errors.min(axis=0), features @ coefficients
