"""Tables: columns that are read, and the one-line errors of bad files."""

import io
import pickle
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
    assert x.dtype == np.int64
    assert y.dtype == np.float64


def test_csv_of_two_columns_needs_no_names(tmp_path):
    x, y = read_columns(_csv(tmp_path, "u,v\n1,2\n3,4\n"))
    np.testing.assert_array_equal(x, [[1], [3]])
    np.testing.assert_array_equal(y, [[2], [4]])


def test_csv_keeps_booleans_and_joins_types(tmp_path):
    path = _csv(tmp_path, "a,b,c\nTrue,1,0.5\nFalse,2,1.5\n")
    x, y = read_columns(path, x="a", y="a,b")
    assert x.dtype == bool
    np.testing.assert_array_equal(y, [[1, 1], [0, 2]])
    assert read_columns(path, x="a,b,c", y="c")[0].dtype == np.float64


def test_csv_suffix_in_capitals_and_byte_order_mark(tmp_path):
    path = _csv(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n", name="TABLE.CSV")
    x, _ = read_columns(path, x="a", y="b")
    np.testing.assert_array_equal(x, [[1]])


def test_csv_keeps_infinity_for_the_estimator_to_report(tmp_path):
    x, _ = read_columns(_csv(tmp_path, "a,b\n1,2\ninf,3\n"))
    assert np.isinf(x[1, 0])


def test_npz_default_names_and_trailing_shape(tmp_path):
    path = _npz(tmp_path, x=np.arange(4.0), y=np.ones((4, 2, 3), np.float32))
    x, y = read_columns(path)
    assert x.shape == (4, 1)
    assert y.shape == (4, 2, 3)
    assert y.dtype == np.float32


def test_npz_named_arrays_keep_their_types(tmp_path):
    path = _npz(tmp_path, left=np.eye(3, dtype=bool), right=np.arange(3), other=[1])
    x, y = read_columns(path, x="left", y="right")
    assert x.dtype == bool
    assert y.dtype.kind == "i"


def test_a_third_variable_where_it_is_named(tmp_path):
    path = _csv(tmp_path, "a,b,c\n1,2.5,3\n4,5.5,6\n")
    _, _, z = read_columns(path, x="a", y="b", z="c,a")
    np.testing.assert_array_equal(z, [[3, 1], [6, 4]])
    path = _npz(tmp_path, x=np.ones(4), y=np.ones(4), of=np.ones((4, 2, 3)))
    assert read_columns(path, z="of")[2].shape == (4, 2, 3)


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
    assert a.dtype.kind == "i"
    np.testing.assert_array_equal(a, [[1], [0], [1], [0]])
    np.testing.assert_array_equal(b, [[1], [2], [3], [4]])


def test_labels_that_hardly_repeat_are_refused(tmp_path):
    message = _refused(_csv(tmp_path, "a,b\nx,1\ny,2\nz,3\nz,4\n"))
    assert "'a'" in message
    assert "3 different labels in 4 rows" in message


def test_empty_cells_name_column_count_and_first_row(tmp_path):
    message = _refused(_csv(tmp_path, "a,b\n1,2\n2,\n3,\n4,5\n"))
    assert "'b'" in message
    assert "2 empty" in message
    assert "row 1" in message


def test_rows_of_different_lengths(tmp_path):
    assert "not a table" in _refused(_csv(tmp_path, "a,b\n1,2\n1,2,3\n"))
    assert "not a table" in _refused(_csv(tmp_path, "a,b\n1,2,3\n4,5,6\n"))


def test_binary_file_called_csv(tmp_path):
    assert _refused(_csv(tmp_path, b"a,b\n\xff\xfe\x00\x81,1\n"))


def test_different_numbers_of_rows(tmp_path):
    message = _refused(_npz(tmp_path, x=np.ones((5, 2)), y=np.ones(4)))
    assert "5 and 4" in message


def test_a_scalar_is_refused(tmp_path):
    assert "'y'" in _refused(_npz(tmp_path, x=np.ones(3), y=np.float64(1)))


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2], np.array([0, 1], "M8[s]")])
def test_arrays_that_are_not_real_numbers(tmp_path, values):
    message = _refused(_npz(tmp_path, x=np.asarray(values), y=np.ones(2)))
    assert "real numbers" in message


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


def test_without_pandas_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "jaxinfo\[cli\]"'):
        read_columns(_csv(tmp_path, "a,b\n1,2\n"))
    read_columns(
        _npz(tmp_path, x=np.ones(2), y=np.ones(2))
    )  # An .npz file needs no pandas.
