"""Conditional mutual information and transfer entropy by the chain rule."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo import tasks
from jaxinfo.estimation import (
    CrossFitted,
    Gaussian,
    TrainConfig,
    Variational,
    conditional,
    lagged_rows,
)
from jaxinfo.estimation.uncertainty import variance_of_mean
from tests.fakes import PRODUCT_CRITIC, make_estimate

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
# As in the doctests, which have as many rows: equal programs are compiled once.
QUICK = CrossFitted(train=TrainConfig(num_steps=50))
# A strong common cause and nothing else: x and y are independent given z.
Z = RNG.normal(size=(400, 1))
X, Y = Z + 0.2 * RNG.normal(size=(2, 400, 1))
# Lagged by one step, these share their compiled programs with the rows above.
DRIVER, NOISE = RNG.normal(size=(2, 401))
DRIVEN = np.concatenate([NOISE[:1], NOISE[1:] + DRIVER[:-1]])


# Closed forms, with the Gaussian estimator -----------------------------------------

SLOPE = 0.7
INFORMATION = 0.5 * np.log(1 + SLOPE**2)


def _triple(rng, num_rows=4_000):
    """Given z, x is N(z, 1) and y is N(SLOPE x - z / 2, 1)."""
    z, noise_x, noise_y = rng.normal(size=(3, num_rows, 1))
    x = z + noise_x
    return x, SLOPE * x - 0.5 * z + noise_y, z


def _gaussian(*rows):
    return jaxinfo.estimate_conditional_mutual_information(
        KEY, *rows, estimator="gaussian"
    )


def test_a_gaussian_triple_has_its_closed_form():
    estimate = _gaussian(*_triple(np.random.default_rng(0)))
    assert abs(estimate.value - INFORMATION) < 3 * estimate.standard_error
    assert estimate.standard_error < 0.1 * INFORMATION
    assert estimate.lower < estimate.value < estimate.upper
    assert estimate.quantity == "conditional mutual information"
    assert str(estimate).startswith("conditional mutual information: 0.")
    assert estimate.estimator == "gaussian"
    assert estimate.kind == "neither"
    assert estimate.p_value is None
    assert estimate.num_samples == 4_000
    assert estimate.diagnostics.per_seed.tolist() == [estimate.value]
    assert estimate.diagnostics.seconds > estimate.diagnostics.compile_seconds >= 0


@pytest.mark.slow
def test_the_error_of_the_chain_rule_is_not_smaller_than_the_spread():
    rng = np.random.default_rng(0)
    estimates = [_gaussian(*_triple(rng, 500)) for _ in range(60)]
    spread = np.std([estimate.value for estimate in estimates], ddof=1)
    claimed = np.mean([estimate.standard_error for estimate in estimates])
    # The spread of 60 sets is known to 9 %; errors are added as if independent.
    assert 0.8 * spread < claimed < 3 * spread


def test_the_density_ratio_of_a_gaussian_triple_has_its_closed_form():
    rng = np.random.default_rng(0)
    ratio = _gaussian(*_triple(rng)).density_ratio
    x, y, z = _triple(rng, 300)
    given_both = (y - SLOPE * x + 0.5 * z) ** 2
    given_z = (y - (SLOPE - 0.5) * z) ** 2 / (1 + SLOPE**2)
    expected = INFORMATION + (given_z - given_both)[:, 0] / 2
    assert np.abs(ratio(x, y, z) - expected).mean() < 0.05
    assert np.std(expected) > 0.3


@pytest.mark.slow
def test_the_order_of_x_and_y_does_not_matter_for_a_gaussian():
    rng = np.random.default_rng(0)
    x, y, z = _triple(rng)
    wide = np.hstack([x, x + rng.normal(size=x.shape)])
    one, other = _gaussian(wide, y, z), _gaussian(y, wide, z)
    assert one.value == pytest.approx(other.value, abs=1e-9)
    assert one.value == pytest.approx(INFORMATION, abs=3 * one.standard_error)
    np.testing.assert_allclose(
        one.density_ratio(wide[:9], y[:9], z[:9]),
        other.density_ratio(y[:9], wide[:9], z[:9]),
        atol=1e-9,
    )


@pytest.mark.slow
def test_the_transfer_entropy_of_a_linear_pair_has_its_closed_form_and_direction():
    rng = np.random.default_rng(0)
    source, noise = rng.normal(size=(2, 4_001))
    target = np.concatenate([noise[:1], noise[1:] + source[:-1]])
    forward, backward = (
        jaxinfo.estimate_transfer_entropy(KEY, *series, lags=2, estimator=Gaussian())
        for series in ((source, target), (target, source))
    )
    truth = 0.5 * np.log(2)
    assert abs(forward.value - truth) < 3 * forward.standard_error < 0.3 * truth
    assert abs(backward.value) < 0.02
    assert forward.quantity == "transfer entropy"
    assert forward.num_samples == 3_999
    local = forward.density_ratio(source, target)
    assert local.shape == (3_999,)
    assert local.mean() == pytest.approx(forward.value, abs=0.01)


@pytest.mark.slow
def test_a_trained_estimator_takes_both_terms_with_its_settings():
    train = TrainConfig(num_steps=40, eval_every=20, num_seeds=2, batch_size=32)
    estimator = Variational("smile", critic=PRODUCT_CRITIC, train=train)
    estimate = jaxinfo.estimate_conditional_mutual_information(
        KEY, X, Y, Z, estimator=estimator
    )
    assert estimate.estimator == "smile"
    found = estimate.diagnostics
    assert found.per_seed.shape == (2,)
    assert found.per_seed.mean() == pytest.approx(estimate.value)
    # Curves of both terms, one after the other.
    assert found.history.values.shape == (4, 2)
    assert found.num_nonfinite == 0
    assert estimate.density_ratio(X[:5], Y[:5], Z[:5]).shape == (5,)


# The terms -------------------------------------------------------------------------


class _Recorder:
    """An estimator that keeps its arguments and returns made-up numbers."""

    name = "recorder"

    def __init__(self):
        self.calls = []

    def __call__(self, key, x, y):
        self.calls.append((x, y))
        first = len(self.calls) == 1
        return make_estimate(
            0.9 if first else 0.4,
            standard_error=0.03 if first else 0.04,
            density_ratio=self.density_ratio,
            saturated=not first,
            converged=first,
            num_nonfinite=2 + first,
            warnings=("doubtful",) if first else (),
        )

    @staticmethod
    def density_ratio(x, y):
        """A sum that distinguishes the coordinates of y."""
        return x.sum(axis=1) + 10 * y @ (1.0 + np.arange(y.shape[1]))


@pytest.mark.filterwarnings("ignore:doubtful")
def test_the_estimate_is_the_difference_of_two_terms():
    recorder = _Recorder()
    estimate = jaxinfo.estimate_conditional_mutual_information(
        KEY, X, Y, Z, estimator=recorder
    )
    (x, yz), (x_again, z) = recorder.calls
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(x_again, X)
    np.testing.assert_array_equal(yz, np.hstack([Y, Z]))
    np.testing.assert_array_equal(z, Z)
    found = estimate.diagnostics
    assert estimate.value == pytest.approx(0.5)
    assert estimate.standard_error == pytest.approx(0.05)
    assert estimate.estimator == "recorder"
    np.testing.assert_allclose(found.per_seed, 0.5)
    assert found.history.values.shape == (6, 3)
    assert found.saturated
    assert not found.converged
    assert found.num_nonfinite == 5
    assert found.warnings == ("doubtful",)
    assert (found.seconds, found.compile_seconds) == (4.0, 2.0)
    ratio = estimate.density_ratio(X[:5], Y[:5], Z[:5])
    # 10 (1 y + 2 z) - 10 (1 z).
    np.testing.assert_allclose(ratio, 10 * (Y[:5] + Z[:5])[:, 0])


@pytest.mark.filterwarnings("ignore:doubtful")
def test_the_variable_with_fewer_coordinates_takes_the_place_of_x():
    wide, narrow = RNG.normal(size=(400, 2, 1)), X[:, 0]
    ratios = []
    for sides in [(wide, narrow), (narrow, wide)]:
        recorder = _Recorder()
        estimate = jaxinfo.estimate_conditional_mutual_information(
            KEY, *sides, Z, estimator=recorder
        )
        (x, yz), (x_again, z) = recorder.calls
        np.testing.assert_array_equal(x, narrow[:, None])
        np.testing.assert_array_equal(yz, np.hstack([wide[..., 0], Z]))
        np.testing.assert_array_equal(x_again, x)
        np.testing.assert_array_equal(z, Z)
        ratios.append(estimate.density_ratio(*(rows[:5] for rows in (*sides, Z))))
    np.testing.assert_array_equal(*ratios)


@pytest.mark.filterwarnings("ignore:doubtful")
def test_the_rows_of_a_series_are_its_steps_and_their_pasts():
    source = np.arange(200.0)
    target = 1_000 + np.arange(400.0).reshape(200, 2)
    recorder = _Recorder()
    estimate = jaxinfo.estimate_transfer_entropy(
        KEY, source, target, lags=2, estimator=recorder
    )
    (now, pasts), (now_again, past) = recorder.calls
    np.testing.assert_array_equal(now, target[2:])
    np.testing.assert_array_equal(now_again, now)
    np.testing.assert_array_equal(past, np.hstack([target[1:-1], target[:-2]]))
    sources = np.stack([source[1:-1], source[:-2]], axis=1)
    np.testing.assert_array_equal(pasts, np.hstack([sources, past]))
    assert estimate.density_ratio(source[:7], target[:7]).shape == (5,)


def test_the_default_estimator_is_given_both_terms_at_once(monkeypatch):
    calls = []

    def estimate_difference(estimator, key, pairs, *, make_density_ratio, **settings):
        calls.append(
            (
                estimator,
                [len(pair.tables) for pair in pairs],
                pairs[0].is_series,
                settings,
            )
        )
        recorder = _Recorder()
        return make_estimate(
            density_ratio=make_density_ratio(*[recorder.density_ratio] * 2)
        )

    monkeypatch.setattr(conditional, "estimate_difference", estimate_difference)
    for quantity, is_series, estimate in [
        (
            "conditional mutual information",
            False,
            jaxinfo.estimate_conditional_mutual_information(
                KEY, X, Y, Z, estimator=QUICK
            ),
        ),
        (
            "transfer entropy",
            True,
            jaxinfo.estimate_transfer_entropy(KEY, DRIVER, DRIVEN),
        ),
    ]:
        estimator, lengths, is_ordered, settings = calls.pop(0)
        assert estimator == (CrossFitted() if is_series else QUICK)
        assert lengths == [2, 2]
        assert settings["quantity"] == quantity
        assert is_ordered == is_series
        assert estimate.density_ratio is not None


def test_the_past_of_a_series():
    series = np.arange(8).reshape(4, 1, 2)
    np.testing.assert_array_equal(lagged_rows(series, 1), series[:-1, 0])
    np.testing.assert_array_equal(lagged_rows(series, 3), [[4, 5, 2, 3, 0, 1]])
    np.testing.assert_array_equal(
        jax.jit(lagged_rows, static_argnums=1)(series, 2), [[2, 3, 0, 1], [4, 5, 2, 3]]
    )
    for lags in (0, -1, 1.5):
        with pytest.raises(ValueError, match="lags must be a positive whole number"):
            lagged_rows(series, lags)
    with pytest.raises(ValueError, match="lags must be below the length 4, got 4"):
        lagged_rows(series, 4)


# The default estimator -------------------------------------------------------------


@pytest.fixture(scope="module")
def both():
    """An estimate and the two fits that it consists of."""
    from jaxinfo.estimation.cross_fitted import estimator

    fits, cross_fit = [], estimator.cross_fit

    def keep(*arguments):
        fits.append(cross_fit(*arguments))
        return fits[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimator, "cross_fit", keep)
        estimate = jaxinfo.estimate_conditional_mutual_information(
            KEY, X, Y, Z, estimator=QUICK
        )
    return estimate, fits


@pytest.fixture
def estimate(both):
    return both[0]


@pytest.fixture
def fits(both):
    return both[1]


def test_the_default_estimate_has_all_fields(estimate):
    assert estimate.quantity == "conditional mutual information"
    assert str(estimate).startswith(estimate.quantity)
    assert estimate.estimator == "cross_fitted"
    assert estimate.kind == "neither"
    assert estimate.lower < estimate.value < estimate.upper
    assert 0 < estimate.p_value <= 1
    assert estimate.num_samples == 400
    found = estimate.diagnostics
    assert found.per_seed.shape == (8,)
    assert found.per_seed.mean() == pytest.approx(estimate.value)
    assert found.history.values.shape == (16, 1)


def test_the_default_estimate_is_the_difference_of_two_fits(estimate, fits):
    joint, given = fits
    values = [
        fit.reports.held_out_values.mean() / 4
        + fit.reports.training_values.mean() * 3 / 4
        for fit in fits
    ]
    assert estimate.value == pytest.approx(values[0] - values[1])
    x, y, z = X[:20], Y[:20], Z[:20]
    found = estimate.density_ratio(x, y, z)
    expected = joint.density_ratio(x, np.hstack([y, z])) - given.density_ratio(x, z)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_noise_that_both_fits_share_cancels_in_the_error(estimate, fits):
    apart = np.sqrt(sum(variance_of_mean(fit.influence) for fit in fits))
    assert estimate.standard_error < 0.7 * apart
    assert min(fit.reports.held_out_values.mean() for fit in fits) > 1
    assert abs(estimate.value) < 4 * estimate.standard_error


def test_both_fits_are_reported_on_the_same_rows(fits):
    joint, given = fits
    np.testing.assert_array_equal(joint.rows, given.rows)
    assert np.all(np.diff(joint.rows) > 0)
    for fit in fits:
        assert fit.influence.shape == fit.rows.shape
        assert fit.influence.mean() == pytest.approx(fit.reports.held_out_values.mean())


def test_the_default_density_ratio_checks_new_rows(estimate):
    for rows, message in [
        ((X[:3], Y[:3], Z[:2]), "x and z must have the same number of rows"),
        ((X[:3], Y[:3], np.ones((3, 2))), r"z must have rows of shape \(1,\)"),
        ((X[:3], Y[:3, 0], Z[:3]), r"y must have rows of shape \(1,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            estimate.density_ratio(*rows)


@pytest.mark.slow
def test_the_default_transfer_entropy_has_a_direction():
    forward, backward = (
        jaxinfo.estimate_transfer_entropy(KEY, *series, estimator=QUICK)
        for series in ((DRIVER, DRIVEN), (DRIVEN, DRIVER))
    )
    truth = 0.5 * np.log(2)
    assert abs(forward.value - truth) < 3 * forward.standard_error < 0.5 * truth
    assert abs(backward.value) < 0.2 * truth
    local = forward.density_ratio(DRIVER, DRIVEN)
    assert local.mean() == pytest.approx(truth, abs=0.2)
    with pytest.raises(ValueError, match="source and target must have the same"):
        forward.density_ratio(DRIVER, DRIVEN[1:])


# Bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"z": Z[:300]}, "x and z must have the same number of rows, got 400 and 300"),
        ({"y": Y[:300]}, "x and y must have the same number of rows"),
        ({"z": np.full_like(Z, np.nan)}, "z holds 400 values that"),
        ({"z": [[1j]] * 400}, "z must hold numbers or labels"),
        ({"key": jax.random.PRNGKey(0)}, r"key must be made by jax.random.key"),
        ({"estimator": "KSG1"}, "did you mean 'ksg1'"),
        ({"estimator": lambda key, x, y: 1.0}, "must return an Estimate, got float"),
    ],
)
def test_bad_input_is_named(changes, message):
    arguments = {"key": KEY, "x": X, "y": Y, "z": Z, "estimator": "gaussian"} | changes
    with pytest.raises(ValueError, match=message):
        jaxinfo.estimate_conditional_mutual_information(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lags": 0}, "lags must be a positive whole number"),
        ({"lags": 401}, "lags must be below the length 401"),
        ({"source": DRIVER[1:]}, r"source and target must.*same number.*400 and 401"),
        ({"target": np.full(401, np.inf)}, "target holds 401 infinite values"),
        ({"key": 0}, r"key must be made by jax.random.key, got int"),
    ],
)
def test_bad_series_are_named(changes, message):
    arguments = {"source": DRIVER, "target": DRIVEN, "estimator": "gaussian"} | changes
    with pytest.raises(ValueError, match=message):
        jaxinfo.estimate_transfer_entropy(**({"key": KEY} | arguments))


def test_too_few_rows_for_the_default_estimator_are_named():
    with pytest.raises(ValueError, match=r"60 rows.*at least 64"):
        jaxinfo.estimate_conditional_mutual_information(
            KEY, X[:60], Y[:60], Z[:60], estimator=QUICK
        )
    with pytest.raises(ValueError, match=r"61 rows.*at least 64"):
        jaxinfo.estimate_transfer_entropy(
            KEY, DRIVER, DRIVEN, lags=340, estimator=QUICK
        )


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("bound", r"Variational\(bound=...\)"),
        ("num_seeds", r"TrainConfig\(num_seeds=...\)"),
    ],
)
def test_settings_get_an_error_that_says_where_they_belong(name, replacement):
    message = f"^{name}= is a setting of the estimator: give estimator=.*{replacement}"
    with pytest.raises(TypeError, match=message):
        jaxinfo.estimate_conditional_mutual_information(KEY, X, Y, Z, **{name: 3})
    with pytest.raises(TypeError, match=message):
        jaxinfo.estimate_transfer_entropy(KEY, DRIVER, DRIVEN, **{name: 3})


def test_warnings_name_the_arguments_once_at_the_line_of_the_caller():
    constant = np.hstack([Z, np.ones_like(Z)])
    with pytest.warns(UserWarning, match="constant") as caught:
        estimate = _gaussian(X, Y, constant)
    expected = "z is constant in 1 of 2 coordinates (1), which carry no information"
    assert [str(warning.message) for warning in caught] == [expected]
    assert estimate.diagnostics.warnings == (expected,)
    assert [warning.filename for warning in caught] == [__file__]
    series = np.stack([DRIVEN, np.zeros(401)], axis=1)
    with pytest.warns(UserWarning, match=r"^target is constant in 1 of 2") as caught:
        jaxinfo.estimate_transfer_entropy(KEY, DRIVER, series, estimator="ksg1")
    assert len([w for w in caught if "constant" in str(w.message)]) == 1


def test_warnings_of_the_terms_are_given_too():
    with pytest.warns(UserWarning, match="^doubtful$"):
        jaxinfo.estimate_conditional_mutual_information(
            KEY, X, Y, Z, estimator=_Recorder()
        )


# Truths, at full length ------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("task", tasks.suite("cmi"), ids=lambda task: task.name)
def test_the_default_estimator_finds_known_conditional_information(task):
    sample = task.sample(jax.random.key(1), 10_000)
    estimate = jaxinfo.estimate_conditional_mutual_information(KEY, *sample)
    assert abs(estimate.value - task.cmi) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("lags", [1, 2])
def test_the_default_estimator_finds_known_transfer_entropy(lags):
    task = tasks.ar_pair(lags)
    x, y = task.sample(jax.random.key(1), 10_000)
    forward = jaxinfo.estimate_transfer_entropy(KEY, x, y, lags=lags)
    assert abs(forward.value - task.transfer_entropy) < 0.02
    backward = jaxinfo.estimate_transfer_entropy(KEY, y, x, lags=lags)
    assert abs(backward.value) < 0.01


@pytest.mark.slow
def test_default_intervals_of_a_series_cover_the_truth():
    # Rows of both series depend on those of many steps before.
    task = tasks.ar_pair(1, coupling=0.5, memory_x=0.9, memory_y=0.9)
    estimator = CrossFitted(train=TrainConfig(num_steps=200))
    misses = 0
    for key in jax.random.split(KEY, 20):
        x, y = task.sample(key, 2_000)
        estimate = jaxinfo.estimate_transfer_entropy(key, x, y, estimator=estimator)
        misses += not estimate.lower < task.transfer_entropy < estimate.upper
    # More than 4 of 20 at 5 % each has a probability of 0.3 %.
    assert misses <= 4
