"""Checks, splits and standardizes the arrays that users pass."""

import os
import sys
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxinfo.core.types import Array, Key

__all__ = [
    "Standardization",
    "check_row_counts",
    "check_same_rows",
    "fit_standardization",
    "is_traced",
    "split_rows",
    "warn",
]

LIBRARY = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")

# Fewer rows are too few to train, to select a model or to compute a standard error.
MIN_ROWS = 8


def is_traced(*trees: Any) -> bool:
    """Whether any leaf is traced, so that NumPy cannot read it."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


class Standardization(NamedTuple):
    """Shift and scale of each coordinate, fitted on training rows.

    Attributes:
        mean: mean of each coordinate, [...].
        scale: standard deviation of each coordinate, 1 if that is zero, [...].
    """

    mean: np.ndarray
    scale: np.ndarray

    def apply(self, rows: Any) -> Array:
        """Returns the rows in standard deviations, in JAX's default precision."""
        if is_traced(rows, self):
            return (jnp.asarray(rows) - self.mean) / self.scale
        # In float64, because differences of large numbers lose digits in float32, and
        # divided by a power of two, so that differences do not overflow.
        unit = _exponent(np.maximum(np.abs(self.mean), self.scale))
        rows, mean, scale = (
            np.ldexp(np.asarray(part, float), -unit)
            for part in (rows, self.mean, self.scale)
        )
        return jnp.asarray((rows - mean) / scale, dtype=float)


def fit_standardization(rows: np.ndarray) -> Standardization:
    """Fits shift and scale, which leave the information unchanged.

    Args:
        rows: training rows, [N, ...].

    Returns:
        The `Standardization`.
    """
    largest = np.abs(rows).max(axis=0)
    unit = _exponent(largest)
    scaled = np.ldexp(rows, -unit)  # Squares of numbers beyond 1e154 overflow.
    scale = np.ldexp(scaled.std(axis=0), unit)
    # The standard deviation of a constant is rounding error and must not be a scale.
    rounding = 8 * np.finfo(rows.dtype).eps * largest
    mean = np.ldexp(scaled.mean(axis=0), unit)
    return Standardization(mean, np.where(scale > rounding, scale, 1.0))


def _exponent(numbers: np.ndarray) -> np.ndarray:
    """The exponent of the power of two above each positive number; 0 for 0."""
    return np.frexp(numbers)[1]


def check_same_rows(x: Any, y: Any) -> None:
    """Raises ValueError unless x and y have the same number of rows."""
    check_row_counts(x=x, y=y)


def check_row_counts(**samples: Any) -> None:
    """Raises ValueError unless all named samples have the same number of rows."""
    (first, rows), *others = samples.items()
    for name, other in others:
        if len(other) != len(rows):
            raise ValueError(
                f"{first} and {name} must have the same number of rows, got "
                f"{len(rows)} and {len(other)}"
            )


def warn(messages: list[str]) -> None:
    """Issues each message as a UserWarning at the line that called the library."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARY):
        level, frame = level + 1, frame.f_back
    for message in messages:
        warnings.warn(message, UserWarning, stacklevel=level)


def split_rows(
    key: Key[Array, ""],
    num_rows: int,
    split: tuple[float, float, float],
    clusters: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits shuffled rows into training, validation and test rows.

    Args:
        key: random key.
        num_rows: N.
        split: shares of training, validation and test rows, with a sum of at most 1.
        clusters: number of the cluster of each row, [N]; a cluster stays in one part.
            None if the rows are independent.

    Returns:
        Row numbers of the three parts.

    Raises:
        ValueError: if the shares are invalid or a part would be too small.
    """
    shares = np.asarray(split, dtype=float)
    if shares.shape != (3,) or not (shares > 0).all() or shares.sum() > 1 + 1e-9:
        raise ValueError(
            "split must be three positive shares (train, validation, test) adding up "
            f"to at most 1, got {split}"
        )
    ends = np.floor(np.cumsum(shares) * num_rows + 1e-9).astype(int)
    sizes = np.diff(ends, prepend=0)
    if sizes.min() < MIN_ROWS:
        raise ValueError(
            f"split gives parts of {sizes.tolist()} rows from {num_rows}: each needs "
            f"at least {MIN_ROWS}, so give more rows"
        )
    order = np.asarray(jax.random.permutation(key, num_rows))
    if clusters is not None:
        return _split_clusters(order, clusters, ends)
    train, validation, test, _ = np.split(order, ends)
    return train, validation, test


def _split_clusters(
    order: np.ndarray, clusters: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Assigns whole clusters to the parts, in the order of their first rows."""
    first = {int(cluster): None for cluster in clusters[order]}
    sizes = np.bincount(clusters)[list(first)]
    # A cluster belongs to the part in which its middle lies.
    middles = np.cumsum(sizes) - sizes / 2
    part_of = np.full(int(clusters.max()) + 1, 3)
    part_of[list(first)] = np.searchsorted(ends, middles, side="right")
    parts = [order[part_of[clusters[order]] == part] for part in range(3)]
    smallest = min(map(len, parts))
    if smallest < MIN_ROWS:
        raise ValueError(
            f"split leaves {smallest} rows for a part of whole groups: each needs at "
            f"least {MIN_ROWS}, so give more groups"
        )
    return parts[0], parts[1], parts[2]
