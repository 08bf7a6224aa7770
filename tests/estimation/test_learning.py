"""Estimates of every bound and member against closed forms."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.estimation import information_bound_names

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(0)
NUM_ROWS = 8_000
# Weak enough that the variance of every member's objective is finite.
CORRELATION = 0.5
X = RNG.normal(size=(NUM_ROWS, 1))
Y = CORRELATION * X + np.sqrt(1 - CORRELATION**2) * RNG.normal(size=(NUM_ROWS, 1))
# What CLUB tends to with the exact conditional: E_p log p(y|x) - E_pq log p(y|x).
CLUB = CORRELATION**2 / (1 - CORRELATION**2)
INFORMATION = -0.5 * np.log(1 - CORRELATION**2)
P, Q = RNG.normal(size=(2, NUM_ROWS, 1)) + np.array([0.5, 0.0])[:, None, None]
# Between N(1/2, 1) and N(0, 1), from `jaxinfo.divergences`' closed forms.
KL = 0.125


def _exact(name):
    def log_normal(mean):
        return lambda z: -0.5 * (z - mean) ** 2 - 0.5 * np.log(2 * np.pi)

    with jax.enable_x64(True):
        return float(
            jaxinfo.divergences.exact_by_quadrature(
                jaxinfo.divergences.DIVERGENCES[name],
                log_normal(0.5),
                log_normal(0.0),
                low=-12.0,
                high=12.0,
            )
        )


def _check(estimate, truth):
    # A small critic and finite rows leave a bound a little below the truth; above it
    # only chance does, which four standard errors cover.
    error = 4 * estimate.standard_error
    assert truth - error - 0.02 < estimate.value < truth + error + 0.01
    # The squares in Neyman's report have the heaviest tails.
    assert estimate.standard_error < 0.1
    assert estimate.num_nonfinite == 0
    assert not estimate.saturated


@pytest.mark.parametrize("bound", information_bound_names())
def test_mutual_information(bound):
    estimate = jaxinfo.estimate_mutual_information(
        jax.random.key(0), X, Y, bound=bound, num_seeds=4, num_steps=1_000
    )
    # Leave-one-out is above the information by half of what p(y | x) / p(y) varies,
    # 1 / (1 - CORRELATION^2) - 1, over the 228 other rows of a block: under 0.001.
    _check(estimate, CLUB if bound == "club" else INFORMATION)


def test_a_difference_of_entropies_reaches_8_nats_in_20_dimensions():
    information, size, num_rows = 8.0, 20, 20_000
    correlation = np.sqrt(1 - np.exp(-2 * information / size))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_rows, size))
    noise = rng.normal(size=(num_rows, size))
    y = correlation * x + np.sqrt(1 - correlation**2) * noise
    estimate = jaxinfo.estimate_mutual_information(
        jax.random.key(0), x, y, bound="doe_gaussian", num_seeds=4
    )
    assert estimate.value == pytest.approx(information, rel=0.1)
    assert estimate.kind == "neither"
    assert not estimate.saturated


@pytest.mark.parametrize("bound", [None, "f_divergence"])
@pytest.mark.parametrize("name", jaxinfo.divergences.DIVERGENCES)
def test_divergence(name, bound):
    estimate = jaxinfo.estimate_divergence(
        jax.random.key(0),
        P,
        Q,
        divergence=name,
        bound=bound,
        num_seeds=4,
        num_steps=500,
    )
    _check(estimate, _exact(name))
    if name != "TOTAL_VARIATION":
        points = np.array([[-1.0], [0.0], [1.0]])
        # log p/q = z / 2 - 1 / 8; the critic is fitted on 4,800 rows of each.
        expected = points[:, 0] / 2 - 0.125
        np.testing.assert_allclose(estimate.log_ratio(points), expected, atol=0.2)


@pytest.mark.parametrize("bound", ["donsker_varadhan", "mine", "nwj", "smile"])
def test_bounds_of_kl(bound):
    estimate = jaxinfo.estimate_divergence(
        jax.random.key(0), P, Q, bound=bound, num_seeds=4, num_steps=500
    )
    _check(estimate, KL)


@pytest.mark.parametrize("order", [0.5, 2.0])
def test_renyi(order):
    estimate = jaxinfo.estimate_divergence(
        jax.random.key(0), P, Q, bound="renyi", order=order, num_seeds=4, num_steps=300
    )
    _check(estimate, order * 0.125)
