"""Exact divergences: closed forms, quadrature and discrete sums, and NumPy."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from jaxinfo import divergences as d

from .table import (
    MEMBERS,
    NAMES,
    SHIFTED_NORMALS,
    numpy_generator,
    numpy_limits,
)

every_member = pytest.mark.parametrize("member", MEMBERS, ids=NAMES)

GAUSSIAN = {
    "KL": d.exact_gaussian_kl,
    "REVERSE_KL": d.exact_gaussian_reverse_kl,
    "JEFFREYS": d.exact_gaussian_jeffreys,
    "PEARSON": d.exact_gaussian_pearson,
    "NEYMAN": d.exact_gaussian_neyman,
    "SQUARED_HELLINGER": d.exact_gaussian_squared_hellinger,
}


@jax.jit
def gaussian(*moments):
    """The value of every closed form, as one program per dimension."""
    return {name: function(*moments) for name, function in GAUSSIAN.items()}


@jax.jit
def quadrature(p, q, low, high):
    """Every f-divergence of two normals, given as (mean, variance)."""
    return {
        member.name: d.exact_by_quadrature(
            member, normal(*p), normal(*q), low=low, high=high
        )
        for member in MEMBERS
    }


@jax.jit
def discrete(p, q):
    return {member.name: d.exact_discrete(member, p, q) for member in MEMBERS}


@pytest.fixture(autouse=True)
def _x64():
    with jax.enable_x64(True):
        yield


def normal(mean, variance):
    def log_density(x):
        return -0.5 * ((x - mean) ** 2 / variance + jnp.log(2 * jnp.pi * variance))

    return log_density


def line(mean, variance):
    return np.asarray([mean]), np.asarray([[variance]])


# Quadrature


@every_member
def test_quadrature_matches_the_trapezoidal_rule(member):
    x = np.linspace(-9.0, 9.0, 60_001)
    log_p, log_q = np.asarray(normal(0.4, 1.3)(x)), np.asarray(normal(0.0, 1.0)(x))
    terms = np.exp(log_q) * numpy_generator(member, np.exp(log_p - log_q))
    expected = np.trapezoid(terms, x)
    got = quadrature((0.4, 1.3), (0.0, 1.0), -9.0, 9.0)[member.name]
    # The kink of total variation makes the quadrature less accurate.
    assert float(got) == pytest.approx(expected, rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("name", SHIFTED_NORMALS)
def test_quadrature_of_shifted_normals(name):
    got = quadrature((1.0, 1.0), (0.0, 1.0), -12.0, 13.0)[name]
    assert float(got) == pytest.approx(SHIFTED_NORMALS[name], abs=1e-6)


def test_quadrature_survives_tails_beyond_underflow():
    # In the tails p / q is exp(-4000): p / q underflows and q / p overflows.
    narrow, unit = (0.0, 0.01), (0.0, 1.0)
    kl = jax.jit(
        lambda low, high: d.exact_by_quadrature(
            *(d.REVERSE_KL, normal(*narrow), normal(*unit)),
            low=low,
            high=high,
            num_points=20_000,
        )
    )(-9.0, 9.0)
    exact = gaussian(*line(*narrow), *line(*unit))["REVERSE_KL"]
    assert float(kl) == pytest.approx(float(exact), rel=1e-9)
    values = quadrature(narrow, unit, -9.0, 9.0)
    for member in MEMBERS:
        value = values[member.name]
        assert not np.isnan(value)
        if numpy_limits(member)[0] < math.inf:
            assert np.isfinite(value)


def test_quadrature_of_bounded_supports():
    def uniform(low, high):
        return lambda x: jnp.where(
            (x >= low) & (x <= high), -math.log(high - low), -jnp.inf
        )

    @jax.jit
    def compute(low, high):
        limits = {"low": low, "high": high, "num_points": 48}
        return [
            d.exact_by_quadrature(member, uniform(0, 2), uniform(1, 3), **limits)
            for member in (d.TOTAL_VARIATION, d.KL)
        ]

    # Half of P's mass lies outside of Q's support; panels end at the jumps.
    total_variation, kl = compute(0.0, 3.0)
    assert float(total_variation) == pytest.approx(0.5)
    assert kl == np.inf


def test_quadrature_is_differentiable_with_traced_limits():
    def kl(mean, low, high):
        return d.exact_by_quadrature(
            d.KL, normal(mean, 1.0), normal(0.0, 1.0), low=low, high=high
        )

    value, gradient = jax.jit(jax.value_and_grad(kl))(0.6, -12.0, 12.0)
    assert float(value) == pytest.approx(0.18)
    assert float(gradient) == pytest.approx(0.6)


def test_quadrature_checks_its_arguments():
    flat = jnp.zeros_like
    with pytest.raises(ValueError, match="num_points"):
        d.exact_by_quadrature(d.KL, flat, flat, low=0, high=1, num_points=0)
    with pytest.raises(ValueError, match="low must be below high"):
        d.exact_by_quadrature(d.KL, flat, flat, low=1, high=0)


# Discrete distributions


@every_member
def test_discrete_matches_the_sum_and_its_limits(member):
    at_zero, at_infinity = numpy_limits(member)
    values = (0.0, 0.2, 0.7)
    for p, q in itertools.product(values, values):
        if p > 0 and q > 0:
            expected = q * float(numpy_generator(member, np.float64(p / q)))
        elif q > 0:
            expected = q * at_zero
        else:
            expected = p * at_infinity if p > 0 else 0.0
        got = discrete(np.asarray([p]), np.asarray([q]))[member.name]
        assert float(got) == pytest.approx(expected, rel=1e-10, abs=1e-13)
    p, q = np.asarray([0.2, 0.5, 0.3]), np.asarray([0.4, 0.1, 0.5])
    expected = (q * numpy_generator(member, p / q)).sum()
    got = discrete(p, q)[member.name]
    assert float(got) == pytest.approx(expected, rel=1e-10)


@every_member
def test_disjoint_supports_reach_the_maximum(member):
    p, q = np.asarray([0.5, 0.5, 0.0]), np.asarray([0.0, 0.0, 1.0])
    got = discrete(p, q)[member.name]
    assert float(got) == pytest.approx(sum(numpy_limits(member)))


@pytest.mark.parametrize("name", SHIFTED_NORMALS)
def test_discretized_normals(name):
    edges = np.linspace(-9.0, 10.0, 4001)
    p, q = (np.diff(norm.cdf(edges - mean)) for mean in (1, 0))
    # In the right tail, rounding of the cdf near 1 makes some probabilities wrong.
    keep = (p > 1e-14) & (q > 1e-14)
    got = discrete(p[keep], q[keep])[name]
    assert float(got) == pytest.approx(SHIFTED_NORMALS[name], abs=5e-5)


@every_member
def test_merging_outcomes_lowers_the_divergence(member):
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
    fine = discrete(p, q)[member.name]
    coarse = discrete(p.reshape(4, 2).sum(1), q.reshape(4, 2).sum(1))[member.name]
    assert float(coarse) < float(fine)


def test_discrete_checks_its_arguments():
    with pytest.raises(ValueError, match="probs_p must have 1 axis"):
        d.exact_discrete(d.KL, jnp.ones((2, 2)), jnp.ones(4))
    with pytest.raises(ValueError, match="probs_q must have the shape"):
        d.exact_discrete(d.KL, jnp.ones(2), jnp.ones(3))


def test_single_precision_is_kept():
    mean, covariance = np.zeros(2, np.float32), np.eye(2, dtype=np.float32)
    for function in GAUSSIAN.values():
        got = jax.eval_shape(function, mean, covariance, mean, covariance)
        assert got.dtype == jnp.float32
    probs = np.asarray([0.5, 0.5], np.float32)
    assert discrete(probs, probs)["KL"].dtype == jnp.float32
