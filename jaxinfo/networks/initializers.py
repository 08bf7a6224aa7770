"""Where weights start, beyond what Flax has."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.core.types import Array

__all__ = ["symmetric"]


def symmetric(scale: float) -> Callable[..., Array]:
    """An initialiser of weights uniform in (-scale, scale)."""

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -scale, scale)

    return init
