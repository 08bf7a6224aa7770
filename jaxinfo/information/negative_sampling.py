"""Negatives: the pairs of a batch that represent the product of the marginals.

Negatives are an array of partners, [N, K]: row i of x is scored with the rows
y[negatives[i]]. They contain no joint pair (i, i). A random permutation contains one on
average, which limits every estimate of a density ratio to about log N.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_one_of, check_rank, check_square
from jaxinfo.core.types import Array, Float, Int, Key

__all__ = [
    "NEGATIVE_SAMPLERS",
    "off_diagonal",
    "roll",
    "sample_derangement",
    "sample_draws",
    "sample_negatives",
    "split_scores",
]


def off_diagonal(num_rows: int) -> Int[Array, "n n-1"]:
    """All other rows as the negatives of each row.

    negatives[i, k] = (i + 1 + k) mod N, so K = N - 1.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019.

    Args:
        num_rows: N, at least 2.

    Returns:
        The partners of each row, [N, N - 1].

    Raises:
        ValueError: if there are fewer than two rows.

    Notes:
        The mean of any function of a score is unbiased, as a U-statistic. The pairs
        share rows, so its variance is that of N rows and not of N (N - 1) independent
        pairs. The log of a mean is biased down by half its relative variance.

    Example:
        >>> off_diagonal(3).tolist()
        [[1, 2], [2, 0], [0, 1]]
    """
    return roll(num_rows, shift=jnp.arange(1, num_rows))


def roll(num_rows: int, *, shift: int | Int[Array, " k"] = 1) -> Int[Array, "n k"]:
    """The row `shift` places further on as the negative of each row.

    negatives[i, k] = (i + shift[k]) mod N.

    Args:
        num_rows: N, at least 2.
        shift: one shift, or one per column, [K]; may be traced. None may be a multiple
            of N.

    Returns:
        The partners of each row, [N, K], with K = 1 for a single shift.

    Raises:
        ValueError: if there are fewer than two rows.

    Notes:
        Unbiased if the order of the rows carries no information. Shuffle rows that are
        ordered by time or class. The cheapest of the samplers.
    """
    _check_rows(num_rows)
    shifts = jnp.atleast_1d(jnp.asarray(shift))
    return (jnp.arange(num_rows)[:, None] + shifts[None]) % num_rows


def sample_derangement(key: Key[Array, ""], num_rows: int) -> Int[Array, "n 1"]:
    """Samples a permutation without fixed points: one random cycle through all rows.

    Source: Letizia et al., "Mutual information estimation via f-divergence and data
        derangements", NeurIPS 2024, section 4, on why derangements are needed.

    Args:
        key: random key.
        num_rows: N, at least 2.

    Returns:
        The partner of each row, [N, 1]; all other rows are equally likely.

    Raises:
        ValueError: if there are fewer than two rows.

    Notes:
        The mean of any function of a score is unbiased. Sampling a cycle needs no
        rejection, unlike a uniform derangement, and each single pair has the same
        distribution under both.
    """
    _check_rows(num_rows)
    cycle = jax.random.permutation(key, num_rows)
    partner = jnp.zeros(num_rows, cycle.dtype).at[cycle].set(jnp.roll(cycle, -1))
    return partner[:, None]


def sample_draws(
    key: Key[Array, ""], num_rows: int, num_negatives: int
) -> Int[Array, "n k"]:
    """Samples K other rows for each row, independently and with replacement.

    Args:
        key: random key.
        num_rows: N, at least 2.
        num_negatives: K.

    Returns:
        The partners of each row, [N, K], each uniform over the other rows.

    Raises:
        ValueError: if there are fewer than two rows.

    Notes:
        The mean of any function of a score is unbiased. Some rows of y are drawn more
        often than others, so its variance is slightly above that of rolls.
    """
    _check_rows(num_rows)
    shift = jax.random.randint(key, (num_rows, num_negatives), 1, num_rows)
    return (jnp.arange(num_rows)[:, None] + shift) % num_rows


def _sample_rolls(key: Array, num_rows: int, num_negatives: int) -> Array:
    """Equally spaced shifts from a random start, which are distinct if K < N."""
    _check_rows(num_rows)
    start = (jax.random.bits(key) % (num_rows - 1)).astype(int)
    spread = jnp.arange(num_negatives) * (num_rows - 1) // num_negatives
    return roll(num_rows, shift=1 + (start + spread) % (num_rows - 1))


def _sample_derangements(key: Array, num_rows: int, num_negatives: int) -> Array:
    """Independent derangements, one per column."""
    keys = jax.random.split(key, num_negatives)
    derangements = jax.vmap(lambda key: sample_derangement(key, num_rows))(keys)
    return derangements[..., 0].T


def _all_others(key: Array, num_rows: int, num_negatives: int) -> Array:
    del key, num_negatives
    return off_diagonal(num_rows)


# Name -> sampler(key, num_rows, num_negatives) -> negatives [N, K].
NEGATIVE_SAMPLERS: dict[str, Callable[[Array, int, int], Array]] = {
    "derangement": _sample_derangements,
    "draws": sample_draws,
    "off_diagonal": _all_others,
    "roll": _sample_rolls,
}


def sample_negatives(
    key: Key[Array, ""], num_rows: int, num_negatives: int, *, name: str = "roll"
) -> Int[Array, "n k"]:
    """Samples negatives with a sampler given by name.

    Args:
        key: random key.
        num_rows: N, at least 2.
        num_negatives: K; ignored by "off_diagonal", for which K = N - 1.
        name: one of `jaxinfo.information.NEGATIVE_SAMPLERS`.

    Returns:
        The partners of each row, [N, K].

    Raises:
        ValueError: if the name is unknown, or there are fewer than two rows.
    """
    check_one_of(NEGATIVE_SAMPLERS, name=name)
    return NEGATIVE_SAMPLERS[name](key, num_rows, num_negatives)


def split_scores(
    scores: Float[Array, "n n"], negatives: Int[Array, "n k"]
) -> tuple[Float[Array, " n"], Float[Array, " n*k"]]:
    """Splits a score matrix into the scores of joint pairs and those of negatives.

    Args:
        scores: scores[i, j] = T(x_i, y_j), [N, N].
        negatives: partners of each row, [N, K].

    Returns:
        scores_p [N], the diagonal, and scores_q [N K], row by row.

    Raises:
        ValueError: if the scores are not a square matrix, or the negatives are not
            [N, K].

    Example:
        >>> scores = jnp.arange(4.0).reshape(2, 2)
        >>> [part.tolist() for part in split_scores(scores, off_diagonal(2))]
        [[0.0, 3.0], [1.0, 2.0]]
    """
    scores, negatives = jnp.asarray(scores), jnp.asarray(negatives)
    check_square(scores=scores)
    check_rank(2, negatives=negatives)
    if len(negatives) != len(scores):
        raise ValueError(
            f"negatives must have a row for each of the {len(scores)} rows of scores, "
            f"got shape {negatives.shape}"
        )
    scores_q = jnp.take_along_axis(scores, negatives, axis=1)
    return jnp.diagonal(scores), scores_q.reshape(-1)


def _check_rows(num_rows: int) -> None:
    if num_rows < 2:
        raise ValueError(f"num_rows must be at least 2, got {num_rows}")
