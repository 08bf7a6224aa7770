"""Relations without noise, for which the information of continuous variables diverges.

N rows cannot tell such a relation from one whose noise is smaller than the distance
between neighboring rows, so both are reported alike.
"""

from typing import Any

import numpy as np
from scipy.spatial import KDTree
from scipy.stats import rankdata

from jaxinfo.data.containers import Table

__all__ = ["continuous_columns", "is_determined_by", "relation_without_noise"]

# A standardized column with less residual variance is a linear function of others.
MAX_RESIDUAL = 1e-10
# Neighbors are searched in at most this many dimensions.
MAX_COORDINATES = 5
NUM_NEIGHBORS, MAX_ROWS = 8, 4_000
# Differences of y between neighbors in x grow as a power of their distance, with the
# exponent 1 without noise and 0 with noise.
MIN_EXPONENT = 0.5
# Without noise, closest neighbors differ by less than this share of all rows.
MAX_DIFFERENCE = 0.1
# A relation that only holds for a part of the rows: a neighbor in x is the closest or
# second closest row in y at least this often, and this many times as often as a smooth
# distribution with the same upper quartile of differences allows.
MIN_SHARE, MIN_EXCESS = 0.1, 5.0
# Below this share of distinct values a column is rounded, and its entropy is finite.
MIN_DISTINCT = 0.9


def relation_without_noise(x: Table, y: Table) -> str | None:
    """Describes a relation of x and y that shows no noise, if there is one.

    Args:
        x: rows of x.
        y: rows of y.

    Returns:
        A sentence, or None. Labels and rounded values have finite entropy, so variables
        with such columns only are never described.
    """
    numbers = continuous_columns(x), continuous_columns(y)
    if not all(side.shape[1] for side in numbers):
        return None
    directions = ((("y", "x"), numbers), (("x", "y"), numbers[::-1]))
    for find in (_linear_relation, _relation_of_neighbors):
        for names, sides in directions:
            found = find(*sides)
            if found is not None:
                return found.format(*names)
    return None


def is_determined_by(x: Table, z: Table) -> bool:
    """Whether every coordinate of x is exactly a function of z.

    Linear functions are recognized, and functions of rows of z that occur repeatedly,
    such as labels.
    """
    if _residuals(z.flat, x.flat).max() < MAX_RESIDUAL:
        return True
    counts = np.unique(z.flat, axis=0, return_counts=True)[1]
    if counts[counts > 1].sum() < MIN_DISTINCT * len(z):
        return False  # Rows of z hardly repeat.
    together = np.unique(np.hstack([z.flat, x.flat]), axis=0)
    return len(together) == len(counts)


def continuous_columns(table: Table) -> np.ndarray:
    """Columns of numbers whose values are mostly distinct, [N, C]."""
    columns = [
        column
        for column, is_label in zip(table.flat.T, table.is_label, strict=True)
        if not is_label and len(np.unique(column)) > MIN_DISTINCT * len(column)
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(table), 0))


def _residuals(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Residual variance of each standardized column of y given x, by least squares."""
    x, y = _standardized(x), _standardized(y)
    if len(x) < 2 * (x.shape[1] + 1):
        return np.ones(y.shape[1])  # As many coefficients as rows fit anything.
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return (rest**2).mean(axis=0)


def _standardized(rows: np.ndarray) -> np.ndarray:
    # Squares of huge values would overflow.
    rows = rows / np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)
    deviation = rows.std(axis=0)
    return (rows - rows.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def _linear_relation(x: np.ndarray, y: np.ndarray) -> str | None:
    """A linear relation of y to x, with places for both names."""
    if _residuals(x, y).min() < MAX_RESIDUAL:
        return "{0} has a coordinate that is a linear function of {1}"
    return None


def _relation_of_neighbors(x: np.ndarray, y: np.ndarray) -> str | None:
    """A relation of y to x that shows in neighbors, with places for both names."""
    if max(x.shape[1], y.shape[1]) > MAX_COORDINATES or len(x) <= 10 * NUM_NEIGHBORS:
        return None
    kept = np.linspace(0, len(x) - 1, min(len(x), MAX_ROWS)).astype(int)
    x, y = x[kept], y[kept]
    ranks_x, ranks_y = (rankdata(side, axis=0) / len(side) for side in (x, y))
    found: Any = KDTree(ranks_x).query(ranks_x, k=NUM_NEIGHBORS + 1)
    distances, rows = (part[:, 1:] for part in found)
    differences = np.abs(ranks_y[:, None] - ranks_y[rows]).max(axis=2)
    # Within the neighbors of a row, because both grow where rows are sparse.
    near, apart = (
        (logs := np.log(part + 1 / len(x))) - logs.mean(axis=1, keepdims=True)
        for part in (distances, differences)
    )
    exponent = np.sum(near * apart) / np.sum(near**2)
    is_close = np.median(differences[:, 0]) < MAX_DIFFERENCE
    if exponent > MIN_EXPONENT and is_close:
        return "{0} shows no noise beside a function of {1}"
    steps = differences[:, 0] * len(x)
    share, quartile = (steps <= 2.5).mean(), np.quantile(steps, 0.75)
    if share > MIN_SHARE and share > MIN_EXCESS * 2.5 / quartile:
        return "for a part of the rows {0} shows no noise beside a function of {1}"
    return None
