"""Samples: variables with matching rows, as the user describes them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation.samples import (
    RowFormat,
    read_rows_of,
    read_samples,
    read_tables,
    read_two_samples,
    warnings_of_table,
)

pandas = pytest.importorskip("pandas")

FRAME = pandas.DataFrame(
    {"kind": ["u", "v", "u", "w"], "code": [7, 3, 7, 5], "size": [0.5, 1.5, 2.5, 3.5]}
)
X = np.arange(8.0).reshape(4, 2)


def _format(rows):
    return RowFormat.of("x", read_samples(x=rows).tables["x"])


# Variables -------------------------------------------------------------------------


def test_rows_come_back_in_float64_with_their_shape():
    samples = read_samples(x=X[:, None], y=np.arange(4), z=jnp.ones((4, 3)))
    assert list(samples.tables) == ["x", "y", "z"]
    assert [rows.shape for rows in samples.rows] == [(4, 1, 2), (4,), (4, 3)]
    assert [rows.shape for rows in samples.flat] == [(4, 2), (4, 1), (4, 3)]
    assert {rows.dtype for rows in samples.rows} == {np.dtype(np.float64)}
    assert len(samples) == 4
    assert samples.clusters is None


def test_variables_of_different_lengths_are_named():
    with pytest.raises(ValueError, match="x and z must have the same number of"):
        read_samples(x=X, y=X, z=X[:3])
    with pytest.raises(ValueError, match="x and groups must have the same number"):
        read_samples(x=X, groups=[1, 2])


def test_identifiers_give_a_warning():
    rows = {"id": [f"patient {i}" for i in range(40)], "age": np.arange(40) ** 2}
    found = read_samples(x=rows, y=np.arange(40) ** 2).warnings
    assert found == (
        "x has another label in every row in 1 of 2 coordinates (id), like an "
        "identifier, so rows cannot show what these tell of other columns",
    )
    rows["id"][0] = "patient 1"
    assert not read_samples(x=rows, y=np.arange(40) ** 2).warnings


def test_numbers_that_count_the_rows_give_a_warning():
    ids = np.random.default_rng(0).permutation(np.arange(10**9, 10**9 + 200))
    frame = {"customer": 7 * ids + 3, "age": np.sin(ids)}
    assert read_samples(x=frame).warnings == (
        "x counts rows in 1 of 2 coordinates (customer), like an identifier or a time: "
        "if their order means nothing, leave such columns out",
    )
    frame["customer"][0] = frame["customer"][1]
    assert not read_samples(x=frame).warnings


def test_constant_columns_give_a_warning_with_their_names():
    one = read_samples(x=np.c_[np.arange(3.0), np.ones((3, 7))])
    assert one.warnings == (
        "x is constant in 7 of 8 coordinates (1, 2, 3, 4, 5...), which carry no "
        "information",
    )
    named = read_samples(y=FRAME.assign(kind="u"))
    assert named.warnings == (
        "y is constant in 1 of 3 coordinates (kind), which carry no information",
    )
    assert warnings_of_table("x", read_samples(x=X).tables["x"]) == []


def test_traced_rows_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"y is traced.*make_run"):
        jax.jit(lambda rows: read_samples(x=X, y=rows).rows)(np.ones(4))


# Labels ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("discrete", "of_x", "of_y"),
    [
        (None, (True, None, None), (None, None)),
        (True, (True, True, True), (True, True)),
        (["code"], (True, True, False), (False, False)),
        ("code", (True, True, False), (False, False)),
        ({"x": ["code"]}, (True, True, False), (None, None)),
        ({"x": [1], "y": True}, (True, True, False), (True, True)),
        ({"y": [0]}, (True, None, None), (True, False)),
        ({"y": [False, True]}, (True, None, None), (False, True)),
        ({"y": False}, (True, None, None), (False, False)),
        ({}, (True, None, None), (None, None)),
    ],
)
def test_what_the_user_says_of_labels(discrete, of_x, of_y):
    samples = read_samples(x=FRAME, y=X, discrete=discrete)
    assert samples.tables["x"].is_label == of_x
    assert samples.tables["y"].is_label == of_y
    tables = read_tables(discrete, x=FRAME, y=X)
    assert tables["x"].is_label == of_x


@pytest.mark.parametrize(
    ("discrete", "message"),
    [
        (False, "discrete is False, but column 'kind' of x holds labels"),
        (["age"], "discrete: no column 'age'; there are: code, kind, size"),
        ([0, 2], r"a list of names of columns, or a dict such as \{'x': \[0, 2\]\}"),
        ({"z": True}, "discrete: no argument 'z'; give x, y"),
        ({"x": ["age"]}, "discrete: x has no column 'age'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(discrete, message):
    with pytest.raises(ValueError, match=message):
        read_samples(x=FRAME, y=X, discrete=discrete)


# Missing values, groups and series -------------------------------------------------


def test_rows_with_missing_values_are_dropped_pairwise_and_counted():
    y = [1.0, 2.0, np.nan, 4.0]
    groups = ["a", None, "b", "b"]
    samples = read_samples(x=FRAME, y=y, groups=groups, missing="drop")
    np.testing.assert_array_equal(samples.rows[0][:, 2], [0.5, 3.5])
    np.testing.assert_array_equal(samples.rows[1], [1, 4])
    np.testing.assert_array_equal(samples.groups, [0, 1])
    assert samples.warnings == ("2 of 4 rows with missing values are left out",)
    with pytest.raises(ValueError, match=r"y holds 1 values .* in row 2, coordinate 0"):
        read_samples(x=FRAME, y=y)
    with pytest.raises(ValueError, match="groups holds 1 values that are NaN"):
        read_samples(x=FRAME, groups=groups)


@pytest.mark.parametrize(
    "groups",
    [
        ["ann", "bob", "ann", "cy"],
        [0.5, 1.5, 0.5, 2.5],
        np.array([2**60, 2**60 + 1, 2**60, 2**60 + 2]),
        pandas.Series(["ann", "bob", "ann", "cy"], dtype="category"),
        FRAME[["kind", "code"]].set_axis([3, 1, 2, 0]).assign(code=[1, 1, 1, 2]),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_groups_of_any_type_are_numbered(groups):
    samples = read_samples(x=X, groups=groups)
    np.testing.assert_array_equal(samples.groups, [0, 1, 0, 2])
    np.testing.assert_array_equal(samples.clusters, [0, 1, 0, 2])
    assert list(samples.tables) == ["x"]


def test_a_series_has_clusters_of_neighboring_steps():
    samples = read_samples(x=np.arange(100.0), is_series=True)
    np.testing.assert_array_equal(samples.clusters, np.arange(100) // 10)
    with pytest.raises(ValueError, match="give groups or is_series, not both"):
        read_samples(x=X, groups=[0, 0, 1, 1], is_series=True)


# Two samples of one variable -------------------------------------------------------


def test_two_samples_are_coded_alike():
    read = read_two_samples(
        samples_p=FRAME.assign(code=[2**60 + i for i in range(4)]),
        samples_q=FRAME[1:].assign(code=[2**60 + i for i in range(3, 6)]),
    )
    np.testing.assert_array_equal(read["samples_p"].values[:, :2].T[0], [0, 1, 0, 2])
    np.testing.assert_array_equal(read["samples_p"].values[:, 1], [0, 1, 2, 3])
    np.testing.assert_array_equal(read["samples_q"].values[:, 0], [1, 0, 2])
    np.testing.assert_array_equal(read["samples_q"].values[:, 1], [3, 4, 5])


def test_rows_are_dropped_from_each_of_two_samples():
    p, q = [1.0, np.nan, 3.0], [1.0, 2.0]
    read = read_two_samples(samples_p=p, samples_q=q, missing="drop")
    assert [len(table) for table in read.values()] == [2, 2]
    with pytest.raises(ValueError, match="samples_p holds 1 values that are NaN"):
        read_two_samples(samples_p=p, samples_q=q)


# New rows --------------------------------------------------------------------------


def test_new_rows_are_coded_as_when_fitted():
    fitted = FRAME.assign(code=[2**60, 2**60 + 1, 2**60 + 2, 2**60])
    row_format = _format(fitted)
    hash(row_format)
    np.testing.assert_array_equal(
        row_format.read(fitted), read_samples(x=fitted).rows[0]
    )
    # Alone, these rows would be coded differently.
    new = row_format.read(fitted[1:3])
    np.testing.assert_array_equal(new, [[1, 1, 1.5], [0, 2, 2.5]])


def test_new_rows_of_integers_that_became_positions():
    row_format = _format([0, 2**60, 2**60 + 1])
    np.testing.assert_array_equal(row_format.read([2**60 + 1, 0]), [2, 0])
    with pytest.raises(ValueError, match=r"integers that were fitted.*: 5 is not"):
        row_format.read([5])


def test_new_rows_of_ordered_categories_keep_their_positions():
    order = ["low", "mid", "high"]
    fitted = pandas.Series(pandas.Categorical(order, order, ordered=True))
    new = pandas.Series(pandas.Categorical(["high"], ["high"], ordered=True))
    np.testing.assert_array_equal(_format(fitted).read(new), [2])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X, r"x must have rows of shape \(3,\), as when fitted, got \(2,\)"),
        (FRAME.assign(kind="z"), "labels that were fitted in column 'kind', got z"),
        (FRAME.assign(kind=1), "must hold labels in column 'kind'.*, got numbers"),
        (
            FRAME.assign(size="z"),
            "hold numbers in column 'size'.*labels such as z",
        ),
        (FRAME.assign(size=np.nan), "x holds 4 values that are NaN or missing"),
        (FRAME[["code", "kind", "size"]], "the columns kind, code, size in this order"),
    ],
)
def test_new_rows_of_another_format_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        _format(FRAME).read(rows)


def test_new_rows_may_be_traced():
    row_format = _format(X)
    read = jax.jit(lambda rows: row_format.read(rows))
    np.testing.assert_array_equal(read(X), X)
    with pytest.raises(ValueError, match=r"x must have rows of shape \(2,\)"):
        read(np.ones((3, 1)))


def test_new_rows_of_several_variables_must_match():
    formats = [_format(X), _format(X[:, 0])._replace(name="y")]
    x, y = read_rows_of(formats, X[:2].tolist(), X[:2, 0].astype(np.float32))
    np.testing.assert_array_equal(x, X[:2])
    assert y.dtype == np.float64
    with pytest.raises(ValueError, match="x and y must have the same number of rows"):
        read_rows_of(formats, X, X[:2, 0])
