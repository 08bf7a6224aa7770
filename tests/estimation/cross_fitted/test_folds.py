"""Folds of the rows."""

import jax
import numpy as np
import pytest

from jaxinfo.estimation.cross_fitted.folds import make_folds, order_rows

KEY = jax.random.key(0)
NUM_FOLDS = 4


@pytest.mark.parametrize("is_series", [False, True])
def test_every_row_is_held_out_once(is_series):
    order = order_rows(KEY, 807, NUM_FOLDS, is_series=is_series)
    assert len(order) == (800 if is_series else 804)
    assert np.median(np.abs(np.diff(order))) > 10
    folds = make_folds(order, NUM_FOLDS)
    tests = np.concatenate([fold.test for fold in folds])
    np.testing.assert_array_equal(np.sort(tests), np.sort(np.unique(order)))
    for fold in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate(fold)), np.sort(order))
    # The training rows that are scored are every row once, too.
    scored = np.concatenate([fold.train[: len(fold.test)] for fold in folds])
    np.testing.assert_array_equal(np.sort(scored), np.sort(order))


def test_folds_of_a_series_are_stretches():
    order = order_rows(KEY, 807, NUM_FOLDS, is_series=True)
    for fold in make_folds(order, NUM_FOLDS):
        assert np.sum(np.diff(np.sort(fold.test)) > 1) == 3  # Four of sqrt(N) and more.


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match=r"31 rows.*at least 32"):
        order_rows(KEY, 31, 2)
