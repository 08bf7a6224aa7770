"""Which pairs of a batch stand for the product of the marginals.

A negatives is an array of partners, [N, K]: row i of x is scored with y[negatives[i, k]].
All of them leave out the joint pairs (i, i): a plain random permutation keeps one of
them on average, and with it every ratio estimate stays under about log N.
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
    """Every pair of different rows.

    partner[i, k] = (i + 1 + k) mod N, so K = N - 1.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019.

    Args:
        num_rows: N, at least 2.

    Returns:
        The partners of each row.

    Raises:
        ValueError: where there are fewer than two rows.

    Notes:
        Bias: unbiased for E_q of any function of a score, as a U-statistic; the pairs
        share rows, so its variance is that of N rows and not of N (N - 1) draws. A log
        of the average is biased down by half its relative variance.

    Example:
        >>> off_diagonal(3).tolist()
        [[1, 2], [2, 0], [0, 1]]
    """
    return roll(num_rows, shift=jnp.arange(1, num_rows))


def roll(num_rows: int, *, shift: int | Int[Array, " k"] = 1) -> Int[Array, "n k"]:
    """Each row with the one `shift` places on.

    partner[i, k] = (i + shift[k]) mod N.

    Args:
        num_rows: N, at least 2.
        shift: places, not a multiple of N; may be traced, one for each column.

    Returns:
        The partners of each row, K = 1 for one shift.

    Raises:
        ValueError: where there are fewer than two rows.

    Notes:
        Bias: none where the order of the rows carries no information; rows in the
        order of time or of class bias it, so shuffle before. Cheapest of all.
    """
    _check_rows(num_rows)
    shifts = jnp.atleast_1d(jnp.asarray(shift))
    return (jnp.arange(num_rows)[:, None] + shifts) % num_rows


def sample_derangement(key: Key[Array, ""], num_rows: int) -> Int[Array, "n 1"]:
    """A random permutation without fixed points: one cycle through all rows.

    Source: the need for it, Letizia et al., "Mutual information estimation via
        f-divergence and data derangements", NeurIPS 2024, section 4.

    Args:
        key: random key.
        num_rows: N, at least 2.

    Returns:
        The partner of each row; every partner i != j equally likely.

    Raises:
        ValueError: where there are fewer than two rows.

    Notes:
        Bias: none for E_q. A random cycle needs no rejection, unlike a uniform
        derangement, and each single pair has the same law.
    """
    _check_rows(num_rows)
    cycle = jax.random.permutation(key, num_rows)
    partner = jnp.zeros(num_rows, cycle.dtype).at[cycle].set(jnp.roll(cycle, -1))
    return partner[:, None]


def sample_draws(
    key: Key[Array, ""], num_rows: int, num_negatives: int
) -> Int[Array, "n k"]:
    """K independent draws of another row for each row.

    Args:
        key: random key.
        num_rows: N, at least 2.
        num_negatives: K.

    Returns:
        The partners of each row, each uniform over the other rows.

    Raises:
        ValueError: where there are fewer than two rows.

    Notes:
        Bias: none for E_q; some rows of y come up more often than others, so the
        variance is a little above that of rolls.
    """
    _check_rows(num_rows)
    shift = jax.random.randint(key, (num_rows, num_negatives), 1, num_rows)
    return (jnp.arange(num_rows)[:, None] + shift) % num_rows


def _sample_rolls(key: Array, num_rows: int, num_negatives: int) -> Array:
    # Equally spaced shifts from a random start: distinct whenever K < N.
    _check_rows(num_rows)
    start = (jax.random.bits(key) % (num_rows - 1)).astype(int)
    spread = jnp.arange(num_negatives) * (num_rows - 1) // num_negatives
    return roll(num_rows, shift=1 + (start + spread) % (num_rows - 1))


NEGATIVE_SAMPLERS: dict[str, Callable[[Array, int, int], Array]] = {
    "derangement": lambda key, n, k: jax.vmap(
        sample_derangement, in_axes=(0, None), out_axes=1
    )(jax.random.split(key, k), n)[..., 0],
    "draws": sample_draws,
    "off_diagonal": lambda key, n, k: off_diagonal(n),
    "roll": _sample_rolls,
}


def sample_negatives(
    key: Key[Array, ""], num_rows: int, num_negatives: int, *, name: str = "roll"
) -> Int[Array, "n k"]:
    """The negatives of this name.

    Args:
        key: random key.
        num_rows: N, at least 2.
        num_negatives: K; "off_diagonal" has K = N - 1 whatever this says.
        name: one of `NEGATIVE_SAMPLERS`.

    Returns:
        The partners of each row.

    Raises:
        ValueError: where the name is unknown or there are fewer than two rows.
    """
    check_one_of(NEGATIVE_SAMPLERS, name=name)
    return NEGATIVE_SAMPLERS[name](key, num_rows, num_negatives)


def split_scores(
    scores: Float[Array, "n n"], negatives: Int[Array, "n k"]
) -> tuple[Float[Array, " n"], Float[Array, " n*k"]]:
    """The scores of the joint pairs and of the product pairs.

    Args:
        scores: scores[i, j] = T(x_i, y_j), [N, N].
        negatives: partners of each row, [N, K].

    Returns:
        scores_p [N], the diagonal, and scores_q [N K], row by row.

    Raises:
        ValueError: where the scores are not a square matrix or the negatives not [N, K].

    Example:
        >>> scores = jnp.arange(4.0).reshape(2, 2)
        >>> [part.tolist() for part in split_scores(scores, off_diagonal(2))]
        [[0.0, 3.0], [1.0, 2.0]]
    """
    check_square(scores=scores)
    check_rank(2, negatives=negatives)
    if negatives.shape[0] != scores.shape[0]:
        raise ValueError(
            f"negatives must have a row for each of the {scores.shape[0]} rows of "
            f"scores, got shape {negatives.shape}"
        )
    return jnp.diagonal(scores), jnp.take_along_axis(scores, negatives, axis=1).reshape(
        -1
    )


def _check_rows(num_rows: int) -> None:
    if num_rows < 2:
        raise ValueError(f"num_rows must be at least 2 to pair rows, got {num_rows}")
