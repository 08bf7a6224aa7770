"""From arrays of users to checked, split and standardized rows."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation.preprocessing import (
    check_row_counts,
    check_rows,
    check_same_rows,
    fit_standardization,
    is_traced,
    split_rows,
    warn,
)

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


# Rows ------------------------------------------------------------------------------


def test_rows_come_back_in_float64_with_their_shape():
    for rows in ([1.0, 2.0], np.ones((2, 3), np.float32), jnp.ones((2, 1, 4))):
        checked, _ = check_rows("x", rows)
        assert checked.dtype == np.float64
        assert checked.shape == np.shape(rows)
        np.testing.assert_array_equal(checked, rows)


def test_bfloat16_rows_are_numbers():
    rows = jnp.asarray([0.5, 1.0, 3.0], jnp.bfloat16)
    checked, found = check_rows("x", rows)
    np.testing.assert_array_equal(checked, [0.5, 1.0, 3.0])
    assert found == []


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_whole_numbers_give_a_warning_unless_labels_are_welcome(dtype):
    rows = np.array([0, 1, 1], dtype)
    _, found = check_rows("x", rows)
    assert found == [f"x holds {dtype} values, taken as real numbers"]
    assert check_rows("x", rows, takes_labels=True)[1] == []


def test_constant_coordinates_give_a_warning():
    _, found = check_rows("x", np.c_[np.arange(3.0), np.ones((3, 7))])
    assert found == [
        "x is constant in 7 of 8 coordinates (1, 2, 3, 4, 5...), which carry no "
        "information"
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (3.0, r"x must have rows, got shape \(\)"),
        (np.ones((0, 2)), r"x must have rows, got shape \(0, 2\)"),
        (np.ones((3, 0)), r"x must have rows, got shape \(3, 0\)"),
        (np.array([1, "a"], object), "x must hold real numbers, got dtype object"),
        ([["a"]], "x must hold real numbers, got dtype <U1"),
        (np.ones(3) * 1j, "x must hold real numbers, got dtype complex128"),
        ([0.0, 1.0, np.nan, np.inf], "x holds 2 values that are .* in row 2"),
    ],
)
def test_what_is_not_a_sample_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        check_rows("x", rows)


def test_traced_rows_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"x is traced.*make_run"):
        jax.jit(lambda rows: check_rows("x", rows)[0])(np.ones(3))


def test_traced_leaves_are_found_anywhere_in_a_tree():
    found = []
    jax.jit(lambda a: found.append(is_traced({"a": [1.0, a]}, 2)) or a)(1.0)
    assert found == [True]
    assert not is_traced({"a": [1.0, np.ones(2)]}, jnp.ones(3))


def test_samples_of_other_lengths_are_named():
    check_same_rows(np.ones(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"x and y must have the same .* 3 and 4"):
        check_same_rows(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match=r"a and c must have the same .* 3 and 2"):
        check_row_counts(a=np.ones(3), b=np.ones(3), c=np.ones(2))


# Standardization -------------------------------------------------------------------


def test_standardized_rows_have_mean_0_and_deviation_1():
    rows = 3.0 + 5.0 * RNG.normal(size=(100, 2, 3))
    scaled = fit_standardization(rows).apply(rows)
    assert scaled.shape == rows.shape
    assert isinstance(scaled, jax.Array)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-6)


def test_large_offsets_do_not_cost_digits():
    rows = RNG.normal(size=(100, 1))
    scaled = fit_standardization(rows + 1e9).apply(rows + 1e9)
    np.testing.assert_allclose(scaled, fit_standardization(rows).apply(rows), atol=1e-5)


def test_constant_coordinates_keep_their_scale():
    rows = np.full((50, 1), 0.1)
    scale = fit_standardization(rows)
    assert scale.scale == 1
    # Their deviation is rounding error, which would blow up a row that differs.
    assert scale.apply([[0.9]])[0, 0] == pytest.approx(0.8)


def test_new_rows_are_checked_by_shape_traced_or_not():
    scale = fit_standardization(RNG.normal(size=(50, 2)))
    assert scale.check("x", np.ones((3, 2), np.float32)).dtype == np.float64
    with pytest.raises(ValueError, match="x holds 6 values"):
        scale.check("x", np.full((3, 2), np.nan))
    for check in (scale.check, lambda *a: jax.jit(lambda z: scale.check("x", z))(a[1])):
        with pytest.raises(
            ValueError, match=r"x must have rows of shape \(2,\), as wh"
        ):
            check("x", np.ones((3, 1)))


def test_traced_rows_are_standardized_alike():
    rows = RNG.normal(size=(50, 2))
    scale = fit_standardization(rows)
    np.testing.assert_allclose(jax.jit(scale.apply)(rows), scale.apply(rows), atol=1e-6)
    np.testing.assert_allclose(
        jax.jit(lambda scale, rows: scale.apply(rows))(scale, rows),
        scale.apply(rows),
        atol=1e-6,
    )


# Splits ----------------------------------------------------------------------------


def test_a_split_assigns_every_row_to_one_part():
    parts = split_rows(KEY, 103, (0.6, 0.2, 0.2))
    assert [len(part) for part in parts] == [61, 21, 21]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(103))
    again = split_rows(KEY, 103, (0.6, 0.2, 0.2))
    np.testing.assert_array_equal(parts[0], again[0])
    other = split_rows(jax.random.key(1), 103, (0.6, 0.2, 0.2))
    assert (parts[0] != other[0]).any()


def test_a_split_may_leave_rows_out():
    parts = split_rows(KEY, 100, (0.5, 0.1, 0.1))
    assert [len(part) for part in parts] == [50, 10, 10]
    assert len(np.unique(np.concatenate(parts))) == 70


@pytest.mark.parametrize(
    ("num_rows", "split", "message"),
    [
        (100, (0.5, 0.5), "split must be three positive shares"),
        (100, (0.6, 0.4, 0.0), "split must be three positive shares"),
        (100, (0.6, 0.3, 0.3), r"at most 1, got \(0.6, 0.3, 0.3\)"),
        (37, (0.6, 0.2, 0.2), r"parts of \[22, 7, 8\] rows from 37: each.*at least 8"),
    ],
)
def test_bad_splits_are_named(num_rows, split, message):
    with pytest.raises(ValueError, match=message):
        split_rows(KEY, num_rows, split)


# Warnings --------------------------------------------------------------------------


def test_warnings_point_at_the_line_that_called_the_library():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn(["one", "two"])
    assert [str(warning.message) for warning in caught] == ["one", "two"]
    assert {warning.category for warning in caught} == {UserWarning}
    assert {warning.filename for warning in caught} == {__file__}
