"""p-values of the hypothesis of independence, for rows of every kind.

They combine statistics of all rows that need no training, which see linear dependence
and fine structure, with held-out scores of the critics of each fold, which see the
dependence that the critics learned.
"""

from collections.abc import Sequence

import jax
import numpy as np

from jaxinfo.core.types import Array, Float, Key
from jaxinfo.estimation.significance.residuals import residuals_given
from jaxinfo.estimation.significance.statistics import (
    ROUNDING,
    correlation_statistics,
    neighbor_graph,
    neighbor_statistics,
    normal_scores,
    principal_directions,
)
from jaxinfo.estimation.significance.surrogates import (
    cells_of,
    closed_stretch,
    draw_orders,
    within_blocks,
)
from jaxinfo.information.scoring import equal_blocks

__all__ = [
    "NUM_PERMUTATIONS",
    "combine_p_values",
    "conditional_independence_p_value",
    "independence_p_value",
    "shifted_scores",
    "transfer_p_value",
]

NUM_PERMUTATIONS = 999
# Graphs of nearest neighbors have at most this many rows.
MAX_GRAPH_ROWS = 1_500
# Larger p-values are combined as this one. A p-value of 0.999 would otherwise cancel
# one of 0.001.
LARGEST = 0.95
# The regression on z has a feature for so many rows, and at most so many features.
ROWS_PER_FEATURE, DEPENDENT_ROWS_PER_FEATURE, MAX_FEATURES = 5, 20, 200


def independence_p_value(
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    shifted: Sequence[Float[np.ndarray, "b m"]] = (),
    *,
    groups: np.ndarray | None = None,
    is_series: bool = False,
) -> float:
    """Computes a p-value of the hypothesis that x and y are independent.

    For each statistic, p = (1 + number of 999 relabelings whose statistic is at least
    that of the data) / 1000. A relabeling pairs the rows of x with other rows of y:
    independent rows are permuted, whole groups are exchanged, and a series is shifted
    in time, circularly, so that x and y each keep their own dependence between rows.
    The statistics are

    - || U' V_pi ||^2, the sum of the squared canonical correlations of the whitened
      normal scores U and V (Pillai's trace);
    - the number of pairs of rows that are nearest neighbors in x and in y;
    - for each fold, if rows are independent: mean_i T(x_i, y_pi(i)) with its critic T.
      A shuffle shifts y inside each block, which does not change the sum of exp(T)
      over all pairs of a block. Except for the choice of negatives, the
      Donsker-Varadhan value therefore changes with this mean only.

    The p-values are combined with equal weights of correlations, neighbors and all
    folds together. Folds whose critic gives all pairs equal scores are left out.

    Source: Phipson and Smyth, "Permutation p-values should never be zero", Stat. Appl.
        Genet. Mol. Biol. 9, 2010; Liu and Xie, "Cauchy combination test", JASA 115,
        2020, for `combine_p_values`; Friedman and Rafsky, "Graph-theoretic measures of
        multivariate association and prediction", Ann. Statist. 11, 1983, for neighbors.

    Args:
        key: random key.
        x: rows of x, [N, D].
        y: rows of y, [N, E].
        shifted: for each fold, `shifted_scores` of its held-out rows; equal shapes.
            Only for independent rows.
        groups: number of the group of each row, [N]; rows of one group depend on each
            other. None if rows are independent.
        is_series: whether the rows are steps in time.

    Returns:
        The p-value, at least 1 / 1000 and at most 0.95. A series of N steps has N - 1
        shifts, so its p-value is at least 1 / N.

    Notes:
        The p-value of each fold is valid, because its critic depends on other folds
        only. The sum over folds would not be a valid statistic: the rows of one fold
        train the critics of another, so its variance is up to twice that for fixed
        critics. Graphs have at most 1,500 random or, for series, evenly spaced rows.
        A series must be stationary, and is cut at both ends so that they fit
        together: see `closed_stretch`.
    """
    # NumPy, because compiling a program for each shape would take longer than this.
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    scores = normal_scores(x), normal_scores(y)
    if groups is None and not is_series:
        rows = generator.permutation(len(x))[equal_blocks(len(x)).rows]
        whitened = (_whiten(one)[rows] for one in scores)
        correlated = _p_value(_shifted_correlations(generator, *whitened))
        near = _neighbor_p_value(generator, *scores)
    else:
        correlated, near = _of_dependent_rows(generator, *scores, groups)
    learned = _p_values_of_folds(generator, shifted)
    share = 1 / max(len(learned), 1)
    return combine_p_values(
        np.array([correlated, near, *learned]),
        np.array([1.0, 1.0, *[share] * len(learned)]),
    )


