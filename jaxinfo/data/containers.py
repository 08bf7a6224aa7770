"""Rows of one variable as numbers, from arrays, frames, tensors and sparse matrices.

Frames and series of pandas, polars and pyarrow are read through narwhals. The other
containers are recognized by what they offer, so none of them has to be installed.
"""

import dataclasses
import datetime
import decimal
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import narwhals as nw
import numpy as np
import scipy.sparse
from jax.core import Tracer

__all__ = [
    "Discrete",
    "ExactIntegers",
    "IntegerCode",
    "Table",
    "align_levels",
    "beside",
    "drop_missing_rows",
    "read_table",
]

# What a user says of the columns of a variable: nothing, all or none of them are
# labels, or which ones (by name, by number, or by one truth value for each).
Discrete = bool | str | Sequence[str] | Sequence[int] | Sequence[bool] | None

# Integers beyond this are not exact in float64.
LARGEST_EXACT = 2**53
# float64 overflows at 2^1024.
LARGEST_FLOAT = 2**1000
# A larger sparse matrix is not made dense.
MAX_DENSE_BYTES = 4 * 2**30


class IntegerCode(NamedTuple):
    """How integers beyond 2^53 became numbers that float64 can tell apart; hashable.

    Attributes:
        origin: the integer that became 0.
        levels: the integers in ascending order, if each became its position among
            them; else None.
    """

    origin: int = 0
    levels: tuple[int, ...] | None = None

    @classmethod
    def fit(cls, integers: np.ndarray) -> "IntegerCode":
        """Finds the code that changes integers least and keeps them apart, [N]."""
        distinct = np.unique(integers)
        if max(abs(distinct[0]), abs(distinct[-1])) < LARGEST_FLOAT:
            for origin in (0, distinct[0]):
                coded = (distinct - origin).astype(np.float64)
                if (np.diff(coded) > 0).all():
                    return cls(origin)
        return cls(levels=tuple(distinct))

    def encode(self, integers: np.ndarray) -> np.ndarray:
        """Returns the numbers of Python integers, [N] in float64.

        Raises:
            ValueError: if an integer is not among the levels.
        """
        if self.levels is None:
            return (integers - self.origin).astype(np.float64)
        places = {level: place for place, level in enumerate(self.levels)}
        unknown = [one for one in integers if one not in places]
        if unknown:
            raise ValueError(f"{unknown[0]} is not among the integers that were read")
        return np.array([places[one] for one in integers], np.float64)


