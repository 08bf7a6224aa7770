"""When nearest neighbours move an estimate, and how far."""

import numpy as np
import pytest

from jaxinfo.estimation.second_opinion import neighbour_contributions, reconcile
from jaxinfo.estimation.uncertainty import Summary

RNG = np.random.default_rng(0)
OWN = Summary(1.0, 0.02, 0.96, 1.04)


def test_noise_moves_nothing():
    influence = RNG.normal(size=400)
    close = influence - influence.mean() + 1.02 + 0.5 * RNG.normal(size=400)
    moved = reconcile(OWN, influence, close)
    assert moved.value == OWN.value
    assert moved.standard_error == pytest.approx(OWN.standard_error)


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_a_clear_difference_is_met_half_way_and_both_ends_are_held(shift):
    influence = RNG.normal(size=400)
    moved = reconcile(OWN, influence, influence - influence.mean() + 1.0 + shift)
    assert moved.value == pytest.approx(1.0 + shift / 2)
    assert moved.lower < min(1.0, 1.0 + shift) < max(1.0, 1.0 + shift) < moved.upper


def test_neighbours_are_asked_in_few_dimensions_only():
    x = RNG.normal(size=(500, 1))
    y = 0.8 * x + 0.6 * RNG.normal(size=(500, 1))
    contributions = neighbour_contributions(np.exp(x), y)
    assert contributions.mean() == pytest.approx(-0.5 * np.log(1 - 0.64), abs=0.15)
    # Increasing maps of coordinates change nothing.
    np.testing.assert_allclose(contributions, neighbour_contributions(x, y), atol=1e-6)
    assert neighbour_contributions(np.tile(x, 2), np.tile(y, 2)) is None
