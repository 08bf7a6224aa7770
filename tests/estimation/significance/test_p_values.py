"""The p-value of independence: its parts against restatements, its size, its power."""

import jax
import numpy as np
import pytest
from scipy.signal import lfilter

from jaxinfo.estimation import CrossFitted, TrainConfig, Variational
from jaxinfo.estimation.significance import (
    combine_p_values,
    conditional_independence_p_value,
    independence_p_value,
    shifted_scores,
    transfer_p_value,
)

KEY = jax.random.key(0)
NUM_FOLDS, BLOCKS, SIZE = 4, 3, 16
NOTHING = [np.zeros((BLOCKS, SIZE))] * NUM_FOLDS
# Of the Cauchy combination of 0.001 with a p-value near one half.
FOUND = 0.01
SHORT = TrainConfig(num_steps=60, eval_every=20, batch_size=32)


def _scores(rng, shift=0.0):
    """Score matrices of every fold, the joint pairs raised by `shift`."""
    matrices = rng.normal(size=(NUM_FOLDS, BLOCKS, SIZE, SIZE))
    return matrices + shift * np.eye(SIZE)


def _p_value(x, y, matrices=None, key=KEY):
    shifted = NOTHING if matrices is None else list(map(shifted_scores, matrices))
    return independence_p_value(key, x, y, shifted)


def _pairs(rng, correlation=0.0, num_rows=96, size=2):
    x, noise = rng.normal(size=(2, num_rows, size))
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


# Parts ----------------------------------------------------------------------------


def test_shifted_scores_are_sums_over_shifted_pairs():
    [matrices, *_] = _scores(np.random.default_rng(0), shift=2.0)
    expected = np.zeros((BLOCKS, SIZE))
    for block in range(BLOCKS):
        for shift in range(SIZE):
            for row in range(SIZE):
                expected[block, shift] += matrices[block, row, (row + shift) % SIZE]
    # Over its shifts every pair of a block comes once.
    expected -= expected.mean(axis=1, keepdims=True)
    found = shifted_scores(matrices)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (found.argmax(axis=1) == 0).all()


def test_scores_that_do_not_depend_on_the_pairing_have_learned_nothing():
    own, other = np.random.default_rng(0).normal(size=(2, BLOCKS, SIZE))
    additive = np.float32(own)[:, :, None] + np.float32(other)[:, None, :]
    np.testing.assert_array_equal(shifted_scores(additive), 0)
    np.testing.assert_array_equal(shifted_scores(0 * additive), 0)
    assert shifted_scores(additive + 0.01 * np.eye(SIZE)).any()


def test_equal_p_values_give_the_same_again():
    for p in (0.001, 0.05, 0.5):
        assert combine_p_values(np.full(5, p), np.arange(1, 6)) == pytest.approx(p)


def test_the_smallest_p_value_counts_most_and_one_does_not_overrule_it():
    assert combine_p_values(np.array([0.01, 0.5]), np.ones(2)) == pytest.approx(
        0.02, rel=0.01
    )
    assert combine_p_values(np.array([0.001, 1.0]), np.ones(2)) < 0.01


# Size -----------------------------------------------------------------------------


@pytest.mark.slow
def test_p_values_are_uniform_where_critics_learned_nothing():
    rng = np.random.default_rng(0)
    count = 200
    p_values = np.sort([_p_value(*_pairs(rng), key=k) for k in _keys(count)])
    distance = np.abs(p_values - (np.arange(count) + 0.5) / count).max()
    assert distance < 1.63 / np.sqrt(count)  # Kolmogorov, 1 %.


@pytest.mark.slow
def test_one_in_twenty_is_rejected_where_critics_learned_noise():
    rng = np.random.default_rng(0)
    p_values = np.array([_p_value(*_pairs(rng), _scores(rng), k) for k in _keys(200)])
    # The standard deviation of either share is 0.015 or 0.035.
    assert 0.01 < np.mean(p_values <= 0.05) < 0.09
    assert np.mean(p_values <= 0.5) == pytest.approx(0.5, abs=0.11)


@pytest.mark.slow
def test_ties_do_not_reject_too_often():
    rng = np.random.default_rng(0)
    draws = [rng.integers(2, size=(2, 96, 1)) for _ in range(200)]
    p_values = [_p_value(*xy, key=k) for xy, k in zip(draws, _keys(200), strict=True)]
    assert np.mean(np.array(p_values) <= 0.05) < 0.08


def _keys(count):
    return jax.random.split(KEY, count)


# Power ----------------------------------------------------------------------------


def test_linear_dependence_is_found_without_critics():
    assert _p_value(*_pairs(np.random.default_rng(0), 0.7)) < FOUND


