"""Samples of several variables with matching rows, as the user describes them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxinfo.data.containers import (
    Discrete,
    Table,
    align_levels,
    drop_missing_rows,
    read_table,
)
from jaxinfo.estimation.preprocessing import check_row_counts, is_traced
from jaxinfo.estimation.significance import warnings_of_rows

__all__ = [
    "RowFormat",
    "Samples",
    "discrete_of",
    "read_rows_of",
    "read_samples",
    "read_two_samples",
    "warnings_of_table",
]

NAMED = 5  # Messages name at most this many columns.


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """Matching rows of several variables, and how the rows depend on each other.

    Attributes:
        tables: the rows of each variable, by the name of the argument.
        groups: number of the group of each row, [N]; None if rows are independent.
        is_series: whether the rows are steps in time.
        warnings: what may be wrong with the rows, one sentence each.
    """

    tables: Mapping[str, Table]
    groups: np.ndarray | None = None
    is_series: bool = False
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.tables.values())))

    @property
    def clusters(self) -> np.ndarray | None:
        """Number of the cluster of each row, [N]; None if rows are independent.

        Different clusters are independent: the groups, or for a series, stretches of
        about sqrt(N) steps, which are nearly so.
        """
        if not self.is_series:
            return self.groups
        return np.arange(len(self)) // max(1, int(len(self) ** 0.5))

    @property
    def rows(self) -> list[np.ndarray]:
        """The rows of each variable in float64, [N, ...]."""
        return [table.values for table in self.tables.values()]

    @property
    def flat(self) -> list[np.ndarray]:
        """The rows of each variable with one axis of coordinates, [N, D]."""
        return [table.flat for table in self.tables.values()]


class RowFormat(NamedTuple):
    """How the rows of a variable looked when an estimator was fitted; hashable.

    Attributes:
        name: the argument's name, for messages.
        shape: shape of one row.
        levels: for each coordinate, the levels of a column of text, else None.
    """

    name: str
    shape: tuple[int, ...]
    levels: tuple[tuple[str, ...] | None, ...]

    @classmethod
    def of(cls, name: str, table: Table) -> "RowFormat":
        """Returns the format of a table."""
        levels = (None if own is None else tuple(own.tolist()) for own in table.levels)
        return cls(name, table.values.shape[1:], tuple(levels))

    def read(self, rows: Any) -> Any:
        """Reads new rows of this format.

        Args:
            rows: rows in any container, [N, ...]; traced arrays stay traced.

        Returns:
            The rows in float64, [N, ...].

        Raises:
            ValueError: if the rows do not have this format.
        """
        if is_traced(rows):
            self._check_shape(jnp.shape(rows)[1:])
            return jnp.asarray(rows)
        table = read_table(self.name, rows)
        self._check_shape(table.values.shape[1:])
        if table.is_missing.any():
            drop_missing_rows("error", **{self.name: table})
        flat = table.flat.copy()
        for number, (known, own) in enumerate(
            zip(self.levels, table.levels, strict=True)
        ):
            if known is None and own is None:
                continue
            if known is None or own is None or not set(own) <= set(known):
                what = "numbers" if own is None else f"labels such as {own[0]!r}"
                raise ValueError(
                    f"{self.name} must hold the labels that were fitted in "
                    f"{table.column(number)}, got {what}"
                    if known is not None
                    else f"{self.name} must hold numbers in {table.column(number)}, as "
                    f"when fitted, got {what}"
                )
            places = np.array([known.index(level) for level in own], float)
            flat[:, number] = places[flat[:, number].astype(int)]
        return flat.reshape(table.values.shape)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if shape != self.shape:
            raise ValueError(
                f"{self.name} must have rows of shape {self.shape}, as when fitted, "
                f"got {shape}"
            )


def read_rows_of(formats: Sequence[RowFormat], *rows: Any) -> list[Any]:
    """Reads new rows of several variables, which must be equally many."""
    read = {f.name: f.read(new) for f, new in zip(formats, rows, strict=True)}
    check_row_counts(**read)
    return list(read.values())


def read_samples(
    *,
    discrete: Discrete | Mapping[str, Discrete] = None,
    missing: str = "error",
    groups: Any = None,
    is_series: bool = False,
    **containers: Any,
) -> Samples:
    """Reads the variables of an estimate.

    Args:
        discrete: which columns hold labels: True or False for all of them; a list of
            names of columns; or a dict from arguments, such as "x", to one of these or
            to a list of column numbers. None leaves it to the estimator.
        missing: "error" to refuse missing values, or "drop" to leave out rows in which
            any variable has one.
        groups: a label for each row, [N]; rows of one group depend on each other.
        is_series: whether the rows are steps in time, so that rows near each other
            depend on each other.
        **containers: rows of each variable, see `read_table`.

    Returns:
        The `Samples`.

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: if rows are traced by JAX.
    """
    tables = {
        name: read_table(name, rows, discrete=discrete_of(name, discrete, containers))
        for name, rows in containers.items()
    }
    _check_names(discrete, tables)
    check_row_counts(**tables)
    if groups is not None:
        if is_series:
            raise ValueError("give groups or is_series, not both")
        read = read_table("groups", groups)
        check_row_counts(**tables, groups=read)
        tables["groups"] = read
    num_rows = len(next(iter(tables.values())))
    kept_tables, kept = drop_missing_rows(missing, **tables)
    tables = dict(zip(tables, kept_tables, strict=True))
    numbers = None
    if groups is not None:
        numbers = np.unique(tables.pop("groups").flat, axis=0, return_inverse=True)[1]
        numbers = numbers.reshape(-1)
    warnings = [
        w for name, table in tables.items() for w in warnings_of_table(name, table)
    ]
    if groups is None and not is_series:
        x, y, *_ = tables.values()
        warnings += warnings_of_rows(x.flat, y.flat, x.is_label + y.is_label)
    if len(kept) < num_rows:
        dropped = num_rows - len(kept)
        warnings.append(
            f"{dropped} of {num_rows} rows with missing values are left out"
        )
    return Samples(tables, numbers, is_series, tuple(warnings))


def read_two_samples(*, missing: str = "error", **containers: Any) -> dict[str, Table]:
    """Reads two samples of the same variable, whose levels are numbered alike.

    Args:
        missing: "error", or "drop" to leave out rows with missing values.
        **containers: the samples, see `read_table`.

    Returns:
        The tables by the name of the argument.

    Raises:
        ValueError: if the samples do not fit; the message names the argument.
        TypeError: if rows are traced by JAX.
    """
    one, other = align_levels(*(read_table(*item) for item in containers.items()))
    tables = dict(zip(containers, (one, other), strict=True))
    return {
        name: drop_missing_rows(missing, **{name: table})[0][0]
        for name, table in tables.items()
    }


def warnings_of_table(name: str, table: Table) -> list[str]:
    """Warnings about the columns of one variable."""
    flat = table.flat
    constant = np.flatnonzero(np.ptp(flat, axis=0) == 0)
    if not constant.size:
        return []
    columns = ", ".join(
        str(table.names[c] if table.names else c) for c in constant[:NAMED]
    ) + "..." * (constant.size > NAMED)
    return [
        f"{name} is constant in {constant.size} of {flat.shape[1]} coordinates "
        f"({columns}), which carry no information"
    ]


def discrete_of(
    name: str,
    discrete: Discrete | Mapping[str, Discrete],
    containers: Mapping[str, Any],
) -> Discrete:
    """What was said of one variable; a list of names is looked up in each variable."""
    if isinstance(discrete, Mapping):
        unknown = [argument for argument in discrete if argument not in containers]
        if unknown:
            raise ValueError(
                f"discrete: no argument {unknown[0]!r}; give {', '.join(containers)}"
            )
        return discrete.get(name)
    if discrete is None or isinstance(discrete, bool | np.bool_):
        return discrete
    if not all(isinstance(column, str) for column in discrete):
        raise ValueError(
            "discrete must be True, False, a list of names of columns, or a dict such "
            f"as {{{name!r}: [0, 2]}}"
        )
    return None


def _check_names(discrete: Any, tables: dict[str, Table]) -> None:
    """Marks the columns whose names are listed in `discrete`."""
    if discrete is None or isinstance(discrete, bool | np.bool_ | Mapping):
        return
    known = {column for table in tables.values() for column in table.names}
    unknown = [column for column in discrete if column not in known]
    if unknown:
        raise ValueError(
            f"discrete: no column {unknown[0]!r}; there are: "
            f"{', '.join(sorted(known)) or 'no named columns'}"
        )
    for name, table in tables.items():
        own = [column for column in discrete if column in table.names]
        tables[name] = read_table(name, table, discrete=own)
