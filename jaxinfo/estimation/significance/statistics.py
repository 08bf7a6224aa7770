"""Statistics of dependence that need no training, for many relabelings of the rows.

A relabeling is an array of row numbers [N]: row i of x is paired with row `order[i]` of
y. The statistics are computed for relabelings of fixed arrays, so each takes little.
"""

from collections.abc import Iterable

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import ndtri
from scipy.stats import rankdata

from jaxinfo.core.types import Bool, Float

__all__ = [
    "correlation_statistics",
    "neighbor_graph",
    "neighbor_statistics",
    "normal_scores",
    "principal_directions",
]

# Correlations use at most this many evenly spaced coordinates, and at most this many of
# their leading principal directions.
MAX_COORDINATES, MAX_DIRECTIONS = 64, 16
# Relative size below which scores and variances are rounding errors.
ROUNDING = 1e-5
# Few neighbors see fine structure, many have more power for coarse structure. Of 4, 8,
# 16 and 32, this number was never far from the best on sines, circles, checkerboards
# and products of signs.
NUM_NEIGHBORS = 16
# Ties are broken by noise of this size, in standard deviations.
JITTER = 1e-6


def correlation_statistics(
    u: Float[np.ndarray, "n r"],
    v: Float[np.ndarray, "n q"],
    orders: Iterable[np.ndarray],
) -> Float[np.ndarray, " p"]:
    """|| U' V_order ||^2 for each relabeling, [P].

    For whitened rows this is the sum of the squared canonical correlations, times N^2.

    Source: Pillai, "Some new test criteria in multivariate analysis", Ann. Math.
        Statist. 26, 1955.
    """
    return np.array([np.sum((u.T @ v[order]) ** 2) for order in orders])


def neighbor_graph(
    generator: np.random.Generator,
    rows: Float[np.ndarray, "n d"],
    groups: np.ndarray | None = None,
) -> Bool[np.ndarray, "n n"]:
    """Which rows are among the nearest neighbors of each other, either way.

    Args:
        generator: breaks ties at random.
        rows: the rows, [N, D].
        groups: number of the group of each row, [N]; rows of one group are not
            neighbors. None if rows are independent.

    Returns:
        The symmetric matrix of the graph, [N, N].
    """
    spread = rows.std(axis=0)
    rows = rows + JITTER * spread * generator.normal(size=rows.shape)
    distances = cdist(rows, rows, "sqeuclidean")
    np.fill_diagonal(distances, np.inf)
    if groups is not None:
        distances[groups[:, None] == groups] = np.inf
    nearest = min(NUM_NEIGHBORS, len(rows) - 1) - 1
    radii = np.partition(distances, nearest, axis=1)[:, nearest]
    graph = (distances <= radii[:, None]) & np.isfinite(distances)
    return graph | graph.T


def neighbor_statistics(
    x_graph: Bool[np.ndarray, "n n"],
    y_graph: Bool[np.ndarray, "n n"],
    orders: Iterable[np.ndarray],
) -> Float[np.ndarray, " p"]:
    """Number of pairs of rows that are neighbors in x and in y, per relabeling, [P].

    Source: Friedman and Rafsky, "Graph-theoretic measures of multivariate association
        and prediction", Ann. Statist. 11, 1983, the statistic Gamma_1 with graphs of
        nearest neighbors.
    """
    one, other = np.nonzero(np.triu(x_graph))
    flat, size = y_graph.ravel(), len(y_graph)
    return np.array(
        [
            float(np.count_nonzero(flat[order[one] * size + order[other]]))
            for order in orders
        ]
    )


def normal_scores(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Normal scores of at most 64 evenly spaced coordinates, with mean 0, [N, D]."""
    num_rows, size = rows.shape
    spread = np.linspace(0, size - 1, min(size, MAX_COORDINATES)).astype(int)
    scores = ndtri(rankdata(rows[:, spread], axis=0) / (num_rows + 1))
    return scores - scores.mean(axis=0)


def principal_directions(
    scores: Float[np.ndarray, "n d"], most: int = MAX_DIRECTIONS
) -> tuple[Float[np.ndarray, "n r"], Float[np.ndarray, " r"]]:
    """Leading principal components of centered rows, [N, r], and their variances."""
    variances, directions = np.linalg.eigh(scores.T @ scores / len(scores))
    kept = variances > 1e-9 * max(variances[-1], ROUNDING)
    kept[:-most] = False
    return scores @ directions[:, kept], variances[kept]
