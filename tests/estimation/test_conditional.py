"""Conditional information and transfer entropy: parts, refusals, truths to reach."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo import tasks
from jaxinfo.estimation import conditional, cross_fit_estimate, lagged_rows
from jaxinfo.estimation.cross_fit import NUM_FOLDS, cross_fit, deal_rows
from jaxinfo.estimation.uncertainty import variance_of_mean
from tests.fakes import make_estimate

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
# As in the doctests, which have as many rows: equal programs are compiled once.
SHORT = {"num_steps": 50}
# A strong common cause, and no more: x and y are independent once z is known.
Z = RNG.normal(size=(400, 1))
X, Y = Z + 0.2 * RNG.normal(size=(2, 400, 1))
# Lagged by one step, these share their compiled programs with the rows above.
DRIVER, NOISE = RNG.normal(size=(2, 401))
DRIVEN = np.concatenate([NOISE[:1], NOISE[1:] + DRIVER[:-1]])


@pytest.fixture(scope="module")
def both():
    """An estimate and the two fits that it is made of."""
    fits = []

    def keep(*arguments, **settings):
        fits.append(cross_fit(*arguments, **settings))
        return fits[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_fit_estimate, "cross_fit", keep)
        estimate = jaxinfo.estimate_conditional_mutual_information(
            KEY, X, Y, Z, **SHORT
        )
    return estimate, fits


@pytest.fixture
def estimate(both):
    return both[0]


@pytest.fixture
def fits(both):
    return both[1]


# What is reported -----------------------------------------------------------------


def test_an_estimate_says_what_it_is(estimate):
    assert estimate.quantity == "conditional mutual information"
    assert str(estimate).startswith(estimate.quantity)
    assert estimate.bound == "cross_fitted"
    assert estimate.kind == "neither"
    assert estimate.lower < estimate.value < estimate.upper
    assert estimate.p_value is None
    assert estimate.num_samples == 400
    assert estimate.per_seed.shape == (2,)
    assert estimate.history.values.shape == (16, 1)


def test_it_is_the_difference_of_two_terms(estimate, fits):
    both, given = fits
    np.testing.assert_allclose(estimate.per_seed, both.per_critic - given.per_critic)
    values = [
        np.mean([fit.outcome.held_out_values, fit.outcome.training_values])
        for fit in fits
    ]
    assert estimate.value == pytest.approx(values[0] - values[1])
    x, y, z = X[:20], Y[:20], Z[:20]
    found = estimate.log_ratio(x, y, z)
    expected = both.log_ratio(x, np.hstack([y, z])) - given.log_ratio(x, z)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_noise_that_both_terms_share_does_not_count(estimate, fits):
    apart = np.sqrt(sum(variance_of_mean(fit.influence) for fit in fits))
    assert estimate.standard_error < 0.7 * apart
    assert min(fit.outcome.held_out_values.mean() for fit in fits) > 1
    assert abs(estimate.value) < 4 * estimate.standard_error


def test_both_terms_are_reported_on_the_same_rows(fits):
    both, given = fits
    np.testing.assert_array_equal(both.rows, given.rows)
    assert np.all(np.diff(both.rows) > 0)
    for fit in fits:
        assert fit.influence.shape == fit.rows.shape
        assert fit.influence.mean() == pytest.approx(fit.outcome.held_out_values.mean())


def test_new_rows_are_checked(estimate):
    for rows, message in [
        ((X[:3], Y[:3], Z[:2]), "x and z must have the same number of rows"),
        ((X[:3], Y[:3], np.ones((3, 2))), r"z must have rows of shape \(1,\)"),
        ((X[:3], Y[:3, 0], Z[:3]), r"y must have rows of shape \(1,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            estimate.log_ratio(*rows)


# Which rows go where --------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """Pairs that would be estimated."""
    seen = []

    def estimate(key, pairs, *, make_log_ratio, **settings):
        seen.append((pairs, settings))
        return make_estimate(
            log_ratio=make_log_ratio([_Sum(), _Sum()]),
            warnings=tuple(settings["doubts"]),
        )

    monkeypatch.setattr(conditional, "estimate_difference", estimate)
    return seen


class _Sum:
    """In place of a fit: a sum that tells the coordinates of y apart."""

    def log_ratio(self, x, y):
        return x.sum(axis=1) + 10 * y @ (1.0 + np.arange(y.shape[1]))


def test_what_has_fewer_coordinates_stands_alone(calls):
    wide, narrow = RNG.normal(size=(400, 2, 1)), X[:, 0]
    ratios = []
    for sides in [(wide, narrow), (narrow, wide)]:
        estimate = jaxinfo.estimate_conditional_mutual_information(KEY, *sides, Z)
        [(x, yz), (x_again, z)], _ = calls.pop()
        np.testing.assert_array_equal(x, narrow[:, None])
        np.testing.assert_array_equal(yz, np.hstack([wide[..., 0], Z]))
        np.testing.assert_array_equal(x_again, x)
        np.testing.assert_array_equal(z, Z)
        ratios.append(estimate.log_ratio(*(rows[:5] for rows in (*sides, Z))))
    np.testing.assert_array_equal(*ratios)


def test_rows_of_a_series(calls):
    source = np.arange(200.0)
    target = 1_000 + np.arange(400.0).reshape(200, 2)
    estimate = jaxinfo.estimate_transfer_entropy(KEY, source, target, lags=2)
    [([(now, pasts), (now_again, past)], settings)] = calls
    estimate.log_ratio(source, target)
    assert settings["is_series"]
    assert settings["quantity"] == "transfer entropy"
    np.testing.assert_array_equal(now, target[2:])
    np.testing.assert_array_equal(now_again, now)
    np.testing.assert_array_equal(past, np.hstack([target[1:-1], target[:-2]]))
    sources = np.stack([source[1:-1], source[:-2]], axis=1)
    np.testing.assert_array_equal(pasts, np.hstack([sources, past]))
    assert estimate.log_ratio(source[:7], target[:7]).shape == (5,)


def test_the_past_of_a_series():
    series = np.arange(8).reshape(4, 1, 2)
    np.testing.assert_array_equal(lagged_rows(series, 1), series[:-1, 0])
    np.testing.assert_array_equal(lagged_rows(series, 3), [[4, 5, 2, 3, 0, 1]])
    for lags in (0, -1, 1.5):
        with pytest.raises(ValueError, match="lags must be a positive whole number"):
            lagged_rows(series, lags)
    with pytest.raises(ValueError, match="lags must be below the length 4, got 4"):
        lagged_rows(series, 4)


@pytest.mark.parametrize("is_series", [False, True])
def test_over_the_folds_every_row_comes_once(is_series):
    order = deal_rows(KEY, 807, is_series=is_series)
    size, held = len(order) // NUM_FOLDS, len(order) // NUM_FOLDS // 2
    assert len(order) == (800 if is_series else 804)
    np.testing.assert_array_equal(np.sort(order), np.sort(np.unique(order)))
    assert np.median(np.abs(np.diff(order))) > 10
    # Those of the training rows that are scored, too.
    scored = [np.roll(order, -k * size)[size + held :][:size] for k in range(NUM_FOLDS)]
    np.testing.assert_array_equal(np.sort(np.concatenate(scored)), np.sort(order))
    if is_series:  # Each fold has four stretches of sqrt(N) and more.
        for rows in order.reshape(NUM_FOLDS, -1):
            assert np.sum(np.diff(np.sort(rows)) > 1) == 3


# Errors of a series ---------------------------------------------------------------


@pytest.mark.parametrize("memory", [-0.5, 0.0, 0.8])
def test_the_mean_of_a_series_varies_as_its_memory_says(memory):
    rng, num_rows = np.random.default_rng(0), 40_000
    values = rng.normal(size=num_rows)
    for step in range(1, num_rows):
        values[step] += memory * values[step - 1]
    # Of an autoregression, var / N = 1 / (1 - memory)^2 / N; of 200 batches, the
    # standard deviation is 10 %.
    expected = 1 / (1 - memory) ** 2 / num_rows
    found = variance_of_mean(values, is_series=True)
    assert found == pytest.approx(expected, rel=0.3)
    independent = variance_of_mean(values)
    assert independent == pytest.approx(values.var() / num_rows, rel=1e-3)


@pytest.mark.slow
def test_transfer_has_a_direction():
    forward = jaxinfo.estimate_transfer_entropy(KEY, DRIVER, DRIVEN, **SHORT)
    backward = jaxinfo.estimate_transfer_entropy(KEY, DRIVEN, DRIVER, **SHORT)
    truth = 0.5 * np.log(2)
    assert abs(forward.value - truth) < 3 * forward.standard_error < 0.5 * truth
    assert abs(backward.value) < 0.2 * truth
    local = forward.log_ratio(DRIVER, DRIVEN)
    assert local.mean() == pytest.approx(truth, abs=0.2)
    with pytest.raises(ValueError, match="source and target must have the same"):
        forward.log_ratio(DRIVER, DRIVEN[1:])


# Bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"z": Z[:300]}, "x and z must have the same number of rows, got 400 and 300"),
        ({"y": Y[:300]}, "x and y must have the same number of rows"),
        ({"z": np.where(Z > 3, np.nan, 0 * Z + np.nan)}, "z holds 400 values that"),
        ({"z": [["a"]] * 400}, "z must hold real numbers"),
        ({"x": X[:60], "y": Y[:60], "z": Z[:60]}, "60 rows.*at least 64"),
        ({"num_seeds": 0}, "num_seeds"),
        ({"num_steps": 0}, "num_steps"),
        ({"key": jax.random.PRNGKey(0)}, "key must be made by jax.random.key"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    arguments = {"key": KEY, "x": X, "y": Y, "z": Z} | changes
    with pytest.raises(ValueError, match=message):
        jaxinfo.estimate_conditional_mutual_information(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lags": 0}, "lags must be a positive whole number"),
        ({"lags": 401}, "lags must be below the length 401"),
        ({"lags": 340}, "source and target give 61 rows with lags=340.*at least 64"),
        ({"source": DRIVER[1:]}, "source and target must.*same number.*400 and 401"),
        ({"target": np.full(401, np.inf)}, "target holds 401 values"),
        ({"num_seeds": 0}, "num_seeds"),
    ],
)
def test_series_that_do_not_fit_are_named(changes, message):
    arguments = {"key": KEY, "source": DRIVER, "target": DRIVEN} | changes
    with pytest.raises(ValueError, match=message):
        jaxinfo.estimate_transfer_entropy(**arguments)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("estimator", "rows", "name"),
    [
        (jaxinfo.estimate_conditional_mutual_information, (X, Y, 0 * Z), "z"),
        (jaxinfo.estimate_transfer_entropy, (DRIVER, 0 * DRIVEN), "target"),
    ],
)
def test_doubts_are_told_to_the_caller(estimator, rows, name):
    with pytest.warns(UserWarning, match=f"{name} is constant") as caught:
        estimator(KEY, *rows)
    assert [warning.filename for warning in caught] == [__file__]


# Truths, at full length -----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("task", tasks.suite("cmi"), ids=lambda task: task.name)
def test_known_conditional_information(task):
    sample = task.sample(jax.random.key(1), 10_000)
    estimate = jaxinfo.estimate_conditional_mutual_information(KEY, *sample)
    assert abs(estimate.value - task.cmi) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("lags", [1, 2])
def test_known_transfer_entropy(lags):
    task = tasks.ar_pair(lags)
    x, y = task.sample(jax.random.key(1), 10_000)
    forward = jaxinfo.estimate_transfer_entropy(KEY, x, y, lags=lags)
    assert abs(forward.value - task.transfer_entropy) < 0.02
    backward = jaxinfo.estimate_transfer_entropy(KEY, y, x, lags=lags)
    assert abs(backward.value) < 0.01


@pytest.mark.slow
def test_intervals_of_a_series_hold_the_truth():
    # Rows of both series depend on those of many steps before.
    task = tasks.ar_pair(1, coupling=0.5, memory_x=0.9, memory_y=0.9)
    misses = 0
    for key in jax.random.split(KEY, 20):
        x, y = task.sample(key, 2_000)
        estimate = jaxinfo.estimate_transfer_entropy(key, x, y, num_steps=200)
        misses += not estimate.lower < task.transfer_entropy < estimate.upper
    # More than 4 of 20 at 5 % each has a probability of 0.3 %.
    assert misses <= 4
