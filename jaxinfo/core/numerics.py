"""Averages with masks and weights, in log space where exponentials would overflow.

Every average takes `where`: a boolean mask, or weights in [0, inf). A masked entry may
hold anything, including NaN. The average of no entries is NaN. Gradients with respect
to positive weights are exact; standard errors are computed from them.
"""

import functools

import jax
import jax.numpy as jnp

from jaxinfo.core.types import Array, Bool, Float, PyTree

__all__ = ["Where", "all_finite", "log_mean_exp", "log_softplus", "weighted_mean"]

Where = Bool[Array, "..."] | Float[Array, "..."] | None
Axis = int | tuple[int, ...] | None


def _log_weights(where: Array) -> tuple[Array, Array]:
    """The log-weights, and the mask of entries with a positive weight."""
    if where.dtype == bool:
        return jnp.where(where, 0.0, -jnp.inf), where
    mask = where > 0
    # The inner where keeps log(0) out of the gradient.
    return jnp.where(mask, jnp.log(jnp.where(mask, where, 1)), -jnp.inf), mask


def weighted_mean(
    values: Float[Array, "..."], where: Where = None, axis: Axis = None
) -> Float[Array, "..."]:
    """Mean of the values, weighted by `where`.

    Args:
        values: values, [...].
        where: weights in [0, inf) or a mask, broadcast to the values; None for all.
        axis: axes of the mean; None for all.

    Returns:
        The mean; NaN if no value counts. Masked values may be anything, NaN included.
    """
    if where is None:
        return jnp.mean(values, axis=axis)
    weights = jnp.broadcast_to(where, values.shape).astype(values.dtype)
    kept = jnp.where(weights > 0, values, 0)
    # Normalize the weights, not the sum: XLA rounds a division of the sum differently
    # if it knows the total, so a run and the same run in a sweep would differ.
    shares = weights / jnp.sum(weights, axis=axis, keepdims=True)
    return jnp.sum(shares * kept, axis=axis)


# Compiled as one operation, so that `jax_debug_infs` does not stop at the -inf of a
# masked entry outside of jit. With `inline` a surrounding jit sees the same program.
@functools.partial(jax.jit, static_argnames="axis", inline=True)
def log_mean_exp(
    values: Float[Array, "..."], where: Where = None, axis: Axis = None
) -> Float[Array, "..."]:
    """Log of the mean of exp(values), weighted by `where`, without overflow.

    Args:
        values: exponents, [...].
        where: weights in [0, inf) or a mask, broadcast to the values; None for all.
        axis: axes of the mean; None for all.

    Returns:
        The logarithm of the mean; -inf or NaN if no value counts.
    """
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
    """log(log(1 + exp(values))), accurate even if softplus underflows to zero."""
    below, small, large = _split_softplus(values)
    return jnp.where(
        below, small - 0.5 * jnp.exp(small), jnp.log(jax.nn.softplus(large))
    )


@log_softplus.defjvp
def _log_softplus_jvp(primals: tuple[Array], tangents: tuple[Array]):
    # The derivative as one ratio in (0, 1): dividing a cotangent near overflow by
    # softplus first would overflow.
    below, small, large = _split_softplus(*primals)
    derivative = jnp.where(
        below,
        1 - 0.5 * jnp.exp(small),
        jax.nn.sigmoid(large) / jax.nn.softplus(large),
    )
    return log_softplus(*primals), derivative * tangents[0]


def _split_softplus(values: Array) -> tuple[Array, Array, Array]:
    """Where values lie below the cut, and the values clipped to either side of it.

    Below the cut softplus(v) = exp(v) (1 - exp(v) / 2) to full precision.
    """
    cut = -0.5 * jnp.finfo(values.dtype).nmant
    below = values < cut
    return below, jnp.where(below, values, cut), jnp.where(below, cut, values)


def all_finite(tree: PyTree) -> Bool[Array, ""]:
    """Whether every floating-point leaf of the tree is free of NaN and infinity."""
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)]
    if not leaves:
        return jnp.asarray(True)
    # One reduction over one vector compiles far faster than a reduction per leaf.
    return jnp.all(jnp.isfinite(jnp.concatenate([jnp.ravel(x) for x in leaves])))
