"""Tables: columns that are read, and the one-line errors of bad files."""

import gzip
import io
import pickle
import re
import sys
import zipfile

import numpy as np
import pytest

from jaxinfo.data import read_columns


def _csv(folder, text, name="table.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _npz(folder, **arrays):
    path = folder / "arrays.npz"
    np.savez(path, **arrays)
    return path


def _refused(path, **names) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_columns(path, **names)
    message = str(caught.value)
    assert type(caught.value) is ValueError
    assert "\n" not in message
    assert str(path) in message
    return message


# Valid files ----------------------------------------------------------------------


def test_csv_columns_in_the_order_asked_for(tmp_path):
    path = _csv(tmp_path, "a, b,c\n1,2.5,3\n4,5.5,6\n")
    x, y = read_columns(path, x="c, a", y="b")
    np.testing.assert_array_equal(x, [[3, 1], [6, 4]])
    np.testing.assert_array_equal(y, [[2.5], [5.5]])
    assert x.names == ("c", "a")
    assert x.is_label == (None, None)


def test_csv_of_two_columns_needs_no_names(tmp_path):
    x, y = read_columns(_csv(tmp_path, "u,v\n1,2\n3,4\n"))
    np.testing.assert_array_equal(x, [[1], [3]])
    np.testing.assert_array_equal(y, [[2], [4]])


def test_row_numbers_without_a_name_are_no_column(tmp_path):
    x, y = read_columns(_csv(tmp_path, '"","u","v"\n"0",1,2\n"1",3,4\n'))
    assert (x.names, y.names) == (("u",), ("v",))


@pytest.mark.filterwarnings("ignore:column 'a' is given")
def test_truth_values_are_labels_beside_numbers(tmp_path):
    path = _csv(tmp_path, "a,b,c\nTrue,1,0.5\nFALSE,2,1.5\n")
    x, y = read_columns(path, x="a", y="a,b")
    assert x.is_label == (True,)
    assert y.is_label == (True, None)
    np.testing.assert_array_equal(y, [[1, 1], [0, 2]])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_suffix_in_capitals_byte_order_mark_and_ends_of_lines(tmp_path, end):
    content = end.join(["a,b", "1,2", ""]).encode("utf-8-sig")
    x, _ = read_columns(_csv(tmp_path, content, name="TABLE.CSV"), x="a", y="b")
    np.testing.assert_array_equal(x, [[1]])


def test_unicode_text_of_spreadsheets(tmp_path):
    path = _csv(tmp_path, "größe\tb\n1\t2\n".encode("utf-16"), name="table.tsv")
    assert read_columns(path)[0].names == ("größe",)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".tsv.gz"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_any_separator_is_found(tmp_path, suffix, separator):
    rows = ['"name, full"', "b", '"c;d|e"'], ["1.5", "2", "x"], ["2.5", "3", "x"]
    text = "".join(separator.join(row) + "\n" for row in rows)
    content = text.encode()
    content = gzip.compress(content) if suffix.endswith(".gz") else content
    path = _csv(tmp_path, content, name=f"table{suffix}")
    x, y = read_columns(path, x="name, full", y="b")
    np.testing.assert_array_equal(x, [[1.5], [2.5]])
    np.testing.assert_array_equal(y, [[2], [3]])


def test_names_with_commas_can_be_chosen_among_others(tmp_path):
    path = _csv(tmp_path, 'a,"name, full",b\n1,2,3\n4,5,6\n')
    for wanted in ('"name, full",b', "name, full,b", " name, full , b"):
        x, _ = read_columns(path, x=wanted, y="a")
        assert x.names == ("name, full", "b")
        np.testing.assert_array_equal(x, [[2, 3], [5, 6]])
    assert "no column 'name'" in _refused(path, x="name", y="a")


def test_separators_at_the_end_of_lines_are_ignored(tmp_path):
    for text in ("a,b,\n1,2,\n3,4,\n", "a,b\n1,2,,\n3,4,,\n", "a,b,,\n1,2\n3,4\n"):
        x, y = read_columns(_csv(tmp_path, text))
        np.testing.assert_array_equal(np.hstack([x, y]), [[1, 2], [3, 4]])


def test_empty_cells_and_nan_are_missing_and_nothing_else(tmp_path):
    cells = ["NA", "None", "null", "n/a", "", "NaN", "nan", "-"] * 2
    path = _csv(tmp_path, "a,b\n" + "".join(f'"{cell}",1\n' for cell in cells))
    x, _ = read_columns(path)
    assert x.levels[0].tolist() == ["-", "NA", "None", "n/a", "null"]
    np.testing.assert_array_equal(np.flatnonzero(x.is_missing), [4, 5, 6, 12, 13, 14])


def test_rows_of_empty_cells_are_missing_and_empty_lines_are_not(tmp_path):
    x, y = read_columns(_csv(tmp_path, "a,b\n1,2\n,\n\n  \n3,4\n"))
    np.testing.assert_array_equal(x, [[1], [np.nan], [3]])
    np.testing.assert_array_equal(y, [[2], [np.nan], [4]])


def test_identifiers_of_64_bits_and_more_stay_apart(tmp_path):
    lines = [f"{2**60 + i % 3},{10**40 + i % 5}" for i in range(30)] + [",1"]
    x, y = read_columns(_csv(tmp_path, "a,b\n" + "\n".join(lines) + "\n"))
    np.testing.assert_array_equal(x.flat[:-1, 0], np.arange(30) % 3)
    assert np.isnan(x.flat[-1, 0])
    assert len(np.unique(y)) == 6


def test_numbers_are_read_to_the_last_digit(tmp_path):
    exact = np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100)
    path = _csv(tmp_path, "a,b\n" + "".join(f"{v!r},1\n" for v in exact.tolist()))
    np.testing.assert_array_equal(read_columns(path)[0].flat[:, 0], exact)


