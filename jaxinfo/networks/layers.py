"""Parts of networks that Flax lacks."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float

__all__ = ["BatchStandardization", "symmetric"]

BATCH_EPSILON = 1e-5


def symmetric(scale: float) -> Callable[..., Array]:
    """An initializer of weights uniform in (-scale, scale)."""

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -scale, scale)

    return init


class BatchStandardization(nn.Module):
    """Standardizes each of the last axis's units over all others, by this batch alone.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015, algorithm 1, with no
        running statistics to keep.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "... d"]) -> Float[Array, "... d"]:
        """The same shape, each unit scaled and shifted by parameters of its own."""
        scale, shift = (
            self.param(name, init, x.shape[-1:], x.dtype)
            for name, init in (
                ("scale", nn.initializers.ones),
                ("shift", nn.initializers.zeros),
            )
        )
        others = tuple(range(x.ndim - 1))
        variance = jnp.var(x, axis=others) + BATCH_EPSILON
        return scale * (x - jnp.mean(x, axis=others)) / jnp.sqrt(variance) + shift
