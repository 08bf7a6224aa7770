"""When nearest neighbours move an estimate, and how far."""

import numpy as np
import pytest

from jaxinfo.estimation.second_opinion import (
    SecondOpinion,
    ask_neighbours,
    reconcile,
)
from jaxinfo.estimation.uncertainty import Summary

RNG = np.random.default_rng(0)
OWN = Summary(1.0, 0.02, 0.96, 1.04)


def _opinion(shift, noise=0.0, correction=0.0):
    """The influence of rows, and what neighbours say of them, `shift` above."""
    influence = RNG.normal(size=400)
    influence += OWN.value - influence.mean()
    disturbance = noise * RNG.normal(size=400)
    contributions = influence + shift + disturbance - disturbance.mean()
    return influence, SecondOpinion(contributions, correction)


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


def test_what_neighbours_smooth_over_counts_as_doubt():
    plain, corrected = (reconcile(OWN, *_opinion(0.3, correction=c)) for c in (0, 0.1))
    grown = np.hypot(plain.standard_error, 0.1)
    assert corrected.standard_error == pytest.approx(grown)


def test_neighbours_that_find_less_are_not_heard():
    assert reconcile(OWN, *_opinion(-0.3)) == OWN


def test_neighbours_are_asked_in_few_dimensions_only():
    x = RNG.normal(size=(500, 1))
    y = 0.8 * x + 0.6 * RNG.normal(size=(500, 1))
    opinion = ask_neighbours(np.exp(x), y)
    truth = -0.5 * np.log(1 - 0.64)
    assert opinion.contributions.mean() == pytest.approx(truth, abs=0.15)
    # Increasing maps of coordinates change nothing.
    np.testing.assert_allclose(
        opinion.contributions, ask_neighbours(x, y).contributions, atol=1e-5
    )
    assert ask_neighbours(np.tile(x, 2), np.tile(y, 2)) is None


def test_hard_edges_are_seen_once_smoothing_is_taken_off():
    x = RNG.uniform(size=(2_000, 1))
    y = x + RNG.uniform(-0.1, 0.1, size=(2_000, 1))
    opinion = ask_neighbours(x, y)
    truth = np.log(5) + 0.1
    corrected = opinion.contributions.mean()
    assert abs(corrected - truth) < abs(corrected - opinion.correction - truth)