def test_npz_default_names_and_trailing_shape(tmp_path):
    path = _npz(tmp_path, x=np.arange(4.0), y=np.ones((4, 2, 3), np.float32))
    x, y = read_columns(path)
    assert x.shape == (4, 1)
    assert x.names == ("x",)
    assert y.shape == (4, 2, 3)


def test_npz_named_arrays_of_all_types(tmp_path):
    words = np.array(["b", "a", "b", "a"])
    path = _npz(tmp_path, left=np.eye(4, dtype=bool), right=words, other=[1])
    x, y = read_columns(path, x="left", y="right")
    np.testing.assert_array_equal(x, np.eye(4))
    assert x.is_label == (True,) * 4
    np.testing.assert_array_equal(y, [[1], [0], [1], [0]])
    assert y.levels[0].tolist() == ["a", "b"]


def test_a_third_variable_where_it_is_named(tmp_path):
    path = _csv(tmp_path, "a,b,c,d\n1,2.5,3,7\n4,5.5,6,8\n")
    _, _, z = read_columns(path, x="a", y="b", z="c,d")
    np.testing.assert_array_equal(z, [[3, 7], [6, 8]])
    path = _npz(tmp_path, x=np.ones(4), y=np.ones(4), of=np.ones((4, 2, 3)))
    assert read_columns(path, z="of")[2].shape == (4, 2, 3)


def test_groups_are_read_as_text(tmp_path):
    path = _csv(tmp_path, "a,b,day\n1,2,2024-01-05\n3,4,2024-01-06\n")
    *_, groups = read_columns(path, x="a", y="b", groups="day")
    assert groups.levels[0].tolist() == ["2024-01-05", "2024-01-06"]
    assert "one column" in _refused(path, x="a", y="b", groups="a,b")
    x, _, groups = read_columns(path, x="a", y="b", groups="a")
    assert (x.is_label, groups.is_label) == ((None,), (True,))


