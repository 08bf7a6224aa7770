"""Scales that keep ties, ties that are spread, and tails."""

import numpy as np
import pytest

from jaxinfo.estimation.exact_scales import (
    exact_scale,
    has_heavy_tails,
    spread_ties,
    warnings_of_tails,
)


@pytest.mark.parametrize("step", [0.1, 1 / 3, 7.0, 1e-300, 1e300])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_equal_distances_on_a_grid_are_equal_floats(step, offset):
    places = np.random.default_rng(0).integers(-40, 40, size=(200, 1))
    scaled = exact_scale(step * (places + offset))
    distances = np.unique(np.abs(scaled - scaled.T))
    expected = np.unique(np.abs(places - places.T))
    assert len(distances) == len(expected)
    assert scaled.std() == pytest.approx(1, rel=1e-6)


def test_other_columns_are_divided_by_their_deviation_and_keep_equal_values():
    rows = np.random.default_rng(0).normal(size=(100, 2))
    rows[:50, 0] = rows[0, 0]
    scaled = exact_scale(np.hstack([rows, 1e9 + 1e-3 * rows, np.ones((100, 1))]))
    assert len(np.unique(scaled[:, 0])) == 51
    np.testing.assert_allclose(scaled[:, :4].std(axis=0), 1, rtol=1e-6)
    differences = np.diff(rows, axis=0) / rows.std(axis=0)
    np.testing.assert_allclose(np.diff(scaled[:, :2], axis=0), differences, atol=1e-12)
    # The offset rounds to 1.2e-7, which is 1.2e-4 deviations.
    np.testing.assert_allclose(np.diff(scaled[:, 2:4], axis=0), differences, atol=3e-4)
    assert not scaled[:, 4].any()


def test_tied_values_are_spread_within_their_own_cells():
    rng = np.random.default_rng(0)
    column = np.concatenate([rng.integers(5, size=200), [7.5, 9.0, 9.0]])[:, None]
    spread = spread_ties(column, rng)
    assert len(np.unique(spread)) == len(column)
    assert spread[200] == 7.5
    values = np.unique(column)
    cells = np.abs(spread - values).argmin(axis=1)
    np.testing.assert_array_equal(values[cells], column[:, 0])
    untied = rng.normal(size=(20, 1))
    np.testing.assert_array_equal(spread_ties(untied, rng), untied)
    assert not spread_ties(np.zeros((9, 1)), rng).any()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.random.default_rng(0).normal(size=1_000), False),
        (np.random.default_rng(0).exponential(size=1_000), False),
        (np.exp(5 * np.random.default_rng(0).normal(size=1_000)), True),
        (1e300 * np.random.default_rng(0).standard_cauchy(1_000) / 1e5, True),
        ((np.arange(1_000) < 5).astype(float), False),
        (np.zeros(100), False),
    ],
    ids=["normal", "exponential", "lognormal", "Cauchy", "rare", "constant"],
)
def test_heavy_tails_are_those_that_a_few_rows_dominate(column, expected):
    """A rare label has a large kurtosis, but ranks would not change it."""
    assert has_heavy_tails(column) == expected


def test_warnings_name_the_columns():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(size=500), np.exp(5 * rng.normal(size=500))], axis=1)
    [found] = warnings_of_tails("x", rows, ("age", "income"))
    assert found.startswith("x has heavy tails in 1 of 2 coordinates (income)")
    assert "(1)" in warnings_of_tails("x", rows, ())[0]
    assert warnings_of_tails("x", rows[:, :1], ()) == []
