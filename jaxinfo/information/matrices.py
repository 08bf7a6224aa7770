"""What every bound of a score matrix does with its rows before the equation."""

import jax.numpy as jnp

from jaxinfo.core.checks import check_rank, check_square
from jaxinfo.core.numerics import Where
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences.scores import admit

__all__ = [
    "admit_matrix",
    "admit_rows",
    "check_location_scores",
    "location_positives",
    "other_rows",
    "row_weights",
]


def admit_matrix(scores: Array, where: Where) -> Float[Array, "n n"]:
    """Checks a score matrix; rows and columns that are masked become 0.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N].
        where: mask or weights of rows, [N].

    Returns:
        The scores, [N, N].

    Raises:
        ValueError: where they are not a square matrix or the mask not of its rows.
    """
    scores = jnp.asarray(scores)
    check_square(scores=scores)
    return _without_masked(scores, where)


def check_location_scores(scores: Array, where: Where) -> Float[Array, "n l n"]:
    """`admit_matrix` for scores of each location of a row.

    Args:
        scores: s[i, l, j] = T(location l of x_i, y_j), [N, L, N].
        where: mask or weights of rows, [N].

    Returns:
        The scores, [N, L, N].

    Raises:
        ValueError: where the first and last axis differ or the mask is not of the rows.
    """
    scores = jnp.asarray(scores)
    check_rank(3, scores=scores)
    if len(scores) != scores.shape[2]:
        raise ValueError(
            "scores must have the shape [N, L, N], locations of N rows with N rows; "
            f"got {scores.shape}"
        )
    return _without_masked(scores, where)


def location_positives(scores: Float[Array, "n l n"]) -> Float[Array, "n l"]:
    """The scores s[i, l, i] of joint pairs."""
    return jnp.diagonal(scores, axis1=0, axis2=2).T


def _without_masked(scores: Array, where: Where) -> Array:
    if where is None:
        return scores
    if jnp.shape(where) != scores.shape[:1]:
        raise ValueError(
            f"where must have the shape {scores.shape[:1]} of the rows of scores, "
            f"got {jnp.shape(where)}"
        )
    # A masked row may hold NaN, which only a where stops.
    kept = jnp.asarray(where) > 0
    middle = (1,) * (scores.ndim - 2)
    return jnp.where(kept.reshape(-1, *middle, 1) & kept, scores, 0)


def admit_rows(
    scores: Array, where: Where, **values: Array
) -> tuple[Float[Array, "n n"], Float[Array, " n"]]:
    """`admit_matrix`, and the same for one named number for each of its rows."""
    scores = admit_matrix(scores, where)
    ((name, row_values),) = values.items()
    row_values = admit(name, row_values, "where", where)
    if row_values.shape != scores.shape[:1]:
        raise ValueError(
            f"{name} must have the shape {scores.shape[:1]} of the rows of scores, "
            f"got {row_values.shape}"
        )
    return scores, row_values


def row_weights(scores: Float[Array, "n n"], where: Where) -> Float[Array, " n"]:
    """The weight of each row, 1 where nothing is masked."""
    if where is None:
        return jnp.ones(scores.shape[0], scores.dtype)
    return jnp.asarray(where).astype(scores.dtype)


def other_rows(weights: Float[Array, " n"]) -> Float[Array, "n n"]:
    """For each row the weights of the others: w_j off the diagonal, 0 on it."""
    return weights * (1 - jnp.eye(len(weights), dtype=weights.dtype))
