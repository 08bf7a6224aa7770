"""What every bound does with the scores it is given before the equation."""

import jax.numpy as jnp

from jaxinfo.core.checks import check_rank
from jaxinfo.core.numerics import Where
from jaxinfo.core.types import Array, Float

__all__ = ["ScoresP", "ScoresQ", "admit", "admit_both"]

ScoresP = Float[Array, " n"]
ScoresQ = Float[Array, " m"]


def admit(name: str, scores: Array, where_name: str, where: Where) -> Array:
    """Checks scores and their mask; a masked entry becomes 0, so NaN cannot spread.

    Args:
        name: what to call the scores in an error.
        scores: raw critic outputs, [N].
        where_name: what to call the mask in an error.
        where: their mask or weights, [N].

    Returns:
        The scores as a floating-point array, [N].

    Raises:
        ValueError: where the scores are not a vector or the mask not of their shape.
    """
    scores = jnp.asarray(scores)
    check_rank(1, **{name: scores})
    if not jnp.issubdtype(scores.dtype, jnp.floating):
        scores = scores.astype(jnp.result_type(float))
    if where is None:
        return scores
    if jnp.shape(where) != scores.shape:
        raise ValueError(
            f"{where_name} must have the shape {scores.shape} of {name}, "
            f"got {jnp.shape(where)}"
        )
    return jnp.where(jnp.asarray(where) > 0, scores, 0)


def admit_both(
    scores_p: Array, scores_q: Array, where: Where, where_p: Where
) -> tuple[Array, Array]:
    """`admit` for the scores of P and of Q."""
    return (
        admit("scores_p", scores_p, "where_p", where_p),
        admit("scores_q", scores_q, "where", where),
    )
