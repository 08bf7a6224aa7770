"""Conditional information, lagged series and pairs of laws."""

import math

import jax
import numpy as np
import pytest

from jaxinfo import divergences
from jaxinfo import tasks as t

CMI = t.suite("cmi")
LAWS = t.suite("divergence")
# P = N(1, 1) and Q = N(0, 1).
GOLDEN = {
    "KL": 0.5,
    "REVERSE_KL": 0.5,
    "JEFFREYS": 1.0,
    "PEARSON": math.e - 1,
    "NEYMAN": math.e - 1,
    "SQUARED_HELLINGER": 0.235006,
    "TOTAL_VARIATION": 0.382925,
    "JENSEN_SHANNON": 2 * 0.111421,
    "GAN": -1.163451,
}


def by_name(task):
    return task.name


@pytest.mark.parametrize("task", CMI, ids=by_name)
def test_conditional_information_is_the_mean_of_its_density(task):
    num_samples = 4_000
    density_of_draws = jax.jit(lambda key: task.pcmi(*task.sample(key, num_samples)))
    values = np.asarray(density_of_draws(jax.random.key(0)))
    # Rows of a series depend on each other: batches of 40 hardly do.
    batches = values.reshape(-1, 40).mean(1)
    error = batches.std() / len(batches) ** 0.5
    assert abs(values.mean() - task.cmi) < 4 * error + 1e-5


@pytest.mark.parametrize("task", CMI, ids=by_name)
def test_shapes_of_triples(task):
    keys = jax.random.split(jax.random.key(0), 3)
    parts = jax.eval_shape(jax.vmap(lambda key: task.sample(key, 5)), keys)
    for part, shape in zip(
        parts, (task.shape_x, task.shape_y, task.shape_z), strict=True
    ):
        assert part.shape == (3, 5, *shape)
        assert (part.dtype == np.int32) == task.discrete
    assert (task.dim_x, task.dim_y, task.dim_z) == (1, 1, 1)


def test_known_triples():
    usual = t.gaussian_cmi()
    assert usual.mi == pytest.approx(0.33667, abs=1e-5)
    assert usual.cmi == pytest.approx(0.22314, abs=1e-5)
    fork = t.common_cause(0.8)
    assert fork.mi == pytest.approx(0.8)
    assert fork.cmi == pytest.approx(0.0, abs=1e-12)
    assert (t.xor().mi, t.xor().cmi) == (0.0, pytest.approx(math.log(2)))
    assert t.xor(0.5).cmi == pytest.approx(0.0)


@pytest.mark.parametrize("memory_x", [0.0, 0.6])
def test_transfer_entropy(memory_x):
    a, c, phi = 0.4, 0.9, memory_x
    task = t.ar_pair(2, coupling=c, memory_x=phi, memory_y=a)
    g = c * phi / (1 - a * phi)
    v = (c**2 + 2 * a * c * g + 1) / (1 - a**2)
    closed = math.log1p(c**2 * (1 - g**2 / v)) / 2
    assert task.transfer_entropy == pytest.approx(closed)
    assert task.reverse_transfer_entropy == 0.0
    draw = jax.jit(lambda key: task.sample(key, 20_000))
    x, y = map(np.asarray, draw(jax.random.key(0)))
    x, y = x[:, 0], y[:, 0]
    rows = np.stack([x[:-2], y[2:], y[1:-1]])
    cov = np.cov(rows)
    expected = [[1, c + a * g, g], [c + a * g, v, a * v + c * g], [g, a * v + c * g, v]]
    np.testing.assert_allclose(cov, expected, atol=0.12)
    det = np.linalg.det
    ratio = det(cov[::2, ::2]) * det(cov[1:, 1:]) / (cov[2, 2] * det(cov))
    assert math.log(ratio) / 2 == pytest.approx(task.transfer_entropy, abs=0.02)
    assert np.corrcoef(x[1:], x[:-1])[0, 1] == pytest.approx(phi, abs=0.03)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_row(name):
    got = LAWS[0].exact(divergences.DIVERGENCES[name])
    assert got == pytest.approx(GOLDEN[name], abs=1e-6)


