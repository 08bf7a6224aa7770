"""Rows of one variable as numbers, from arrays, frames, tensors and sparse matrices.

Frames and series of pandas, polars and pyarrow are read through narwhals. The other
containers are recognized by what they offer, so none of them has to be installed.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import narwhals as nw
import numpy as np
import scipy.sparse
from jax.core import Tracer

__all__ = [
    "Discrete",
    "Table",
    "align_levels",
    "beside",
    "drop_missing_rows",
    "read_table",
]

# What a user says of the columns of a variable: nothing, all or none of them are
# labels, or which ones (by name, by number, or by one truth value for each).
Discrete = bool | Sequence[str] | Sequence[int] | Sequence[bool] | None

# Integers beyond this are not exact in float64.
LARGEST_EXACT = 2**53
# A larger sparse matrix is not made dense.
MAX_DENSE_BYTES = 4 * 2**30


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Rows of one variable as numbers, and what is known of its columns.

    `np.asarray(table)` gives the values.

    Attributes:
        values: rows in float64, [N, ...]. A label is the number of its level, and a
            missing value is NaN.
        is_label: for each of the D coordinates of a row, True if its values are labels
            without an order, False if they are ordered, None if nobody said.
        levels: for each coordinate, the levels of a column of text or categories, else
            None.
        names: name of each coordinate, such as "age"; () if the container has none.
    """

    values: np.ndarray
    is_label: tuple[bool | None, ...]
    levels: tuple[np.ndarray | None, ...]
    names: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.values)

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
        return dataclasses.replace(self, values=self.values[rows])

    def column(self, number: int) -> str:
        """How messages call a coordinate."""
        if self.names:
            return f"column {self.names[number]!r}"
        return f"coordinate {number}"