def test_columns_that_the_user_calls_labels(tmp_path):
    path = _csv(tmp_path, "a,b,c\n1,0.5,1%\n2,1.5,x\n1,2.5,1%\n")
    x, y = read_columns(path, x="a,b", y="c", discrete="c,a")
    assert x.is_label == (True, False)
    assert y.levels[0].tolist() == ["1%", "x"]
    path = _npz(tmp_path, x=np.ones((3, 2)), y=np.arange(3))
    x, y = read_columns(path, discrete="x")
    assert (x.is_label, y.is_label) == ((True, True), (False,))
    message = _refused(path, discrete="z")
    assert "no array 'z'" in message
    path = _csv(tmp_path, "a,b,c\n1,2,3\n")
    assert "no variable has" in _refused(path, x="a", y="b", discrete="c")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"x": "a", "z": "b,a"}, "for x and for z; given z, it carries no information"),
        ({"x": "a,a"}, "for x and for x"),
    ],
)
def test_columns_that_are_named_twice_are_said(tmp_path, names, words):
    path = _csv(tmp_path, "a,b,c\n1,2,3\n4,5,6\n")
    with pytest.warns(UserWarning, match=f"column 'a' is given {words}") as caught:
        read_columns(path, y="c", **names)
    assert {warning.filename for warning in caught} == {__file__}


def test_parquet_columns_keep_integers_labels_and_missing_values(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    days = pyarrow.array([1, 2, 1, 1], pyarrow.date32())
    ids = [2**60, None, 2**60 + 1, 2**60 + 2]
    columns = {"id": ids, "kind": ["u", "v", "u", "v"], "day": days}
    parquet.write_table(pyarrow.table(columns), tmp_path / "table.parquet")
    path = tmp_path / "table.parquet"
    x, y = read_columns(path, x="id", y="kind")
    np.testing.assert_array_equal(x, [[0], [np.nan], [1], [2]])
    np.testing.assert_array_equal(y, [[0], [1], [0], [1]])
    assert "dates" in _refused(path, x="day", y="kind")
    *_, groups = read_columns(path, x="id", y="kind", groups="day")
    np.testing.assert_array_equal(groups, [[0], [1], [0], [0]])
    path.write_bytes(path.read_bytes()[:50])
    assert "damaged" in _refused(path, x="id", y="kind")


# Forms of numbers -----------------------------------------------------------------


def _column(folder, *cells):
    text = "a;b\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))
    return read_columns(_csv(folder, text))[0].flat[:, 0]


@pytest.mark.parametrize(
    ("cells", "numbers", "words"),
    [
        (("1,5", "-2", "+0,25e1", ",5"), (1.5, -2, 2.5, 0.5), "a decimal comma"),
        (("0,532", "1,250"), (0.532, 1.25), "a decimal comma"),
        (("1.234,5", "12"), (1234.5, 12), "a decimal comma"),
        (("1 234,5", "12"), (1234.5, 12), "a decimal comma"),
        (("12,345,678", "1,000"), (12345678, 1000), "grouped digits"),
        (("1,234.5", "12"), (1234.5, 12), "grouped digits"),
        (("1 234", "12"), (1234, 12), "grouped digits"),
        (("12 %", "3.5%"), (12, 3.5), "percentages"),
        (("12,5\u00a0%", "", "-3%"), (12.5, np.nan, -3), "percentages, numbers with"),
    ],
)
def test_other_forms_of_numbers_are_read_and_said(tmp_path, cells, numbers, words):
    example = re.escape(repr(cells[0]))
    with pytest.warns(UserWarning, match=f"'a' is read as .*{words}.*{example} is"):
        found = _column(tmp_path, *cells)
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("1,234", "5,678"), "'1,234', whose comma may be a decimal comma or"),
        (("1,5", "2.5"), "'1,5' in row 0"),
        (("12 %", "12"), "'12 %' in row 0"),
        (("1,5", "2,5", "high"), "'high' in row 2"),
        (("1", "", "NA"), "'NA' in row 2.*leave missing cells empty"),
        (
            ("2024-01-05", "2024-1-6 12:30"),
            "dates or times of day such as '2024-01-05'",
        ),
        (("05.01.2024", "06.01.2024"), "dates"),
        (("12:30", "1:15:30.5"), "times of day"),
    ],
)
def test_forms_that_are_not_clear_are_refused(tmp_path, cells, words):
    with pytest.raises(ValueError, match=rf"column 'a'.*{words}"):
        _column(tmp_path, *cells)


