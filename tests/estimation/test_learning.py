"""Estimates of every bound and member against closed forms."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.estimation import (
    TrainConfig,
    Variational,
    VariationalDivergence,
    bound_names,
)

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(0)
NUM_ROWS = 8_000
# Weak enough that the variance of every member's objective is finite.
CORRELATION = 0.5
X = RNG.normal(size=(NUM_ROWS, 1))
Y = CORRELATION * X + np.sqrt(1 - CORRELATION**2) * RNG.normal(size=(NUM_ROWS, 1))
# CLUB with the exact conditional: E_p log p(y|x) - E_pq log p(y|x).
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


TRAIN = TrainConfig(num_seeds=4, num_steps=500)


def _divergence(estimator, name="KL"):
    return jaxinfo.estimate_divergence(
        jax.random.key(0), P, Q, divergence=name, estimator=estimator
    )


def _check(estimate, truth):
    # A small critic and finite rows leave a bound a little below the truth. Only chance
    # takes it above, and four standard errors cover that.
    error = 4 * estimate.standard_error
    assert truth - error - 0.02 < estimate.value < truth + error + 0.01
    # The squares in Neyman's divergence have the heaviest tails.
    assert estimate.standard_error < 0.1
    assert estimate.diagnostics.num_nonfinite == 0
    assert not estimate.diagnostics.saturated


@pytest.mark.parametrize("bound", bound_names())
def test_every_bound_learns_the_mutual_information(bound):
    train = TrainConfig(num_seeds=4, num_steps=1_000)
    estimate = Variational(bound, train=train)(jax.random.key(0), X, Y)
    # Leave-one-out is above the information by half of the variance of p(y | x) / p(y),
    # 1 / (1 - CORRELATION^2) - 1, over the 228 other rows of a block: under 0.001.
    _check(estimate, CLUB if bound == "club" else INFORMATION)


def test_a_difference_of_entropies_reaches_8_nats_in_20_dimensions():
    information, size, num_rows = 8.0, 20, 20_000
    correlation = np.sqrt(1 - np.exp(-2 * information / size))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_rows, size))
    noise = rng.normal(size=(num_rows, size))
    y = correlation * x + np.sqrt(1 - correlation**2) * noise
    estimator = Variational("doe_gaussian", train=TrainConfig(num_seeds=4))
    estimate = estimator(jax.random.key(0), x, y)
    assert estimate.value == pytest.approx(information, rel=0.1)
    assert estimate.kind == "neither"
    assert not estimate.diagnostics.saturated


@pytest.mark.parametrize("bound", [None, "f_divergence"])
@pytest.mark.parametrize("name", jaxinfo.divergences.DIVERGENCES)
def test_every_divergence_is_learned(name, bound):
    estimate = _divergence(VariationalDivergence(bound, train=TRAIN), name)
    _check(estimate, _exact(name))
    if name != "TOTAL_VARIATION":
        points = np.array([[-1.0], [0.0], [1.0]])
        # log p/q = z / 2 - 1 / 8; the critic is fitted on 4,800 rows of each.
        expected = points[:, 0] / 2 - 0.125
        np.testing.assert_allclose(estimate.density_ratio(points), expected, atol=0.2)


@pytest.mark.parametrize("bound", ["donsker_varadhan", "mine", "nwj", "smile"])
def test_every_bound_of_kl_learns_it(bound):
    _check(_divergence(VariationalDivergence(bound, train=TRAIN)), KL)


@pytest.mark.parametrize("order", [0.5, 2.0])
def test_the_renyi_divergence_is_learned(order):
    estimator = VariationalDivergence("renyi", settings={"order": order}, train=TRAIN)
    _check(_divergence(estimator), order * 0.125)
