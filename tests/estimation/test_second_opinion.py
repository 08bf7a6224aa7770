"""When nearest neighbours move an estimate, and how far."""

import numpy as np
import pytest

from jaxinfo.estimation.second_opinion import (
    SecondOpinion,
    ask_neighbours,
    reconcile,
)
from jaxinfo.estimation.uncertainty import summary_around

RNG = np.random.default_rng(0)
OWN = summary_around(1.0, 0.02)


def _opinion(shift, noise):
    """The influence of rows, and what neighbours say of them, `shift` above."""
    influence = RNG.normal(scale=0.4, size=400)
    influence += OWN.value - influence.mean()
    disturbance = noise * RNG.normal(size=400)
    contributions = influence + shift + disturbance - disturbance.mean()
    return influence, SecondOpinion(contributions, 0.0)


def test_what_noise_explains_moves_little():
    moved = reconcile(OWN, *_opinion(0.02, noise=0.5))
    assert OWN.value < moved.value < OWN.value + 0.02 / 2
    assert OWN.standard_error < moved.standard_error < 0.03


def test_a_clear_difference_is_followed_and_what_lies_between_is_held():
    clear = reconcile(OWN, *_opinion(0.3, noise=0.5))
    assert clear.value == pytest.approx(1.3)
    noisy = reconcile(OWN, *_opinion(0.3, noise=2.5))
    assert 1.02 < noisy.value < 1.28
    assert noisy.standard_error > clear.standard_error
    assert noisy.lower < 1 < 1.3 < noisy.upper


def test_what_critics_doubted_goes_with_their_share():
    influence, opinion = _opinion(0.3, noise=0.5)
    doubtful = summary_around(OWN.value, 0.2)
    alike = [reconcile(own, influence, opinion) for own in (OWN, doubtful)]
    assert alike[0] == pytest.approx(alike[1])


def test_what_neighbours_smooth_over_counts_as_doubt():
    influence, opinion = _opinion(0.3, noise=0.5)
    plain, corrected = (
        reconcile(OWN, influence, opinion._replace(correction=c)) for c in (0.0, 0.1)
    )
    grown = np.hypot(plain.standard_error, 0.1 / 3**0.5)
    assert corrected.standard_error == pytest.approx(grown)


def test_neighbours_that_find_less_are_not_heard():
    assert reconcile(OWN, *_opinion(-0.3, noise=0.5)) == OWN


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
