"""Checks, splits and standardizes the arrays that users pass."""

import os
import sys
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxinfo.core.types import Array, Key

__all__ = [
    "Standardization",
    "check_row_counts",
    "check_rows",
    "check_same_rows",
    "fit_standardization",
    "is_traced",
    "split_rows",
    "warn",
]

LIBRARY = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")

# Fewer rows are too few to train, to select a model or to compute a standard error.
MIN_ROWS = 8


def is_traced(*trees: Any) -> bool:
    """Whether any leaf is traced, so that NumPy cannot read it."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


class Standardization(NamedTuple):
    """Shift and scale of each coordinate, fitted on training rows.

    Attributes:
        mean: mean of each coordinate, [...].
        scale: standard deviation of each coordinate, 1 if that is zero, [...].
    """

    mean: np.ndarray
    scale: np.ndarray

    def check(self, name: str, rows: Any) -> Any:
        """Checks the shape of new rows and, unless traced, their values.

        Args:
            name: the argument's name, for messages.
            rows: new rows, [N, ...].

        Returns:
            The rows, in float64 unless traced.

        Raises:
            ValueError: if the rows are not numbers or do not have the fitted shape.
        """
        if is_traced(rows, self):
            checked = jnp.asarray(rows)
        else:
            checked, _ = check_rows(name, rows)
        if checked.shape[1:] != self.mean.shape:
            raise ValueError(
                f"{name} must have rows of shape {self.mean.shape}, as when fitted, "
                f"got {checked.shape[1:]}"
            )
        return checked

    def apply(self, rows: Any) -> Array:
        """Returns the rows in standard deviations, in JAX's default precision."""
        if is_traced(rows, self):
            return (jnp.asarray(rows) - self.mean) / self.scale
        # In float64, because differences of large numbers lose digits in float32.
        standardized = (np.asarray(rows) - self.mean) / self.scale
        return jnp.asarray(standardized, dtype=float)


def fit_standardization(rows: np.ndarray) -> Standardization:
    """Fits shift and scale, which leave the information unchanged.

    Args:
        rows: training rows, [N, ...].

    Returns:
        The `Standardization`.
    """
    scale = rows.std(axis=0)
    # The standard deviation of a constant is rounding error and must not be a scale.
    rounding = 8 * np.finfo(rows.dtype).eps * np.abs(rows).max(axis=0)
    return Standardization(rows.mean(axis=0), np.where(scale > rounding, scale, 1.0))


def check_rows(
    name: str, rows: Any, *, takes_labels: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Checks one sample that a user passed.

    Args:
        name: the argument's name, for messages.
        rows: an array of numbers, [N, ...].
        takes_labels: whether the caller treats integers as labels, without a warning.

    Returns:
        The rows in float64, [N, ...], and a list of warnings.

    Raises:
        TypeError: inside a traced function, where the data have no values.
        ValueError: if the rows are not numbers, not finite, or missing.
    """
    if is_traced(rows):
        raise TypeError(
            f"{name} is traced: estimate functions read the data on the host; inside "
            "jit and vmap use the pure run of jaxinfo.estimation.make_run"
        )
    array = np.asarray(rows)
    if array.dtype.kind not in "fiub":
        array = _low_precision(name, array)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have rows, got shape {array.shape}")
    found = []
    if array.dtype.kind in "iub" and not takes_labels:
        found.append(f"{name} holds {array.dtype} values, taken as real numbers")
    array = array.astype(np.float64)
    flat = array.reshape(len(array), -1)
    bad = ~np.isfinite(flat)
    if bad.any():
        raise ValueError(
            f"{name} holds {bad.sum()} values that are NaN or infinite, the first in "
            f"row {int(np.argmax(bad.any(axis=1)))}"
        )
    constant = np.flatnonzero(np.ptp(flat, axis=0) == 0)
    if constant.size:
        columns = ", ".join(map(str, constant[:5])) + ("..." * (constant.size > 5))
        found.append(
            f"{name} is constant in {constant.size} of {flat.shape[1]} coordinates "
            f"({columns}), which carry no information"
        )
    return array, found


def check_same_rows(x: Any, y: Any) -> None:
    """Raises ValueError unless x and y have the same number of rows."""
    check_row_counts(x=x, y=y)


def check_row_counts(**samples: Any) -> None:
    """Raises ValueError unless all named samples have the same number of rows."""
    (first, rows), *others = samples.items()
    for name, other in others:
        if len(other) != len(rows):
            raise ValueError(
                f"{first} and {name} must have the same number of rows, got "
                f"{len(rows)} and {len(other)}"
            )


def _low_precision(name: str, array: np.ndarray) -> np.ndarray:
    """Converts bfloat16 and similar types, which NumPy does not know as numbers."""
    if array.dtype != object and jnp.issubdtype(array.dtype, jnp.floating):
        return array.astype(np.float32)
    raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")


def warn(messages: list[str]) -> None:
    """Issues each message as a UserWarning at the line that called the library."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARY):
        level, frame = level + 1, frame.f_back
    for message in messages:
        warnings.warn(message, UserWarning, stacklevel=level)


def split_rows(
    key: Key[Array, ""], num_rows: int, split: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits shuffled rows into training, validation and test rows.

    Args:
        key: random key.
        num_rows: N.
        split: shares of training, validation and test rows, with a sum of at most 1.

    Returns:
        Row numbers of the three parts.

    Raises:
        ValueError: if the shares are invalid or a part would be too small.
    """
    shares = np.asarray(split, dtype=float)
    if shares.shape != (3,) or not (shares > 0).all() or shares.sum() > 1 + 1e-9:
        raise ValueError(
            "split must be three positive shares (train, validation, test) adding up "
            f"to at most 1, got {split}"
        )
    ends = np.floor(np.cumsum(shares) * num_rows + 1e-9).astype(int)
    sizes = np.diff(ends, prepend=0)
    if sizes.min() < MIN_ROWS:
        raise ValueError(
            f"split gives parts of {sizes.tolist()} rows from {num_rows}: each needs "
            f"at least {MIN_ROWS}, so give more rows"
        )
    order = np.asarray(jax.random.permutation(key, num_rows))
    train, validation, test, _ = np.split(order, ends)
    return train, validation, test
