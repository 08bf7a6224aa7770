"""The numbers that networks get for the rows of one variable."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array
from jaxinfo.data.containers import Table
from jaxinfo.estimation.preprocessing import (
    Standardization,
    fit_standardization,
    is_traced,
)

__all__ = ["MAX_LEVELS", "Encoding", "warnings_of_levels"]

# Rarer levels than these share one code, which can only lose information.
MAX_LEVELS = 256


class Encoding(NamedTuple):
    """Standardizes numbers, and replaces labels by one coordinate for each level.

    Attributes:
        scale: shift and scale of the coordinates that result.
        levels: for each coordinate of a row, the codes that get a coordinate of their
            own, [L]; empty for a number. () if there are no labels of several levels,
            and then the rows keep their shape.
    """

    scale: Standardization
    levels: tuple[np.ndarray, ...]

    @classmethod
    def fit(cls, table: Table, train: Any) -> "Encoding":
        """Fits the scale on training rows, and the levels on all rows.

        Args:
            table: the rows, [N, ...]. Labels of two levels are as good as numbers.
            train: numbers of the training rows.

        Returns:
            The `Encoding`.
        """
        levels = tuple(
            _frequent_levels(column) if known else np.empty(0)
            for column, known in zip(table.flat.T, table.is_label, strict=True)
        )
        if not any(len(own) for own in levels):
            levels = ()
        rows = np.asarray(_expand(table.values[train], levels))
        return cls(fit_standardization(rows), levels)

    def apply(self, rows: Any) -> Array:
        """Encodes rows: [N, ...], or [N, D'] if there are labels."""
        return self.scale.apply(_expand(rows, self.levels))


def _frequent_levels(column: np.ndarray) -> np.ndarray:
    levels, counts = np.unique(column, return_counts=True)
    if len(levels) <= 2:
        return np.empty(0)
    return np.sort(levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]])


def _expand(rows: Any, levels: tuple[np.ndarray, ...]) -> Any:
    if not levels:
        return rows
    xp = jnp if is_traced(rows, levels) else np
    flat = xp.asarray(rows).reshape(len(rows), -1)
    return xp.concatenate(
        [
            (flat[:, number, None] == own).astype(flat.dtype)
            if len(own)
            else flat[:, number, None]
            for number, own in enumerate(levels)
        ],
        axis=1,
    )


def warnings_of_levels(name: str, table: Table) -> list[str]:
    """Warns of labels with so many levels that the rare ones share a code."""
    return [
        f"{table.column(number)} of {name} holds {count} levels: the most frequent "
        f"{MAX_LEVELS} have coordinates of their own, the others share none"
        for number, known in enumerate(table.is_label)
        if known and (count := len(np.unique(table.flat[:, number]))) > MAX_LEVELS
    ]