class ExactIntegers(NamedTuple):
    """A column of integers, some of which float64 does not hold exactly.

    Attributes:
        rows: Python integers, [N]; None where the value is missing.
        code: how they became numbers.
    """

    rows: np.ndarray
    code: IntegerCode


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Rows of one variable as numbers, and what is known of its columns.

    `np.asarray(table)` gives the values.

    Attributes:
        values: rows in float64, [N, ...]. A label is the number of its level, and a
            missing value is NaN.
        is_label: for each of the D coordinates of a row, True if its values are labels
            without an order, False if they are ordered, None if nobody said.
        levels: for each coordinate, the levels of a column of text or categories in
            the order of their numbers, else None.
        names: name of each coordinate, such as "age"; () if the container has none.
        integers: for each coordinate, the integers of a column that float64 does not
            hold exactly, else None; () for None everywhere.
    """

    values: np.ndarray
    is_label: tuple[bool | None, ...]
    levels: tuple[np.ndarray | None, ...]
    names: tuple[str, ...] = ()
    integers: tuple[ExactIntegers | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.integers:
            object.__setattr__(self, "integers", (None,) * len(self.is_label))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.values.shape

    @property
    def flat(self) -> np.ndarray:
        """The rows with one axis of coordinates, [N, D]."""
        return self.values.reshape(len(self.values), -1)

    @property
    def is_missing(self) -> np.ndarray:
        """Whether a row has a missing value, [N]."""
        return np.asarray(np.isnan(self.flat).any(axis=1))

    def take(self, rows: Any) -> "Table":
        """The table with these rows only."""
        integers = tuple(
            None if own is None else own._replace(rows=own.rows[rows])
            for own in self.integers
        )
        return dataclasses.replace(self, values=self.values[rows], integers=integers)

    def column(self, number: int) -> str:
        """How messages call a coordinate."""
        if self.names:
            return f"column {self.names[number]!r}"
        return f"coordinate {number}"

    def exact_numbers(self, number: int) -> np.ndarray:
        """A coordinate as Python numbers, integers if they are whole, [N]."""
        own = self.integers[number]
        if own is not None:
            return own.rows
        return np.array(
            [int(v) if v.is_integer() else v for v in self.flat[:, number].tolist()],
            dtype=object,
        )


def read_table(name: str, rows: Any, *, discrete: Discrete = None) -> Table:
    """Reads the rows of one variable from any container.

    Args:
        name: the argument's name, for messages.
        rows: NumPy, JAX, masked or record arrays, nested lists, dicts of columns, torch
            tensors, SciPy sparse matrices, AnnData (its X), xarray arrays, or frames
            and series of pandas, polars and pyarrow. Rows are the first axis. Text,
            categories and booleans become labels, categories with an order become
            their positions, lengths of time become seconds.
        discrete: which columns hold labels: True or False for all, or a list of the
            columns that do; None leaves it open where numbers do not tell. Columns of
            text are labels in any case.

    Returns:
        The `Table`. Integers keep their values, except that a column in which two of
        them would be equal in float64 is shifted to begin at 0, or, if its range is too
        large for that, replaced by the positions in ascending order.

    Raises:
        ValueError: if there are no rows, or values are neither numbers nor labels; the
            message names the column.
        TypeError: if the rows are traced by JAX.

    Example:
        >>> table = read_table("x", [["a", 1.5], ["b", 2.0], ["a", 0.5]])
        >>> table.values.tolist(), table.is_label
        ([[0.0, 1.5], [1.0, 2.0], [0.0, 0.5]], (True, None))
    """
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(rows)):
        raise TypeError(
            f"{name} is traced: estimate functions read the data on the host; inside "
            "jit and vmap use the pure run of jaxinfo.estimation.make_run"
        )
    table = rows if isinstance(rows, Table) else _read(name, rows)
    if not len(table) or not table.flat.shape[1]:
        raise ValueError(f"{name} must have rows, got shape {table.shape}")
    infinite = np.isinf(table.flat)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise ValueError(
            f"{name} holds {infinite.sum()} infinite values, the first in row {row}, "
            f"{table.column(column)}"
        )
    return _with_labels(name, table, discrete)


def drop_missing_rows(missing: str, **tables: Table) -> tuple[list[Table], np.ndarray]:
    """Leaves out the rows in which any of the tables has a missing value.

    Args:
        missing: "error" to refuse missing values, "drop" to leave these rows out.
        **tables: tables with the same number of rows, by the name of the argument.

    Returns:
        The tables, and the numbers of the rows that are kept.

    Raises:
        ValueError: if values are missing and `missing` is "error", or no row is left.
    """
    if missing not in ("error", "drop"):
        raise ValueError(f'missing must be "error" or "drop", got {missing!r}')
    is_missing = np.any([table.is_missing for table in tables.values()], axis=0)
    if not is_missing.any():
        return list(tables.values()), np.arange(len(is_missing))
    if missing == "error":
        for name, table in tables.items():
            holes = np.isnan(table.flat)
            if holes.any():
                row, column = np.argwhere(holes)[0]
                raise ValueError(
                    f"{name} holds {holes.sum()} values that are NaN or missing, the "
                    f'first in row {row}, {table.column(column)}; missing="drop" '
                    "leaves out such rows"
                )
    kept = np.flatnonzero(~is_missing)
    if not kept.size:
        raise ValueError(
            f"{' and '.join(tables)} have no row without a missing value"
            + "".join(
                f"; {name} has none in {table.column(column)}"
                for name, table in tables.items()
                for column in np.flatnonzero(np.isnan(table.flat).all(axis=0))[:1]
            )
        )
    return [table.take(kept) for table in tables.values()], kept


def beside(*tables: Table) -> Table:
    """Joins tables of the same rows into one variable, [N, all D]."""
    names = [name for table in tables for name in table.names]
    size = sum(len(table.is_label) for table in tables)
    return Table(
        np.hstack([table.flat for table in tables]),
        tuple(known for table in tables for known in table.is_label),
        tuple(levels for table in tables for levels in table.levels),
        tuple(names) if len(names) == size else (),
        tuple(own for table in tables for own in table.integers),
    )


# Two samples of one variable -------------------------------------------------------


def align_levels(tables: Mapping[str, Table]) -> dict[str, Table]:
    """Numbers the levels and large integers of two samples of a variable alike.

    Args:
        tables: two tables of the same variable, by the name of the argument.

    Returns:
        The tables. Tables with rows of different shapes are returned unchanged, for the
        caller to refuse.

    Raises:
        ValueError: if a column holds labels in one table and numbers in the other,
            ordered categories in another order, or the columns have another order.
    """
    (first, one), (second, other) = tables.items()
    if one.shape[1:] != other.shape[1:]:
        return dict(tables)
    if one.names != other.names and sorted(one.names) == sorted(other.names):
        raise ValueError(
            f"{first} and {second} must have their columns in one order, got "
            f"{', '.join(one.names[:20])} and {', '.join(other.names[:20])}"
        )
    for number in range(len(one.is_label)):
        try:
            one, other = _align_column(one, other, number)
        except ValueError as error:
            raise ValueError(
                f"{one.column(number)} of {first} and {second} {error}"
            ) from error
    return {first: one, second: other}


def _align_column(one: Table, other: Table, number: int) -> tuple[Table, Table]:
    is_label = bool(one.is_label[number] or other.is_label[number])
    if is_label:
        labels = [
            (*table.is_label[:number], True, *table.is_label[number + 1 :])
            for table in (one, other)
        ]
        one = dataclasses.replace(one, is_label=labels[0])
        other = dataclasses.replace(other, is_label=labels[1])
    levels = one.levels[number], other.levels[number]
    if levels[0] is not None and levels[1] is not None:
        merged = _merge_levels(levels[0], levels[1], ordered=not is_label)
        return _renumber(one, number, merged), _renumber(other, number, merged)
    if levels[0] is not None or levels[1] is not None:
        raise ValueError("must both hold labels or both hold numbers")
    if one.integers[number] is None and other.integers[number] is None:
        return one, other
    both = np.concatenate([one.exact_numbers(number), other.exact_numbers(number)])
    code = IntegerCode.fit(both[[not _is_none(value) for value in both]])
    return _recode(one, number, code), _recode(other, number, code)


def _merge_levels(one: np.ndarray, other: np.ndarray, *, ordered: bool) -> np.ndarray:
    if not ordered:
        return np.unique(np.concatenate([one, other]))
    long, short = (one, other) if len(one) >= len(other) else (other, one)
    places = {level: place for place, level in enumerate(long.tolist())}
    found = [places.get(level, -1) for level in short.tolist()]
    if min(found) < 0 or (np.diff(found) < 0).any():
        raise ValueError(
            f"must have the same ordered categories, got {', '.join(one.tolist())} "
            f"and {', '.join(other.tolist())}"
        )
    return long


def _renumber(table: Table, number: int, levels: np.ndarray) -> Table:
    own = table.levels[number]
    assert own is not None
    places = {level: place for place, level in enumerate(levels.tolist())}
    new = np.array([places[level] for level in own.tolist()], np.float64)
    flat = table.flat.copy()
    present = ~np.isnan(flat[:, number])
    flat[present, number] = new[flat[present, number].astype(int)]
    return dataclasses.replace(
        table,
        values=flat.reshape(table.shape),
        levels=(*table.levels[:number], levels, *table.levels[number + 1 :]),
    )


def _recode(table: Table, number: int, code: IntegerCode) -> Table:
    rows = table.exact_numbers(number)
    flat = table.flat.copy()
    present = ~np.isnan(flat[:, number])
    flat[present, number] = code.encode(rows[present])
    own = ExactIntegers(rows, code)
    return dataclasses.replace(
        table,
        values=flat.reshape(table.shape),
        integers=(*table.integers[:number], own, *table.integers[number + 1 :]),
    )


# What the user says of labels ------------------------------------------------------


def _with_labels(name: str, table: Table, discrete: Discrete) -> Table:
    """The table with what the user said of its columns."""
    if discrete is None:
        return table
    size = len(table.is_label)
    if isinstance(discrete, bool | np.bool_):
        said = [bool(discrete)] * size
    else:
        said = _listed_columns(name, table, discrete)
    for number, levels in enumerate(table.levels):
        if levels is None or not table.is_label[number]:
            continue
        if discrete is False:
            raise ValueError(
                f"discrete is False, but {table.column(number)} of {name} holds labels "
                f"such as {levels[0]!s}"
            )
        said[number] = True
    return dataclasses.replace(table, is_label=tuple(said))


def _listed_columns(
    name: str, table: Table, discrete: str | Sequence[Any]
) -> list[bool]:
    size = len(table.is_label)
    given = [discrete] if isinstance(discrete, str) else list(discrete)
    if given and all(isinstance(one, bool | np.bool_) for one in given):
        if len(given) != size:
            raise ValueError(
                f"discrete must have one truth value for each of the {size} "
                f"columns of {name}, got {len(given)}"
            )
        return [bool(one) for one in given]
    chosen = {_find_column(name, table, one) for one in given}
    return [number in chosen for number in range(size)]


def _find_column(name: str, table: Table, wanted: Any) -> int:
    """The position of a column; a frame may have numbers as names."""
    if str(wanted) in table.names:
        return table.names.index(str(wanted))
    is_number = isinstance(wanted, int | np.integer)
    if is_number and 0 <= wanted < len(table.is_label):
        return int(wanted)
    known = ", ".join(table.names[:20]) or f"0 to {len(table.is_label) - 1}"
    raise ValueError(f"discrete: {name} has no column {wanted!r}; it has: {known}")


# Containers ------------------------------------------------------------------------


def _read(name: str, rows: Any) -> Table:
    if isinstance(rows, Mapping):  # Also an xarray Dataset.
        return _read_columns(name, rows)
    names: tuple[str, ...] = ()
    if hasattr(rows, "X") and hasattr(rows, "var_names"):  # AnnData.
        names, rows = tuple(map(str, rows.var_names)), rows.X
        rows = rows.to_memory() if hasattr(rows, "to_memory") else rows
    elif hasattr(rows, "dims") and hasattr(rows, "coords"):  # An xarray DataArray.
        names = _names_of_xarray(rows)
    frame = _as_frame(name, rows)
    if isinstance(frame, nw.Series):
        names = () if frame.name in (None, "") else (str(frame.name),)
        return _as_table([_read_series(name, frame)], names)
    if frame is not None:
        columns = [
            _read_series(f"column {_plain(series.name)!r} of {name}", series)
            for series in frame.iter_columns()
        ]
        if not columns:
            raise ValueError(f"{name} must have columns, got none")
        return _as_table(columns, tuple(map(str, frame.columns)), is_frame=True)
    table = _read_array(name, _as_dense(name, rows))
    return dataclasses.replace(table, names=names or table.names)


def _read_columns(name: str, columns: Mapping[Any, Any]) -> Table:
    """A dict of columns, each with one axis of rows."""
    tables = {
        str(label): _read(f"column {_plain(label)!r} of {name}", column)
        for label, column in columns.items()
    }
    if not tables:
        raise ValueError(f"{name} must have columns, got none")
    first = next(iter(tables.values()))
    for label, table in tables.items():
        if table.shape != first.shape or table.values.ndim != 1:
            raise ValueError(
                f"columns of {name} must have one axis and one length, got shapes "
                f"{first.shape} and {table.shape} of {label!r}"
            )
    return dataclasses.replace(beside(*tables.values()), names=tuple(tables))


def _plain(label: Any) -> Any:
    """The name of a column without NumPy's types, for messages."""
    return label.item() if isinstance(label, np.generic) else label