@pytest.mark.parametrize("cells", [("e5", "e6") * 2, ("A", "+") * 2, ("1a", "2a") * 2])
def test_labels_that_look_a_bit_like_numbers_are_labels(tmp_path, cells):
    np.testing.assert_array_equal(
        _column(tmp_path, *cells), np.unique(cells, return_inverse=True)[1]
    )


# Bad files ------------------------------------------------------------------------


def test_missing_file(tmp_path):
    assert "no such file" in _refused(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "not a file" in _refused(tmp_path / "folder.csv")


@pytest.mark.parametrize("name", ["table.xlsx", "array.npy", "table"])
def test_unknown_suffix(tmp_path, name):
    message = _refused(_csv(tmp_path, "a,b\n1,2\n", name=name))
    assert ".csv, .npz" in message


@pytest.mark.parametrize("name", ["table.csv", "arrays.npz"])
@pytest.mark.parametrize("content", ["", " \n\n"])
def test_empty_file(tmp_path, name, content):
    assert "empty" in _refused(_csv(tmp_path, content, name=name))


def test_no_data_rows(tmp_path):
    assert "no data rows" in _refused(_csv(tmp_path, "a,b\n"))
    assert "no data rows" in _refused(_npz(tmp_path, x=np.ones((0, 2)), y=np.ones(0)))


def test_no_header(tmp_path):
    message = _refused(_csv(tmp_path, "1.5,2\n3,4\n"))
    assert "first line must name the columns" in message


def test_a_missing_column_lists_the_columns(tmp_path):
    path = _csv(tmp_path, "a,b,c\n1,2,3\n")
    message = _refused(path, x="a,zeta", y="b")
    assert "'zeta'" in message
    assert "a, b, c" in message
    message = _refused(_npz(tmp_path, x=np.ones(3), label=np.ones(3)))
    assert "'y'" in message
    assert "x, label" in message


@pytest.mark.parametrize("names", [{}, {"x": "a"}, {"y": "b"}, {"z": "a"}])
def test_unnamed_columns_list_the_columns(tmp_path, names):
    message = _refused(_csv(tmp_path, "a,b,c\n1,2,3\n"), **names)
    assert "name the columns" in message
    assert "a, b, c" in message


def test_a_long_list_of_columns_is_truncated(tmp_path):
    header = ",".join(f"column{i}" for i in range(500))
    message = _refused(_csv(tmp_path, f"{header}\n"), x="a", y="b")
    assert len(message) < 600
    assert "(500)" in message


def test_non_numeric_column_shows_the_first_bad_cell(tmp_path):
    path = _csv(tmp_path, "a,b\n1,2\n2,3\nred,4\nblue,5\n")
    message = _refused(path, x="a", y="b")
    assert "'a'" in message
    assert "'red'" in message
    assert "row 2" in message
    assert read_columns(_csv(tmp_path, "a,b,c\n1,2,red\n"), x="a", y="b")


def test_text_columns_are_labels(tmp_path):
    path = _csv(tmp_path, "a,b\nred ,1\nblue,2\nred,3\nblue,4\n")
    a, b = read_columns(path)
    assert a.is_label == (True,)
    assert a.levels[0].tolist() == ["blue", "red"]
    np.testing.assert_array_equal(a, [[1], [0], [1], [0]])
    np.testing.assert_array_equal(b, [[1], [2], [3], [4]])


def test_labels_that_hardly_repeat_are_refused(tmp_path):
    message = _refused(_csv(tmp_path, "a,b\nx,1\ny,2\nz,3\nz,4\n"))
    assert "'a'" in message
    assert "3 different labels in 4 rows" in message


def test_infinite_numbers_name_their_column(tmp_path):
    message = _refused(_csv(tmp_path, "a,b\n1,2\ninf,3\n"))
    assert "x holds 1 infinite values, the first in row 1, column 'a'" in message


def test_names_that_are_not_unique_are_refused_where_they_matter(tmp_path):
    path = _csv(tmp_path, "a,b,a,c\n1,2,3,4\n")
    assert "2 columns are named 'a'" in _refused(path, x="a", y="b")
    assert read_columns(path, x="b", y="c")
    assert "named 'a'" in _refused(_csv(tmp_path, "a,a\n1,2\n"))


def test_a_wrong_separator_is_named(tmp_path):
    message = _refused(_csv(tmp_path, "a b\n1 2\n"), x="a", y="b")
    assert "no column 'a'; the file has: a b, one column when" in message
    assert "separated by commas; tabs, semicolons, bars" in message
    message = _refused(_csv(tmp_path, "a;b\n1;2\n3,4\n"), x="a", y="b")
    assert "row 1 (the first is row 0) has 1 cells" in message
    assert "separated by semicolons" in message


def test_rows_of_different_lengths(tmp_path):
    assert "not a table" in _refused(_csv(tmp_path, "a,b\n1,2\n1,2,3\n"))
    assert "not a table" in _refused(_csv(tmp_path, "a,b\n1,2,3\n4,5,6\n"))
    assert "not a table" in _refused(_csv(tmp_path, "a,b\n1,2\n3\n"))
    assert "not a table" in _refused(_csv(tmp_path, 'a,b\n"1,2\n3,4\n'))


def test_binary_file_called_csv(tmp_path):
    assert "UTF-8" in _refused(_csv(tmp_path, b"a,b\n\xff\xfe\x00\x81,1\n"))
    for content in (b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n" * 99)[:-20]):
        assert "damaged" in _refused(_csv(tmp_path, content, name="table.csv.gz"))


def test_different_numbers_of_rows(tmp_path):
    message = _refused(_npz(tmp_path, x=np.ones((5, 2)), y=np.ones(4)))
    assert "5 and 4" in message


def test_a_scalar_is_refused(tmp_path):
    assert "'y'" in _refused(_npz(tmp_path, x=np.ones(3), y=np.float64(1)))


@pytest.mark.parametrize(
    ("values", "words"),
    [([1j, 2], "numbers or labels"), (np.array([0, 1], "M8[s]"), "dates")],
)
def test_arrays_that_are_neither_numbers_nor_labels(tmp_path, values, words):
    message = _refused(_npz(tmp_path, x=np.asarray(values), y=np.ones(2)))
    assert "array 'x'" in message
    assert words in message


@pytest.mark.parametrize("keep", [10, 200, -30])
def test_corrupt_archive(tmp_path, keep):
    path = _npz(tmp_path, x=np.ones(100), y=np.ones(100))
    path.write_bytes(path.read_bytes()[:keep])
    assert "damaged" in _refused(path)


def test_flipped_bytes(tmp_path):
    path = _npz(tmp_path, x=np.ones(100), y=np.ones(100))
    content = path.read_bytes()
    refused = 0
    for start in range(30, len(content), 40):
        path.write_bytes(content[:start] + b"\xa7" * 8 + content[start + 8 :])
        try:
            x, y = read_columns(path)
        except ValueError:
            refused += 1
            _refused(path)
        else:  # The damaged bytes do not belong to the arrays.
            assert x.shape == y.shape == (100, 1)
    assert refused > 10


# Never unpickled ------------------------------------------------------------------


class _Bomb:
    exploded = False

    def __reduce__(self):
        return setattr, (_Bomb, "exploded", True)


def test_object_arrays_are_refused_and_never_unpickled(tmp_path):
    bomb = np.empty(2, object)
    bomb[0] = _Bomb()
    message = _refused(_npz(tmp_path, x=bomb, y=np.ones(2)))
    assert "'x'" in message
    assert "pickle" in message
    assert not _Bomb.exploded


def test_pickles_are_refused_and_never_unpickled(tmp_path):
    path = tmp_path / "arrays.npz"
    path.write_bytes(pickle.dumps(_Bomb()))
    assert _refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", pickle.dumps(_Bomb()))
        buffer = io.BytesIO()
        np.save(buffer, np.ones(2))
        archive.writestr("y.npy", buffer.getvalue())
    assert _refused(path)
    assert not _Bomb.exploded
    pickle.loads(pickle.dumps(_Bomb()))  # The test can fail: unpickling has effects.
    assert _Bomb.exploded


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r'pip install "jaxinfo\[cli\]"'):
        read_columns(_csv(tmp_path, "PAR1", name="table.parquet"))
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert read_columns(_csv(tmp_path, "a,b\n1,2\n"))  # Other files need neither.