def conditional_independence_p_value(
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    is_series: bool = False,
) -> float:
    """Computes a p-value of the hypothesis that x and y are independent given z.

    A ridge regression on z predicts the normal scores of x and of y, and the residuals
    are tested as in `independence_p_value`. Residuals of independent rows are permuted
    within cells of 8 to 15 rows with similar z, and rows are neighbors in y if they
    are near each other in the residual of y and in z together, which also detects
    dependence that changes its sign with z. Groups are exchanged and series are
    shifted in time, with neighbors in the residuals only.

    Source: Runge, "Conditional independence testing based on a nearest-neighbor
        estimator of conditional mutual information", AISTATS 2018, for permutations of
        rows with similar z; Shah and Peters, "The hardness of conditional independence
        testing and the generalised covariance measure", Ann. Statist. 48, 2020, for
        residuals.

    Args:
        key: random key.
        x: rows of x, [N, D].
        y: rows of y, [N, E].
        z: rows of z, [N, F].
        groups: number of the group of each row, [N]; rows of one group depend on each
            other. None if rows are independent.
        is_series: whether the rows are steps in time.

    Returns:
        The p-value, as in `independence_p_value`.

    Notes:
        No test of conditional independence is valid for every distribution (Shah and
        Peters, theorem 2). This one needs regressions that predict x and y well, and
        few rows with many coordinates of z can make it reject too often. So can
        series whose memory lasts for a large part of their length: of independent
        autoregressions of 0.99 with 500 steps, 10 to 16 % are rejected at 5 %.
    """
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    given, _ = principal_directions(normal_scores(z))
    num_features = _num_features(given, groups, is_series=is_series)
    sides = [
        residuals_given(generator, normal_scores(side), given, num_features)
        for side in (x, y)
    ]
    scores = normal_scores(sides[0]), normal_scores(sides[1])
    if groups is None and not is_series:
        cells = cells_of(generator, given)
        whitened = (_whiten(one)[cells] for one in scores)
        correlated = _p_value(_shifted_correlations(generator, *whitened))
        near = _conditional_neighbor_p_value(generator, *scores, given)
    else:
        correlated, near = _of_dependent_rows(generator, *scores, groups)
    return combine_p_values(np.array([correlated, near]), np.ones(2))


def transfer_p_value(
    key: Key[Array, ""], source_past: np.ndarray, target: np.ndarray, past: np.ndarray
) -> float:
    """Computes a p-value of the hypothesis that no information is transferred.

    A ridge regression on the past of the target predicts the normal scores of the
    target, and its residuals are compared with circular shifts of the past of the
    source as in `independence_p_value`. The regression does not depend on the source,
    so the shifts are exact up to the join of the ends if the series are independent.

    Source: Vicente et al., "Transfer entropy: a model-free measure of effective
        connectivity for the neurosciences", J. Comput. Neurosci. 30, 2011, for shifts.

    Args:
        key: random key.
        source_past: past of the source at each step, [T, L D].
        target: the target, [T, E].
        past: past of the target, [T, L E].

    Returns:
        The p-value, as in `independence_p_value`.

    Notes:
        A target that drives the source does not make the test reject too often if the
        regression predicts the target well, but it lowers the power. A source that
        only changes the sign of the target's dependence on its own past is not
        detected.
    """
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    given, _ = principal_directions(normal_scores(past))
    num_features = _num_features(given, None, is_series=True)
    residuals = residuals_given(generator, normal_scores(target), given, num_features)
    sides = normal_scores(source_past), normal_scores(residuals)
    return combine_p_values(
        np.array(_of_dependent_rows(generator, *sides, None)), np.ones(2)
    )