def _names_of_xarray(array: Any) -> tuple[str, ...]:
    if len(array.dims) == 1:
        return () if array.name is None else (str(array.name),)
    if len(array.dims) == 2 and array.dims[1] in array.coords:
        return tuple(map(str, np.asarray(array.coords[array.dims[1]])))
    return ()


def _as_frame(name: str, rows: Any) -> Any:
    """A narwhals frame or series, or None if this is neither."""
    package = type(rows).__module__.partition(".")[0]
    if package == "pyarrow":
        import pyarrow

        if isinstance(rows, pyarrow.Array):
            rows = pyarrow.chunked_array([rows])
        elif isinstance(rows, pyarrow.RecordBatch):
            rows = pyarrow.Table.from_batches([rows])
    try:
        frame = nw.from_native(rows, pass_through=True, allow_series=True)
        if package == "pandas" and frame is rows:  # An index or an array of pandas.
            import pandas

            frame = nw.from_native(pandas.Series(rows), allow_series=True)
    except nw.exceptions.DuplicateError as error:
        labels = list(getattr(rows, "column_names", None) or rows.columns)
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(f"{name} has two columns named {twice!r}") from error
    if isinstance(frame, nw.LazyFrame):
        raise ValueError(f"{name} is a lazy frame: give {name}.collect()")
    if not isinstance(frame, nw.DataFrame | nw.Series):
        return None
    return frame


