"""Samples of several variables with matching rows, as the user describes them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxinfo.data.containers import (
    Discrete,
    IntegerCode,
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
    "read_rows_of",
    "read_samples",
    "read_tables",
    "read_two_samples",
    "warnings_of_table",
]

NAMED = 5  # Messages name at most this many columns.
MIN_IDENTIFIERS = 16  # Among fewer rows all labels can differ by chance.


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
        columns: names of the coordinates; () if they have none.
        codes: for each coordinate, the code of large integers.
    """

    name: str
    shape: tuple[int, ...]
    levels: tuple[tuple[str, ...] | None, ...]
    columns: tuple[str, ...] = ()
    codes: tuple[IntegerCode | None, ...] = ()

    @classmethod
    def of(cls, name: str, table: Table) -> "RowFormat":
        """Returns the format of a table."""
        levels = (None if own is None else tuple(own.tolist()) for own in table.levels)
        codes = (None if own is None else own.code for own in table.integers)
        shape = table.shape[1:]
        return cls(name, shape, tuple(levels), table.names, tuple(codes))

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
        is_mixed = sorted(table.names) == sorted(self.columns)
        if is_mixed and table.names != self.columns:
            raise ValueError(
                f"{self.name} must have the columns {', '.join(self.columns)} in this "
                f"order, as when fitted, got {', '.join(table.names)}"
            )
        columns = [self._column(table, number) for number in range(len(self.levels))]
        return np.stack(columns, axis=1).reshape(table.shape)

    def _column(self, table: Table, number: int) -> np.ndarray:
        """A coordinate of new rows, coded as when fitted, [N]."""
        values = table.flat[:, number]
        known, own = self.levels[number], table.levels[number]
        if known is not None or own is not None:
            return self._labels(table, number)[values.astype(int)]
        code = self.codes[number] if self.codes else None
        if code is None and table.integers[number] is None:
            return values
        try:
            return (code or IntegerCode()).encode(table.exact_numbers(number))
        except ValueError as error:
            raise ValueError(
                f"{self.name} must hold the integers that were fitted in "
                f"{table.column(number)}: {error}"
            ) from error

    def _labels(self, table: Table, number: int) -> np.ndarray:
        """The fitted number of each level of a coordinate."""
        known, own = self.levels[number], table.levels[number]
        column = table.column(number)
        if known is None or own is None:
            expected = "numbers" if known is None else "labels"
            found = "numbers" if own is None else f"labels such as {own[0]!s}"
            raise ValueError(
                f"{self.name} must hold {expected} in {column}, as when fitted, got "
                f"{found}"
            )
        present = {own[int(place)] for place in table.flat[:, number]}
        new = sorted(present - set(known))
        if new:
            raise ValueError(
                f"{self.name} must hold the labels that were fitted in {column}, got "
                f"{new[0]!s}"
            )
        places = {level: place for place, level in enumerate(known)}
        return np.array([places.get(level, -1) for level in own.tolist()], float)

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
            names of columns, in which case no other column of numbers does; or a dict
            from arguments, such as "x", to one of these or to a list of column numbers.
            None leaves it to the estimator.
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
    tables = read_tables(discrete, **containers)
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
    if groups is None and not is_series and len(tables) > 1:
        x, y, *_ = tables.values()
        warnings += warnings_of_rows(x.flat, y.flat, x.is_label + y.is_label)
    if len(kept) < num_rows:
        dropped = num_rows - len(kept)
        warnings.append(
            f"{dropped} of {num_rows} rows with missing values are left out"
        )
    return Samples(tables, numbers, is_series, tuple(warnings))


def read_tables(
    discrete: Discrete | Mapping[str, Discrete], **containers: Any
) -> dict[str, Table]:
    """Reads variables with matching rows.

    Args:
        discrete: which columns hold labels, as in `read_samples`.
        **containers: rows of each variable, see `read_table`.

    Returns:
        The tables by the name of the argument; values may be missing.

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: if rows are traced by JAX.
    """
    said: dict[str, Discrete] = {}
    listed: Sequence[Any] | None = None
    if isinstance(discrete, Mapping):
        said = dict(discrete)
    elif discrete is None or isinstance(discrete, bool | np.bool_):
        said = dict.fromkeys(containers, discrete)
    else:
        listed = [discrete] if isinstance(discrete, str) else list(discrete)
    unknown = [name for name in said if name not in containers]
    if unknown:
        raise ValueError(
            f"discrete: no argument {unknown[0]!r}; give {', '.join(containers)}"
        )
    tables = {
        name: read_table(name, rows, discrete=said.get(name))
        for name, rows in containers.items()
    }
    if listed is not None:
        _mark_labels(listed, tables)
    check_row_counts(**tables)
    return tables


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
    read = {name: read_table(name, rows) for name, rows in containers.items()}
    tables = align_levels(read)
    return {
        name: drop_missing_rows(missing, **{name: table})[0][0]
        for name, table in tables.items()
    }


def warnings_of_table(name: str, table: Table) -> list[str]:
    """Warnings about the columns of one variable."""
    flat, found = table.flat, []
    constant = np.flatnonzero(np.ptp(flat, axis=0) == 0)
    if constant.size:
        found.append(
            f"{name} is constant in {_listed(table, constant)}, which carry no "
            "information"
        )
    identifying = np.flatnonzero(
        [
            is_label is True
            and len(np.unique(column)) == len(column) >= MIN_IDENTIFIERS
            for is_label, column in zip(table.is_label, flat.T, strict=True)
        ]
    )
    if identifying.size:
        found.append(
            f"{name} has another label in every row in {_listed(table, identifying)}, "
            "like an identifier, so rows cannot show what these tell of other columns"
        )
    serial = np.flatnonzero(
        [
            is_label is not True and _is_serial(column)
            for is_label, column in zip(table.is_label, flat.T, strict=True)
        ]
    )
    if serial.size:
        found.append(
            f"{name} counts rows in {_listed(table, serial)}, like an identifier or a "
            "time: if their order means nothing, leave such columns out"
        )
    return found


def _is_serial(column: np.ndarray) -> bool:
    """Whether a column holds whole numbers at equal steps, each once."""
    if len(column) < MIN_IDENTIFIERS or np.any(column != np.round(column)):
        return False
    steps = np.diff(np.sort(column))
    return bool(steps[0] > 0 and np.all(steps == steps[0]))


def _listed(table: Table, columns: np.ndarray) -> str:
    """The number of columns and the names of the first ones."""
    names = ", ".join(
        str(table.names[c] if table.names else c) for c in columns[:NAMED]
    ) + "..." * (columns.size > NAMED)
    return f"{columns.size} of {table.flat.shape[1]} coordinates ({names})"


def _mark_labels(discrete: Sequence[Any], tables: dict[str, Table]) -> None:
    """Marks the columns whose names are listed in `discrete`."""
    if not all(isinstance(column, str) for column in discrete):
        raise ValueError(
            "discrete must be True, False, a list of names of columns, or a dict such "
            f"as {{{next(iter(tables))!r}: [0, 2]}}"
        )
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
