"""A critic's scores of joint pairs and negatives, of all pairs, and of blocks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array, Bool, Critic, Float, Int, PyTree

__all__ = [
    "LARGEST_BLOCK",
    "Blocks",
    "equal_blocks",
    "make_blocks",
    "pairwise_scores",
    "score_blocks",
    "score_negatives",
]

SMALLEST_BLOCK, LARGEST_BLOCK = 32, 64
# Pairs scored at once: enough to use a core's vector units, few enough for its cache.
# A joint critic on all pairs of 2,000 rows at once would need gigabytes.
PAIRS_AT_ONCE = 65_536


class Blocks(NamedTuple):
    """A partition of rows into blocks, padded to the same size.

    Attributes:
        rows: row numbers, [B, m].
        valid: False for padding, [B, m].
    """

    rows: Int[np.ndarray, "b m"]
    valid: Bool[np.ndarray, "b m"]


def make_blocks(num_rows: int, block_size: int) -> Blocks:
    """Partitions rows into as few blocks as possible of at most `block_size` rows.

    Args:
        num_rows: N, at least 1.
        block_size: the largest number of rows in a block, at least 1.

    Returns:
        The `Blocks`, whose sizes differ by at most one row.

    Example:
        >>> make_blocks(5, 3).rows.tolist()
        [[0, 2, 4], [1, 3, 0]]
    """
    num_blocks = -(-num_rows // block_size)
    # Strided, so that adjacent rows of ordered data go to different blocks.
    parts = [np.arange(start, num_rows, num_blocks) for start in range(num_blocks)]
    size = len(parts[0])
    rows = np.stack([np.pad(part, (0, size - len(part))) for part in parts])
    valid = np.stack([np.arange(size) < len(part) for part in parts])
    return Blocks(rows, valid)


def equal_blocks(num_rows: int, largest: int = LARGEST_BLOCK) -> Blocks:
    """Partitions rows into equal blocks of 32 to 64, dropping as few rows as possible.

    Args:
        num_rows: N; fewer than 32 rows form one block.
        largest: the largest number of rows in a block; if it is below 32, all blocks
            have this size.

    Returns:
        The `Blocks` of consecutive rows, without padding.

    Example:
        >>> equal_blocks(100).rows.shape
        (2, 50)
    """
    largest = min(largest, num_rows)
    sizes = range(min(SMALLEST_BLOCK, largest), largest + 1)
    size = max(sizes, key=lambda size: (num_rows // size * size, size))
    rows = np.arange(num_rows // size * size).reshape(-1, size)
    return Blocks(rows, np.ones(rows.shape, dtype=bool))


def score_negatives(
    critic: Critic,
    params: PyTree,
    x: Float[Array, "n ..."],
    y: Float[Array, "n ..."],
    negatives: Int[Array, "n k"],
) -> tuple[Float[Array, " n"], Float[Array, " n*k"]]:
    """Scores the joint pairs and the negatives of a batch.

    Args:
        critic: the critic.
        params: parameters of the critic.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        negatives: partners of each row, [N, K].

    Returns:
        scores_p [N] and scores_q [N K], row by row.
    """
    x, y, negatives = jnp.asarray(x), jnp.asarray(y), jnp.asarray(negatives)
    num_negatives = negatives.shape[1]
    # One call on all pairs needs one matrix product per layer instead of two.
    left = jnp.concatenate([x, jnp.repeat(x, num_negatives, axis=0)])
    right = jnp.concatenate([y, y[negatives.reshape(-1)]])
    scores = critic.apply(params, left, right)
    return scores[: len(x)], scores[len(x) :]


def pairwise_scores(
    critic: Critic, params: PyTree, x: Float[Array, "n ..."], y: Float[Array, "m ..."]
) -> Float[Array, "n m"]:
    """Scores every row of x with every row of y.

    Args:
        critic: the critic. Without `pairwise` it is applied to chunks of pairs.
        params: parameters of the critic.
        x: rows of x, [N, ...].
        y: rows of y, [M, ...].

    Returns:
        scores[i, j] = T(x_i, y_j), [N, M].
    """
    if critic.pairwise is not None:
        return critic.pairwise(params, x, y)

    def with_all(row: Array) -> Array:
        repeated = jnp.broadcast_to(row, (len(y), *row.shape))
        return critic.apply(params, repeated, y)

    at_once = max(1, PAIRS_AT_ONCE // len(y))
    if len(x) <= at_once:
        return jax.vmap(with_all)(x)
    # Recompute each chunk in the gradient instead of storing all pairs' hidden units.
    return jax.lax.map(jax.checkpoint(with_all), x, batch_size=at_once)


def score_blocks(
    critic: Critic,
    params: PyTree,
    x: Float[Array, "n ..."],
    y: Float[Array, "n ..."],
    blocks: Blocks,
) -> Float[Array, "b m m"]:
    """Computes the score matrix of every block of rows.

    Args:
        critic: the critic.
        params: parameters of the critic.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        blocks: the rows of each block.

    Returns:
        scores[b, i, j] = T(x_i, y_j) for rows i and j of block b, [B, m, m].
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    num_blocks, size = blocks.rows.shape

    def score(rows: Array) -> Array:
        return pairwise_scores(critic, params, x[rows], y[rows])

    at_once = max(1, PAIRS_AT_ONCE // size**2)
    if num_blocks <= at_once:
        return jax.vmap(score)(jnp.asarray(blocks.rows))
    return jax.lax.map(score, jnp.asarray(blocks.rows), batch_size=at_once)