def _as_dense(name: str, rows: Any) -> Any:
    """Sparse matrices and tensors as NumPy arrays; other rows unchanged."""
    is_tensor = hasattr(rows, "detach") and hasattr(rows, "numpy")
    is_strided = "strided" in str(getattr(rows, "layout", "strided"))
    if scipy.sparse.issparse(rows) or (is_tensor and not is_strided):
        size = 8 * math.prod(rows.shape)
        if size > MAX_DENSE_BYTES:
            raise ValueError(
                f"{name} is a sparse matrix that would take {size / 2**30:.0f} GiB: "
                "give fewer columns"
            )
        rows = rows.to_dense() if is_tensor else rows.toarray()
    if is_tensor:
        rows = rows.detach().cpu()
        rows = (rows.float() if "bfloat16" in str(rows.dtype) else rows).numpy()
    return rows


def _read_array(name: str, rows: Any) -> Table:
    is_masked = isinstance(rows, np.ma.MaskedArray)
    mask: Any = np.ma.getmaskarray(rows) if is_masked else None
    array = _as_array(name, rows)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have rows, got shape {array.shape}")
    if array.dtype.names:  # A record array.
        columns = [
            _read_column(
                f"column {label!r} of {name}",
                array[label],
                None if mask is None else mask[label],
            )
            for label in array.dtype.names
        ]
        return _as_table(columns, array.dtype.names, is_frame=True)
    size = math.prod(array.shape[1:])
    kind = array.dtype.kind
    if kind in "fb" or (kind in "iu" and _is_exact(array)):
        values = array.astype(np.float64)
        if mask is not None:
            values[mask] = np.nan
        return Table(values, (True if kind == "b" else None,) * size, (None,) * size)
    flat = array.reshape(len(array), size)
    flat_mask = None if mask is None else mask.reshape(len(array), size)
    columns = [
        _read_column(
            f"coordinate {number} of {name}" if size > 1 else name,
            flat[:, number],
            None if flat_mask is None else flat_mask[:, number],
        )
        for number in range(size)
    ]
    table = _as_table(columns, is_frame=True)
    return dataclasses.replace(table, values=table.values.reshape(array.shape))


