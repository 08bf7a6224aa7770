"""Containers: every one gives the numbers, labels and names of the plain array."""

import datetime
import decimal
import fractions

import jax
import jax.numpy as jnp
import narwhals as nw
import numpy as np
import pytest
import scipy.sparse

from jaxinfo.data import Table, read_table
from jaxinfo.data.containers import align_levels, beside, drop_missing_rows

pandas = pytest.importorskip("pandas")
pyarrow = pytest.importorskip("pyarrow")

PLAIN = np.random.default_rng(0).normal(size=(6, 2))
COLUMNS = {"age": PLAIN[:, 0], "size": PLAIN[:, 1]}


# Stand-ins for packages that need not be installed ---------------------------------


class _Tensor:
    """What a tensor of PyTorch offers."""

    def __init__(self, array, *, dtype="torch.float32", layout="torch.strided"):
        self.array, self.dtype, self.layout = array, dtype, layout
        self.shape = array.shape

    def detach(self):
        return self

    def cpu(self):
        return self

    def float(self):
        return _Tensor(self.array)

    def to_dense(self):
        return _Tensor(self.array)

    def numpy(self):
        if self.dtype == "torch.bfloat16" or self.layout != "torch.strided":
            raise TypeError("NumPy has no such type")
        return self.array


class _DataArray:
    """What a DataArray of xarray offers."""

    def __init__(self, array, dims, coords, name=None):
        self.array, self.dims, self.coords, self.name = array, dims, coords, name

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)


class _AnnData:
    def __init__(self, X, var_names):
        self.X, self.var_names = X, var_names


class _OnDisk:
    def __init__(self, array):
        self.array = array

    def to_memory(self):
        return self.array


def _records(array):
    return np.rec.fromarrays(array.T, names="age,size")


# Containers ------------------------------------------------------------------------

NUMBERED = {
    "array": PLAIN,
    "order of Fortran": np.asfortranarray(PLAIN),
    "JAX": None,  # JAX starts a backend, so it is made in the test.
    "list": PLAIN.tolist(),
    "tuples": tuple(map(tuple, PLAIN)),
    "objects": PLAIN.astype(object),
    "decimals": [[decimal.Decimal(v), fractions.Fraction(v)] for v in PLAIN[:, 0]],
    "masked": np.ma.masked_array(PLAIN),
    "tensor": _Tensor(PLAIN),
    "bfloat16 tensor": _Tensor(PLAIN, dtype="torch.bfloat16"),
    "sparse tensor": _Tensor(PLAIN, layout="torch.sparse_coo"),
    "sparse matrix": scipy.sparse.csr_matrix(PLAIN),
    "sparse array": scipy.sparse.coo_array(PLAIN),
}
NAMED = {
    "pandas": pandas.DataFrame(COLUMNS),
    "pandas, other index": pandas.DataFrame(COLUMNS, index=list("fedcba")),
    "pandas, sparse": pandas.DataFrame(COLUMNS).astype("Sparse[float64]"),
    "pandas, nullable": pandas.DataFrame(COLUMNS).convert_dtypes(),
    "pyarrow": pyarrow.table(COLUMNS),
    "batch of pyarrow": pyarrow.record_batch(COLUMNS),
    "narwhals": nw.from_native(pandas.DataFrame(COLUMNS)),
    "dict": COLUMNS,
    "dict of lists": {name: column.tolist() for name, column in COLUMNS.items()},
    "records": _records(PLAIN),
    "masked records": np.ma.array(_records(PLAIN)),
    "xarray": _DataArray(PLAIN, ("row", "what"), {"what": ["age", "size"]}),
    "AnnData": _AnnData(PLAIN, ["age", "size"]),
    "sparse AnnData": _AnnData(scipy.sparse.csr_matrix(PLAIN), ["age", "size"]),
    "AnnData on disk": _AnnData(_OnDisk(PLAIN), ["age", "size"]),
}


