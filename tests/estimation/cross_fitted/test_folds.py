"""Folds of the rows."""

import jax
import numpy as np
import pytest

from jaxinfo.data import read_table
from jaxinfo.estimation.cross_fitted.folds import make_folds, order_rows
from jaxinfo.estimation.samples import Samples

KEY = jax.random.key(0)
NUM_FOLDS = 4


def _samples(num_rows, **dependence):
    table = read_table("x", np.arange(num_rows, dtype=float))
    return Samples({"x": table, "y": table}, **dependence)


@pytest.mark.parametrize("is_series", [False, True])
def test_every_row_is_held_out_once(is_series):
    ordered = order_rows(KEY, _samples(807, is_series=is_series), NUM_FOLDS)
    order = ordered.rows
    assert len(order) == (800 if is_series else 804)
    assert np.median(np.abs(np.diff(order))) > 10
    folds = make_folds(ordered, NUM_FOLDS)
    tests = np.concatenate([fold.test for fold in folds])
    np.testing.assert_array_equal(np.sort(tests), np.sort(np.unique(order)))
    for fold in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate(fold)), np.sort(order))
    # The training rows that are scored are every row once, too.
    scored = np.concatenate([fold.train[: len(fold.test)] for fold in folds])
    np.testing.assert_array_equal(np.sort(scored), np.sort(order))


def test_folds_of_a_series_are_stretches():
    order = order_rows(KEY, _samples(807, is_series=True), NUM_FOLDS)
    for fold in make_folds(order, NUM_FOLDS):
        assert np.sum(np.diff(np.sort(fold.test)) > 1) == 3  # Four of sqrt(N) and more.


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match=r"31 rows.*at least 32"):
        order_rows(KEY, _samples(31), 2)


def test_a_group_is_in_one_half_of_a_fold_and_its_rows_are_far_apart():
    # 60 groups of 1 to 20 rows.
    sizes = np.tile(np.arange(1, 21), 3)
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(60), sizes))
    ordered = order_rows(KEY, _samples(len(groups), groups=groups), NUM_FOLDS)
    halves = groups[ordered.rows].reshape(2 * NUM_FOLDS, -1)
    assert len(np.unique(ordered.rows)) == len(ordered.rows) > 0.95 * len(groups)
    for i in range(2 * NUM_FOLDS):
        assert not set(halves[i]) & set(np.delete(halves, i, axis=0).ravel())
        # Every group appears once before any appears twice.
        first = halves[i][: len(np.unique(halves[i]))]
        assert len(np.unique(first)) == len(first) >= ordered.max_block


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match=r"groups must be at least 16 .* got 15"):
        order_rows(KEY, _samples(150, groups=np.arange(150) % 15), NUM_FOLDS)
