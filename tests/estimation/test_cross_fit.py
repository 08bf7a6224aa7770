"""The default estimate: fields, folds, refusals, and truths it must reach."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.estimation.fold_map import fit_fold_map, fit_marginal
from jaxinfo.tasks import normal_target, student

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = np.concatenate([0.9 * X + 0.436 * RNG.normal(size=(400, 2)), X[:, :1]], axis=1)
SHORT = {"num_steps": 60, "eval_every": 20, "batch_size": 32}


def _estimate(x=X, y=Y, **changes):
    return jaxinfo.estimate_mutual_information(KEY, x, y, **(SHORT | changes))


@pytest.fixture(scope="module")
def estimate():
    return _estimate()


def test_an_estimate_stands_for_the_information_itself(estimate):
    assert estimate.bound == "cross_fitted"
    assert estimate.kind == "neither"
    assert estimate.lower < estimate.value < estimate.upper
    assert estimate.per_seed.shape == (2,)
    assert estimate.history.values.shape == (8, 3)
    assert estimate.num_samples == 400
    assert np.isfinite(estimate.standard_error)


def test_one_critic_corrects_the_closed_form_and_one_starts_from_nothing(estimate):
    corrects, starts = np.split(estimate.history.values[:, 0], 2)
    assert corrects.min() > 5 * starts.max()


def test_the_same_key_gives_the_same_number_without_compiling(estimate):
    again = _estimate()
    assert again.value == estimate.value
    # Scoring new rows aside, equal shapes share their programs.
    assert again.compile_seconds < 0.5 * max(estimate.compile_seconds, 1.0)


def test_new_rows_get_their_pointwise_information(estimate):
    values = estimate.log_ratio(X[:20], Y[:20])
    assert values.shape == (20,)
    assert values.mean() > estimate.log_ratio(X[:20], Y[20:40]).mean() + 1
    with pytest.raises(ValueError, match=r"y must have rows of shape \(3,\)"):
        estimate.log_ratio(X, X)
    with pytest.raises(ValueError, match="same number of rows"):
        estimate.log_ratio(X[:3], Y[:4])


@pytest.mark.slow
def test_more_seeds_are_more_critics_for_each_fold():
    assert _estimate(num_seeds=1).per_seed.shape == (1,)
    assert _estimate(num_seeds=9).per_seed.shape == (3,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": (0.5, 0.25, 0.25)}, "belong to a bound: name one"),
        ({"learning_rate": 1e-3}, "learning_rate.*belong to a bound"),
        ({"num_seeds": 0}, "num_seeds"),
        ({"num_steps": 0}, "num_steps"),
        ({"x": X[:60], "y": Y[:60]}, "60 rows.*at least 64"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        _estimate(**changes)


def test_fitted_maps_take_rows_one_by_one():
    train, held_out = (X[:300], Y[:300]), (X[300:350], Y[300:350])
    fitted = fit_fold_map(train, held_out, (fit_marginal(X), fit_marginal(Y)))
    rows = fitted.apply(0, X)
    # Nothing is fitted again to the rows that a map is applied to.
    assert np.isfinite(rows.features).all()
    np.testing.assert_array_equal(fitted.apply(0, X[350:]).records, rows.records[350:])
    assert rows.features[:300].mean(axis=0) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("freedom", [1, 3])
def test_a_student_law_is_started_from_its_own_closed_form(freedom):
    x, y = map(np.asarray, student(2, 2, freedom).sample(KEY, 4_000))
    fitted = fit_fold_map(
        (x[:3_000], y[:3_000]),
        (x[3_000:], y[3_000:]),
        (fit_marginal(x), fit_marginal(y)),
    )
    assert not fitted.is_lifted
    assert 0.5 * freedom <= fitted.law.freedom <= 2 * freedom


@pytest.mark.slow
@pytest.mark.parametrize("nats", [2.0, 10.0])
def test_high_information_in_many_dimensions(nats):
    x, y = map(np.asarray, normal_target(nats, 20, 20).sample(KEY, 10_000))
    estimate = jaxinfo.estimate_mutual_information(KEY, x, y)
    assert abs(estimate.value - nats) < 0.05 * nats


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 5, 25])
def test_independent_rows_have_no_information(size):
    x, y = RNG.normal(size=(2, 10_000, size))
    estimate = jaxinfo.estimate_mutual_information(KEY, x, y)
    # Nothing is correlated, so the fit keeps nothing, and the value has no spread.
    assert abs(estimate.value) < 0.01


def _rounded_pair(rho, num_rows, *, scale=(1.0, 1.0), grid=0.05):
    x, noise = np.random.default_rng(0).normal(size=(2, num_rows, 1))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    return [
        np.round(s * rows / grid) * grid for s, rows in zip(scale, (x, y), strict=True)
    ]


@pytest.mark.parametrize(
    ("rho", "num_rows", "options"),
    [
        (0.5, 2_000, {"scale": (7.0, 12.0), "grid": 1.0}),  # Centimetres, kilograms.
        pytest.param(0.1, 10_000, {}, marks=pytest.mark.slow),
        pytest.param(0.5, 5_000, {}, marks=pytest.mark.slow),
    ],
)
def test_rounding_adds_no_information(rho, num_rows, options):
    """At most -log(1 - rho^2) / 2 is there, by the data-processing inequality."""
    x, y = _rounded_pair(rho, num_rows, **options)
    estimate = jaxinfo.estimate_mutual_information(KEY, x, y, num_steps=300)
    truth = -0.5 * np.log(1 - rho**2)
    assert estimate.lower < truth
    assert abs(estimate.value - truth) < 0.02
