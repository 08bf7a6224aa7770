"""Columns of text and Parquet files and arrays of .npz files, as paired samples.

Any problem with a file raises a ValueError with a message of one line that names it.
"""

import abc
import codecs
import contextlib
import csv
import dataclasses
import gzip
import io
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxinfo.core.extras import import_extra
from jaxinfo.data.containers import LARGEST_EXACT, Table, read_table

__all__ = ["read_columns"]

SUFFIXES = (".csv", ".npz", ".parquet", ".tsv", ".csv.gz", ".tsv.gz")
# The separators of text files, the most likely one first, and their names.
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
# So many rows tell which of them separates the cells.
NUM_ROWS_READ_AHEAD = 50
# The exceptions that NumPy and gzip raise for a damaged archive.
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
    groups: str | None = None,
    discrete: str | None = None,
) -> tuple[Table, ...]:
    """Reads paired samples from a file.

    The `Table` of a variable can be given to every estimate function. Empty cells and
    "NaN" or "nan" are missing values; "NA" and "None" are text.

    Args:
        path: a .csv or .tsv file, which may be compressed (.csv.gz), with one header
            line and with commas, tabs, semicolons or bars between the cells; a .parquet
            file; or an .npz file of arrays. Columns of text are labels.
        x: comma-separated column names; None for the first column of a file with two
            columns. A name that has a comma may be quoted. Of an .npz file, the name of
            an array; None for "x".
        y: as x; None for the second column, or for the array "y".
        z: as x; None for no z.
        groups: name of the column, or array, that has a label for each row; None for
            independent rows.
        discrete: comma-separated names of the columns, or arrays, that hold labels, in
            which case no other column of numbers does; None leaves it open.

    Returns:
        x [N, D], y [N, D] and, if they are given, z [N, D] and groups [N, 1]. An array
        of an .npz file keeps its shape [N, ...], and an array of one axis becomes
        [N, 1].

    Raises:
        ValueError: if the file is missing, empty, damaged, of an unknown format or
            lacks the columns; if a column mixes numbers and text, holds dates, numbers
            whose form is not clear, or labels that hardly repeat; if lengths differ.
            Pickled objects are refused and never unpickled.
        ImportError: if a .parquet file is given and pyarrow is not installed.

    Notes:
        Numbers with a decimal comma, grouped digits or a percent sign are read as
        numbers if the whole column has that form, with a warning; "12 %" is 12. A
        column that is named twice gives a warning.
    """
    path = Path(path)
    suffix = next((s for s in SUFFIXES[::-1] if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise ValueError(
            f"{path}: unknown suffix {path.suffix!r}; known: {', '.join(SUFFIXES)}"
        )
    content = _read_bytes(path)
    if suffix.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except ARCHIVE_ERRORS as error:
            raise ValueError(f"{path}: a damaged .gz file ({error})") from error
    if not content.strip():
        raise ValueError(f"{path}: the file is empty")
    read = {".npz": _Archive, ".parquet": _Parquet}.get(suffix, _Text)
    wanted = {"x": x, "y": y} | ({} if z is None else {"z": z})
    file = read(path, content)
    tables = _read_tables(file, wanted, groups, discrete)
    for name, rows in tables.items():
        if len(rows) != len(tables["x"]):
            raise ValueError(
                f"{path}: x and {name} must have the same number of rows, got "
                f"{len(tables['x'])} and {len(rows)}"
            )
    for remark in file.remarks:
        warnings.warn(remark, UserWarning, stacklevel=2)
    return tuple(tables.values())


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        problem = "not a file" if path.exists() else "no such file"
        raise ValueError(f"{path}: {problem}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error


def _read_tables(
    file: "_File",
    wanted: Mapping[str, str | None],
    groups: str | None,
    discrete: str | None,
) -> dict[str, Table]:
    chosen = file.choose(wanted)
    file.remarks += _repeated_columns(chosen)
    labels = None if discrete is None else file.split_names(discrete)
    used = [name for names in chosen.values() for name in names]
    for name in labels or []:
        if name not in used:
            raise ValueError(
                f"{file.path}: discrete names column {name!r}, which no variable has"
            )
    columns = file.columns(list(dict.fromkeys(used)), set(labels or []))
    tables = {}
    for variable, names in chosen.items():
        table = _read_table(file, variable, {name: columns[name] for name in names})
        own = _listed(table, names, labels)
        tables[variable] = read_table(variable, table, discrete=own)
        _check_repetition(file.path, tables[variable], labels or [])
    if groups is not None:
        names = file.split_names(groups)
        if len(names) > 1:
            raise ValueError(f"{file.path}: groups must name one column, got {groups}")
        tables["groups"] = _read_table(file, "groups", file.columns(names, set(names)))
    return tables


def _read_table(file: "_File", variable: str, columns: Mapping[str, Any]) -> Table:
    try:
        return file.table(variable, columns)
    except ValueError as error:
        raise ValueError(f"{file.path}: {error}") from error


def _listed(
    table: Table, names: Sequence[str], labels: Sequence[str] | None
) -> list[bool] | None:
    """Whether each coordinate holds labels; an array is listed as a whole."""
    if labels is None:
        return None
    size = len(table.is_label)
    if len(names) == size:
        return [name in labels for name in names]
    return [names[0] in labels] * size


def _repeated_columns(chosen: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each column that is named twice."""
    owners: dict[str, list[str]] = {}
    for variable, names in chosen.items():
        for name in names:
            owners.setdefault(name, []).append(variable)
    sentences = []
    for name, variables in owners.items():
        if len(variables) > 1:
            is_given = "z" in variables and len(set(variables)) > 1
            sentences.append(
                f"column {name!r} is given for {' and for '.join(variables)}"
                + "; given z, it carries no information" * is_given
            )
    return sentences


def _check_repetition(path: Path, table: Table, labels: Sequence[str]) -> None:
    """Refuses names and other text that does not sort the rows into classes."""
    for number, levels in enumerate(table.levels):
        name = table.names[number] if table.names else None
        if levels is None or not table.is_label[number] or name in labels:
            continue
        count = int(np.sum(~np.isnan(table.flat[:, number])))
        if 2 * len(levels) > count:
            raise ValueError(
                f"{path}: {table.column(number)} holds {len(levels)} different labels "
                f"in {count} rows; labels must repeat"
            )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f", ... ({len(names)})" if len(names) > 20 else "")


class _File(abc.ABC):
    """A file with named columns."""

    what = "column"

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path = path
        self.names = list(names)
        self.remarks: list[str] = []  # What the user should know of the data.

    def choose(self, wanted: Mapping[str, str | None]) -> dict[str, list[str]]:
        """The names of the columns of each variable."""
        named = {v: names for v, names in wanted.items() if names is not None}
        if len(named) == len(wanted):
            return {v: self.split_names(names) for v, names in named.items()}
        own = [name for name in self.names if name]
        if named or len(wanted) != 2 or len(own) != 2:
            raise ValueError(
                f"{self.path}: name the columns of x and of y; {self.content()}"
            )
        if own[0] == own[1]:
            raise self._twice(own[0])
        return {"x": own[:1], "y": own[1:]}

    def split_names(self, wanted: str) -> list[str]:
        """The columns in a comma-separated list; names may have commas themselves."""
        if wanted.strip() in self.names:
            found = [wanted.strip()]
        elif '"' in wanted:
            [found] = csv.reader([wanted], skipinitialspace=True)
            found = [name.strip() for name in found]
        else:
            found = self._join_parts(wanted.split(","))
        for name in found:
            if name not in self.names:
                raise ValueError(
                    f"{self.path}: no {self.what} {name!r}; {self.content()}"
                )
            if self.names.count(name) > 1:
                raise self._twice(name)
        return found

    def _join_parts(self, parts: list[str]) -> list[str]:
        """Joins parts, the longest first, where that gives the name of a column."""
        found = []
        while parts:
            for end in range(len(parts), 0, -1):
                name = ",".join(parts[:end]).strip()
                if name in self.names or end == 1:
                    found.append(name)
                    parts = parts[end:]
                    break
        return found

    def _twice(self, name: str) -> ValueError:
        return ValueError(
            f"{self.path}: {self.names.count(name)} columns are named {name!r}; their "
            "names must differ"
        )

    def content(self) -> str:
        """What the file has, for messages."""
        return f"the file has: {_list(self.names)}"

    @abc.abstractmethod
    def columns(self, names: Sequence[str], is_text: set[str]) -> dict[str, Any]:
        """The columns of these names.

        Args:
            names: the names.
            is_text: names of the columns whose text is not read as numbers.
        """

    def table(self, variable: str, columns: Mapping[str, Any]) -> Table:
        """The table of a variable with these columns."""
        return read_table(variable, columns)


# Text -----------------------------------------------------------------------------


class _Text(_File):
    """Cells between separators, and a header line."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.text = _decode(path, content)
        is_tabs = path.name.lower().removesuffix(".gz").endswith(".tsv")
        self.separator = _find_separator(self.text, "\t" if is_tabs else ",")
        header = [name.strip() for name in next(self._rows(path), [])]
        while header and not header[-1]:  # Separators at the end of the line.
            header.pop()
        super().__init__(path, header)
        if all(_is_number(name) for name in header):
            raise ValueError(
                f"{path}: the first line must name the columns, got {_list(header)}"
            )

    def content(self) -> str:
        """What the file has, and by which separator if that may be wrong."""
        has = super().content()
        if len(self.names) > 1:
            return has
        found = SEPARATORS[self.separator]
        others = ", ".join(words for words in SEPARATORS.values() if words != found)
        return (
            f"{has}, one column when cells are separated by {found}; {others} would "
            "also be found"
        )

    def columns(self, names: Sequence[str], is_text: set[str]) -> dict[str, Any]:
        """The columns as numbers, or as text."""
        places = [self.names.index(name) for name in names]
        cells: list[list[str]] = [[] for _ in names]
        wanted = list(zip(cells, places, strict=True))
        rows = self._rows(self.path)
        next(rows)
        for number, row in enumerate(rows):
            if len(row) != len(self.names):
                self._check_length(row, number)
            for column, place in wanted:
                column.append(row[place].strip())
        if not cells[0]:
            raise ValueError(f"{self.path}: the file has no data rows")
        return {
            name: _as_text(column) if name in is_text else self._read(name, column)
            for name, column in zip(names, cells, strict=True)
        }

    def _read(self, name: str, cells: list[str]) -> np.ndarray:
        """A column as numbers, truth values or text."""
        where = f"{self.path}: column {name!r}"
        is_missing = np.array([cell in MISSING for cell in cells])
        present = [cell for cell in cells if cell not in MISSING]
        numbers = _read_numbers(present)
        if numbers is None and all(cell in TRUTH_VALUES for cell in present):
            numbers = np.array([TRUTH_VALUES[cell] for cell in present])
        if numbers is None:
            numbers, words = _read_other_numbers(where, present)
            if numbers is None:
                _check_text(where, cells)
                return _as_text(cells)
            self.remarks.append(
                f"column {name!r} is read as {words}: {present[0]!r} is {numbers[0]:g}"
            )
        values = np.zeros(len(cells), numbers.dtype)
        values[~is_missing] = numbers
        return np.ma.masked_array(values, is_missing)

    def _rows(self, path: Path) -> Iterator[list[str]]:
        """The rows that are not empty lines."""
        reader = csv.reader(
            io.StringIO(self.text, newline=""),
            delimiter=self.separator,
            skipinitialspace=True,
            strict=True,
        )
        try:
            for row in reader:
                if len(row) > 1 or any(map(str.strip, row)):
                    yield row
        except csv.Error as error:
            raise ValueError(f"{path}: not a table: {error}") from error

    def _check_length(self, row: list[str], number: int) -> None:
        size = len(self.names)
        if len(row) < size or any(row[size:]):
            raise ValueError(
                f"{self.path}: not a table: row {number} (the first is row 0) has "
                f"{len(row)} cells and the first line {size}, separated by "
                f"{SEPARATORS[self.separator]}"
            )


def _decode(path: Path, content: bytes) -> str:
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: the file is not UTF-8 text; save it with this encoding"
        ) from error


def _find_separator(text: str, usual: str) -> str:
    """The usual separator, unless only another one gives rows of one length."""
    lines = []
    for line in io.StringIO(text, newline=""):
        lines.append(line)
        if len(lines) == NUM_ROWS_READ_AHEAD:
            break
    for separator in (usual, *SEPARATORS):
        try:
            reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
            sizes = {len(row) for row in reader if any(row)}
        except csv.Error:
            continue
        if len(sizes) == 1 and min(sizes) > 1:
            return separator
    counts = {separator: lines[0].count(separator) for separator in SEPARATORS}
    if counts[usual] or not any(counts.values()):
        return usual
    return max(counts, key=lambda separator: counts[separator])


# Cells ----------------------------------------------------------------------------


class _Form(NamedTuple):
    """A way to write numbers.

    Attributes:
        words: how messages call such numbers.
        pattern: what every cell matches.
        groups: characters that may separate groups of three digits.
        point: the decimal separator.
    """

    words: str
    pattern: re.Pattern[str]
    groups: str
    point: str


MISSING = {"", "NaN", "nan"}
TRUTH_VALUES = {"True": True, "TRUE": True, "true": True}
TRUTH_VALUES |= {"False": False, "FALSE": False, "false": False}
SIGN, EXPONENT, SPACES = r"[+-]?", r"(?:[eE][+-]?\d+)?", " \u00a0\u202f'’"
PLAIN = re.compile(rf"{SIGN}(?:\d+\.?\d*|\.\d+){EXPONENT}|{SIGN}inf(?:inity)?", re.I)
# Groups do not begin with 0, so "0,532" has a decimal comma.
FORMS = (
    _Form(
        "numbers with a decimal comma",
        re.compile(
            rf"{SIGN}(?:(?:\d+|[1-9]\d{{0,2}}(?:[.{SPACES}]\d{{3}})+)(?:,\d*)?|,\d+)"
            rf"{EXPONENT}"
        ),
        f".{SPACES}",
        ",",
    ),
    _Form(
        "numbers with grouped digits",
        re.compile(
            rf"{SIGN}(?:\d+|[1-9]\d{{0,2}}(?:[,{SPACES}]\d{{3}})+)(?:\.\d*)?{EXPONENT}"
        ),
        f",{SPACES}",
        ".",
    ),
)
DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*")
TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")


def _is_number(cell: str) -> bool:
    return cell in ("NaN", "nan") or PLAIN.fullmatch(cell) is not None


def _as_text(cells: list[str]) -> np.ndarray:
    is_missing = [cell in MISSING for cell in cells]
    return np.ma.masked_array(np.array(cells, dtype=str), is_missing)


def _read_numbers(cells: list[str]) -> np.ndarray | None:
    """The cells as numbers, exact if they are integers; None if one is no number."""
    try:
        numbers = np.array([*map(float, cells)], dtype=np.float64)
    except ValueError:
        return None
    # Python also reads "1_000" and more spellings of NaN.
    if np.isnan(numbers).any() or any("_" in cell for cell in cells):
        return None
    is_large = (np.abs(numbers) > LARGEST_EXACT).any()
    if is_large and all(cell.lstrip("+-").isdecimal() for cell in cells):
        with contextlib.suppress(ValueError):  # More digits than Python reads.
            return np.array([int(cell) for cell in cells], dtype=object)
    return numbers


def _read_other_numbers(where: str, cells: list[str]) -> tuple[np.ndarray | None, str]:
    """Reads percentages, decimal commas and grouped digits.

    Returns:
        The numbers and how to call them; None if a cell is no number.
    """
    kinds = []
    if all(cell.endswith("%") for cell in cells):
        cells = [cell[:-1].rstrip(SPACES) for cell in cells]
        kinds.append("percentages")
    if not all(map(PLAIN.fullmatch, cells)):
        forms = [form for form in FORMS if all(map(form.pattern.fullmatch, cells))]
        if not forms:
            return None, ""
        with_comma = next((cell for cell in cells if "," in cell), None)
        if len(forms) > 1 and with_comma:
            raise ValueError(
                f"{where} has numbers such as {with_comma!r}, whose comma may be a "
                "decimal comma or separate thousands: write a decimal point, or no "
                "separator of thousands"
            )
        form = forms[-1]
        point = str.maketrans(dict.fromkeys(form.groups) | {form.point: "."})
        cells = [cell.translate(point) for cell in cells]
        kinds.append(form.words)
    return _read_numbers(cells), ", ".join(kinds)


def _check_text(where: str, cells: list[str]) -> None:
    """Refuses text that is partly numbers, and dates."""
    present: dict[str, int] = {}  # The first row of each cell.
    for row, cell in enumerate(cells):
        if cell not in MISSING:
            present.setdefault(cell, row)
    for pattern in (DATE, TIME):
        if all(map(pattern.fullmatch, present)):
            raise ValueError(
                f"{where} holds dates or times of day such as {next(iter(present))!r}, "
                "whose scale is not clear: give a column of numbers, such as days or "
                "the hour, or say that it is discrete"
            )
    text = [cell for cell in present if not _is_in_a_form(cell)]
    if text and len(text) == len(present):
        return
    odd = text or [cell for cell in present if not PLAIN.fullmatch(cell)]
    cell, row = odd[0], present[odd[0]]
    raise ValueError(
        f"{where} is not numeric: {cell!r} in row {row} (the first is row 0); write "
        "all numbers alike and leave missing cells empty, or say that the column is "
        "discrete"
    )


def _is_in_a_form(cell: str) -> bool:
    """Whether a cell is a number in one of the known forms."""
    bare = cell.removesuffix("%").rstrip(SPACES)
    patterns = (PLAIN, *(form.pattern for form in FORMS))
    return any(pattern.fullmatch(bare) for pattern in patterns)


# Parquet --------------------------------------------------------------------------


class _Parquet(_File):
    """Columns of a Parquet file."""

    def __init__(self, path: Path, content: bytes) -> None:
        parquet = import_extra("pyarrow.parquet", "cli")
        try:
            self.frame = parquet.read_table(io.BytesIO(content))
        except (*ARCHIVE_ERRORS, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path}: a damaged .parquet file ({reason})") from error
        names = self.frame.column_names
        # pandas writes the numbers of the rows under such names.
        super().__init__(path, [n for n in names if not n.startswith("__index_level_")])

    def columns(self, names: Sequence[str], is_text: set[str]) -> dict[str, Any]:
        """The columns as they are stored; dates that are labels become text."""
        columns = {name: self.frame.column(name) for name in names}
        types = import_extra("pyarrow.types", "cli")
        for name in is_text:
            if types.is_temporal(columns[name].type):
                columns[name] = columns[name].cast("string")
        return columns


# Archives of arrays ---------------------------------------------------------------


class _Archive(_File):
    """Arrays of an .npz file."""

    what = "array"

    def __init__(self, path: Path, content: bytes) -> None:
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise ValueError(f"{path}: not an .npz archive, or a damaged one")
        try:
            self.archive = np.load(io.BytesIO(content), allow_pickle=False)
        except ARCHIVE_ERRORS as error:
            raise ValueError(f"{path}: a damaged .npz archive ({error})") from error
        super().__init__(path, self.archive.files)

    def choose(self, wanted: Mapping[str, str | None]) -> dict[str, list[str]]:
        """The name of the array of each variable."""
        chosen = {variable: name or variable for variable, name in wanted.items()}
        for name in chosen.values():
            if name not in self.names:
                raise ValueError(f"{self.path}: no array {name!r}; {self.content()}")
        return {variable: [name] for variable, name in chosen.items()}

    def columns(self, names: Sequence[str], is_text: set[str]) -> dict[str, Any]:
        """The arrays of these names."""
        return {name: _array(self.path, self.archive, name) for name in names}

    def table(self, variable: str, columns: Mapping[str, Any]) -> Table:
        """The table of an array; one of one column has the name of the array."""
        [(name, array)] = columns.items()
        if not len(array):
            raise ValueError("the file has no data rows")
        table = read_table(f"array {name!r}", array)
        names = (name,) if len(table.is_label) == 1 else ()
        return dataclasses.replace(table, names=names)


def _array(path: Path, archive: Any, name: str) -> np.ndarray:
    try:
        array = archive[name]
    except ARCHIVE_ERRORS as error:
        # NumPy's message recommends allow_pickle, which is not available here.
        if "allow_pickle" in str(error):
            raise ValueError(
                f"{path}: array {name!r} holds pickled Python objects, which are "
                "refused: save an array of numbers or text"
            ) from error
        raise ValueError(f"{path}: array {name!r} is damaged ({error})") from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: {name!r} is not a NumPy array")
    if not array.ndim:
        raise ValueError(f"{path}: array {name!r} must have rows, got a scalar")
    return array[:, None] if array.ndim == 1 else array
