"""Helpers for maps that are fitted with NumPy and evaluated with NumPy or JAX."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import jax
import jax.scipy.special
import numpy as np
import scipy.special

__all__ = ["Rows", "pad_columns", "pytree", "special"]

# NumPy or JAX arrays. Maps call functions of `rows.__array_namespace__()`, so they work
# on both.
Rows = Any
Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True, eq_default=False)
def pytree(*static: str) -> Callable[[Class], Class]:
    """Makes a frozen dataclass that is a pytree; `static` fields are not leaves."""

    def decorate(cls: Class) -> Class:
        cls = dataclasses.dataclass(frozen=True, eq=False)(cls)
        names = [field.name for field in dataclasses.fields(cls)]
        leaves = [name for name in names if name not in static]
        return jax.tree_util.register_dataclass(cls, leaves, static)

    return decorate


def special(rows: Rows) -> Any:
    """The `scipy.special` functions for arrays of this kind."""
    return scipy.special if isinstance(rows, np.ndarray) else jax.scipy.special


def pad_columns(rows: Rows, length: int) -> Rows:
    """Appends columns of zeros, [N, length]."""
    xp = rows.__array_namespace__()
    return xp.pad(rows, ((0, 0), (0, length - rows.shape[1])))
