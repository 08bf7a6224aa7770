"""Arrays as users have them -> checked, split and standardized rows."""

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
    "split_rows",
]

# Below this a part can neither train, nor choose, nor give an error bar.
MIN_ROWS = 8


class Standardization(NamedTuple):
    """Shift and scale of each coordinate, fitted on training rows.

    Attributes:
        mean: mean of each coordinate, [...].
        scale: standard deviation of each coordinate, 1 where that is zero, [...].
    """

    mean: np.ndarray
    scale: np.ndarray

    def check(self, name: str, rows: Any) -> np.ndarray:
        """Rows for a fitted function: as `check_rows`, and of the fitted shape."""
        checked, _ = check_rows(name, rows)
        if checked.shape[1:] != self.mean.shape:
            raise ValueError(
                f"{name} must have rows of shape {self.mean.shape}, as when fitted, "
                f"got {checked.shape[1:]}"
            )
        return checked

    def apply(self, rows: Any) -> Array:
        """The rows in units of standard deviations, in JAX's default precision."""
        return jnp.asarray((np.asarray(rows) - self.mean) / self.scale, dtype=float)


def fit_standardization(rows: np.ndarray) -> Standardization:
    """Fits shift and scale; information is unchanged by them.

    Args:
        rows: training rows, [N, ...].

    Returns:
        The `Standardization`.
    """
    scale = rows.std(axis=0)
    # A constant has a deviation of rounding errors, which must not become a scale.
    rounding = 8 * np.finfo(rows.dtype).eps * np.abs(rows).max(axis=0)
    return Standardization(rows.mean(axis=0), np.where(scale > rounding, scale, 1.0))


def check_rows(
    name: str, rows: Any, *, takes_labels: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Checks one sample at the public door.

    Args:
        name: the argument's name, for messages.
        rows: an array of numbers, [N, ...].
        takes_labels: whether the caller tells labels from numbers by itself.

    Returns:
        The rows in float64, [N, ...], and sentences about what is doubtful.

    Raises:
        TypeError: inside a traced function, where the data have no values.
        ValueError: where the rows are not numbers, not finite, or not there.
    """
    if isinstance(rows, Tracer):
        raise TypeError(
            f"{name} is traced: estimate functions read the data on the host; inside "
            "jit and vmap use the pure run of jaxinfo.estimation.make_run"
        )
    array = np.asarray(rows)
    if array.dtype.kind not in "fiub":
        array = _low_precision(name, array)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have rows, got shape {array.shape}")
    doubts = []
    if array.dtype.kind in "iub" and not takes_labels:
        doubts.append(f"{name} holds {array.dtype} values, taken as real numbers")
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
        doubts.append(
            f"{name} is constant in {constant.size} of {flat.shape[1]} coordinates "
            f"({columns}), which carry no information"
        )
    return array, doubts


def check_same_rows(x: np.ndarray, y: np.ndarray) -> None:
    """Raises ValueError unless x and y have the same number of rows."""
    check_row_counts(x=x, y=y)


def check_row_counts(**samples: np.ndarray) -> None:
    """Raises ValueError unless all named samples have the same number of rows."""
    (first, rows), *others = samples.items()
    for name, other in others:
        if len(other) != len(rows):
            raise ValueError(
                f"{first} and {name} must have the same number of rows, got "
                f"{len(rows)} and {len(other)}"
            )


def _low_precision(name: str, array: np.ndarray) -> np.ndarray:
    """bfloat16 and its like are numbers to JAX, though not of a NumPy kind."""
    if array.dtype != object and jnp.issubdtype(array.dtype, jnp.floating):
        return array.astype(np.float32)
    raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")


def warn(doubts: list[str]) -> None:
    """Gives each sentence as a UserWarning from the caller of the public function."""
    for doubt in doubts:
        warnings.warn(doubt, UserWarning, stacklevel=4)


def split_rows(
    key: Key[Array, ""], num_rows: int, split: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deals shuffled rows to training, validation and test.

    Args:
        key: random key.
        num_rows: N.
        split: shares of training, validation and test, adding up to at most 1.

    Returns:
        Row numbers of the three parts.

    Raises:
        ValueError: where the shares make no sense or a part would be too small.
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