def test_golden_alpha():
    # Of Renyi 1 and 0.25: (exp((a - 1) D) - 1) / (a (a - 1)).
    two = LAWS[0].exact(divergences.alpha_divergence(2.0))
    assert two == pytest.approx((math.e - 1) / 2)
    half = LAWS[0].exact(divergences.alpha_divergence(0.5))
    assert half == pytest.approx(4 * -math.expm1(-0.125))
    minus = LAWS[1].exact(divergences.alpha_divergence(-0.5))
    one = np.eye(1)
    swapped = t.gaussians([0.0], 1.5 * one, [0.5], one)
    assert minus == pytest.approx(swapped.exact(divergences.alpha_divergence(1.5)))


@pytest.mark.parametrize("task", LAWS, ids=by_name)
def test_kl_is_the_mean_of_the_log_ratio(task):
    num_samples = 4_000

    @jax.jit
    def draw(key):
        p, q = task.sample(key, num_samples)
        assert p.shape == q.shape == (num_samples, task.dim)
        return task.log_ratio(p), task.log_ratio(q)

    values, log_ratios = map(np.asarray, draw(jax.random.key(0)))
    error = values.std() / num_samples**0.5
    exact = task.exact(divergences.KL)
    assert abs(values.mean() - exact) < 4 * error + 1e-6
    # E_q[p / q] is the mass of Q's support under P.
    ratios = np.exp(log_ratios)
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / num_samples**0.5 + 1e-6


def test_closed_forms_on_a_line():
    kl = divergences.KL
    p, q = 1.0, 1.5
    assert t.exponentials(p, q).exact(kl) == pytest.approx(math.log(p / q) + q / p - 1)
    d, b, c = 1.0, 1.0, 1.5
    closed = math.log(c / b) - 1 + (d + b * math.exp(-d / b)) / c
    assert t.laplaces(0.0, b, d, c).exact(kl) == pytest.approx(closed)
    assert t.uniforms(0.0, 1.0, 0.0, 2.0).exact(kl) == pytest.approx(math.log(2))
    assert t.uniforms(0.0, 2.0, 0.0, 1.0).exact(kl) == math.inf
    pearson = divergences.PEARSON
    # rate_p^2 / (rate_q (2 rate_p - rate_q)) - 1, where that exists.
    assert t.exponentials(p, q).exact(pearson) == pytest.approx(p**2 / (q * 0.5) - 1)
    assert t.exponentials(p, 2.0).exact(pearson) == math.inf
    tv = t.exponentials(p, 2.0).exact(divergences.TOTAL_VARIATION)
    assert tv == pytest.approx(0.25)  # at x = ln 2: exp(-x) - exp(-2 x)


def test_equal_covariances_come_down_to_a_line():
    plane = t.gaussians([0.6, 0.8], np.eye(2), [0.0, 0.0], np.eye(2))
    got = plane.exact(divergences.TOTAL_VARIATION)
    assert got == pytest.approx(GOLDEN["TOTAL_VARIATION"], abs=1e-6)


def test_what_has_no_closed_form():
    with pytest.raises(ValueError, match="no closed form of TOTAL_VARIATION"):
        LAWS[2].exact(divergences.TOTAL_VARIATION)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("dim_x", lambda: t.gaussian_cmi(dim_x=2, dim_y=1)),
        ("mi", lambda: t.common_cause(0.0)),
        ("noise", lambda: t.xor(0.7)),
        ("lag", lambda: t.ar_pair(0)),
        ("memory_y", lambda: t.ar_pair(1, memory_y=1.0)),
        ("cov_q", lambda: t.gaussians([0.0], [[1.0]], [0.0], [[-1.0]])),
        ("mean_q", lambda: t.gaussians([0.0], [[1.0]], [0.0, 1.0], [[1.0]])),
        ("rate_q", lambda: t.exponentials(1.0, 0.0)),
        ("scale_p", lambda: t.laplaces(0.0, -1.0, 0.0, 1.0)),
        ("low_q", lambda: t.uniforms(0.0, 1.0, 1.0, 1.0)),
        ("probs_q", lambda: t.discrete_distributions([0.5, 0.5], [1.0])),
    ],
)
def test_bad_parameters_are_named(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
