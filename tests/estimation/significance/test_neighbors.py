"""The information that nearest neighbors show."""

import numpy as np
import pytest

from jaxinfo.estimation.significance import information_of_neighbors

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_the_information_of_correlated_gaussians(rho):
    x, noise = RNG.normal(size=(2, 2_000, 1))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    value, error = information_of_neighbors(np.exp(x), y)
    assert value == pytest.approx(-0.5 * np.log(1 - rho**2), abs=3 * error)
    assert error < 0.05


def test_neighbors_see_a_fast_sine_and_too_little_of_a_fine_checkerboard():
    x = RNG.uniform(-1, 1, size=(500, 1))
    y = np.sin(20 * x) + 0.1 * RNG.normal(size=x.shape)
    assert information_of_neighbors(x, y)[0] > 1.70 / 2
    column = RNG.integers(16, size=(500, 1))
    row = 2 * RNG.integers(8, size=(500, 1)) + column % 2
    cells = [(c + RNG.random((500, 1))) / 16 for c in (column, row)]
    value, error = information_of_neighbors(*cells)
    assert 3 * error < value < np.log(2)


def test_many_rows_are_thinned_out():
    x, y = RNG.normal(size=(2, 20_000, 2))
    value, error = information_of_neighbors(x, y)
    assert abs(value) < 3 * error
    assert error > 0.01
