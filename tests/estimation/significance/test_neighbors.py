"""The information that nearest neighbors, order and repeated rows show."""

import numpy as np
import pytest

from jaxinfo.estimation.significance import (
    information_of_neighbors,
    information_of_order,
    information_of_repeats,
)

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


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_the_order_shows_a_part_of_the_information_of_gaussians(rho):
    """The order of x explains rho^2 of the variance of y, all of the information."""
    x, noise = RNG.normal(size=(2, 2_000, 1))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    value, error = information_of_order(np.exp(x), y)
    truth = -0.5 * np.log(1 - rho**2)
    assert truth / 2 <= value < truth + 2.5 * error < truth + 0.15


def test_the_order_shows_a_cycle_of_24_rows_in_either_argument():
    """Truth: .530 nats by quadrature, in 100 cycles."""
    hours = np.arange(2_400.0)[:, None]
    y = np.cos(np.pi * hours / 12) + 0.5 * RNG.normal(size=hours.shape)
    noise = RNG.normal(size=hours.shape)
    for pair in [(hours, y), (np.hstack([noise, y]), hours)]:
        value, error = information_of_order(*pair)
        assert 0.4 < value < 0.53 + 2.5 * error


def test_the_order_shows_a_spread_that_depends_on_x():
    x, noise = RNG.normal(size=(2, 2_000, 1))
    value, error = information_of_order(x, np.exp(x) * noise)
    assert value > 5 * error


@pytest.mark.parametrize("sizes", [(1, 1), (3, 2)])
def test_the_order_of_independent_rows_shows_nothing(sizes):
    found = [
        information_of_order(*(RNG.normal(size=(300, size)) for size in sizes))
        for _ in range(100)
    ]
    assert sum(value > 0 for value, _ in found) < 30
    assert not any(value > 2.5 * error for value, error in found)


def test_equal_values_are_no_order():
    """Rows sorted by y have runs of similar y among equal values of x."""
    y = np.sort(RNG.normal(size=(1_000, 1)), axis=0)
    value, error = information_of_order(RNG.integers(3, size=(1_000, 1)), y)
    assert value < 2.5 * error


def test_repeated_rows_show_the_parity_of_eight_bits():
    """Truth: log 2, because the parity is a function of the bits."""
    bits = RNG.integers(2, size=(2_000, 8))
    parity = bits.sum(axis=1, keepdims=True) % 2
    for pair in [(bits, parity), (parity, bits)]:
        value, error = information_of_repeats(*pair)
        assert 0.5 < value - 3 * error < value < np.log(2)


@pytest.mark.parametrize("num_levels", [2, 30, 300])
def test_repeated_rows_of_independent_labels_show_nothing(num_levels):
    for _ in range(100):
        x = RNG.integers(num_levels, size=(500, 1))
        value, error = information_of_repeats(x, RNG.integers(3, size=(500, 1)))
        assert value < 2.5 * error


def test_rows_that_do_not_repeat_show_nothing():
    x, y = RNG.normal(size=(2, 500, 2))
    assert information_of_repeats(x, x)[0] == 0
    assert abs(information_of_repeats(x, np.sign(y))[0]) < 1e-9