def shifted_scores(
    matrices: Float[np.ndarray, "b m m"],
) -> Float[np.ndarray, "b m"]:
    """Sums the scores of the pairs after y is shifted by s rows inside its block.

    sum_i C[i, (i + s) mod m], where C are the scores minus the means of their rows and
    columns, which no shuffle changes. Joint pairs are on the diagonal. The sums are
    exactly 0 if the scores do not depend on how rows are paired.
    """
    own, other = (matrices.mean(axis=axis, keepdims=True) for axis in (2, 1))
    centered = matrices - own - other + matrices.mean(axis=(1, 2), keepdims=True)
    size = matrices.shape[1]
    if centered.std() <= ROUNDING * np.abs(matrices).max():
        return np.zeros((len(matrices), size))
    return centered[:, np.arange(size), _partners(size)].sum(axis=2)


def combine_p_values(p_values: np.ndarray, weights: np.ndarray) -> float:
    """Combines p-values that may depend on each other.

    The result is the tail of a Cauchy distribution at the weighted mean of
    tan((1/2 - p) pi). Equal p-values are returned unchanged, and dependence does not
    affect the tail.

    Source: Liu and Xie, "Cauchy combination test", JASA 115, 2020, eq. 3.
    """
    quantiles = np.tan((0.5 - np.minimum(p_values, LARGEST)) * np.pi)
    return float(0.5 - np.arctan(np.average(quantiles, weights=weights)) / np.pi)


def _p_value(statistics: np.ndarray) -> float:
    """Share of statistics that are at least the first one, which is for the data."""
    rounding = 1e-9 * np.abs(statistics).max()
    # Negated, so that NaN counts against a rejection.
    return float(np.mean(~(statistics < statistics[0] - rounding)))


def _partners(size: int) -> np.ndarray:
    """Row of y that is paired with each row of x after each shift, [m, m]."""
    return np.add.outer(np.arange(size), np.arange(size)) % size


def _draw_shifts(
    generator: np.random.Generator, num_blocks: int, size: int
) -> np.ndarray:
    """Zero, then `NUM_PERMUTATIONS` random shifts, for each block, [B, 1 + P]."""
    shifts = generator.integers(size, size=(num_blocks, 1 + NUM_PERMUTATIONS))
    shifts[:, 0] = 0
    return shifts


def _shifted_sums(generator: np.random.Generator, tables: np.ndarray) -> np.ndarray:
    """Sums over the blocks of each fold, [K, 1 + P], from tables [K, B, m]."""
    shifts = _draw_shifts(generator, *tables.shape[1:])
    return np.take_along_axis(tables, shifts[None], axis=2).sum(axis=1)


