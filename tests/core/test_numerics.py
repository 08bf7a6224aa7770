"""Averages with masks and weights match NumPy in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.numerics import (
    all_finite,
    log_mean_exp,
    log_softplus,
    weighted_mean,
)

VALUES = np.random.default_rng(0).normal(size=(5, 7))
WEIGHTS = np.random.default_rng(1).uniform(size=(5, 7))
MASK = WEIGHTS > 0.4


@pytest.mark.parametrize("axis", [None, 0, (0, 1), -1])
def test_weighted_averages_match_numpy(axis):
    def compute(values, where):
        return log_mean_exp(values, where, axis), weighted_mean(values, where, axis)

    with jax.enable_x64(True):
        for where in (WEIGHTS, MASK):
            weights = where.astype(float)
            expected = np.average(np.exp(VALUES), weights=weights, axis=axis)
            log_mean, mean = jax.jit(compute)(VALUES, where)
            np.testing.assert_allclose(log_mean, np.log(expected))
            np.testing.assert_allclose(
                mean, np.average(VALUES, weights=weights, axis=axis)
            )
        np.testing.assert_allclose(
            jax.jit(functools.partial(log_mean_exp, axis=axis))(VALUES),
            np.log(np.mean(np.exp(VALUES), axis=axis)),
        )


@pytest.mark.parametrize("average", [log_mean_exp, weighted_mean])
@pytest.mark.parametrize("mask", [[True, True, False], [1.0, 1.0, 0.0]])
def test_masked_nan_reaches_neither_value_nor_gradient(average, mask):
    values = np.array([1.0, 2.0, np.nan])
    run = jax.jit(jax.value_and_grad(average))
    value, gradient = jax.device_get(run(values, np.array(mask)))
    assert np.isfinite(value)
    np.testing.assert_array_equal(gradient[2], 0)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("average", [log_mean_exp, weighted_mean])
def test_gradient_with_respect_to_weights_is_exact(average):
    with jax.enable_x64(True):
        values, weights = VALUES[0], WEIGHTS[0]
        run = jax.jit(jax.value_and_grad(average, argnums=1))
        _, gradient = run(values, weights)
        step = 1e-6 * np.eye(len(weights))
        numeric = [
            (run(values, weights + d)[0] - run(values, weights - d)[0]) / 2e-6
            for d in step
        ]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_log_mean_exp_is_finite_at_extreme_scores(size, dtype):
    run = jax.jit(jax.value_and_grad(log_mean_exp))
    value, gradient = jax.device_get(run(np.full(4, size, dtype)))
    assert value == np.asarray(size, dtype)
    np.testing.assert_allclose(np.asarray(gradient, float), 0.25)


def test_log_softplus_matches_numpy_in_float64():
    points = np.linspace(-300, 300, 601)
    expected = np.log(np.logaddexp(0, points))
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            jax.jit(log_softplus)(points), expected, rtol=1e-12, atol=1e-12
        )
    np.testing.assert_allclose(
        jax.jit(log_softplus)(points.astype(np.float32)), expected, rtol=2e-6, atol=1e-6
    )


@pytest.mark.parametrize("point", [-1e4, -11.5, 0.0, 1e4])
def test_derivative_of_log_softplus_is_right_at_extremes(point):
    derivative = jax.jit(jax.grad(log_softplus))(np.float32(point))
    # sigmoid / softplus, whose limit is 1 where both underflow.
    expected = (
        1.0 if point < -700 else 1 / (1 + np.exp(-point)) / np.logaddexp(0, point)
    )
    np.testing.assert_allclose(derivative, expected, rtol=1e-4)


def test_all_finite_checks_every_floating_point_leaf():
    tree = {"a": jnp.ones(3), "n": jnp.arange(2), "key": jax.random.key(0)}
    assert all_finite(tree)
    assert not all_finite(tree | {"b": jnp.array([[0.0, jnp.inf]])})
    assert not all_finite(tree | {"b": jnp.array(jnp.nan, jnp.bfloat16)})
    assert all_finite({"n": jnp.arange(2)})


@pytest.mark.parametrize("average", [log_mean_exp, weighted_mean])
def test_average_of_no_entries_is_nan(average):
    assert np.isnan(average(jnp.ones(3), jnp.zeros(3)))


@pytest.mark.parametrize("average", [log_mean_exp, weighted_mean])
def test_masks_raise_nothing_under_strict_settings(average):
    with jax.numpy_rank_promotion("raise"), jax.debug_infs(True):
        value = average(jnp.array([1.0, 1.0, jnp.nan]), jnp.array([1.0, 2.0, 0.0]))
        run = jax.jit(jax.value_and_grad(average))
        again, gradient = run(jnp.ones((3,)), jnp.array([True, False, True]))
    np.testing.assert_allclose([value, again], 1, rtol=1e-6)
    np.testing.assert_allclose(gradient, [0.5, 0, 0.5], rtol=1e-6)
