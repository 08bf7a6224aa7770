"""Tasks with uniform noise and Gamma rates: reference densities and errors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxinfo import tasks as t


@pytest.mark.parametrize("epsilon", [0.1, 0.75])
def test_additive_noise_against_entropies(epsilon):
    # I = H(X + noise) - H(noise), by quadrature over the density of the sum.
    y = np.linspace(-1, 2, 300_001)
    density = (np.clip(y + epsilon, 0, 1) - np.clip(y - epsilon, 0, 1)) / (2 * epsilon)
    safe = np.where(density > 0, density, 1)
    entropy = -np.trapezoid(density * np.log(safe), y)
    expected = entropy - math.log(2 * epsilon)
    assert t.additive_uniform(epsilon).mi == pytest.approx(expected, abs=1e-5)


def test_additive_noise_outside_the_support():
    task = t.additive_uniform(0.1)
    values = task.pmi(jnp.array([[0.5], [0.5]]), jnp.array([[0.7], [0.55]]))
    assert values[0] == -math.inf
    assert values[1] == pytest.approx(math.log(5), rel=1e-5)


@pytest.mark.parametrize("mi", [0.05, 1.0, 7.5])
def test_smoothed_uniform_has_the_requested_information(mi):
    task = t.smoothed_uniform_target(mi, 2)
    x, y = task.sample(jax.random.key(0), 5_000)
    width = float(jnp.max(y - x))  # Of U(0, 1 / kappa), up to one part in 10,000.
    additive = t.additive_uniform(width / 2)
    assert 2 * additive.mi == pytest.approx(mi, rel=0.01)


def test_gamma_rate_of_one():
    # a = 1 has this information. exp(x) is then exponential, and x has mean -gamma.
    task = t.gamma_exponential_target(1 - np.euler_gamma, 1)
    x, _ = task.sample(jax.random.key(0), 20_000)
    assert float(x.mean()) == pytest.approx(-np.euler_gamma, abs=0.04)


def test_gamma_exponential_against_scipy():
    a = 1.0
    task = t.gamma_exponential_target(1 - np.euler_gamma, 1)
    x, y = (np.asarray(part, float) for part in task.sample(jax.random.key(0), 50))
    wait = np.exp(y)
    expected = scipy.stats.expon.logpdf(wait, scale=np.exp(-x))
    expected -= scipy.stats.lomax.logpdf(wait, a)
    got = task.pmi(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32))
    np.testing.assert_allclose(got, expected[:, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("epsilon", lambda: t.additive_uniform(0.0)),
        ("mi", lambda: t.smoothed_uniform_target(0.0, 1)),
        ("mi", lambda: t.gamma_exponential_target(math.inf, 1)),
        ("dim", lambda: t.gamma_exponential_target(1.0, 0)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
