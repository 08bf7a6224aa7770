"""Columns of .csv files and arrays of .npz files, as paired samples.

Any problem with a file raises a ValueError with a message of one line that names it.
"""

import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxinfo.core.extras import import_extra

__all__ = ["read_columns"]

SUFFIXES = (".csv", ".npz")
# The exceptions that NumPy raises for a damaged archive.
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def read_columns(
    path: str | os.PathLike[str],
    *,
    x: str | None = None,
    y: str | None = None,
    z: str | None = None,
) -> tuple[np.ndarray, ...]:
    """Reads paired samples from a .csv or an .npz file.

    Args:
        path: the file. A .csv file has one header line, then numbers or labels; the
            labels of a column become the numbers of its categories, from 0 in
            alphabetical order. An .npz file holds arrays.
        x: comma-separated column names of a .csv file; None for the first column of a
            file with two columns. Name of an array of an .npz file; None for "x".
        y: as x; None for the second column, or for the array "y".
        z: as x; None for no z.

    Returns:
        x [N, ...], y [N, ...] and, if z is given, z [N, ...], with the dtypes of the
        file; an array of one axis becomes [N, 1].

    Raises:
        ValueError: if the file is missing, empty, damaged, of an unknown format or
            lacks the columns; if a column mixes numbers and text, has empty cells or
            labels that hardly repeat; if lengths differ. Pickled objects are refused
            and never unpickled.
        ImportError: if a .csv file is given and pandas is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path}: unknown suffix {suffix!r}; known: {', '.join(SUFFIXES)}"
        )
    if not path.is_file():
        problem = "not a file" if path.exists() else "no such file"
        raise ValueError(f"{path}: {problem}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    if not content.strip():
        raise ValueError(f"{path}: the file is empty")
    read = _read_csv if suffix == ".csv" else _read_npz
    names = {"x": x, "y": y} | ({} if z is None else {"z": z})
    samples = read(path, content, names)
    for name, rows in samples.items():
        if len(rows) != len(samples["x"]):
            raise ValueError(
                f"{path}: x and {name} must have the same number of rows, got "
                f"{len(samples['x'])} and {len(rows)}"
            )
    if not len(samples["x"]):
        raise ValueError(f"{path}: the file has no data rows")
    return tuple(samples.values())


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f", ... ({len(names)})" if len(names) > 20 else "")


# Comma-separated values -----------------------------------------------------------


def _read_csv(
    path: Path, content: bytes, wanted: dict[str, str | None]
) -> dict[str, np.ndarray]:
    table = _parse_csv(path, content)
    names = [str(name) for name in table.columns]
    if all(_is_number(name) for name in names):
        raise ValueError(
            f"{path}: the first line must name the columns, got {_list(names)}"
        )
    named = {v: columns for v, columns in wanted.items() if columns is not None}
    if len(named) == len(wanted):
        chosen = {v: _split_names(path, names, columns) for v, columns in named.items()}
    elif len(wanted) == len(names) == 2 and not named:
        chosen = {"x": names[:1], "y": names[1:]}
    else:
        raise ValueError(
            f"{path}: name the columns of x and of y; the file has: {_list(names)}"
        )
    if not len(table):
        raise ValueError(f"{path}: the file has no data rows")
    return {
        v: np.column_stack([_numbers(path, name, table[name]) for name in columns])
        for v, columns in chosen.items()
    }


def _parse_csv(path: Path, content: bytes) -> Any:
    pandas = import_extra("pandas", "cli")
    try:
        with warnings.catch_warnings():
            # By default, pandas truncates rows longer than the header with a warning.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            table = pandas.read_csv(
                io.BytesIO(content),
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
            )
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file is not UTF-8 text") from error
    except pandas.errors.ParserWarning as error:
        raise ValueError(
            f"{path}: not a table: some rows have more cells than the first line"
        ) from error
    except (pandas.errors.ParserError, ValueError) as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. ")
        raise ValueError(f"{path}: not a table: {reason}") from error
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _split_names(path: Path, names: list[str], wanted: str) -> list[str]:
    columns = [name.strip() for name in wanted.split(",")]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ValueError(
            f"{path}: no column {missing[0]!r}; the file has: {_list(names)}"
        )
    return columns


def _numbers(path: Path, name: str, column: Any) -> np.ndarray:
    """The column as numbers; an error shows the first cell that is not a number."""
    pandas = import_extra("pandas", "cli")
    empty = column.isna().to_numpy()
    is_text = column.dtype.kind not in "biuf"
    if is_text:
        numbers: Any = pandas.to_numeric(column, errors="coerce")
        bad = np.flatnonzero(numbers.isna().to_numpy() & ~empty)
        is_text = 0 < bad.size == np.sum(~empty)
        if bad.size and not is_text:
            raise ValueError(
                f"{path}: column {name!r} is not numeric: {str(column.iloc[bad[0]])!r} "
                f"in row {bad[0]} (the first is row 0)"
            )
        column = column if is_text else numbers
    if empty.any():
        raise ValueError(
            f"{path}: column {name!r} has {empty.sum()} empty or NaN cells, the first "
            f"in row {int(np.argmax(empty))} (the first is row 0)"
        )
    return _encode_labels(path, name, column) if is_text else column.to_numpy()


def _encode_labels(path: Path, name: str, column: Any) -> np.ndarray:
    """Labels as the numbers of their categories."""
    labels = column.astype(str).str.strip()
    categories, numbers = np.unique(labels, return_inverse=True)
    if 2 * len(categories) > len(numbers):
        raise ValueError(
            f"{path}: column {name!r} holds {len(categories)} different labels in "
            f"{len(numbers)} rows; labels must repeat"
        )
    return numbers


# Archives of arrays ---------------------------------------------------------------


def _read_npz(
    path: Path, content: bytes, wanted: dict[str, str | None]
) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ValueError(f"{path}: not an .npz archive, or a damaged one")
    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
    except ARCHIVE_ERRORS as error:
        raise ValueError(f"{path}: a damaged .npz archive ({error})") from error
    with archive:
        names = list(archive.files)
        chosen = {variable: name or variable for variable, name in wanted.items()}
        for name in chosen.values():
            if name not in names:
                raise ValueError(
                    f"{path}: no array {name!r}; the file has: {_list(names)}"
                )
        return {v: _array(path, archive, name) for v, name in chosen.items()}


def _array(path: Path, archive: Any, name: str) -> np.ndarray:
    try:
        array = archive[name]
    except ARCHIVE_ERRORS as error:
        # NumPy's message recommends allow_pickle, which is not available here.
        if "allow_pickle" in str(error):
            raise ValueError(
                f"{path}: array {name!r} holds pickled Python objects, which are "
                "refused: save an array of numbers"
            ) from error
        raise ValueError(f"{path}: array {name!r} is damaged ({error})") from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: {name!r} is not a NumPy array")
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{path}: array {name!r} must hold real numbers, got dtype {array.dtype}"
        )
    if not array.ndim:
        raise ValueError(f"{path}: array {name!r} must have rows, got a scalar")
    return array[:, None] if array.ndim == 1 else array
