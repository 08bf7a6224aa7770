"""When nearest neighbours move an estimate, and how far."""

import numpy as np
import pytest

from jaxinfo.estimation.second_opinion import neighbour_contributions, reconcile
from jaxinfo.estimation.uncertainty import Summary

RNG = np.random.default_rng(0)
OWN = Summary(1.0, 0.02, 0.96, 1.04)


def _opinion(shift, noise=0.0):
    """The influence of rows, and what neighbours say of them, `shift` above."""
    influence = RNG.normal(size=400)
    influence += OWN.value - influence.mean()
    disturbance = noise * RNG.normal(size=400)
    return influence, influence + shift + disturbance - disturbance.mean()


def test_noise_moves_nothing_and_counts_as_doubt():
    moved = reconcile(OWN, *_opinion(0.02, noise=0.5))
    assert moved.value == OWN.value
    assert moved.standard_error == pytest.approx(np.hypot(0.02, 0.02 / 12**0.5))


def test_a_clear_difference_is_followed_and_both_ends_are_held():
    moved = reconcile(OWN, *_opinion(0.3))
    assert moved.value == pytest.approx(1.3)
    noisy = reconcile(OWN, *_opinion(0.3, noise=1.0))
    assert 1.2 < noisy.value < 1.3
    assert noisy.standard_error > moved.standard_error
    assert noisy.lower < 1.3 < noisy.upper


def test_neighbours_that_find_less_are_not_heard():
    assert reconcile(OWN, *_opinion(-0.3)) == OWN


def test_neighbours_are_asked_in_few_dimensions_only():
    x = RNG.normal(size=(500, 1))
    y = 0.8 * x + 0.6 * RNG.normal(size=(500, 1))
    contributions = neighbour_contributions(np.exp(x), y)
    assert contributions.mean() == pytest.approx(-0.5 * np.log(1 - 0.64), abs=0.15)
    # Increasing maps of coordinates change nothing.
    np.testing.assert_allclose(contributions, neighbour_contributions(x, y), atol=1e-6)
    assert neighbour_contributions(np.tile(x, 2), np.tile(y, 2)) is None