def _as_array(name: str, rows: Any) -> np.ndarray:
    try:
        array = np.asarray(rows)
        if isinstance(rows, list | tuple) and _lost_by_numpy(array):
            array = np.asarray(rows, dtype=object)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{name} cannot be read as rows of one shape: {reason}") from (
            error
        )
    if array.dtype.kind == "V" and not array.dtype.names:
        # bfloat16 and similar types, which NumPy does not know as numbers.
        if jnp.issubdtype(array.dtype, jnp.floating):
            return array.astype(np.float32)
        if jnp.issubdtype(array.dtype, jnp.integer):
            return array.astype(np.int64)
    return array


def _lost_by_numpy(array: np.ndarray) -> bool:
    """Whether NumPy may have changed the values of a list.

    It turns numbers beside text into text, and large integers beside others into
    floats.
    """
    if array.dtype.kind == "f" and array.size:
        return bool((np.abs(array) > LARGEST_EXACT).any())
    return array.dtype.kind in "US"


# Columns ---------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column of a table; see `Table` for the attributes."""

    values: np.ndarray
    is_label: bool | None = None
    levels: np.ndarray | None = None
    integers: ExactIntegers | None = None

    def spread(self, is_missing: np.ndarray) -> "_Column":
        """The column with missing values put in between."""
        if not is_missing.any():
            return self
        values = np.full(len(is_missing), np.nan)
        values[~is_missing] = self.values
        integers = self.integers
        if integers is not None:
            rows = np.full(len(is_missing), None, object)
            rows[~is_missing] = integers.rows
            integers = integers._replace(rows=rows)
        return self._replace(values=values, integers=integers)