def read_table(name: str, rows: Any, *, discrete: Discrete = None) -> Table:
    """Reads the rows of one variable from any container.

    Args:
        name: the argument's name, for messages.
        rows: NumPy, JAX, masked or record arrays, nested lists, torch tensors, SciPy
            sparse matrices, AnnData (its X), xarray arrays, or frames and series of
            pandas, polars and pyarrow. Rows are the first axis. Text, categories and
            booleans become labels, lengths of time become seconds.
        discrete: which columns hold labels; None leaves it open where numbers do not
            tell. Columns of text are labels in any case.

    Returns:
        The `Table`.

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
        raise ValueError(f"{name} must have rows, got shape {table.values.shape}")
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
    )


def align_levels(one: Table, other: Table) -> tuple[Table, Table]:
    """Numbers the levels of two tables of the same variable alike."""
    if len(one.levels) != len(other.levels):
        return one, other  # The caller compares the shapes.
    both = [one, other]
    for number, pair in enumerate(zip(one.levels, other.levels, strict=True)):
        known = [levels for levels in pair if levels is not None]
        if len(known) < 2:
            continue
        union = np.unique(np.concatenate(known))
        for side, table in enumerate(both):
            both[side] = _renumbered(table, number, union)
    return both[0], both[1]


def _renumbered(table: Table, number: int, levels: np.ndarray) -> Table:
    own = table.levels[number]
    assert own is not None
    flat = table.flat.copy()
    column = flat[:, number]
    places = np.searchsorted(levels, own).astype(float)
    present = ~np.isnan(column)
    flat[present, number] = places[column[present].astype(int)]
    return dataclasses.replace(
        table,
        values=flat.reshape(table.values.shape),
        levels=(*table.levels[:number], levels, *table.levels[number + 1 :]),
    )


def _with_labels(name: str, table: Table, discrete: Discrete) -> Table:
    """The table with what the user said of its columns."""
    if discrete is None:
        return table
    size = len(table.is_label)
    if isinstance(discrete, bool | np.bool_):
        said: list[bool] = [bool(discrete)] * size
    else:
        given = list(discrete)
        if given and all(isinstance(one, bool | np.bool_) for one in given):
            if len(given) != size:
                raise ValueError(
                    f"discrete must have one truth value for each of the {size} "
                    f"columns of {name}, got {len(given)}"
                )
            said = [bool(one) for one in given]
        else:
            chosen = {_find_column(name, table, one) for one in given}
            said = [number in chosen for number in range(size)]
    for number, is_label in enumerate(said):
        if discrete is False and table.is_label[number]:
            raise ValueError(
                f"discrete is False, but {table.column(number)} of {name} holds labels"
            )
        said[number] = is_label or bool(table.is_label[number])
    return dataclasses.replace(table, is_label=tuple(said))


def _find_column(name: str, table: Table, wanted: Any) -> int:
    if isinstance(wanted, str) and wanted in table.names:
        return table.names.index(wanted)
    is_number = isinstance(wanted, int | np.integer)
    if is_number and 0 <= wanted < len(table.is_label):
        return int(wanted)
    known = ", ".join(table.names[:20]) or f"0 to {len(table.is_label) - 1}"
    raise ValueError(f"discrete: {name} has no column {wanted!r}; it has: {known}")


# Containers ------------------------------------------------------------------------


def _read(name: str, rows: Any) -> Table:
    names: tuple[str, ...] = ()
    if hasattr(rows, "X") and hasattr(rows, "var_names"):  # AnnData.
        names, rows = tuple(map(str, rows.var_names)), rows.X
    if scipy.sparse.issparse(rows):
        size = 8 * rows.shape[0] * rows.shape[1]
        if size > MAX_DENSE_BYTES:
            raise ValueError(
                f"{name} is a sparse matrix that would take {size / 2**30:.0f} GiB: "
                "give fewer columns"
            )
        rows = rows.toarray()
    elif hasattr(rows, "detach") and hasattr(rows, "numpy"):  # A torch tensor.
        rows = rows.detach().cpu()
        rows = (rows.float() if "bfloat16" in str(rows.dtype) else rows).numpy()
    frame = _as_frame(name, rows)
    if frame is None:
        return dataclasses.replace(_read_array(name, rows), names=names)
    is_series = isinstance(frame, nw.Series)
    columns = (
        [_read_series(f"{name}", frame)]
        if is_series
        else [_read_series(f"column {c!r} of {name}", frame[c]) for c in frame.columns]
    )
    if not columns:
        raise ValueError(f"{name} must have columns, got none")
    values, is_label, levels = zip(*columns, strict=True)
    label = frame.name if is_series else None
    return Table(
        values[0] if is_series else np.column_stack(values),
        is_label,
        levels,
        ((str(label),) if label is not None else ())
        if is_series
        else tuple(map(str, frame.columns)),
    )


def _as_frame(name: str, rows: Any) -> Any:
    """A narwhals frame or series, or None if this is neither."""
    columns = getattr(rows, "columns", None)
    if columns is not None and hasattr(columns, "is_unique") and not columns.is_unique:
        twice = columns[columns.duplicated()][0]
        raise ValueError(f"{name} has two columns named {twice!r}")
    frame = nw.from_native(rows, pass_through=True, allow_series=True)
    if isinstance(frame, nw.LazyFrame):
        raise ValueError(f"{name} is a lazy frame: give {name}.collect()")
    return frame if isinstance(frame, nw.DataFrame | nw.Series) else None


_Column = tuple[np.ndarray, bool | None, np.ndarray | None]


def _read_series(label: str, series: nw.Series[Any]) -> _Column:
    dtype, is_null = series.dtype, np.asarray(series.is_null().to_numpy(), bool)
    present = series.drop_nulls()
    if isinstance(dtype, nw.Categorical | nw.Enum):
        known: np.ndarray | None = None
        if isinstance(dtype, nw.Enum):
            known = np.asarray(series.cat.get_categories().cast(nw.String).to_numpy())
        text = np.asarray(present.cast(nw.String).to_numpy(), dtype=object).astype(str)
        values, is_label, levels = _number_levels(text, known)
    elif isinstance(dtype, nw.Decimal):
        values, is_label, levels = present.cast(nw.Float64).to_numpy(), None, None
    elif isinstance(dtype, nw.List | nw.Array | nw.Struct | nw.Binary | nw.Unknown):
        raise ValueError(f"{label} must hold numbers or labels, got {dtype}")
    else:
        values, is_label, levels = _read_column(label, present.to_numpy())
    whole = np.full(len(is_null), np.nan)
    whole[~is_null] = values
    return whole, is_label, levels


def _read_array(name: str, rows: Any) -> Table:
    mask = np.ma.getmaskarray(rows) if isinstance(rows, np.ma.MaskedArray) else None
    array = _as_array(name, rows)
    if array.dtype.names:  # A record array.
        columns = [
            _read_column(f"column {c!r} of {name}", array[c]) for c in array.dtype.names
        ]
        values, is_label, levels = zip(*columns, strict=True)
        return Table(np.column_stack(values), is_label, levels, array.dtype.names)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have rows, got shape {array.shape}")
    flat = array.reshape(len(array), -1)
    size = flat.shape[1]
    if array.dtype.kind in "fb" or (array.dtype.kind in "iu" and _is_exact(array)):
        is_label = True if array.dtype.kind == "b" else None
        values = array.astype(np.float64)
        table = Table(values, (is_label,) * size, (None,) * size)
    else:
        label = f"coordinate {{}} of {name}" if size > 1 else name
        columns = [_read_column(label.format(c), flat[:, c]) for c in range(size)]
        values, is_label, levels = zip(*columns, strict=True)
        table = Table(np.stack(values, axis=1).reshape(array.shape), is_label, levels)
    if mask is not None:
        table.values[mask] = np.nan
    return table


def _as_array(name: str, rows: Any) -> np.ndarray:
    try:
        array = np.asarray(rows)
        if array.dtype.kind in "US" and isinstance(rows, list | tuple):
            array = np.asarray(rows, dtype=object)  # Text and numbers side by side.
    except ValueError as error:
        raise ValueError(f"{name} must have rows of one length: {error}") from error
    if array.dtype.kind == "V" and not array.dtype.names:
        # bfloat16 and similar types, which NumPy does not know as numbers.
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise ValueError(f"{name} must hold real numbers, got {array.dtype}")
        return array.astype(np.float32)
    return array


# Columns ---------------------------------------------------------------------------


def _read_column(label: str, column: np.ndarray) -> _Column:
    """The numbers of a column, whether they are labels, and the levels of text."""
    kind = column.dtype.kind
    if kind == "f":
        return column.astype(np.float64), None, None
    if kind == "b":
        return column.astype(np.float64), True, None
    if kind in "iu":
        return _exact_numbers(column), None, None
    if kind == "m":
        seconds = column / np.timedelta64(1, "s")
        return seconds.astype(np.float64), None, None
    if kind == "M":
        raise ValueError(
            f"{label} holds dates, whose scale is not clear: give a length of time, "
            "such as column - column.min(), or what matters of them, such as the hour"
        )
    if kind == "O":
        return _read_objects(label, column)
    if kind in "US":
        return _number_levels(column.astype(str))
    raise ValueError(f"{label} must hold numbers or labels, got dtype {column.dtype}")


def _read_objects(label: str, column: np.ndarray) -> _Column:
    is_none = np.array([_is_none(one) for one in column], bool)
    present = column[~is_none]
    if all(isinstance(one, str) for one in present):
        found = _number_levels(present.astype(str))
    else:
        try:
            narrow = np.array(present.tolist())
        except ValueError:
            narrow = present
        has_text = any(isinstance(one, str) for one in present)
        if has_text or narrow.dtype.kind not in "fiubm" or narrow.ndim != 1:
            first = next(iter(present[[isinstance(one, str) for one in present]]), None)
            what = f"numbers and text ({first!r})" if has_text else "other objects"
            raise ValueError(f"{label} must hold numbers or labels, got {what}")
        found = _read_column(label, narrow)
    whole = np.full(len(column), np.nan)
    whole[~is_none] = found[0]
    return whole, *found[1:]


def _is_none(value: Any) -> bool:
    """Whether an object is None, NaN, NaT or NA, which are not equal to themselves."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True  # NA has no truth value.


def _number_levels(text: np.ndarray, known: np.ndarray | None = None) -> _Column:
    """Numbers the levels in alphabetical order, or in the order of ordered levels."""
    if known is None:
        levels, numbers = np.unique(text, return_inverse=True)
        return numbers.astype(np.float64), True, levels
    places = {level: place for place, level in enumerate(known)}
    return np.array([places[one] for one in text], np.float64), None, None


def _is_exact(integers: np.ndarray) -> bool:
    return integers.min() >= -LARGEST_EXACT and integers.max() <= LARGEST_EXACT


def _exact_numbers(integers: np.ndarray) -> np.ndarray:
    """Integers in float64, shifted or ranked if they would not be exact."""
    if not integers.size or _is_exact(integers):
        return integers.astype(np.float64)
    # The difference of unsigned numbers is exact, also where it overflows.
    shifted = integers.astype(np.uint64) - integers.min().astype(np.uint64)
    if shifted.max() <= LARGEST_EXACT:
        return shifted.astype(np.float64)
    return np.unique(integers, return_inverse=True)[1].astype(np.float64)
