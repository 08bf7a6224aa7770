"""Self-checks: correct estimators pass, wrong ones fail what they violate."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from jaxinfo.estimation import (
    CrossFitted,
    Gaussian,
    PlugIn,
    TrainConfig,
    Variational,
    check_mutual_information,
)
from tests.fakes import PRODUCT_CRITIC, make_estimate

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(1_000, 2))
Y = 0.8 * X + 0.6 * RNG.normal(size=(1_000, 2))
NAMES = ["independence", "data processing", "redundancy", "additivity"]


def _check(x=X, y=Y, *, key=KEY, **settings):
    return check_mutual_information(key, x, y, **({"estimator": "gaussian"} | settings))


def _changed(change):
    """The Gaussian estimator with its value changed."""

    def estimator(key, x, y):
        estimate = Gaussian()(key, x, y)
        value = change(estimate.value, x, y)
        return dataclasses.replace(estimate, value=value)

    return estimator


def _failed(checks):
    return {check.name for check in checks.checks if not check.passed}


# Correct estimators ---------------------------------------------------------------


def _letters():
    x, other = RNG.integers(3, size=(2, 1_000)).astype(float)
    return x, np.where(RNG.random(1_000) < 0.5, x, other)


@pytest.mark.parametrize(
    ("estimator", "data"),
    [
        ("gaussian", (X, Y)),
        (Gaussian(), (X[:, 0], Y[:, :1].reshape(-1, 1, 1))),
        ("plug_in", _letters()),
        (PlugIn(), _letters()),
    ],
)
def test_a_correct_estimator_passes_by_name_and_by_object(estimator, data):
    checks = _check(*data, estimator=estimator)
    assert [check.name for check in checks.checks] == NAMES
    assert checks.passed, str(checks)
    direct = PlugIn() if estimator in ("plug_in", PlugIn()) else Gaussian()
    assert checks.estimate == direct(KEY, *data)


@pytest.mark.slow
def test_a_trained_estimator_is_checked_with_its_settings():
    """Of a weight that stays 0, all values are 0, and nothing contradicts that."""
    train = TrainConfig(num_steps=2, eval_every=1, num_seeds=1, batch_size=32)
    still = Variational(
        "mine", critic=PRODUCT_CRITIC, settings={"learning_rate": 0.0}, train=train
    )
    checks = _check(estimator=still)
    assert checks.estimate.estimator == "mine"
    assert [check.found for check in checks.checks] == pytest.approx([0.0] * 4)
    assert checks.passed


@pytest.mark.slow
def test_the_default_estimator_passes_on_a_gaussian():
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
def test_a_wrong_estimator_fails_the_checks_that_it_violates(change, names):
    checks = _check(estimator=_changed(change))
    assert not checks.passed
    assert _failed(checks) == names


@pytest.mark.parametrize(
    ("value", "p_value", "passed"),
    [(1.0, 0.001, True), (1.0, 0.2, False), (0.0, 0.2, True)],
)
def test_an_interval_above_0_with_a_large_p_value_fails(value, p_value, passed):
    def estimator(key, x, y):
        return make_estimate(value, p_value=p_value)

    [first, *_] = _check(estimator=estimator).checks
    assert (first.name, first.passed) == ("permutation", passed)
    assert first.found == p_value


@pytest.mark.parametrize(
    ("share", "tolerance", "passed"),
    [(0.99, 0.01, False), (1.01, 0.01, True), (0.99, 0.11, True)],
)
def test_differences_within_the_errors_or_the_tolerance_pass(share, tolerance, passed):
    def estimator(key, x, y):
        # Redundancy is off by 0.1; the errors of both sides allow `share` of that.
        error = share * 0.1 / 1.96 / np.sqrt(2)
        return make_estimate(0.1 * (y.shape[1] > 2), standard_error=error)

    checks = _check(estimator=estimator, tolerance=tolerance)
    assert ("redundancy" not in _failed(checks)) == passed


# The data of the checks -----------------------------------------------------------


def test_the_five_data_sets_are_shuffled_replaced_and_joined_as_documented():
    rows = np.arange(101)
    given = []

    def estimator(key, x, y):
        given.append((x, y))
        return make_estimate()

    _check(rows, rows, estimator=estimator)
    joined, whole, shuffled, processed, redundant = given
    assert joined[0].shape == (50, 2)
    np.testing.assert_array_equal(*joined)
    assert len(np.unique(joined[0])) == 100
    np.testing.assert_array_equal(whole, (rows, rows))
    for x, y in (shuffled, processed):
        np.testing.assert_array_equal(x, rows)
        np.testing.assert_array_equal(np.sort(y), rows)
    assert (shuffled[1] != rows).all()
    assert (processed[1] == rows).sum() == 51
    np.testing.assert_array_equal(redundant[1], np.c_[rows, processed[1]])


def test_rows_of_any_shape_are_joined_along_their_first_axis():
    shapes = []

    def estimator(key, x, y):
        shapes.append((x.shape, y.shape))
        return make_estimate()

    _check(np.zeros((40, 3, 5)), np.zeros((40, 2)), estimator=estimator)
    assert shapes[0] == ((20, 6, 5), (20, 4))
    assert shapes[-1] == ((40, 3, 5), (40, 4))


def test_every_run_of_the_estimator_gets_its_own_key():
    keys = []

    def estimator(key, x, y):
        keys.append(tuple(jax.random.key_data(key).tolist()))
        return make_estimate()

    _check(estimator=estimator)
    assert len(set(keys)) == 5


# Text and JSON --------------------------------------------------------------------


def test_the_text_has_a_line_for_each_check_and_a_verdict():
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


# Bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": 0}, "key must be made by jax.random.key, got int"),
        ({"x": X * np.nan}, "x holds 2000 values that are NaN"),
        ({"y": Y[:-1]}, "same number of rows, got 1000 and 999"),
        ({"x": X[:15], "y": Y[:15]}, "x and y have 15 rows; halves need 16"),
        ({"estimator": "recipe"}, "unknown estimator 'recipe'; known: .*ksg1"),
        ({"estimator": Gaussian}, r"got the class: give Gaussian\(\)"),
        ({"estimator": 3}, r"must be a name or a callable estimator\(key, x, y\)"),
        ({"estimator": lambda key, x, y: 1.0}, "must return an Estimate, got float"),
        ({"tolerance": -0.1}, "tolerance must lie in"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        _check(**changes)


def test_halves_with_too_few_rows_for_the_default_estimator_are_named():
    quick = CrossFitted(train=TrainConfig(num_steps=50))
    with pytest.raises(ValueError, match=r"60 rows.*at least 64"):
        _check(X[:120], Y[:120], estimator=quick)
