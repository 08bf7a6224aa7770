"""Averages that stay in log space, masks and weights included.

Every average here takes `where`: a boolean mask, or weights in [0, inf). A masked
entry may hold anything, NaN included. An average over nothing is NaN, or -inf in log
space. Gradients with respect to positive weights are exact, which is how standard
errors are computed (`jaxinfo.estimation.uncertainty`).
"""

import jax
import jax.numpy as jnp

from jaxinfo.core.types import Array, Bool, Float, PyTree

__all__ = ["Where", "all_finite", "log_mean_exp", "log_softplus", "weighted_mean"]

Where = Bool[Array, "..."] | Float[Array, "..."] | None
Axis = int | tuple[int, ...] | None


def _log_weights(where: Array) -> tuple[Array, Array]:
    """Log-weights and the mask of the entries that count."""
    if where.dtype == bool:
        return jnp.where(where, 0.0, -jnp.inf), where
    mask = where > 0
    # The inner where keeps log(0) out of the gradient.
    return jnp.where(mask, jnp.log(jnp.where(mask, where, 1)), -jnp.inf), mask


def weighted_mean(
    values: Float[Array, "..."], where: Where = None, axis: Axis = None
) -> Float[Array, "..."]:
    """The mean of the values, each weighted by `where`."""
    if where is None:
        return jnp.mean(values, axis=axis)
    weights = jnp.broadcast_to(where, values.shape).astype(values.dtype)
    kept = jnp.where(weights > 0, values, 0)
    # Shares first: dividing the sum instead would round by whether the compiler knows
    # the total, and a run would not give the same bits alone and in a sweep.
    shares = weights / jnp.sum(weights, axis=axis, keepdims=True)
    return jnp.sum(shares * kept, axis=axis)


def log_mean_exp(
    values: Float[Array, "..."], where: Where = None, axis: Axis = None
) -> Float[Array, "..."]:
    """log of the mean of exp(values), each weighted by `where`, without overflow."""
    if where is None:
        count = values.size if axis is None else _size_along(values, axis)
        return jax.nn.logsumexp(values, axis=axis) - jnp.log(
            jnp.asarray(count, values.dtype)
        )
    log_weights, mask = _log_weights(jnp.broadcast_to(where, values.shape))
    log_weights = log_weights.astype(values.dtype)
    kept = jnp.where(mask, values, 0)
    return jax.nn.logsumexp(kept + log_weights, axis=axis) - jax.nn.logsumexp(
        log_weights, axis=axis
    )


def _size_along(values: Array, axis: int | tuple[int, ...]) -> int:
    size = 1
    for i in (axis,) if isinstance(axis, int) else axis:
        size *= values.shape[i]
    return size


@jax.custom_jvp
def log_softplus(values: Float[Array, "..."]) -> Float[Array, "..."]:
    """log(log(1 + exp(values))), where softplus itself would underflow to zero."""
    below, small, large = _split_softplus(values)
    return jnp.where(
        below, small - 0.5 * jnp.exp(small), jnp.log(jax.nn.softplus(large))
    )


@log_softplus.defjvp
def _log_softplus_jvp(primals: tuple[Array], tangents: tuple[Array]):
    # One slope in (0, 1): a cotangent near overflow is never divided by softplus first.
    below, small, large = _split_softplus(*primals)
    slope = jnp.where(
        below,
        1 - 0.5 * jnp.exp(small),
        jax.nn.sigmoid(large) / jax.nn.softplus(large),
    )
    return log_softplus(*primals), slope * tangents[0]


def _split_softplus(values: Array) -> tuple[Array, Array, Array]:
    """Below the cut softplus(v) = exp(v) (1 - exp(v) / 2) to full precision."""
    cut = -0.5 * jnp.finfo(values.dtype).nmant
    below = values < cut
    return below, jnp.where(below, values, cut), jnp.where(below, cut, values)


def all_finite(tree: PyTree) -> Bool[Array, ""]:
    """True when no floating-point leaf of the tree holds a NaN or an infinity."""
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)]
    if not leaves:
        return jnp.asarray(True)
    # One reduction over one vector: a reduction for each leaf compiles far slower.
    return jnp.all(jnp.isfinite(jnp.concatenate([jnp.ravel(x) for x in leaves])))
