"""Validation and masks of score matrices, shared by the bounds that take one."""

import jax.numpy as jnp

from jaxinfo.core.checks import check_rank, check_square
from jaxinfo.core.numerics import Where
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences.scores import validate_vector

__all__ = [
    "location_positives",
    "other_rows",
    "row_weights",
    "validate_location_scores",
    "validate_matrix",
    "validate_matrix_and_rows",
]


def validate_matrix(scores: Array, where: Where) -> Float[Array, "n n"]:
    """Validates a score matrix, and sets masked rows and columns to 0.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N].
        where: mask or weights of rows, [N].

    Returns:
        The scores, [N, N].

    Raises:
        ValueError: if the scores are not a square matrix, or the mask is not [N].
    """
    scores = jnp.asarray(scores)
    check_square(scores=scores)
    return _without_masked(scores, where)


def validate_location_scores(scores: Array, where: Where) -> Float[Array, "n l n"]:
    """Validates scores of locations, and sets those of masked rows to 0.

    Args:
        scores: s[i, l, j] = T(location l of x_i, y_j), [N, L, N].
        where: mask or weights of rows, [N].

    Returns:
        The scores, [N, L, N].

    Raises:
        ValueError: if the first and last axis differ, or the mask is not [N].
    """
    scores = jnp.asarray(scores)
    check_rank(3, scores=scores)
    if len(scores) != scores.shape[2]:
        raise ValueError(
            "scores must have the shape [N, L, N], locations of N rows with N rows; "
            f"got {scores.shape}"
        )
    return _without_masked(scores, where)


def validate_matrix_and_rows(
    scores: Array, where: Where, **values: Array
) -> tuple[Float[Array, "n n"], Float[Array, " n"]]:
    """Validates a score matrix and a named vector with one entry for each row."""
    scores = validate_matrix(scores, where)
    ((name, row_values),) = values.items()
    row_values = validate_vector(name, row_values, "where", where)
    if row_values.shape != scores.shape[:1]:
        raise ValueError(
            f"{name} must have the shape {scores.shape[:1]} of the rows of scores, "
            f"got {row_values.shape}"
        )
    return scores, row_values


def _without_masked(scores: Array, where: Where) -> Array:
    if where is None:
        return scores
    if jnp.shape(where) != scores.shape[:1]:
        raise ValueError(
            f"where must have the shape {scores.shape[:1]} of the rows of scores, "
            f"got {jnp.shape(where)}"
        )
    # A masked row may hold NaN, which only a where removes.
    kept = jnp.asarray(where) > 0
    left = kept.reshape(-1, *(1,) * (scores.ndim - 1))
    right = kept.reshape(*(1,) * (scores.ndim - 1), -1)
    return jnp.where(left & right, scores, 0)


def location_positives(scores: Float[Array, "n l n"]) -> Float[Array, "n l"]:
    """The scores s[i, l, i] of joint pairs."""
    return jnp.diagonal(scores, axis1=0, axis2=2).T


def row_weights(scores: Float[Array, "n n"], where: Where) -> Float[Array, " n"]:
    """The weight of each row; 1 without a mask."""
    if where is None:
        return jnp.ones(scores.shape[0], scores.dtype)
    return jnp.asarray(where).astype(scores.dtype)


def other_rows(weights: Float[Array, " n"]) -> Float[Array, "n n"]:
    """For each row the weights of the other rows: w_j off the diagonal, 0 on it."""
    return weights[None] * (1 - jnp.eye(len(weights), dtype=weights.dtype))