def test_what_critics_learned_is_found_without_linear_dependence():
    rng = np.random.default_rng(0)
    assert _p_value(*_pairs(rng), _scores(rng, shift=2.0)) < 0.01


def test_one_fold_that_learned_is_enough():
    rng = np.random.default_rng(0)
    matrices = 0 * _scores(rng)
    matrices[0] = _scores(rng, shift=2.0)[0]
    assert _p_value(*_pairs(rng), matrices) < FOUND


# Data of every kind ---------------------------------------------------------------


def test_increasing_maps_and_the_order_of_sides_change_nothing():
    x, y = _pairs(np.random.default_rng(0), 0.2)
    p_value = _p_value(x, y)
    assert 0.001 < p_value < 1
    assert _p_value(np.exp(x), y**3) == p_value


def test_the_key_alone_decides():
    x, y = _pairs(np.random.default_rng(0), 0.2)
    again, other = _p_value(x, y), _p_value(x, y, key=jax.random.key(1))
    assert _p_value(x, y) == again != other
    assert other == pytest.approx(again, rel=0.3)


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(lambda x: np.ones_like(x), id="constant"),
        pytest.param(lambda x: np.c_[x, x, x[:, :1] * 0], id="collinear"),
        pytest.param(lambda x: np.tile(x, 60), id="wide"),
    ],
)
def test_degenerate_columns_do_no_harm(x):
    rows, y = _pairs(np.random.default_rng(0), 0.7)
    p_value = _p_value(x(rows), y)
    if np.ptp(x(rows)) == 0:
        assert p_value == pytest.approx(0.95)
    else:
        assert p_value < FOUND


def test_scores_that_are_not_numbers_do_not_reject():
    x, y = _pairs(np.random.default_rng(0))
    matrices = _scores(np.random.default_rng(0))
    assert _p_value(x, y, matrices * np.nan) > 0.05


# Rows that depend on each other ----------------------------------------------------


def _autoregression(rng, phi, num_rows):
    noise = rng.normal(size=(num_rows + 1_000, 1))
    return lfilter([1], [1, -phi], noise, axis=0)[1_000:]


def _copies(rng, sizes, jitter=0.0):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    sides = rng.normal(size=(2, len(sizes), 1))[:, groups]
    x, y = sides + jitter * rng.normal(size=sides.shape)
    return x, y, groups


def _independent_series(rng, key, num_rows=200, phi=0.9):
    x, y = (_autoregression(rng, phi, num_rows) for _ in range(2))
    return independence_p_value(key, x, y, is_series=True)


def _independent_transfer(rng, key, num_rows=200, phi=0.9):
    x, y = (_autoregression(rng, phi, num_rows + 1) for _ in range(2))
    return transfer_p_value(key, x[:-1], y[1:], y[:-1])


def _independent_given_series(rng, key, num_rows=200, phi=0.9):
    x, y, z = (_autoregression(rng, phi, num_rows) for _ in range(3))
    return conditional_independence_p_value(key, x + z, y + z, z, is_series=True)


def _independent_groups(rng, key, num_groups=40):
    x, y, groups = _copies(rng, rng.integers(1, 10, size=num_groups), 0.05)
    return independence_p_value(key, x, y, groups=groups)


def _independent_given_groups(rng, key, num_groups=40):
    x, y, groups = _copies(rng, np.full(num_groups, 5), 0.3)
    z = rng.normal(size=(num_groups, 1))[groups] + 0.1 * rng.normal(size=x.shape)
    return conditional_independence_p_value(key, x + z, y + z, z, groups=groups)


def _independent_given_z(rng, key, num_rows=200):
    x, y, z = rng.normal(size=(3, num_rows, 1))
    return conditional_independence_p_value(key, z**2 + x, np.sin(2 * z) + y, z)


DEPENDENT_ROWS = [
    _independent_series,
    _independent_transfer,
    _independent_given_series,
    _independent_groups,
    _independent_given_groups,
    _independent_given_z,
]


def _rejected(p_value, count, **settings):
    p_values = [
        p_value(np.random.default_rng(seed), key, **settings)
        for seed, key in enumerate(_keys(count))
    ]
    return np.mean(np.array(p_values) <= 0.05)


@pytest.mark.parametrize("p_value", DEPENDENT_ROWS)
def test_dependent_rows_are_seldom_rejected(p_value):
    # 8 of 40 at 5 % each or more have a probability of 0.1 %.
    assert _rejected(p_value, 40) < 8 / 40


