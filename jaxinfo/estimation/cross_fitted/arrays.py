"""What lets one function run on NumPy arrays to fit and on JAX arrays to evaluate.

Functions take the namespace of their rows (`rows.__array_namespace__()`). Fitted maps
are dataclasses that are pytrees: their arrays are leaves, their settings `static`.
"""

import dataclasses
from typing import Any

import jax.scipy.special
import numpy as np
import scipy.special

from jaxinfo.core.types import Array

__all__ = ["Rows", "pad_columns", "special", "static"]

Rows = np.ndarray | Array


def static(default: Any = dataclasses.MISSING) -> Any:
    """A dataclass field that belongs to the structure of a pytree; it is no leaf."""
    return dataclasses.field(default=default, metadata={"static": True})


def special(rows: Rows) -> Any:
    """The special functions for arrays of this kind."""
    return scipy.special if isinstance(rows, np.ndarray) else jax.scipy.special


def pad_columns(rows: Rows, length: int) -> Rows:
    """Rows with zeros after their columns, [N, length]."""
    xp = rows.__array_namespace__()
    return xp.pad(rows, ((0, 0), (0, length - rows.shape[1])))
