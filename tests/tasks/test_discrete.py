"""Discrete tasks: brute force, quadrature and closed forms."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import tasks as t


def plug_in(joint):
    """sum p ln(p / (p_x p_y)), one cell at a time."""
    total = 0.0
    for i, j in itertools.product(*map(range, joint.shape)):
        if joint[i, j] > 0:
            product = joint[i].sum() * joint[:, j].sum()
            total += joint[i, j] * math.log(joint[i, j] / product)
    return total


def test_table_against_brute_force():
    joint = np.array([[0.2, 0.1, 0.0], [0.05, 0.25, 0.4]])
    task = t.discrete_joint(joint)
    assert task.mi == pytest.approx(plug_in(joint))
    x, y = task.sample(jax.random.key(0), 20_000)
    counts = np.zeros((2, 3))
    np.add.at(counts, (np.asarray(x)[:, 0], np.asarray(y)[:, 0]), 1)
    np.testing.assert_allclose(counts / 20_000, joint, atol=0.015)
    outside = task.pmi(jnp.array([[0]]), jnp.array([[2]]))
    assert outside.tolist() == [-math.inf]


@pytest.mark.parametrize(("p", "mi"), [(0.1, 1.80230), (0.5, 0.62570), (1.0, 0.0)])
def test_symmetric_channel(p, mi):
    b = p / 10
    a = 1 - p + b
    closed = math.log(10) + a * math.log(a) + 9 * b * math.log(b)
    assert t.symmetric_channel(10, p).mi == pytest.approx(closed)
    assert t.symmetric_channel(10, p).mi == pytest.approx(mi, abs=1e-5)


def test_label_with_uniform_noise():
    task = t.discrete_uniform_mixture(5)
    assert task.mi == pytest.approx(math.log(5) - 4 / 5 * math.log(2))
    assert t.smoothed_discrete(8, 2.0).mi == pytest.approx(math.log(8))
    outside = task.pmi(jnp.array([[0], [3]]), jnp.array([[2.5], [2.5]]))
    assert outside.tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("base", ["normal", "uniform", "exponential", "laplace"])
def test_bins_have_their_probabilities(base):
    probs = [0.1, 0.2, 0.3, 0.4]
    task = t.quantized(base, probs)
    assert task.mi == pytest.approx(-sum(p * math.log(p) for p in probs))
    x, y = map(np.asarray, task.sample(jax.random.key(0), 20_000))
    shares = np.bincount(y[:, 0], minlength=4) / 20_000
    np.testing.assert_allclose(shares, probs, atol=0.015)
    # Bins are consecutive intervals.
    assert (np.diff(y[np.argsort(x[:, 0]), 0]) >= 0).all()


@pytest.mark.parametrize("p", [0.0, 0.15, 0.8])
def test_zero_inflated_poisson_by_quadrature(p):
    u, weights = np.polynomial.legendre.leggauss(250)
    x, weights = 20 * (u + 1), 20 * weights  # The mass beyond 40 is exp(-40).
    mi = 0.0
    for y in range(120):
        log_poisson = y * np.log(x) - x - math.lgamma(y + 1)
        given = (1 - p) * np.exp(log_poisson) + p * (y == 0) + 1e-300
        marginal = (1 - p) * 0.5 ** (y + 1) + p * (y == 0)
        mi += np.sum(weights * np.exp(-x) * given * np.log(given / marginal))
    assert t.zero_inflated_poisson(p).mi == pytest.approx(mi, abs=1e-6)


@pytest.mark.slow
def test_rare_event_happens_to_both():
    task = t.rare_event(1.0, 0.05)
    x, y = map(np.asarray, task.sample(jax.random.key(0), 4_000))
    np.testing.assert_array_equal(x > 1, y > 1)
    assert (x > 1).mean() == pytest.approx(0.05, abs=0.014)
    values = task.pmi(jnp.array([[1.5]]), jnp.array([[0.5]]))
    assert values.tolist() == [-math.inf]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("joint", lambda: t.discrete_joint([[0.5, 0.6]])),
        ("joint", lambda: t.discrete_joint([0.5, 0.5])),
        ("probs", lambda: t.noiseless_channel([0.5, 0.6])),
        ("probs", lambda: t.quantized("normal", [1.5, -0.5])),
        ("base", lambda: t.quantized("cauchy", [1.0])),
        ("p", lambda: t.symmetric_channel(3, 1.1)),
        ("p", lambda: t.zero_inflated_poisson(1.0)),
        ("p", lambda: t.rare_event(1.0, 1.0)),
        ("mi", lambda: t.rare_event(0.1, 0.5)),
        ("kappa", lambda: t.smoothed_discrete(3, 0.0)),
        ("num_labels", lambda: t.smoothed_discrete(0, 1.0)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
