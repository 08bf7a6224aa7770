"""Laws of all classical estimators: order of rows, dtypes, symmetry, bad input."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.information import (
    gaussian_information,
    ksg1_information,
    ksg2_information,
    mixed_ksg_information,
)

from .table import CLASSICAL, JITTED, gaussian_rows

each = pytest.mark.parametrize("name", CLASSICAL)


@each
def test_the_order_of_rows_does_not_matter(name):
    x, y = (np.round(z, 1).astype(np.float32) for z in gaussian_rows(60, 2, 2))
    value = JITTED[name](x, y).value
    assert value.dtype == jnp.float32
    order = np.random.default_rng(1).permutation(60)
    other = JITTED[name](x[order], y[order])
    np.testing.assert_allclose(other.value, value, rtol=1e-4, atol=1e-6)


@each
def test_float32_agrees_with_float64(name):
    # Differences of multiples of 1/8 are exact, so ties are the same in both.
    x, y = (np.round(8 * z) / 8 for z in gaussian_rows(60, 2, 2))
    with jax.enable_x64(True):
        exact = JITTED[name](x, y)
        assert exact.value.dtype == jnp.float64
    rounded = JITTED[name](x.astype(np.float32), y.astype(np.float32))
    np.testing.assert_allclose(
        rounded.contributions, exact.contributions, rtol=1e-3, atol=1e-4
    )


@each
def test_integers_are_converted_and_x_and_y_are_exchangeable(name):
    x, y = (np.round(20 * z).astype(np.int32) for z in gaussian_rows(60, 2, 2))
    value = JITTED[name](x, y).value
    np.testing.assert_allclose(
        JITTED[name](y.astype(np.float32), x.astype(np.float32)).value,
        value,
        rtol=1e-4,
        atol=1e-6,
    )


@each
@pytest.mark.parametrize(
    ("x", "y", "named"),
    [
        (np.ones(9), np.ones((9, 1)), "x must have 2 axes"),
        (np.ones((9, 1)), np.ones(9), "y must have 2 axes"),
        (np.ones((9, 1)), np.ones((8, 1)), "y must have the 9 rows of x"),
    ],
)
def test_bad_shapes_are_named(name, x, y, named):
    with pytest.raises(ValueError, match=named):
        CLASSICAL[name](x, y)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (functools.partial(ksg1_information, num_neighbors=0), "num_neighbors"),
        (functools.partial(ksg2_information, chunk_size=0), "chunk_size"),
        (functools.partial(mixed_ksg_information, num_neighbors=4), "more than 4 rows"),
        (gaussian_information, "more than 5 rows"),
    ],
)
def test_bad_settings_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(*gaussian_rows(4))