def _as_table(
    columns: list[_Column], names: tuple[str, ...] = (), *, is_frame: bool = False
) -> Table:
    values, is_label, levels, integers = zip(*columns, strict=True)
    rows = np.column_stack(values) if is_frame else values[0]
    return Table(rows, is_label, levels, names, integers)


def _read_series(label: str, series: nw.Series[Any]) -> _Column:
    is_null = np.asarray(series.is_null().to_numpy(), bool)
    present = series.drop_nulls()
    if isinstance(series.dtype, nw.Categorical | nw.Enum):
        text = np.asarray(present.cast(nw.String).to_numpy(), object).astype(str)
        if isinstance(series.dtype, nw.Enum):
            column = _number_ordered(text, [str(c) for c in series.dtype.categories])
        else:
            column = _number_levels(text)
    else:
        column = _read_column(label, np.asarray(present.to_numpy()))
    return column.spread(is_null)


def _read_column(
    label: str, column: np.ndarray, is_missing: np.ndarray | None = None
) -> _Column:
    """The numbers of a column, whether they are labels, and the levels of text."""
    if column.ndim != 1:
        raise ValueError(
            f"{label} must hold one value in a row, got {column.shape[1:]}"
        )
    if is_missing is not None and is_missing.any():
        return _read_column(label, column[~is_missing]).spread(is_missing)
    kind = column.dtype.kind
    if kind == "f":
        return _Column(column.astype(np.float64))
    if kind == "b":
        return _Column(column.astype(np.float64), True)
    if kind in "iu":
        return _read_integers(column)
    if kind == "m":
        return _Column(_seconds(label, column))
    if kind == "M":
        raise _date_error(label)
    if kind in "OT":  # "T" is NumPy's text of any length.
        return _read_objects(label, column.astype(object))
    if kind == "S":
        column = np.array([_decode(one) for one in column], dtype=str)
    if kind in "SU":
        return _number_levels(column)
    raise ValueError(f"{label} must hold numbers or labels, got dtype {column.dtype}")


