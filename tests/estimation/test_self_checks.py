"""Self-checks: right estimators pass, wrong ones fail where they must."""

import dataclasses
import json
from functools import partial

import jax
import numpy as np
import pytest

from jaxinfo.estimation import (
    check_mutual_information,
    estimate_classical,
    estimate_mutual_information,
)
from tests.fakes import make_estimate

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(1_000, 2))
Y = 0.8 * X + 0.6 * RNG.normal(size=(1_000, 2))
NAMES = ["independence", "data processing", "redundancy", "additivity"]

gaussian = partial(estimate_classical, method="gaussian")


def _check(x=X, y=Y, *, key=KEY, **settings):
    return check_mutual_information(key, x, y, **({"estimator": gaussian} | settings))


def _changed(change):
    """The Gaussian estimator with its value changed."""

    def estimator(x, y):
        estimate = gaussian(x, y)
        value = change(estimate.value, x, y)
        return dataclasses.replace(estimate, value=value)

    return estimator


def _failed(checks):
    return {check.name for check in checks.checks if not check.passed}


# Right estimators -----------------------------------------------------------------


def _letters():
    x, other = RNG.integers(3, size=(2, 1_000)).astype(float)
    return x, np.where(RNG.random(1_000) < 0.5, x, other)


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("gaussian", (X, Y)),
        ("gaussian", (X[:, 0], Y[:, :1].reshape(-1, 1, 1))),
        ("plug_in", _letters()),
    ],
)
def test_a_right_estimator_passes(method, data):
    checks = _check(*data, estimator=partial(estimate_classical, method=method))
    assert [check.name for check in checks.checks] == NAMES
    assert checks.passed, str(checks)
    assert checks.estimate.value == estimate_classical(*data, method=method).value


@pytest.mark.slow
def test_the_default_estimate_passes_on_a_gaussian():
    checks = check_mutual_information(KEY, X, Y)
    assert [check.name for check in checks.checks] == ["permutation", *NAMES]
    assert checks.passed, str(checks)


# Wrong estimators -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda value, x, y: value + 0.5, {"independence", "additivity"}),
        (lambda value, x, y: min(value, 1.1), {"additivity"}),
        (lambda value, x, y: 2 - value, {*NAMES} - {"redundancy"}),
        (lambda value, x, y: value + 0.1 * (y.shape[1] - 2), {"redundancy"}),
        (lambda value, x, y: value**2, {"additivity"}),
        (lambda value, x, y: np.nan, {*NAMES}),
    ],
    ids=["adds", "saturates", "falls", "counts", "squares", "nan"],
)
def test_a_wrong_estimator_fails_where_it_must(change, names):
    checks = _check(estimator=_changed(change))
    assert not checks.passed
    assert _failed(checks) == names


@pytest.mark.parametrize(
    ("value", "p_value", "passed"),
    [(1.0, 0.001, True), (1.0, 0.2, False), (0.0, 0.2, True)],
)
def test_information_in_pairs_no_better_than_shuffled_ones_fails(
    value, p_value, passed
):
    def estimator(x, y):
        return make_estimate(value, p_value=p_value)

    [first, *_] = _check(estimator=estimator).checks
    assert (first.name, first.passed) == ("permutation", passed)
    assert first.found == p_value


@pytest.mark.parametrize(
    ("share", "tolerance", "passed"),
    [(0.99, 0.01, False), (1.01, 0.01, True), (0.99, 0.11, True)],
)
def test_errors_of_both_sides_and_the_tolerance_are_allowed(share, tolerance, passed):
    def estimator(x, y):
        # Redundancy is off by 0.1, `share` of which the errors of both sides explain.
        error = share * 0.1 / 1.96 / np.sqrt(2)
        return make_estimate(0.1 * (y.shape[1] > 2), standard_error=error)

    checks = _check(estimator=estimator, tolerance=tolerance)
    assert ("redundancy" not in _failed(checks)) == passed


# What the estimator is given ------------------------------------------------------


def test_pairs_are_shuffled_half_replaced_and_glued():
    rows = np.arange(101)
    given = []

    def estimator(x, y):
        given.append((x, y))
        return make_estimate()

    _check(rows, rows, estimator=estimator)
    glued, whole, shuffled, processed, redundant = given
    assert glued[0].shape == (50, 2)
    np.testing.assert_array_equal(*glued)
    assert len(np.unique(glued[0])) == 100
    np.testing.assert_array_equal(whole, (rows, rows))
    for x, y in (shuffled, processed):
        np.testing.assert_array_equal(x, rows)
        np.testing.assert_array_equal(np.sort(y), rows)
    assert (shuffled[1] != rows).all()
    assert (processed[1] == rows).sum() == 51
    np.testing.assert_array_equal(redundant[1], np.c_[rows, processed[1]])


def test_rows_of_any_shape_are_glued_along_their_first_axis():
    shapes = []

    def estimator(x, y):
        shapes.append((x.shape, y.shape))
        return make_estimate()

    _check(np.zeros((40, 3, 5)), np.zeros((40, 2)), estimator=estimator)
    assert shapes[0] == ((20, 6, 5), (20, 4))
    assert shapes[-1] == ((40, 3, 5), (40, 4))


def test_estimators_with_a_key_get_one_each():
    keys = []

    def estimator(key, x, y):
        keys.append(tuple(jax.random.key_data(key).tolist()))
        return make_estimate()

    _check(estimator=estimator)
    assert len(set(keys)) == 5


# What is shown --------------------------------------------------------------------


def test_the_verdict_reads_line_by_line():
    checks = _check(estimator=_changed(lambda value, x, y: value + 0.5))
    lines = str(checks).splitlines()
    assert lines[0] == str(checks.estimate)
    assert lines[1].startswith("FAILED independence: y shuffled: 0.50")
    assert lines[2].startswith("passed data processing: ")
    assert lines[-1] == "2 of 4 checks FAILED"
    assert str(_check()).splitlines()[-1] == "all checks passed"


def test_checks_go_into_json():
    checks = _check(estimator=_changed(lambda value, x, y: np.nan))
    content = json.loads(json.dumps(checks.to_dict(), allow_nan=False))
    assert content["value"] is None
    assert [check["name"] for check in content["checks"]] == NAMES
    assert content["checks"][0]["found"] is None
    assert content["checks"][0]["passed"] is False


# What it cannot use ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": 0}, "key must be made by jax.random.key, got int"),
        ({"x": X * np.nan}, "x holds 2000 values that are NaN"),
        ({"y": Y[:-1]}, "same number of rows, got 1000 and 999"),
        ({"x": X[:15], "y": Y[:15]}, "x and y have 15 rows; halves need 16"),
        ({"estimator": "mine"}, "estimator must be callable, got str"),
        ({"estimator": lambda x, y: 1.0}, "estimator must return an Estimate, got fl"),
        ({"tolerance": -0.1}, "tolerance must lie in"),
        (
            {"x": X[:120], "y": Y[:120], "estimator": estimate_mutual_information},
            "60 rows.*at least 64",
        ),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        _check(**changes)
