"""Densities with learned parameters."""

import jax
import numpy as np
import pytest

from jaxinfo import networks

KEY = jax.random.key(0)


@pytest.mark.parametrize("make", [networks.gaussian_density, networks.logistic_density])
def test_densities_integrate_to_one_and_take_any_shape(make):
    network = make()
    grid = np.linspace(-40, 40, 4001, dtype=np.float32)
    pairs = np.stack([grid[:5]] * 4, axis=1).reshape(5, 2, 2)

    @jax.jit
    def compute(grid, pairs):
        params = network.init(KEY, grid)
        moved = jax.tree.map(lambda leaf: leaf + 0.5, params)
        of_pairs = network.apply(network.init(KEY, pairs), pairs)
        return network.apply(moved, grid), network.apply(params, grid[:5]), of_pairs

    log_density, each, of_pairs = map(np.asarray, compute(grid, pairs))
    np.testing.assert_allclose(np.trapezoid(np.exp(log_density), grid), 1, rtol=1e-4)
    np.testing.assert_allclose(of_pairs, 4 * each, rtol=1e-5)
