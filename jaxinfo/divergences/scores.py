"""Types and validation of the score arguments of bounds."""

import jax.numpy as jnp

from jaxinfo.core.checks import check_rank
from jaxinfo.core.numerics import Where
from jaxinfo.core.types import Array, Float

__all__ = ["ScoresP", "ScoresQ", "validate_scores", "validate_vector"]

ScoresP = Float[Array, " n"]
ScoresQ = Float[Array, " m"]


def validate_vector(name: str, values: Array, where_name: str, where: Where) -> Array:
    """Validates one number per sample and its mask, and sets masked entries to 0.

    A masked NaN would otherwise reach the gradient.

    Args:
        name: the argument's name in an error.
        values: one number per sample, [N].
        where_name: the mask's name in an error.
        where: mask or weights, [N].

    Returns:
        The values as a floating-point array, [N].

    Raises:
        ValueError: if the values are not a vector, or the mask has another shape.
    """
    values = jnp.asarray(values)
    check_rank(1, **{name: values})
    if not jnp.issubdtype(values.dtype, jnp.floating):
        values = values.astype(jnp.result_type(float))
    if where is None:
        return values
    if jnp.shape(where) != values.shape:
        raise ValueError(
            f"{where_name} must have the shape {values.shape} of {name}, "
            f"got {jnp.shape(where)}"
        )
    return jnp.where(jnp.asarray(where) > 0, values, 0)


def validate_scores(
    scores_p: Array, scores_q: Array, where: Where = None, where_p: Where = None
) -> tuple[Array, Array]:
    """Applies `validate_vector` to the scores of P and to those of Q.

    Args:
        scores_p: scores of samples of P, [N].
        scores_q: scores of samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The scores of P, [N], and of Q, [M], as floating-point arrays.

    Raises:
        ValueError: if scores are not vectors, or a mask has another shape.
    """
    return (
        validate_vector("scores_p", scores_p, "where_p", where_p),
        validate_vector("scores_q", scores_q, "where", where),
    )