@pytest.mark.parametrize("container", NUMBERED | NAMED)
def test_every_container_gives_the_numbers_of_the_array(container):
    rows = (NUMBERED | NAMED)[container]
    expected = PLAIN
    if container == "JAX":
        rows = jnp.asarray(PLAIN, jnp.float32)
        expected = PLAIN.astype(np.float32)
    if container == "decimals":
        expected = PLAIN[:, [0, 0]]
    table = read_table("x", rows)
    assert table.values.dtype == np.float64
    np.testing.assert_array_equal(table, expected)
    assert table.is_label == (None, None)
    assert table.names == (("age", "size") if container in NAMED else ())


@pytest.mark.parametrize(
    "rows",
    [
        PLAIN[:, 0],
        pandas.Series(PLAIN[:, 0], name="age"),
        pandas.Index(PLAIN[:, 0]),
        pandas.array(PLAIN[:, 0]),
        pyarrow.array(PLAIN[:, 0]),
        pyarrow.chunked_array([PLAIN[:3, 0], PLAIN[3:, 0]]),
        _DataArray(PLAIN[:, 0], ("row",), {}, "age"),
        _Tensor(PLAIN[:, 0]),
        scipy.sparse.coo_array(PLAIN[:, 0]),
        range(6),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_every_series_gives_one_axis(rows):
    table = read_table("x", rows)
    expected = np.arange(6) if isinstance(rows, range) else PLAIN[:, 0]
    np.testing.assert_array_equal(table, expected)
    assert table.shape == (6,)
    has_name = isinstance(rows, pandas.Series | _DataArray)
    assert table.names == (("age",) if has_name else ())


@pytest.mark.parametrize("package", ["polars", "xarray", "torch"])
def test_the_real_package_if_it_is_installed(package):
    module = pytest.importorskip(package)
    make = {
        "polars": lambda: module.DataFrame(COLUMNS),
        "xarray": lambda: module.Dataset({n: ("row", c) for n, c in COLUMNS.items()}),
        "torch": lambda: module.tensor(PLAIN, requires_grad=True),
    }
    np.testing.assert_array_equal(read_table("x", make[package]()), PLAIN)


def test_trailing_axes_are_kept():
    images = np.arange(24.0).reshape(2, 3, 4)
    for rows in (images, images.astype(int), images.astype(str).astype(object)):
        table = read_table("x", rows)
        assert table.shape == (2, 3, 4)
        assert len(table.is_label) == 12


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int4"])
def test_types_that_numpy_does_not_know_are_numbers(dtype):
    rows = jnp.asarray([0, 1, 3], dtype)
    np.testing.assert_array_equal(read_table("x", rows), [0, 1, 3])


def test_labels_of_columns_may_be_tuples_and_numbers():
    tuples = pandas.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    table = read_table("x", pandas.DataFrame(PLAIN, columns=tuples))
    np.testing.assert_array_equal(table, PLAIN)
    assert table.names == ("('a', 'b')", "('a', 'c')")
    frame = pandas.DataFrame(PLAIN, columns=[2020, 2021])
    assert read_table("x", frame).names == ("2020", "2021")
    assert read_table("x", frame, discrete=[2021]).is_label == (False, True)


# Labels ----------------------------------------------------------------------------

WORDS = ["mid", "low", "mid", "high"]
CODES = [2.0, 1.0, 2.0, 0.0]


@pytest.mark.parametrize(
    "rows",
    [
        WORDS,
        np.array(WORDS),
        np.array(WORDS, object),
        np.array(WORDS, "S"),
        np.array([word.encode() for word in WORDS], object),
        np.array(WORDS, np.dtypes.StringDType()),
        pandas.Series(WORDS),
        pandas.Series(WORDS, dtype="category"),
        pandas.Series(WORDS, dtype=object),
        pandas.Categorical(WORDS),
        pyarrow.array(WORDS),
        pyarrow.array(WORDS).dictionary_encode(),
    ],
    ids=str,
)
def test_text_and_categories_are_labels(rows):
    table = read_table("x", rows)
    assert table.is_label == (True,)
    np.testing.assert_array_equal(table, CODES)
    assert table.levels[0].tolist() == ["high", "low", "mid"]


def test_truth_values_are_labels():
    for rows in ([True, False], np.array([True, False], object)):
        table = read_table("x", rows)
        np.testing.assert_array_equal(table, [1, 0])
        assert table.is_label == (True,)


def test_ordered_categories_are_their_positions():
    order = ["low", "mid", "high"]
    rows = pandas.Series(pandas.Categorical(WORDS, order, ordered=True))
    table = read_table("x", rows)
    np.testing.assert_array_equal(table, [1, 0, 1, 2])
    assert table.is_label == (None,)
    assert table.levels[0].tolist() == order
    intervals = pandas.Series(pandas.cut([0.1, 5.0, 2.0], 3))
    np.testing.assert_array_equal(read_table("x", intervals), [0, 2, 1])


def test_a_frame_of_many_types():
    frame = pandas.DataFrame(
        {
            "score": [0.5, 1.5, np.nan],
            "flag": [True, False, True],
            "kind": pandas.Series(["u", None, "v"]),
            "count": pandas.array([1, None, 3], dtype="Int64"),
            "wait": pandas.to_timedelta(["1s", "90s", None]),
            "is_it": pandas.array([True, None, False], dtype="boolean"),
            "any": pandas.Series([1, 2.5, True], dtype=object),
            "cost": pandas.Series([decimal.Decimal("1.5"), None, 2], dtype=object),
        }
    )
    nan = np.nan
    expected = [
        *([0.5, 1, 0, 1, 1, 1, 1, 1.5], [1.5, 0, nan, nan, 90, nan, 2.5, nan]),
        [nan, 1, 1, 3, nan, 0, 1, 2],
    ]
    for rows in (frame, pyarrow.Table.from_pandas(frame.drop(columns=["any", "cost"]))):
        table = read_table("x", rows)
        size = table.shape[1]
        np.testing.assert_array_equal(table, np.array(expected)[:, :size])
        labels = (None, True, True, None, None, True, None, None)
        assert table.is_label == labels[:size]


def test_numbers_beside_text_in_a_list():
    table = read_table("x", [["a", 1.5, 2**60], ["b", 2, 2**60 + 1], ["a", 0, 2**60]])
    np.testing.assert_array_equal(table, [[0, 1.5, 0], [1, 2, 1], [0, 0, 0]])
    assert table.is_label == (True, None, None)


@pytest.mark.parametrize(
    ("discrete", "labels"),
    [
        (None, (True, True, None)),
        (True, (True, True, True)),
        (["n"], (True, False, True)),
        ("n", (True, False, True)),
        ([2], (True, False, True)),
        ([], (True, False, False)),
        ([True, False, True], (True, False, True)),
        (np.array([False, True, False]), (True, True, False)),
    ],
)
def test_what_the_user_says_of_labels(discrete, labels):
    frame = pandas.DataFrame({"kind": ["u", "v"], "flag": [True, False], "n": [3, 4]})
    assert read_table("x", frame, discrete=discrete).is_label == labels


def test_discrete_is_refused_where_it_does_not_fit():
    frame = pandas.DataFrame({"kind": ["u", "v"], "n": [3, 4]})
    for discrete, message in [
        (False, "discrete is False, but column 'kind' of x holds labels such as u"),
        (["size"], "discrete: x has no column 'size'; it has: kind, n"),
        ([2], "x has no column 2"),
        ([True], "one truth value for each of the 2 columns of x, got 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_table("x", frame, discrete=discrete)
    assert read_table("x", frame[["n"]], discrete=False).is_label == (False,)
    assert read_table("x", [True, False], discrete=False).is_label == (False,)


# Missing values --------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        [1.0, np.nan, 3.0],
        [1, None, 3],
        np.ma.masked_array([1.0, np.inf, 3.0], mask=[0, 1, 0]),
        np.ma.masked_array([1, -(2**62), 3], mask=[0, 1, 0]),
        np.ma.masked_array([1, 0, 3], mask=[0, 1, 0], dtype=object),
        pandas.Series([1, None, 3]),
        pandas.Series([1, None, 3], dtype="Int64"),
        pandas.Series([1, None, 3], dtype="int64[pyarrow]"),
        pandas.Series([1, pandas.NA, 3], dtype=object),
        pandas.array([1, None, 3]),
        pyarrow.array([1, None, 3]),
        np.array([1, "NaT", 3], "m8[s]"),
        pandas.to_timedelta(pandas.Series([1, None, 3]), unit="s"),
    ],
    ids=lambda rows: f"{type(rows).__name__} {getattr(rows, 'dtype', '')}",
)
def test_missing_values_of_every_kind_are_nan(rows):
    np.testing.assert_array_equal(read_table("x", rows), [1, np.nan, 3])


def test_masks_of_frames_of_text_and_of_fields():
    words = np.ma.masked_array(["u", "zzz", "v"], mask=[0, 1, 0])
    table = read_table("x", words)
    np.testing.assert_array_equal(table, [0, np.nan, 1])
    assert table.levels[0].tolist() == ["u", "v"]
    records = np.ma.array(_records(PLAIN))
    records.mask["age"][2] = True
    np.testing.assert_array_equal(
        np.argwhere(np.isnan(read_table("x", records))), [[2, 0]]
    )
    mask = PLAIN > 0
    masked = np.ma.masked_array(PLAIN, mask)
    np.testing.assert_array_equal(np.isnan(read_table("x", masked)), mask)


def test_missing_rows_are_dropped_pairwise_or_refused():
    x = read_table("x", {"age": [1, None, 3, 4], "id": [2**60, 2**60, 2**60 + 1, 0]})
    y = read_table("y", pandas.Series(["u", "v", None, "u"]))
    (new_x, new_y), kept = drop_missing_rows("drop", x=x, y=y)
    np.testing.assert_array_equal(kept, [0, 3])
    np.testing.assert_array_equal(new_x, x.values[[0, 3]])
    np.testing.assert_array_equal(new_y, [0, 0])
    assert new_x.integers[1].rows.tolist() == [2**60, 0]
    message = (
        "x holds 1 values that are NaN or missing, the first in row 1, column 'age'"
    )
    with pytest.raises(ValueError, match=f'{message}; missing="drop" leaves out'):
        drop_missing_rows("error", x=x, y=y)
    with pytest.raises(ValueError, match='missing must be "error" or "drop", got'):
        drop_missing_rows("mean", x=x)


def test_a_column_without_values_is_named():
    x = read_table("x", pandas.DataFrame({"a": [1.0, 2.0], "b": [np.nan] * 2}))
    with pytest.raises(ValueError, match=r"no row without.*x has none in column 'b'"):
        drop_missing_rows("drop", x=x, y=read_table("y", [1.0, 2.0]))
    empty = read_table("x", pandas.Series([None, None]))
    np.testing.assert_array_equal(empty, [np.nan] * 2)


# Integers that float64 does not hold -----------------------------------------------


@pytest.mark.parametrize("origin", [2**60, 2**63 + 5, 10**30, -(2**62)])
@pytest.mark.parametrize("container", ["list", "array", "pandas", "objects"])
def test_large_integers_stay_apart(origin, container):
    ids = [origin + i % 3 for i in range(9)]
    make = {
        "list": lambda: ids,
        "array": lambda: np.array(ids),
        "pandas": lambda: pandas.DataFrame({"id": ids}),
        "objects": lambda: np.array([*ids, None], object),
    }
    table = read_table("x", make[container]())
    np.testing.assert_array_equal(table.flat[:9, 0], np.arange(9) % 3)
    assert table.is_label == (None,)


def test_unsigned_integers_nullable_ones_and_nanoseconds():
    start = np.datetime64("2026-01-01", "ns").astype(np.int64)
    for rows in (
        np.uint64(2**64 - 3) + np.arange(3, dtype=np.uint64),
        pandas.array([2**60, 2**60 + 1, 2**60 + 2], dtype="Int64"),
        pyarrow.array([2**60, 2**60 + 1, 2**60 + 2]),
        start + np.arange(3),
        scipy.sparse.coo_array(np.int64(2**60) + np.arange(3)),
    ):
        np.testing.assert_array_equal(read_table("x", rows), [0, 1, 2])


def test_integers_keep_their_values_where_float64_tells_them_apart():
    for rows in ([0, 2**62], [1, -5, 2**53], [2**70, 3 * 2**71]):
        np.testing.assert_array_equal(read_table("x", rows), np.array(rows, float))


def test_integers_of_a_range_too_large_to_shift_become_positions():
    rows = [0, 2**60 + 1, 2**60, 10**400, 10**400]
    np.testing.assert_array_equal(read_table("x", rows), [0, 2, 1, 3, 3])


def test_huge_floats_keep_their_values():
    rows = [1e300, -1e300, 1e-300, 0.0]
    np.testing.assert_array_equal(read_table("x", rows), rows)
    lists = [[1e300, 2], [1, 2]]  # NumPy reads them as floats, and so do we.
    np.testing.assert_array_equal(read_table("x", lists), lists)


# Time ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        np.array([1000, 2500], "m8[ms]"),
        pandas.to_timedelta(["1s", "2.5s"]),
        [datetime.timedelta(seconds=1), datetime.timedelta(seconds=2.5)],
        pyarrow.array([1000, 2500], pyarrow.duration("ms")),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_lengths_of_time_are_seconds(rows):
    np.testing.assert_array_equal(read_table("x", rows), [1, 2.5])


def test_lengths_of_time_whose_differences_would_be_lost_are_refused():
    start = np.timedelta64(2**60, "ns")
    rows = start + np.arange(3).astype("m8[ns]")
    with pytest.raises(ValueError, match="x holds lengths of time whose differences"):
        read_table("x", rows)
    np.testing.assert_allclose(read_table("x", rows - start), [0, 1e-9, 2e-9])


@pytest.mark.parametrize(
    "rows",
    [
        np.array(["2026-01-01", "2026-01-02"], "M8[D]"),
        pandas.Series(pandas.to_datetime(["2026-01-01"]).tz_localize("UTC")),
        [datetime.date(2026, 1, 1)],
        pyarrow.array([datetime.time(12, 30)]),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_dates_are_refused_with_the_way_out(rows):
    with pytest.raises(ValueError, match=r"column 'when' of x holds dates.*the hour"):
        read_table("x", {"when": rows})


# Refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (3.0, r"x must have rows, got shape \(\)"),
        (np.ones((0, 2)), r"x must have rows, got shape \(0, 2\)"),
        (np.ones((3, 0)), r"x must have rows, got shape \(3, 0\)"),
        (pandas.DataFrame({"a": []}), r"x must have rows, got shape \(0, 1\)"),
        (pandas.DataFrame(index=[1, 2]), "x must have columns, got none"),
        ({}, "x must have columns, got none"),
        ([[1, 2], [3]], "x cannot be read as rows of one shape"),
        ({"a": [1, 2], "b": [3]}, r"columns of x must have .* of 'b'"),
        (np.array([1, "a"], object), "x must hold numbers or labels, got text, such"),
        (pandas.DataFrame({"a": [1, "u"]}), r"column 'a' of x .*text, such as 'u'"),
        ([[1, 2], ["u", 2]], "coordinate 0 of x must .*text, such as 'u', beside"),
        ([{1}, {2}], "x must hold numbers or labels, got set"),
        ([..., 1], "x must hold numbers or labels, got"),
        (np.ones(3) * 1j, "x must hold numbers or labels, got dtype complex128"),
        (pandas.Series([[1], [2]]), "got list"),
        ([0.0, 1.0, np.inf], "x holds 1 infinite values, the first in row 2, coord"),
        (pandas.DataFrame({"a": [-np.inf]}), "in row 0, column 'a'"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (pyarrow.table([[1], [2]], names=["a", "a"]), "two columns named 'a'"),
        (scipy.sparse.csr_array((10**6, 10**6)), "would take 7451 GiB"),
        (np.zeros(2, [("a", float, 3)]), "column 'a' of x must hold one value"),
    ],
    ids=str,
)
def test_what_is_not_a_sample_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        read_table("x", rows)


def test_traced_rows_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"x is traced.*make_run"):
        jax.jit(lambda rows: read_table("x", rows).values)(np.ones(3))


# Tables together -------------------------------------------------------------------


def test_columns_side_by_side_keep_what_is_known_of_them():
    left = read_table("x", {"kind": ["u", "v"], "id": [2**60, 2**60 + 1]})
    right = read_table("y", pandas.Series([0.5, 1.5], name="score"))
    both = beside(left, right)
    np.testing.assert_array_equal(both, [[0, 0, 0.5], [1, 1, 1.5]])
    assert both.names == ("kind", "id", "score")
    assert both.is_label == (True, None, None)
    assert [own is not None for own in both.integers] == [False, True, False]
    assert beside(left, read_table("y", [0.5, 1.5])).names == ()
    assert isinstance(read_table("x", both), Table)


def _aligned(p, q):
    return align_levels({"p": read_table("p", p), "q": read_table("q", q)}).values()


def test_two_samples_number_their_labels_alike():
    p, q = _aligned(["u", "w", None], ["w", "v", "w"])
    np.testing.assert_array_equal(p, [0, 2, np.nan])
    np.testing.assert_array_equal(q, [2, 1, 2])
    assert p.levels[0].tolist() == q.levels[0].tolist() == ["u", "v", "w"]
    p, q = _aligned([True, False], [0, 1])
    assert p.is_label == q.is_label == (True,)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([2**60, 2**60 + 2], [2**60 + 1, 2**60 + 2]),
        ([2**60, None], [2**60 + 1, 2**60 + 2]),
        ([2**60 + 1, 0], [2**60, 2**60 + 1]),
        ([2**60], [2**60 + 1]),  # Each alone would be exact enough.
        ([5, 6], [2**60, 2**60 + 1]),
        ([0.5, 6], [2**60, 2**60 + 1]),
    ],
)
def test_two_samples_keep_a_common_origin_of_large_integers(p, q):
    found = np.concatenate([*map(np.asarray, _aligned(p, q))])
    exact = [*p, *q]
    for one, value in zip(exact, found, strict=True):
        assert np.isnan(value) == (one is None)
        for other, another in zip(exact, found, strict=True):
            if one is not None and other is not None:
                assert (value < another) == (one < other)


def test_two_samples_of_ordered_categories_have_one_order():
    def ordered(rows, order):
        return pandas.Series(pandas.Categorical(rows, order, ordered=True))

    order = ["low", "mid", "high"]
    p, q = _aligned(ordered(WORDS, order), ordered(["high", "low"], ["low", "high"]))
    np.testing.assert_array_equal(p, [1, 0, 1, 2])
    np.testing.assert_array_equal(q, [2, 0])
    with pytest.raises(ValueError, match="the same ordered categories, got low, mid"):
        _aligned(ordered(WORDS, order), ordered(["high"], ["high", "low"]))


def test_two_samples_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="coordinate 0 of p and q must both hold lab"):
        _aligned(["u", "v"], [1, 2])
    frame = pandas.DataFrame({"a": [1, 2], "b": [3, 4]})
    with pytest.raises(
        ValueError, match="p and q must have their columns in one order"
    ):
        _aligned(frame, frame[["b", "a"]])
    p, q = _aligned(np.ones(3), np.ones((3, 2)))  # The caller compares the shapes.
    assert (p.shape, q.shape) == ((3,), (3, 2))
