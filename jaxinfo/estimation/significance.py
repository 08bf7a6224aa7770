"""A p-value of independence from shuffled pairs.

Two statistics take part. The critics of each fold score rows that they never saw; they
find whatever they learned. The correlations of normal scores, computed anew for every
shuffle, use all rows and find linear dependence, also if the critics learned nothing.
"""

from collections.abc import Sequence

import jax
import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from jaxinfo.core.types import Array, Float, Key
from jaxinfo.information.scoring import equal_blocks

__all__ = [
    "NUM_PERMUTATIONS",
    "combine_p_values",
    "independence_p_value",
    "shifted_scores",
]

NUM_PERMUTATIONS = 999
# Correlations of so many leading directions of so many coordinates, evenly spread.
MAX_DIRECTIONS, MAX_COORDINATES = 16, 64
# Relative size below which scores and variances are rounding errors.
ROUNDING = 1e-5


def independence_p_value(
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    shifted: Sequence[Float[np.ndarray, "b m"]],
) -> float:
    """A p-value of the hypothesis that x and y are independent.

    Shuffles are independent shifts of y inside blocks of rows, a group of permutations,
    and p = (1 + number of 999 shuffles that score at least what the pairs do) / 1000
    for

    - each fold: mean_i T(x_i, y_pi(i)) under its critic T. The sum of exp(T) over all
      pairs of a block stays the same, so apart from which pairs count as negatives the
      Donsker-Varadhan value moves with this mean alone.
    - all rows: || U' V_pi ||^2, the sum of the squared canonical correlations of the
      whitened normal scores U and V (Pillai's trace). It also replaces the statistic of
      a fold whose critic scores all pairs alike, for which every shuffle would tie.

    Half of the weight goes to the folds, half to the correlations.

    Source: Phipson and Smyth, "Permutation p-values should never be zero", Stat. Appl.
        Genet. Mol. Biol. 9, 2010; Liu and Xie, "Cauchy combination test", JASA 115,
        2020, for `combine_p_values`.

    Args:
        key: random key.
        x: rows of x, [N, D].
        y: rows of y, [N, E].
        shifted: of each fold, `shifted_scores` of rows that its critic never saw; all
            of one shape.

    Returns:
        The p-value, between 1 / 1000 and 1.

    Notes:
        Rows must be independent of each other. Each p-value is valid by itself: a
        fold's critic is fixed given the other folds. The sum over folds is not a valid
        statistic: the pairs of one fold trained the critics of another, so it has up to
        twice the variance that fixed critics would give it.
    """
    # On the host: a program for each shape would take longer to compile than to run.
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    rows = generator.permutation(len(x))[equal_blocks(len(x)).rows]
    left, right = (_whitened(side)[rows] for side in (x, y))
    correlated = _p_value(_shifted_correlations(generator, left, right))
    by_fold = _shifted_sums(generator, np.stack(shifted))
    learned = [
        _p_value(sums) if table.any() else correlated
        for sums, table in zip(by_fold, shifted, strict=True)
    ]
    weights = np.append(np.ones(len(learned)), len(learned))
    return combine_p_values(np.append(learned, correlated), weights)


def shifted_scores(
    matrices: Float[np.ndarray, "b m m"],
) -> Float[np.ndarray, "b m"]:
    """Sums of joint scores after y is shifted by s rows inside its block.

    sum_i C[i, (i + s) mod m], C the scores without the means of their rows and columns,
    which no shuffle changes.

    Joint pairs are on the diagonal. The sums are exactly 0 if the scores do not depend
    on how rows are paired.
    """
    own, other = (matrices.mean(axis=axis, keepdims=True) for axis in (2, 1))
    centered = matrices - own - other + matrices.mean(axis=(1, 2), keepdims=True)
    size = matrices.shape[1]
    if centered.std() <= ROUNDING * np.abs(matrices).max():
        return np.zeros((len(matrices), size))
    return centered[:, np.arange(size), _partners(size)].sum(axis=2)


def combine_p_values(p_values: np.ndarray, weights: np.ndarray) -> float:
    """One p-value from several that may depend on each other.

    The tail of a Cauchy distribution at the weighted mean of tan((1/2 - p) pi): equal
    p-values give the same again, and in the tail dependence does not matter.

    Source: Liu and Xie, "Cauchy combination test", JASA 115, 2020, eq. 3.
    """
    # A p-value of 1 would outweigh all the others.
    below_one = np.minimum(p_values, 1 - 1 / (1 + NUM_PERMUTATIONS))
    quantiles = np.tan((0.5 - below_one) * np.pi)
    return float(0.5 - np.arctan(np.average(quantiles, weights=weights)) / np.pi)


def _p_value(statistics: np.ndarray) -> float:
    """Share of statistics that reach the first, which is that of the pairs as given."""
    rounding = 1e-9 * np.abs(statistics).max()
    # Negated, so that NaN counts against a rejection.
    return float(np.mean(~(statistics < statistics[0] - rounding)))


def _partners(size: int) -> np.ndarray:
    """Which row of y is paired with each row of x after each shift, [m, m]."""
    return np.add.outer(np.arange(size), np.arange(size)) % size


def _draw_shifts(
    generator: np.random.Generator, num_blocks: int, size: int
) -> np.ndarray:
    """No shift, then `NUM_PERMUTATIONS` random ones, for each block, [B, 1 + P]."""
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


def _whitened(rows: np.ndarray) -> np.ndarray:
    """Normal scores in their leading directions, each of variance 1, [N, r]."""
    num_rows, size = rows.shape
    spread = np.linspace(0, size - 1, min(size, MAX_COORDINATES)).astype(int)
    scores = ndtri(rankdata(rows[:, spread], axis=0) / (num_rows + 1))
    scores -= scores.mean(axis=0)
    variances, directions = np.linalg.eigh(scores.T @ scores / num_rows)
    kept = variances > 1e-9 * max(variances[-1], ROUNDING)
    kept[:-MAX_DIRECTIONS] = False
    return scores @ directions[:, kept] / np.sqrt(variances[kept])