def _shifted_correlations(
    generator: np.random.Generator, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """|| U' V_pi ||^2 for each shuffle, [1 + P], from blocks [B, m, r], [B, m, q]."""
    num_blocks, size, _ = u.shape
    shifts = _draw_shifts(generator, num_blocks, size)
    partners = _partners(size)
    total = np.zeros((shifts.shape[1], u.shape[2], v.shape[2]))
    for left, right, own in zip(u, v, shifts, strict=True):
        total += (left.T @ right[partners])[own]
    return np.sum(total**2, axis=(1, 2))


def _p_values_of_folds(
    generator: np.random.Generator, shifted: Sequence[np.ndarray]
) -> list[float]:
    """A p-value for each fold whose critic distinguishes pairs."""
    if not len(shifted):
        return []
    sums = _shifted_sums(generator, np.stack(shifted))
    return [_p_value(s) for s, table in zip(sums, shifted, strict=True) if table.any()]


def _whiten(scores: np.ndarray) -> np.ndarray:
    """Leading principal components with variance 1, [N, r]."""
    components, variances = principal_directions(scores)
    return components / np.sqrt(variances)


def _of_dependent_rows(
    generator: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray | None,
) -> tuple[float, float]:
    """p-values of correlations and of neighbors, for groups or, if None, a series."""
    is_series = groups is None
    if is_series:
        stretch = closed_stretch(np.hstack([x, y]))
        x, y = normal_scores(x[stretch]), normal_scores(y[stretch])
    orders = draw_orders(
        generator, len(x), NUM_PERMUTATIONS, groups=groups, is_series=is_series
    )
    return (
        _p_value(correlation_statistics(_whiten(x), _whiten(y), orders)),
        _neighbor_p_value(generator, x, y, groups=groups, is_series=is_series),
    )


def _neighbor_p_value(
    generator: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    is_series: bool = False,
) -> float:
    rows = _rows_of_graph(generator, len(x), groups, is_series=is_series)
    if groups is not None:
        groups = np.unique(groups[rows], return_inverse=True)[1]
    sides = [principal_directions(side)[0][rows] for side in (x, y)]
    if not all(side.shape[1] for side in sides):
        return 1.0
    x_graph, y_graph = (neighbor_graph(generator, side, groups) for side in sides)
    orders = draw_orders(
        generator, len(rows), NUM_PERMUTATIONS, groups=groups, is_series=is_series
    )
    return _p_value(neighbor_statistics(x_graph, y_graph, orders))


def _num_features(z: np.ndarray, groups: np.ndarray | None, *, is_series: bool) -> int:
    """Number of features of z in the regression, for the effective number of rows.

    The residuals of x and of y are both orthogonal to what the regression fits, and
    after a shift or an exchange of groups they are not. Too many features for the
    number of independent rows therefore make the test reject too often.
    """
    if groups is None and not is_series:
        return min(MAX_FEATURES, len(z) // ROWS_PER_FEATURE)
    if groups is not None:
        num_effective = float(groups.max() + 1)
    else:
        # The variance of the mean product of two series with this autocorrelation.
        persistence = np.sum(z[1:] * z[:-1]) / max(np.sum(z**2), ROUNDING)
        num_effective = len(z) * (1 - persistence**2) / (1 + persistence**2)
    return min(MAX_FEATURES, int(num_effective / DEPENDENT_ROWS_PER_FEATURE))


def _rows_of_graph(
    generator: np.random.Generator,
    num_rows: int,
    groups: np.ndarray | None,
    *,
    is_series: bool,
) -> np.ndarray:
    """At most `MAX_GRAPH_ROWS` rows: evenly spaced steps, whole groups, or random."""
    if num_rows <= MAX_GRAPH_ROWS:
        return np.arange(num_rows)
    if is_series:
        return np.arange(0, num_rows, -(-num_rows // MAX_GRAPH_ROWS))
    order = generator.permutation(num_rows)
    if groups is not None:
        order = np.argsort(generator.permutation(groups.max() + 1)[groups])
    return order[:MAX_GRAPH_ROWS]


def _conditional_neighbor_p_value(
    generator: np.random.Generator, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> float:
    rows = generator.permutation(len(x))[:MAX_GRAPH_ROWS]
    rows = rows[cells_of(generator, z[rows])]
    flat = rows.ravel()
    left, right = (principal_directions(side)[0][flat] for side in (x, y))
    if not (left.shape[1] and right.shape[1]):
        return 1.0
    x_graph = neighbor_graph(generator, left)
    y_graph = neighbor_graph(generator, np.hstack([right, z[flat]]))
    blocks = np.arange(rows.size).reshape(rows.shape)
    orders = within_blocks(generator, blocks, NUM_PERMUTATIONS)
    return _p_value(neighbor_statistics(x_graph, y_graph, orders))
