"""The default estimator: its estimates, settings, errors, and truths to reach."""

import dataclasses
import gc
import pickle
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.estimation import CrossFitted, TrainConfig
from jaxinfo.estimation.cross_fitted.config import CriticKind
from jaxinfo.tasks import normal_target

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = np.concatenate([0.9 * X + 0.436 * RNG.normal(size=(400, 2)), X[:, :1]], axis=1)
SHORT = {"num_steps": 60, "eval_every": 20, "batch_size": 32}


def _estimator(train=None, **settings):
    return CrossFitted(train=TrainConfig(**(SHORT | (train or {}))), **settings)


def _estimate(x=X, y=Y, train=None, **settings):
    return _estimator(train, **settings)(KEY, x, y)


@pytest.fixture(scope="module")
def estimate():
    return _estimate()


def test_an_estimate_of_the_information_itself(estimate):
    found = estimate.diagnostics
    assert estimate.estimator == CrossFitted().name == "cross_fitted"
    assert estimate.kind == "neither"
    half_width = estimate.value - estimate.lower
    assert half_width == pytest.approx(1.96 * estimate.standard_error, rel=1e-4)
    # A coordinate of y is a copy of one of x.
    assert estimate.upper == np.inf
    assert found.saturated
    assert estimate.num_samples == 400
    # Not below the sampling error of the exact log-density ratio of the Gaussian.
    assert estimate.standard_error > 0.5 * 0.8 / 400**0.5
    assert found.history.values.shape == (8, 3)
    assert found.num_seeds == 8
    assert ", 8 seeds)" in str(estimate)


def test_the_mean_of_the_critics_is_the_value(estimate):
    per_seed = estimate.diagnostics.per_seed
    assert per_seed.mean() == pytest.approx(estimate.value, abs=1e-12)
    assert per_seed.std() > 0


def test_half_of_the_critics_correct_the_base_density(estimate):
    corrects, starts = np.split(estimate.diagnostics.history.values[:, 0], 2)
    assert corrects.min() > 5 * starts.max()


def test_the_same_key_gives_the_same_number_without_compiling(estimate):
    again = _estimate()
    assert again == estimate
    first = estimate.diagnostics.compile_seconds
    assert again.diagnostics.compile_seconds < 0.5 * max(first, 1.0)


@pytest.mark.slow
def test_what_only_neighbors_see_widens_the_interval():
    signs = RNG.choice([-1.0, 1.0], size=(2, 500, 2))
    size = np.abs(RNG.normal(size=(2, 500, 2)))
    x, y = size * signs
    y[:, :1] = size[1, :, :1] * signs[0].prod(axis=1, keepdims=True)
    # The product of the signs of x is the sign of the first coordinate of y: ln 2.
    with pytest.warns(UserWarning, match="nearest neighbors show about"):
        found = _estimate(x, y, base_densities=())
    assert found.value < 0.2 < np.log(2) < found.upper < np.inf
    gaussian = 0.5 * x + RNG.normal(size=x.shape)
    assert not _estimate(x, gaussian).diagnostics.warnings


def test_settings_are_values():
    estimator = CrossFitted()
    assert estimator == CrossFitted()
    assert hash(estimator) == hash(CrossFitted())
    two = dataclasses.replace(estimator, num_folds=2)
    assert two.num_folds == 2
    assert two != estimator
    assert pickle.loads(pickle.dumps(two)) == two
    nine = dataclasses.replace(estimator, train=TrainConfig(num_seeds=9))
    assert len(nine.kinds) == 3


def _linear(params, x, y):
    return params * (x[:, 0] * y[:, 0])


@pytest.mark.slow
def test_the_network_can_be_exchanged():
    critic = (lambda key, x, y: jax.numpy.zeros(()), _linear)
    estimate = _estimate(y=Y[:, :2], critic=critic)
    assert estimate.value == pytest.approx(1.6, abs=0.5)
    params, factor = estimate.density_ratio.params
    assert params.shape == factor.shape == (2, 4)


@pytest.mark.slow
def test_without_base_densities_critics_start_from_independence():
    estimate = _estimate(base_densities=(), train={"num_steps": 1, "eval_every": 1})
    assert abs(estimate.value) < 0.3
    assert all(fold.base is None for fold in estimate.density_ratio.fold_maps)


@pytest.mark.slow
def test_more_seeds_are_more_critics_for_each_fold():
    for num_seeds, num_critics in ((1, 4), (9, 12)):
        found = _estimate(train={"num_seeds": num_seeds}).diagnostics
        assert found.per_seed.shape == (num_critics,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_folds": 1}, "num_folds must be at least 2"),
        (
            {"base_densities": ("gauss",)},
            "unknown base_densities 'gauss'",
        ),
        ({"critic_kinds": ()}, "critic_kinds must not be empty"),
        ({"num_negatives": 0}, "num_negatives"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        CrossFitted(**settings)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((X[:60], Y[:60]), "60 rows.*at least 64"),
        ((X, Y[:300]), "same number of rows, got 400 and 300"),
        ((X, np.full((400, 1), np.nan)), "y holds 400 values"),
        ((X, [[1j]] * 400), "y must hold numbers or labels"),
    ],
)
def test_wrong_rows_are_named(rows, message):
    with pytest.raises(ValueError, match=message):
        _estimate(*rows)


def test_a_kind_of_critic_can_be_left_out():
    kind = CriticKind(0.1, corrects_base=False, sees_all_features=True)
    estimator = CrossFitted(critic_kinds=(kind,))
    np.testing.assert_array_equal(estimator.preferred_weights, [0.5, 0.5])


# Caches ---------------------------------------------------------------------------


def _resident_megabytes():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.slow
def test_estimates_of_many_shapes_do_not_fill_the_memory():
    sizes = []
    for index in range(40):
        x, noise = np.random.default_rng(index).normal(size=(2, 400 + 8 * index, 1))
        critic = (lambda key, x, y: jax.numpy.zeros(()), lambda p, x, y: p * x[:, 0])
        _estimate(x, x + noise, critic=critic if index % 2 else None)
        sizes.append(_resident_megabytes())
    assert max(sizes[10:]) - sizes[9] < 300


# Truths, at full length -----------------------------------------------------------


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
    # The base density keeps no correlation, so the value has no spread.
    assert abs(estimate.value) < 0.01


def _rounded_pair(rho, num_rows, *, scale=(1.0, 1.0), grid=0.05):
    x, noise = np.random.default_rng(0).normal(size=(2, num_rows, 1))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    return [
        np.round(s * rows / grid) * grid for s, rows in zip(scale, (x, y), strict=True)
    ]


@pytest.mark.slow
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
    estimate = CrossFitted(train=TrainConfig(num_steps=300))(KEY, x, y)
    truth = -0.5 * np.log(1 - rho**2)
    assert estimate.lower < truth
    assert abs(estimate.value - truth) < 0.02
