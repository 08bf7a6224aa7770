"""Averages in log space against NumPy in float64, masks and weights included."""

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
    with jax.enable_x64(True):
        for where in (WEIGHTS, MASK.astype(float)):
            expected = np.average(np.exp(VALUES), weights=where, axis=axis)
            passed = jnp.asarray(where if where is WEIGHTS else MASK)
            np.testing.assert_allclose(
                log_mean_exp(jnp.asarray(VALUES), passed, axis), np.log(expected)
            )
            np.testing.assert_allclose(
                weighted_mean(jnp.asarray(VALUES), passed, axis),
                np.average(VALUES, weights=where, axis=axis),
            )
        np.testing.assert_allclose(
            log_mean_exp(jnp.asarray(VALUES), axis=axis),
            np.log(np.mean(np.exp(VALUES), axis=axis)),
        )


@pytest.mark.parametrize("average", [log_mean_exp, weighted_mean])
@pytest.mark.parametrize("mask", [[True, True, False], [1.0, 1.0, 0.0]])
def test_a_masked_nan_reaches_neither_value_nor_gradient(average, mask):
    values = jnp.array([1.0, 2.0, jnp.nan])
    value, slope = jax.value_and_grad(average)(values, jnp.array(mask))
    assert jnp.isfinite(value)
    np.testing.assert_array_equal(slope[2], 0)
    assert jnp.isfinite(slope).all()


@pytest.mark.parametrize("average", [log_mean_exp, weighted_mean])
def test_the_gradient_in_the_weights_is_exact(average):
    with jax.enable_x64(True):
        values, weights = jnp.asarray(VALUES[0]), jnp.asarray(WEIGHTS[0])
        slope = jax.grad(average, argnums=1)(values, weights)
        step = 1e-6 * np.eye(len(weights))
        numeric = [
            (average(values, weights + d) - average(values, weights - d)) / 2e-6
            for d in step
        ]
        np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_log_mean_exp_survives_extreme_scores(size, dtype):
    value, slope = jax.value_and_grad(log_mean_exp)(jnp.full(4, size, dtype))
    assert value == jnp.asarray(size, dtype)
    np.testing.assert_allclose(np.asarray(slope, float), 0.25)


def test_log_softplus_matches_numpy_in_float64():
    points = np.linspace(-300, 300, 601)
    expected = np.log(np.logaddexp(0, points))
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            log_softplus(jnp.asarray(points)), expected, rtol=1e-12, atol=1e-12
        )
    np.testing.assert_allclose(
        log_softplus(jnp.asarray(points, jnp.float32)), expected, rtol=2e-6, atol=1e-6
    )


@pytest.mark.parametrize("point", [-1e4, -11.5, 0.0, 1e4])
def test_the_slope_of_log_softplus_is_finite(point):
    slope = jax.grad(log_softplus)(jnp.float32(point))
    # sigmoid / softplus, with both underflowing together at the lower end.
    expected = (
        1.0 if point < -700 else 1 / (1 + np.exp(-point)) / np.logaddexp(0, point)
    )
    np.testing.assert_allclose(slope, expected, rtol=1e-4)


def test_all_finite_looks_at_every_leaf_and_passes_over_integers():
    tree = {"a": jnp.ones(3), "n": jnp.arange(2), "key": jax.random.key(0)}
    assert all_finite(tree)
    assert not all_finite(tree | {"b": jnp.array([[0.0, jnp.inf]])})
    assert not all_finite(tree | {"b": jnp.array(jnp.nan, jnp.bfloat16)})
    assert all_finite({"n": jnp.arange(2)})
