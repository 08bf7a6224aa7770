"""Layers and helpers that Flax lacks and the bundled networks share."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float

__all__ = [
    "BatchStandardization",
    "flatten_rows",
    "parameter_dtype",
    "symmetric_uniform",
]

BATCH_EPSILON = 1e-5


def flatten_rows(x: Float[Array, "n ..."]) -> Float[Array, "n d"]:
    """Rows of any shape as vectors, [N, D]."""
    return x.reshape(len(x), -1)


def parameter_dtype(x: Any) -> Any:
    """The dtype of the parameters that are applied to x: float32 or wider.

    Flax's own default is float32, whose rounding float64 inputs would suffer from.
    """
    return jnp.promote_types(jnp.result_type(x), jnp.float32)


def symmetric_uniform(scale: float) -> Callable[..., Array]:
    """An initializer that draws weights uniformly from (-scale, scale)."""

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -scale, scale)

    return init


class BatchStandardization(nn.Module):
    """Standardizes each unit of the last axis by the mean and variance of the batch.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015, algorithm 1, without
        running statistics.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "... d"]) -> Float[Array, "... d"]:
        """The same shape; each unit has a learned scale and shift."""
        scale, shift = (
            self.param(name, init, x.shape[-1:], x.dtype)
            for name, init in (
                ("scale", nn.initializers.ones),
                ("shift", nn.initializers.zeros),
            )
        )
        others = tuple(range(x.ndim - 1))
        variance = jnp.var(x, axis=others) + BATCH_EPSILON
        centered = x - jnp.expand_dims(jnp.mean(x, axis=others), others)
        scaled = jnp.expand_dims(scale, others) * centered
        standardized = scaled / jnp.expand_dims(jnp.sqrt(variance), others)
        return standardized + jnp.expand_dims(shift, others)
