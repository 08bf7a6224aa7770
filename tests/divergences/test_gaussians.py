"""Closed forms of Gaussians, against quadrature, NumPy and relations."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences as d

from .table import (
    MEMBERS,
    SHIFTED_NORMALS,
)

GAUSSIAN = {
    "KL": d.exact_gaussian_kl,
    "REVERSE_KL": d.exact_gaussian_reverse_kl,
    "JEFFREYS": d.exact_gaussian_jeffreys,
    "PEARSON": d.exact_gaussian_pearson,
    "NEYMAN": d.exact_gaussian_neyman,
    "SQUARED_HELLINGER": d.exact_gaussian_squared_hellinger,
}

every_gaussian = pytest.mark.parametrize("name", GAUSSIAN)


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


def random_gaussian(rng, size):
    root = rng.normal(size=(size, size))
    return rng.normal(size=size), root @ root.T / size + np.eye(size)


@every_gaussian
def test_gaussians_on_a_line_agree_with_quadrature(name):
    p, q = (0.7, 0.8), (-0.2, 1.1)
    expected = quadrature(p, q, -15.0, 15.0)[name]
    got = gaussian(*line(*p), *line(*q))[name]
    assert float(got) == pytest.approx(float(expected), rel=1e-10)


@every_gaussian
def test_shifted_normals(name):
    got = gaussian(*line(1.0, 1.0), *line(0.0, 1.0))[name]
    assert float(got) == pytest.approx(SHIFTED_NORMALS[name], abs=1e-6)


def test_gaussians_of_several_dimensions_match_numpy():
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

    got = jax.device_get(gaussian(m_p, c_p, m_q, c_q))
    assert got["KL"] == pytest.approx(kl(c_p, c_q))
    assert got["REVERSE_KL"] == pytest.approx(kl(c_q, c_p))
    assert got["JEFFREYS"] == pytest.approx(kl(c_p, c_q) + kl(c_q, c_p))
    middle = (c_p + c_q) / 2
    affinity = (det(c_p) * det(c_q)) ** 0.25 / det(middle) ** 0.5
    affinity *= np.exp(-m @ inv(middle) @ m / 8)
    assert got["SQUARED_HELLINGER"] == pytest.approx(2 - 2 * affinity)


@every_gaussian
def test_independent_coordinates_add_or_multiply(name):
    p, q = [(0.3, 0.9), (-0.4, 1.2)], [(0.0, 1.0), (0.1, 1.1)]
    parts = [
        float(gaussian(*line(*a), *line(*b))[name]) for a, b in zip(p, q, strict=True)
    ]
    moments = [
        moment
        for coordinates in (p, q)
        for moment in (
            np.asarray([mean for mean, _ in coordinates]),
            np.diag([variance for _, variance in coordinates]),
        )
    ]
    joint = gaussian(*moments)[name]
    if name == "SQUARED_HELLINGER":
        expected = 2 - 2 * math.prod(1 - part / 2 for part in parts)
    elif name in ("PEARSON", "NEYMAN"):
        expected = math.prod(1 + part for part in parts) - 1
    else:
        expected = sum(parts)
    assert float(joint) == pytest.approx(expected)


@every_gaussian
def test_divergence_of_equal_gaussians_is_zero(name):
    mean, covariance = random_gaussian(np.random.default_rng(1), 3)
    got = gaussian(mean, covariance, mean, covariance)[name]
    assert float(got) == pytest.approx(0.0, abs=1e-12)


def test_chi_squared_is_infinite_if_its_integral_diverges():
    wide, narrow = line(0.0, 2.1), line(0.0, 1.0)
    apart, back = gaussian(*wide, *narrow), gaussian(*narrow, *wide)
    assert apart["PEARSON"] == back["NEYMAN"] == np.inf
    assert np.isfinite(back["PEARSON"])
    assert np.isfinite(apart["NEYMAN"])
    # Two negative eigenvalues, whose determinant is positive.
    both = np.zeros(2), 3 * np.eye(2), np.zeros(2), np.eye(2)
    assert gaussian(*both)["PEARSON"] == np.inf
    gradient = jax.jit(jax.grad(d.exact_gaussian_pearson, argnums=1))(*wide, *narrow)
    assert not np.isnan(gradient).any()


def test_renyi_of_gaussians():
    p, q = line(0.7, 0.8), line(-0.2, 1.1)
    orders = (0.3, 0.5, 2.0, 3.0)

    @jax.jit
    def compute(p, q):
        return [
            d.exact_gaussian_renyi(*p, *q, order=order) for order in (*orders, 1 + 1e-6)
        ]

    *values, near_one = jax.device_get(compute(p, q))
    x = np.linspace(-15, 15, 20_001)
    log_p, log_q = np.asarray(normal(0.7, 0.8)(x)), np.asarray(normal(-0.2, 1.1)(x))
    for order, got in zip(orders, values, strict=True):
        mixed = np.exp(order * log_p + (1 - order) * log_q).sum() * (x[1] - x[0])
        assert got == pytest.approx(np.log(mixed) / (order - 1), rel=1e-9)
    assert near_one == pytest.approx(float(gaussian(*p, *q)["KL"]), rel=1e-5)
    shifted = *line(1.0, 1.0), *line(0.0, 1.0)
    orders = np.asarray([0.5, 2.0])
    swept = jax.jit(jax.vmap(lambda o: d.exact_gaussian_renyi(*shifted, order=o)))
    np.testing.assert_allclose(swept(orders), orders / 2, rtol=1e-12)
    for order in (1.0, 0.0, -1.0):
        with pytest.raises(ValueError, match="order"):
            d.exact_gaussian_renyi(*p, *q, order=order)


def test_gaussian_gradients_are_those_of_the_formula():
    diagonal, mean = np.asarray([2.0, 0.5]), np.asarray([0.3, -0.7])

    def kl(mean):
        return d.exact_gaussian_kl(mean, np.eye(2), np.zeros(2), np.diag(diagonal))

    np.testing.assert_allclose(jax.jit(jax.grad(kl))(mean), mean / diagonal, rtol=1e-12)


@every_gaussian
def test_gaussian_shapes_are_checked(name):
    mean, covariance = jnp.zeros(2), jnp.eye(2)
    with pytest.raises(ValueError, match="mean_p must have 1 axis"):
        GAUSSIAN[name](covariance, covariance, covariance, covariance)
    with pytest.raises(ValueError, match=r"cov_[pq] must have shape \(2, 2\)"):
        GAUSSIAN[name](mean, jnp.eye(3), mean, covariance)
    with pytest.raises(ValueError, match=r"mean_[pq] must have shape"):
        GAUSSIAN[name](mean, covariance, jnp.zeros(3), covariance)


def test_gaussian_mutual_information():
    rho = 0.75
    pair = np.asarray([[1.0, rho], [rho, 1.0]])
    information = jax.jit(d.exact_gaussian_mutual_information, static_argnames="dim_x")
    got = float(information(pair, dim_x=1))
    assert got == pytest.approx(-0.5 * math.log(1 - rho**2))
    # The information is the KL divergence of the joint from the product of marginals.
    _, covariance = random_gaussian(np.random.default_rng(2), 5)
    blocks = np.zeros((5, 5))
    blocks[:2, :2], blocks[2:, 2:] = covariance[:2, :2], covariance[2:, 2:]
    zero = np.zeros(5)
    kl = jax.jit(d.exact_gaussian_kl)(zero, covariance, zero, blocks)
    got = information(covariance, dim_x=2)
    assert float(got) == pytest.approx(float(kl))
    for dim_x in (0, 5):
        with pytest.raises(ValueError, match="dim_x"):
            d.exact_gaussian_mutual_information(covariance, dim_x=dim_x)
    with pytest.raises(ValueError, match="square"):
        d.exact_gaussian_mutual_information(covariance[:, :4], dim_x=2)
