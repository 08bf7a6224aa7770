"""Critics applied to rows: chosen pairs in training, blocks of all pairs in reports."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array, Bool, Critic, Float, Int, PyTree

__all__ = [
    "Blocks",
    "equal_blocks",
    "make_blocks",
    "pairwise_scores",
    "score_blocks",
    "score_negatives",
]

SMALLEST_BLOCK, LARGEST_BLOCK = 32, 64
# Pairs scored at once: enough to fill a core's vector units, little enough to fit a
# cache. A joint critic on all pairs of 2,000 rows would hold gigabytes otherwise.
PAIRS_AT_ONCE = 65_536


class Blocks(NamedTuple):
    """Rows dealt into blocks of nearly equal size, padded to the same size.

    Attributes:
        rows: row numbers, [B, m].
        valid: False where a block is padded, [B, m].
    """

    rows: Int[np.ndarray, "b m"]
    valid: Bool[np.ndarray, "b m"]


def make_blocks(num_rows: int, block_size: int) -> Blocks:
    """Deals rows into the fewest blocks of at most `block_size`.

    Args:
        num_rows: N, at least 2.
        block_size: the most rows in a block, at least 2.

    Returns:
        Blocks whose sizes differ by at most one row.

    Example:
        >>> make_blocks(5, 3).rows.tolist()
        [[0, 2, 4], [1, 3, 0]]
    """
    num_blocks = -(-num_rows // block_size)
    # Every num_blocks-th row: neighbors in an ordered file stay apart.
    parts = [np.arange(start, num_rows, num_blocks) for start in range(num_blocks)]
    size = len(parts[0])
    rows = np.stack([np.pad(part, (0, size - len(part))) for part in parts])
    valid = np.stack([np.arange(size) < len(part) for part in parts])
    return Blocks(rows, valid)


def equal_blocks(num_rows: int) -> Blocks:
    """Deals rows into blocks of 32 to 64 rows without padding, leaving out the fewest.

    Args:
        num_rows: N; fewer than 32 are one block.

    Returns:
        Blocks of consecutive rows, all of one size.

    Example:
        >>> equal_blocks(100).rows.shape
        (2, 50)
    """
    sizes = range(min(SMALLEST_BLOCK, num_rows), min(LARGEST_BLOCK, num_rows) + 1)
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
    """Scores of the joint pairs and of the chosen product pairs of a batch.

    Args:
        critic: the critic.
        params: its parameters.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        negatives: partners of each row, [N, K].

    Returns:
        scores_p [N] and scores_q [N K], row by row.
    """
    num_negatives = negatives.shape[1]
    # One call on all pairs is one matrix product a layer, instead of two small ones.
    left = jnp.concatenate([x, jnp.repeat(x, num_negatives, axis=0)])
    right = jnp.concatenate([y, y[negatives.reshape(-1)]])
    scores = critic.apply(params, left, right)
    return scores[: len(x)], scores[len(x) :]


def pairwise_scores(
    critic: Critic, params: PyTree, x: Float[Array, "n ..."], y: Float[Array, "m ..."]
) -> Float[Array, "n m"]:
    """The score of every x with every y.

    Args:
        critic: the critic; its own `pairwise` is used where it has one.
        params: its parameters.
        x: rows of x, [N, ...].
        y: rows of y, [M, ...].

    Returns:
        scores[i, j] = T(x_i, y_j); without a `pairwise` of the critic's own they are
        computed `PAIRS_AT_ONCE` at a time.
    """
    if critic.pairwise is not None:
        return critic.pairwise(params, x, y)

    def with_all(row: Array) -> Array:
        repeated = jnp.broadcast_to(row, (len(y), *row.shape))
        return critic.apply(params, repeated, y)

    at_once = max(1, PAIRS_AT_ONCE // len(y))
    if len(x) <= at_once:
        return jax.vmap(with_all)(x)
    # A gradient computes each chunk once more, or hidden units of all pairs would stay.
    return jax.lax.map(jax.checkpoint(with_all), x, batch_size=at_once)


def score_blocks(
    critic: Critic,
    params: PyTree,
    x: Float[Array, "n ..."],
    y: Float[Array, "n ..."],
    blocks: Blocks,
) -> Float[Array, "b m m"]:
    """The score matrix of every block of rows.

    Args:
        critic: the critic.
        params: its parameters.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        blocks: which rows stand together.

    Returns:
        scores[b, i, j] = T(x_i, y_j) for rows i and j of block b.
    """
    num_blocks, size = blocks.rows.shape

    def score(rows: Array) -> Array:
        return pairwise_scores(critic, params, x[rows], y[rows])

    at_once = max(1, PAIRS_AT_ONCE // size**2)
    if num_blocks <= at_once:
        return jax.vmap(score)(jnp.asarray(blocks.rows))
    return jax.lax.map(score, jnp.asarray(blocks.rows), batch_size=at_once)
