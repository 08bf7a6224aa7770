"""Closed forms, quadrature and finite laws against each other and against NumPy."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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
every_gaussian = pytest.mark.parametrize("name", GAUSSIAN)


@pytest.fixture(autouse=True)
def _x64():
    with jax.enable_x64(True):
        yield


def normal(mean, variance):
    def log_density(x):
        return -0.5 * ((x - mean) ** 2 / variance + jnp.log(2 * jnp.pi * variance))

    return log_density


def line(mean, variance):
    return jnp.asarray([mean]), jnp.asarray([[variance]])


def random_gaussian(rng, size):
    root = rng.normal(size=(size, size))
    return rng.normal(size=size), root @ root.T / size + np.eye(size)


# Gaussians


@every_gaussian
def test_gaussians_on_a_line_agree_with_quadrature(name):
    p, q = (0.7, 0.8), (-0.2, 1.1)
    expected = d.exact_by_quadrature(
        d.DIVERGENCES[name], normal(*p), normal(*q), low=-15.0, high=15.0
    )
    got = GAUSSIAN[name](*line(*p), *line(*q))
    assert float(got) == pytest.approx(float(expected), rel=1e-10)


@every_gaussian
def test_shifted_normals(name):
    got = GAUSSIAN[name](*line(1.0, 1.0), *line(0.0, 1.0))
    assert float(got) == pytest.approx(SHIFTED_NORMALS[name], abs=1e-6)


def test_gaussians_in_space_restate_the_textbook():
    rng = np.random.default_rng(0)
    (m_p, c_p), (m_q, c_q) = random_gaussian(rng, 4), random_gaussian(rng, 4)
    inv, det = np.linalg.inv, np.linalg.det
    m = m_p - m_q

    def kl(c_p, c_q):
        return 0.5 * (
            np.trace(inv(c_q) @ c_p)
            + m @ inv(c_q) @ m
            - 4
            + np.log(det(c_q) / det(c_p))
        )

    arguments = m_p, c_p, m_q, c_q
    assert float(d.exact_gaussian_kl(*arguments)) == pytest.approx(kl(c_p, c_q))
    assert float(d.exact_gaussian_reverse_kl(*arguments)) == pytest.approx(kl(c_q, c_p))
    both = kl(c_p, c_q) + kl(c_q, c_p)
    assert float(d.exact_gaussian_jeffreys(*arguments)) == pytest.approx(both)
    middle = (c_p + c_q) / 2
    affinity = (det(c_p) * det(c_q)) ** 0.25 / det(middle) ** 0.5
    affinity *= np.exp(-m @ inv(middle) @ m / 8)
    hellinger = d.exact_gaussian_squared_hellinger(*arguments)
    assert float(hellinger) == pytest.approx(2 - 2 * affinity)


@every_gaussian
def test_independent_coordinates_tensorise(name):
    p, q = [(0.3, 0.9), (-0.4, 1.2)], [(0.0, 1.0), (0.1, 1.1)]
    parts = [
        float(GAUSSIAN[name](*line(*a), *line(*b))) for a, b in zip(p, q, strict=True)
    ]
    joint = GAUSSIAN[name](
        jnp.asarray([a[0] for a in p]),
        jnp.diag(jnp.asarray([a[1] for a in p])),
        jnp.asarray([b[0] for b in q]),
        jnp.diag(jnp.asarray([b[1] for b in q])),
    )
    if name == "SQUARED_HELLINGER":
        expected = 2 - 2 * math.prod(1 - part / 2 for part in parts)
    elif name in ("PEARSON", "NEYMAN"):
        expected = math.prod(1 + part for part in parts) - 1
    else:
        expected = sum(parts)
    assert float(joint) == pytest.approx(expected)


@every_gaussian
def test_equal_gaussians_are_at_zero(name):
    mean, covariance = random_gaussian(np.random.default_rng(1), 3)
    got = GAUSSIAN[name](mean, covariance, mean, covariance)
    assert float(got) == pytest.approx(0.0, abs=1e-12)


def test_chi_squares_diverge_where_their_integral_does():
    wide, narrow = line(0.0, 2.1), line(0.0, 1.0)
    assert d.exact_gaussian_pearson(*wide, *narrow) == jnp.inf
    assert d.exact_gaussian_neyman(*narrow, *wide) == jnp.inf
    assert jnp.isfinite(d.exact_gaussian_pearson(*narrow, *wide))
    assert jnp.isfinite(d.exact_gaussian_neyman(*wide, *narrow))
    # Two negative eigenvalues: a determinant alone would not notice.
    both = jnp.zeros(2), 3 * jnp.eye(2), jnp.zeros(2), jnp.eye(2)
    assert d.exact_gaussian_pearson(*both) == jnp.inf
    slope = jax.grad(lambda v: d.exact_gaussian_pearson(*line(0.0, v), *narrow))(2.1)
    assert not jnp.isnan(slope)


def test_renyi_of_gaussians():
    p, q = line(0.7, 0.8), line(-0.2, 1.1)
    x = np.linspace(-15, 15, 20_001)
    log_p, log_q = np.asarray(normal(0.7, 0.8)(x)), np.asarray(normal(-0.2, 1.1)(x))
    for order in (0.3, 0.5, 2.0, 3.0):
        mixed = np.exp(order * log_p + (1 - order) * log_q).sum() * (x[1] - x[0])
        got = d.exact_gaussian_renyi(*p, *q, order=order)
        assert float(got) == pytest.approx(np.log(mixed) / (order - 1), rel=1e-9)
    near_one = d.exact_gaussian_renyi(*p, *q, order=1 + 1e-6)
    kl = d.exact_gaussian_kl(*p, *q)
    assert float(near_one) == pytest.approx(float(kl), rel=1e-5)
    shifted = line(1.0, 1.0), line(0.0, 1.0)
    orders = jnp.asarray([0.5, 2.0])
    swept = jax.vmap(
        lambda o: d.exact_gaussian_renyi(*shifted[0], *shifted[1], order=o)
    )
    np.testing.assert_allclose(swept(orders), orders / 2, rtol=1e-12)
    assert float(swept(orders)[1]) == pytest.approx(1.0)
    for order in (1.0, 0.0, -1.0):
        with pytest.raises(ValueError, match="order"):
            d.exact_gaussian_renyi(*p, *q, order=order)


def test_gaussian_gradients_are_those_of_the_formula():
    def kl(mean):
        return d.exact_gaussian_kl(mean, jnp.eye(2), jnp.zeros(2), jnp.diag(diagonal))

    diagonal, mean = jnp.asarray([2.0, 0.5]), jnp.asarray([0.3, -0.7])
    np.testing.assert_allclose(jax.grad(kl)(mean), mean / diagonal, rtol=1e-12)


@every_gaussian
def test_gaussian_shapes_are_checked(name):
    mean, covariance = jnp.zeros(2), jnp.eye(2)
    with pytest.raises(ValueError, match="mean_p must have 1 axes"):
        GAUSSIAN[name](covariance, covariance, covariance, covariance)
    with pytest.raises(ValueError, match=r"cov_[pq] must have shape \(2, 2\)"):
        GAUSSIAN[name](mean, jnp.eye(3), mean, covariance)
    with pytest.raises(ValueError, match=r"mean_[pq] must have shape"):
        GAUSSIAN[name](mean, covariance, jnp.zeros(3), covariance)


def test_gaussian_mutual_information():
    rho = 0.75
    pair = jnp.asarray([[1.0, rho], [rho, 1.0]])
    got = float(d.exact_gaussian_mutual_information(pair, dim_x=1))
    assert got == pytest.approx(-0.5 * math.log(1 - rho**2))
    # The information is KL from the joint law to the product of the marginals.
    _, covariance = random_gaussian(np.random.default_rng(2), 5)
    blocks = np.zeros((5, 5))
    blocks[:2, :2], blocks[2:, 2:] = covariance[:2, :2], covariance[2:, 2:]
    zero = np.zeros(5)
    kl = d.exact_gaussian_kl(zero, covariance, zero, blocks)
    got = d.exact_gaussian_mutual_information(covariance, dim_x=2)
    assert float(got) == pytest.approx(float(kl))
    for dim_x in (0, 5):
        with pytest.raises(ValueError, match="dim_x"):
            d.exact_gaussian_mutual_information(covariance, dim_x=dim_x)
    with pytest.raises(ValueError, match="square"):
        d.exact_gaussian_mutual_information(covariance[:, :4], dim_x=2)


# Quadrature


@every_member
def test_quadrature_restates_the_integral(member):
    x = np.linspace(-9.0, 9.0, 60_001)
    log_p, log_q = np.asarray(normal(0.4, 1.3)(x)), np.asarray(normal(0.0, 1.0)(x))
    terms = np.exp(log_q) * numpy_generator(member, np.exp(log_p - log_q))
    expected = np.trapezoid(terms, x)
    got = d.exact_by_quadrature(
        member, normal(0.4, 1.3), normal(0.0, 1.0), low=-9.0, high=9.0
    )
    # A kink costs total variation some digits.
    assert float(got) == pytest.approx(expected, rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("name", SHIFTED_NORMALS)
def test_quadrature_of_shifted_normals(name):
    member = dict(zip(NAMES, MEMBERS, strict=True))[name]
    got = d.exact_by_quadrature(
        member, normal(1.0, 1.0), normal(0.0, 1.0), low=-12.0, high=13.0
    )
    assert float(got) == pytest.approx(SHIFTED_NORMALS[name], abs=1e-6)


def test_quadrature_survives_tails_beyond_underflow():
    # Far out p is exp(-4000) of q: p / q underflows and q / p overflows.
    narrow, unit = (0.0, 0.01), (0.0, 1.0)
    limits = {"low": -9.0, "high": 9.0}
    kl = d.exact_by_quadrature(
        d.REVERSE_KL, normal(*narrow), normal(*unit), **limits, num_points=20_000
    )
    exact = d.exact_gaussian_reverse_kl(*line(*narrow), *line(*unit))
    assert float(kl) == pytest.approx(float(exact), rel=1e-9)
    for member in MEMBERS:
        value = d.exact_by_quadrature(member, normal(*narrow), normal(*unit), **limits)
        assert not jnp.isnan(value)
        if numpy_limits(member)[0] < math.inf:
            assert jnp.isfinite(value)


def test_quadrature_of_bounded_supports():
    def uniform(low, high):
        return lambda x: jnp.where(
            (x >= low) & (x <= high), -math.log(high - low), -jnp.inf
        )

    # Half of P's mass lies where Q has none; panels end at the jumps.
    value = d.exact_by_quadrature(
        d.TOTAL_VARIATION,
        uniform(0, 2),
        uniform(1, 3),
        low=0.0,
        high=3.0,
        num_points=48,
    )
    assert float(value) == pytest.approx(0.5)
    value = d.exact_by_quadrature(
        d.KL, uniform(0, 2), uniform(1, 3), low=0.0, high=3.0, num_points=48
    )
    assert value == jnp.inf


def test_quadrature_differentiates_and_takes_traced_limits():
    def kl(mean, low, high):
        return d.exact_by_quadrature(
            d.KL, normal(mean, 1.0), normal(0.0, 1.0), low=low, high=high
        )

    value, slope = jax.jit(jax.value_and_grad(kl))(0.6, -12.0, 12.0)
    assert float(value) == pytest.approx(0.18)
    assert float(slope) == pytest.approx(0.6)


def test_quadrature_checks_its_arguments():
    flat = jnp.zeros_like
    with pytest.raises(ValueError, match="num_points"):
        d.exact_by_quadrature(d.KL, flat, flat, low=0, high=1, num_points=0)
    with pytest.raises(ValueError, match="low must be below high"):
        d.exact_by_quadrature(d.KL, flat, flat, low=1, high=0)


# Finite laws


@every_member
def test_discrete_restates_the_sum_with_its_limits(member):
    at_zero, at_infinity = numpy_limits(member)
    values = (0.0, 0.2, 0.7)
    for p, q in itertools.product(values, values):
        if p > 0 and q > 0:
            expected = q * float(numpy_generator(member, np.float64(p / q)))
        elif q > 0:
            expected = q * at_zero
        else:
            expected = p * at_infinity if p > 0 else 0.0
        got = d.exact_discrete(member, jnp.asarray([p]), jnp.asarray([q]))
        assert float(got) == pytest.approx(expected, rel=1e-10, abs=1e-13)
    p, q = np.asarray([0.2, 0.5, 0.3]), np.asarray([0.4, 0.1, 0.5])
    expected = (q * numpy_generator(member, p / q)).sum()
    assert float(d.exact_discrete(member, p, q)) == pytest.approx(expected, rel=1e-10)


@every_member
def test_disjoint_laws_are_as_far_as_can_be(member):
    p, q = jnp.asarray([0.5, 0.5, 0.0]), jnp.asarray([0.0, 0.0, 1.0])
    assert float(d.exact_discrete(member, p, q)) == pytest.approx(
        sum(numpy_limits(member))
    )


@pytest.mark.parametrize("name", SHIFTED_NORMALS)
def test_discretised_normals(name):
    member = dict(zip(NAMES, MEMBERS, strict=True))[name]
    edges = jnp.linspace(-9.0, 10.0, 4001)
    p = jnp.diff(jax.scipy.stats.norm.cdf(edges - 1))
    q = jnp.diff(jax.scipy.stats.norm.cdf(edges))
    # Rounding of the cdf near 1 leaves bins of zero and worse in the right tail.
    keep = (p > 1e-14) & (q > 1e-14)
    got = d.exact_discrete(member, p[keep], q[keep])
    assert float(got) == pytest.approx(SHIFTED_NORMALS[name], abs=5e-5)


@every_member
def test_merging_outcomes_never_adds(member):
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
    fine = d.exact_discrete(member, p, q)
    coarse = d.exact_discrete(member, p.reshape(4, 2).sum(1), q.reshape(4, 2).sum(1))
    assert coarse < fine


def test_discrete_checks_its_arguments():
    with pytest.raises(ValueError, match="probs_p must have 1 axes"):
        d.exact_discrete(d.KL, jnp.ones((2, 2)), jnp.ones(4))
    with pytest.raises(ValueError, match="probs_q must have the shape"):
        d.exact_discrete(d.KL, jnp.ones(2), jnp.ones(3))


def test_single_precision_stays_single():
    mean, covariance = jnp.zeros(2, jnp.float32), jnp.eye(2, dtype=jnp.float32)
    for function in GAUSSIAN.values():
        assert function(mean, covariance, mean, covariance).dtype == jnp.float32
    probs = jnp.asarray([0.5, 0.5], jnp.float32)
    assert d.exact_discrete(d.KL, probs, probs).dtype == jnp.float32