def _read_integers(column: np.ndarray) -> _Column:
    """Integers of any size as numbers that float64 can tell apart."""
    if not column.size or _is_exact(column):
        return _Column(column.astype(np.float64))
    rows = column.astype(object)
    code = IntegerCode.fit(rows)
    return _Column(code.encode(rows), integers=ExactIntegers(rows, code))


def _is_exact(integers: np.ndarray) -> bool:
    return bool(integers.min() >= -LARGEST_EXACT and integers.max() <= LARGEST_EXACT)


def _seconds(label: str, column: np.ndarray) -> np.ndarray:
    is_missing = np.isnat(column)
    present = column[~is_missing]
    seconds = np.full(len(column), np.nan)
    seconds[~is_missing] = present / np.timedelta64(1, "s")
    if len(np.unique(seconds[~is_missing])) < len(np.unique(present)):
        raise ValueError(
            f"{label} holds lengths of time whose differences are lost in float64: "
            "subtract the smallest one"
        )
    return seconds


def _date_error(label: str) -> ValueError:
    return ValueError(
        f"{label} holds dates or times of day, whose scale is not clear: give a length "
        "of time, such as column - column.min(), or what matters of them, such as the "
        "hour, or text for labels"
    )


def _decode(text: bytes) -> str:
    return text.decode(errors="backslashreplace")


def _read_objects(label: str, column: np.ndarray) -> _Column:
    is_none = np.array([_is_none(one) for one in column], bool)
    return _read_present_objects(label, column[~is_none]).spread(is_none)


def _read_present_objects(label: str, column: np.ndarray) -> _Column:
    examples = {type(one): one for one in column}
    kinds = {_kind_of(one) for one in examples.values()}
    if kinds == {"text"}:
        text = [_decode(one) if isinstance(one, bytes) else one for one in column]
        return _number_levels(np.array(text, dtype=str))
    if kinds == {"truth value"}:
        return _Column(column.astype(np.float64), True)
    if kinds <= {"integer", "truth value"}:
        return _read_integers(np.array([int(one) for one in column], dtype=object))
    if kinds <= {"number", "integer", "truth value"}:
        return _Column(np.array([float(one) for one in column]))
    if kinds == {"length of time"}:
        return _Column(_seconds(label, np.array(list(column), dtype="timedelta64")))
    if "date" in kinds:
        raise _date_error(label)
    if "text" in kinds:
        text = next(one for one in column if _kind_of(one) == "text")
        kinds = {f"text, such as {text!r}, beside other values"}
    raise ValueError(
        f"{label} must hold numbers or labels, got {' and '.join(sorted(kinds))}"
    )


def _kind_of(value: Any) -> str:
    """What an object is, in words; the name of its type if it is no value."""
    if isinstance(value, str | bytes):
        return "text"
    if isinstance(value, bool | np.bool_):
        return "truth value"
    if isinstance(value, datetime.timedelta | np.timedelta64):
        return "length of time"
    if isinstance(value, datetime.date | datetime.time | np.datetime64):
        return "date"
    if isinstance(value, numbers.Integral):
        return "integer"
    if isinstance(value, numbers.Real | decimal.Decimal):
        return "number"
    return type(value).__name__


def _is_none(value: Any) -> bool:
    """Whether an object is None, NaN, NaT or NA, which are not equal to themselves."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"  # It has no truth value.


def _number_levels(text: np.ndarray) -> _Column:
    """Numbers the levels in alphabetical order."""
    levels, places = np.unique(text, return_inverse=True)
    return _Column(places.astype(np.float64), True, levels)


def _number_ordered(text: np.ndarray, known: list[str]) -> _Column:
    """Numbers ordered categories by their positions."""
    places = {level: place for place, level in enumerate(known)}
    values = np.array([places[one] for one in text.tolist()], np.float64)
    return _Column(values, None, np.array(known, dtype=str))
