"""Layers and helpers that the bundled networks share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.networks.layers import (
    BatchStandardization,
    flatten_rows,
    parameter_dtype,
    symmetric_uniform,
)

RNG = np.random.default_rng(0)


def test_rows_are_flattened_in_order():
    rows = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(flatten_rows(rows), rows.reshape(2, 12))
    assert flatten_rows(np.zeros(5)).shape == (5, 1)


@pytest.mark.parametrize(
    ("dtype", "expected"), [(jnp.bfloat16, jnp.float32), (jnp.float32, jnp.float32)]
)
def test_parameters_are_float32_or_wider(dtype, expected):
    assert parameter_dtype(jnp.zeros(2, dtype)) == expected
    with jax.enable_x64(True):
        assert parameter_dtype(jnp.zeros(2, float)) == jnp.float64


def test_initial_weights_are_uniform_in_the_interval():
    weights = np.asarray(symmetric_uniform(0.5)(jax.random.key(0), (100, 100)))
    assert np.abs(weights).max() <= 0.5
    # Variance of a uniform variable, and 5 standard errors of 10,000 squares.
    assert np.mean(weights**2) == pytest.approx(0.25 / 3, abs=5 * 0.25 * 0.3 / 100)


@pytest.mark.parametrize("shape", [(50, 3), (5, 4, 3)])
def test_units_are_standardized_over_all_axes_but_the_last(shape):
    x = RNG.normal(2.0, 3.0, shape).astype(np.float32)
    layer = BatchStandardization()
    params = layer.init(jax.random.key(0), x)
    scale, shift = np.float32([1.0, 2.0, -1.0]), np.float32([0.0, 5.0, 1.0])
    params = {"params": {"scale": scale, "shift": shift}} | {
        name: value for name, value in params.items() if name != "params"
    }
    rows = x.reshape(-1, 3)
    expected = (x - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + 1e-5)
    np.testing.assert_allclose(
        layer.apply(params, x), scale * expected + shift, rtol=1e-4, atol=1e-5
    )
