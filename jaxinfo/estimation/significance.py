"""A permutation test of independence for the default estimator.

It combines two statistics: held-out scores of the critics of each fold, which detect
the dependence that the critics learned, and correlations of normal scores of all rows,
which detect linear dependence even if the critics learned nothing.
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
# Correlations use at most this many evenly spaced coordinates, and at most this many of
# their leading principal directions.
MAX_COORDINATES, MAX_DIRECTIONS = 64, 16
# Relative size below which scores and variances are rounding errors.
ROUNDING = 1e-5


def independence_p_value(
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    shifted: Sequence[Float[np.ndarray, "b m"]],
) -> float:
    """Computes a p-value of the hypothesis that x and y are independent.

    A shuffle shifts y inside each block of rows by a random number of rows; these
    shifts form a group of permutations. For each statistic, p = (1 + number of 999
    shuffles whose statistic is at least that of the data) / 1000. The statistics are

    - for each fold: mean_i T(x_i, y_pi(i)) with its critic T. A shuffle does not change
      the sum of exp(T) over all pairs of a block. Except for the choice of negatives,
      the Donsker-Varadhan value therefore changes with this mean only.
    - for all rows: || U' V_pi ||^2, the sum of the squared canonical correlations of
      the whitened normal scores U and V (Pillai's trace). It also replaces the
      statistic of a fold whose critic gives all pairs equal scores.

    The p-values are combined, with half of the weight on the folds and half on the
    correlations.

    Source: Phipson and Smyth, "Permutation p-values should never be zero", Stat. Appl.
        Genet. Mol. Biol. 9, 2010; Liu and Xie, "Cauchy combination test", JASA 115,
        2020, for `combine_p_values`.

    Args:
        key: random key.
        x: rows of x, [N, D].
        y: rows of y, [N, E].
        shifted: for each fold, `shifted_scores` of its held-out rows; equal shapes.

    Returns:
        The p-value, between 1 / 1000 and 1.

    Notes:
        Rows must be independent of each other. The p-value of each fold is valid,
        because its critic depends on other folds only. The sum over folds would not be
        a valid statistic: the rows of one fold train the critics of another, so its
        variance is up to twice that for fixed critics.
    """
    # NumPy, because compiling a program for each shape would take longer than this.
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
    # A p-value of 1 would have infinite weight.
    below_one = np.minimum(p_values, 1 - 1 / (1 + NUM_PERMUTATIONS))
    quantiles = np.tan((0.5 - below_one) * np.pi)
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


def _whitened(rows: np.ndarray) -> np.ndarray:
    """Leading principal components of normal scores, with variance 1, [N, r]."""
    num_rows, size = rows.shape
    spread = np.linspace(0, size - 1, min(size, MAX_COORDINATES)).astype(int)
    scores = ndtri(rankdata(rows[:, spread], axis=0) / (num_rows + 1))
    scores -= scores.mean(axis=0)
    variances, directions = np.linalg.eigh(scores.T @ scores / num_rows)
    kept = variances > 1e-9 * max(variances[-1], ROUNDING)
    kept[:-MAX_DIRECTIONS] = False
    return scores @ directions[:, kept] / np.sqrt(variances[kept])
