"""From arrays of users to checked, split and standardized rows."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation.preprocessing import (
    check_row_counts,
    check_same_rows,
    fit_standardization,
    is_traced,
    split_rows,
    warn,
)

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


# Rows ------------------------------------------------------------------------------


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
