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
    return jnp.sum(weights * kept, axis=axis) / jnp.sum(weights, axis=axis)


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


def log_softplus(values: Float[Array, "..."]) -> Float[Array, "..."]:
    """log(log(1 + exp(values))), where softplus itself would underflow to zero."""
    # Below the cut softplus(v) = exp(v) (1 - exp(v) / 2) to full precision.
    cut = -0.5 * jnp.finfo(values.dtype).nmant
    small = jnp.minimum(values, cut)
    large = jnp.maximum(values, cut)
    return jnp.where(
        values < cut, small - 0.5 * jnp.exp(small), jnp.log(jax.nn.softplus(large))
    )


def all_finite(tree: PyTree) -> Bool[Array, ""]:
    """True when no floating-point leaf of the tree holds a NaN or an infinity."""
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)]
    if not leaves:
        return jnp.asarray(True)
    # One reduction over one vector: a reduction for each leaf compiles far slower.
    return jnp.all(jnp.isfinite(jnp.concatenate([jnp.ravel(x) for x in leaves])))