@pytest.mark.slow
@pytest.mark.parametrize("num_rows", [500, 2_000])
@pytest.mark.parametrize("phi", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("p_value", DEPENDENT_ROWS[:3])
def test_series_are_rejected_at_the_level(p_value, phi, num_rows):
    # With few independent rows too many are rejected, as the guide to estimates says:
    # 7 to 10 % of 200, and up to 16 % given a third series of .99. The limits are two
    # standard deviations above.
    is_conditional = p_value is _independent_given_series and phi > 0.5
    is_slow = p_value is _independent_series and phi > 0.9
    most = 0.09
    if num_rows == 500 and (is_conditional or is_slow):
        most = 0.21 if is_conditional and phi > 0.9 else 0.13
    assert 0.02 <= _rejected(p_value, 200, phi=phi, num_rows=num_rows) <= most


@pytest.mark.slow
@pytest.mark.parametrize("p_value", DEPENDENT_ROWS[3:5])
def test_groups_are_rejected_at_the_level(p_value):
    assert 0.02 <= _rejected(p_value, 200, num_groups=100) <= 0.09


def test_rows_that_are_copies_are_rejected_without_groups():
    x, y, _ = _copies(np.random.default_rng(0), np.full(60, 5))
    assert independence_p_value(KEY, x, y) < FOUND


# Structure that needs no critic ----------------------------------------------------


def _sine(rng):
    x = rng.normal(size=(500, 1))
    return x, np.sin(20 * x) + 0.1 * rng.normal(size=x.shape)


def _circle(rng):
    angle = rng.uniform(0, 2 * np.pi, size=(200, 1))
    return np.cos(angle), np.sin(angle) + 0.1 * rng.normal(size=angle.shape)


def _checkerboard(rng):
    column = rng.integers(16, size=(2_000, 1))
    row = 2 * rng.integers(8, size=column.shape) + column % 2
    return column + rng.random(column.shape), row + rng.random(row.shape)


def _parity(rng):
    signs = rng.choice([-1.0, 1.0], size=(500, 4))
    signs[:, 3] = signs[:, :3].prod(axis=1)
    return signs[:, :2], signs[:, 2:]


@pytest.mark.parametrize("sample", [_sine, _circle, _checkerboard, _parity])
def test_fine_structure_is_found_without_critics(sample):
    assert independence_p_value(KEY, *sample(np.random.default_rng(0))) < FOUND


def test_a_constant_condition_leaves_the_dependence():
    x, y, noise = np.random.default_rng(0).normal(size=(3, 500, 1))
    constant = np.ones_like(x)
    assert conditional_independence_p_value(KEY, x, x + noise, constant) < FOUND
    assert conditional_independence_p_value(KEY, x, y, constant) > FOUND


def test_conditional_dependence_is_found():
    x, z, noise = np.random.default_rng(0).normal(size=(3, 500, 1))
    y = 0.4 * x + z**2 + noise
    assert conditional_independence_p_value(KEY, x + z, y, z) < FOUND
    signs = np.sign(x), np.sign(z)
    product = conditional_independence_p_value(
        KEY, *signs[:1], np.sign(x * z), signs[1]
    )
    assert product < FOUND


def test_dependent_series_are_found():
    rng = np.random.default_rng(0)
    x, noise = _autoregression(rng, 0.5, 500), _autoregression(rng, 0.5, 500)
    assert independence_p_value(KEY, x, x**2 + noise, is_series=True) < FOUND
    y = np.roll(x, 1) + noise
    assert transfer_p_value(KEY, x[:-1], y[1:], y[:-1]) < FOUND


# In estimates ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_default_estimate_has_one_and_a_bound_has_none():
    x, y = _pairs(np.random.default_rng(0), 0.9, num_rows=400)
    wider = np.c_[y, x[:, :1]]  # Of shapes that other tests compile too.
    estimate = CrossFitted(train=SHORT)(KEY, x, wider)
    assert estimate.p_value < FOUND
    assert estimate.to_dict()["p_value"] == estimate.p_value
    assert f", p = {estimate.p_value:.3f} (" in str(estimate)
    bound = Variational("mine", train=SHORT)(KEY, x, y)
    assert bound.p_value is None
    assert bound.to_dict()["p_value"] is None
    assert "p =" not in str(bound)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 5])
def test_independent_data_are_seldom_rejected_and_dependent_data_are(size):
    estimator = CrossFitted(train=TrainConfig(num_steps=100, num_seeds=4))

    def rejected(correlation, seeds):
        p_values = []
        for seed in seeds:
            x, y = _pairs(np.random.default_rng(seed), correlation, 500, size)
            estimate = estimator(jax.random.key(seed), x, y)
            p_values.append(estimate.p_value)
        return np.sum(np.array(p_values) <= 0.05)

    # More than 8 of 60 at 5 % each has a probability of 0.4 %.
    assert rejected(0.0, range(60)) <= 8
    assert rejected(0.3, range(5)) == 5
