"""Functions that the equations of f-divergences share, safe to differentiate."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxinfo.core.types import Array, Bool, Float

__all__ = [
    "LOG_2",
    "expect",
    "inside",
    "log1mexp_of_log",
    "log_lambert_w",
    "log_positive",
    "log_tiny",
]

LOG_2 = math.log(2.0)


def inside(
    domain: Bool[Array, "..."],
    t: Float[Array, "..."],
    anchor: float,
    function: Callable[[Array], Array],
) -> Float[Array, "..."]:
    """function(t) on the domain and inf outside; anchor is any point of the domain."""
    # Without the anchor, points outside the domain would give a gradient of NaN.
    return jnp.where(domain, function(jnp.where(domain, t, anchor)), jnp.inf)


def expect(log_p: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The product p x from log p; 0 where p is 0, whatever x."""
    p = jnp.exp(log_p)
    return p * jnp.where(p > 0, x, 0)


def log_tiny(dtype: jnp.dtype) -> Float[Array, ""]:
    """The log of the smallest normal number of the dtype."""
    return jnp.log(jnp.asarray(jnp.finfo(dtype).tiny, dtype))


def log_positive(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The log of x, at least `log_tiny`; its gradient is zero there."""
    positive = x > jnp.finfo(x.dtype).tiny
    return jnp.where(positive, jnp.log(jnp.where(positive, x, 1)), log_tiny(x.dtype))


@jax.custom_jvp
def log_lambert_w(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """L = log W(exp(z)), with W Lambert's function: the root of exp(L) + L = z.

    Newton's method starts to the right of the root, where the convexity of
    exp(L) + L - z makes every step an improvement. Six steps reach float64's precision
    from either starting point.

    Source: Corless et al., "On the Lambert W function", Adv. Comput. Math. 1996.

    Args:
        z: real numbers, [...].

    Returns:
        L, [...]. dL/dz = 1 / (1 + exp(L)), differentiable any number of times.

    Example:
        >>> float(log_lambert_w(jnp.asarray(1.0)))
        0.0
    """
    root = jnp.where(z >= 1, jnp.log(jnp.maximum(z, 1)), z)
    for _ in range(6):
        exponential = jnp.exp(root)
        root = root - (exponential + root - z) / (1 + exponential)
    return root


@log_lambert_w.defjvp
def _log_lambert_w_jvp(primals: tuple[Array], tangents: tuple[Array]):
    root = log_lambert_w(*primals)
    return root, jax.nn.sigmoid(-root) * tangents[0]


def log1mexp_of_log(log_x: Float[Array, "..."]) -> Float[Array, "..."]:
    """log(1 - exp(-x)) for x > 0 from log x; x itself may underflow.

    Args:
        log_x: log x, [...].

    Returns:
        log(1 - exp(-x)), [...].
    """
    # Below the cut the value is log x - x / 2 to full precision.
    cut = -0.5 * jnp.finfo(log_x.dtype).nmant
    below = log_x < cut
    small, large = jnp.where(below, log_x, cut), jnp.where(below, cut, log_x)
    return jnp.where(
        below, small - 0.5 * jnp.exp(small), jax.nn.log1mexp(jnp.exp(large))
    )
