"""Parameters asked for are parameters got; closed forms against other routes."""

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
    assert plug_in(counts / 20_000) == pytest.approx(task.mi, abs=0.03)
    off = task.pmi(jnp.array([[0]]), jnp.array([[2]]))
    assert off.tolist() == [-math.inf]


@pytest.mark.parametrize(("p", "mi"), [(0.1, 1.80230), (0.5, 0.62570), (1.0, 0.0)])
def test_symmetric_channel(p, mi):
    b = p / 10
    a = 1 - p + b
    closed = math.log(10) + a * math.log(a) + 9 * b * math.log(b)
    assert t.symmetric_channel(10, p).mi == pytest.approx(closed)
    assert t.symmetric_channel(10, p).mi == pytest.approx(mi, abs=1e-5)


def test_labels_with_noise():
    gao = t.discrete_uniform_mixture(5)
    assert gao.mi == pytest.approx(math.log(5) - 4 / 5 * math.log(2))
    assert t.smoothed_discrete(8, 2.0).mi == pytest.approx(math.log(8))
    off = gao.pmi(jnp.array([[0], [3]]), jnp.array([[2.5], [2.5]]))
    assert off.tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("p", [0.0, 0.15, 0.8])
def test_zero_inflated_poisson_by_quadrature(p):
    u, weights = np.polynomial.legendre.leggauss(250)
    x, weights = 20 * (u + 1), 20 * weights  # exp(-40) is left out
    mi = 0.0
    for y in range(120):
        log_poisson = y * np.log(x) - x - math.lgamma(y + 1)
        given = (1 - p) * np.exp(log_poisson) + p * (y == 0) + 1e-300
        margin = (1 - p) * 0.5 ** (y + 1) + p * (y == 0)
        mi += np.sum(weights * np.exp(-x) * given * np.log(given / margin))
    assert t.zero_inflated_poisson(p).mi == pytest.approx(mi, abs=1e-6)


@pytest.mark.parametrize("mi", [0.05, 1.0, 7.5])
def test_targets_are_met(mi):
    # Each line has the closed form at parameters found from samples or by hand.
    assert t.normal_target(mi, 3, 2, spread="random", rotate=True).mi == (
        pytest.approx(mi)
    )
    assert t.student_target(mi + 0.5, 2, 2, 3).mi == pytest.approx(mi + 0.5)
    assert t.staircase((mi,), dim=3)[0].mi == pytest.approx(mi)
    assert t.quantized_blobs(min(mi, 2.0), 8).mi == pytest.approx(min(mi, 2.0))


def test_student_floor_at_one_degree():
    # ln(pi e) twice the entropy of a Cauchy law less that of the bivariate one.
    closed = 2 * math.log(4 * math.pi) - (math.log(2 * math.pi) + 3)
    assert t.student_floor(1, 1, 1) == pytest.approx(closed, abs=1e-9)
    assert t.student(1, 1, 200.0).mi == pytest.approx(0.0, abs=1e-4)


def test_gamma_exponential_at_rate_one():
    # At 0.42278 nats the rate is exponential: mean of its log is minus Euler's gamma.
    task = t.gamma_exponential_target(1 - np.euler_gamma, 1)
    draw = jax.jit(lambda key: task.sample(key, 20_000))
    x, _ = draw(jax.random.key(0))
    assert float(x.mean()) == pytest.approx(-np.euler_gamma, abs=0.04)


def test_additive_noise_without_common_support():
    task = t.additive_uniform(0.1)
    values = task.pmi(jnp.array([[0.5], [0.5]]), jnp.array([[0.7], [0.55]]))
    assert values[0] == -math.inf
    assert values[1] == pytest.approx(math.log(5), rel=1e-5)


def test_rare_event_is_seen_by_both():
    task = t.rare_event(1.0, 0.05)
    draw = jax.jit(lambda key: task.sample(key, 4_000))
    x, y = map(np.asarray, draw(jax.random.key(0)))
    np.testing.assert_array_equal(x > 1, y > 1)
    assert (x > 1).mean() == pytest.approx(0.05, abs=0.014)
    values = jax.jit(task.pmi)(jnp.array([[1.5]]), jnp.array([[0.5]]))
    assert values.tolist() == [-math.inf]


def test_mixture_without_parts_is_gaussian():
    cov = np.array([[1, 0.6], [0.6, 1]])
    one = t.gaussian_mixture([0.3, 0.7], np.zeros((2, 2)), [cov, cov], dim_x=1)
    assert math.isnan(one.mi)
    x, y = np.random.default_rng(0).normal(size=(2, 50, 1)).astype(np.float32)
    both = jax.jit(lambda x, y: (one.pmi(x, y), t.normal(0.6).pmi(x, y)))(x, y)
    np.testing.assert_allclose(*both, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("make", [t.mixture_cross, t.mixture_balls, t.mixture_inliers])
def test_stored_truths(make):
    task = make()
    mean, error = t.monte_carlo_information(
        jax.random.key(7), task, num_samples=300_000
    )
    assert abs(float(mean) - task.mi) < 4 * math.hypot(float(error), task.mi_se)


WRONG = {
    "rho": [lambda: t.normal(1.0), lambda: t.normal_dense(2, -0.5)],
    "num_pairs": [lambda: t.normal_pairs(2, 3, 0.5)],
    "covariance": [
        lambda: t.normal_cov([[1, 2], [2, 1]], dim_x=1),
        lambda: t.normal_cov([[1, 0.5], [0.4, 1]], dim_x=1),
    ],
    "dim_x": [lambda: t.normal_cov(np.eye(2), dim_x=2), lambda: t.student(0, 1, 1)],
    "spread": [lambda: t.normal_target(1.0, 2, 2, spread="even")],
    "mi": [
        lambda: t.normal_target(-1.0, 2, 2),
        lambda: t.student_target(0.1, 2, 2, 1),
        lambda: t.rare_event(0.1, 0.5),
        lambda: t.smoothed_uniform_target(0.0, 1),
        lambda: t.gamma_exponential_target(math.inf, 1),
        lambda: t.quantized_blobs(3.0, 16),
    ],
    "df": [lambda: t.student(1, 1, 0)],
    "dispersion": [lambda: t.student(1, 1, 1, dispersion=np.eye(3))],
    "epsilon": [lambda: t.additive_uniform(0.0)],
    "joint": [lambda: t.discrete_joint([[0.5, 0.6]])],
    "probs": [lambda: t.noiseless_channel([0.5, 0.6])],
    "base": [lambda: t.quantized("cauchy", [1.0])],
    "p": [lambda: t.symmetric_channel(3, 1.1), lambda: t.zero_inflated_poisson(1.0)],
    "kappa": [lambda: t.smoothed_discrete(3, 0.0)],
    "weights": [lambda: t.gaussian_mixture([1, 1], [[0], [0]], [[[1]]] * 2, dim_x=1)],
    "means": [lambda: t.gaussian_mixture([1], [0, 0], [np.eye(2)], dim_x=1)],
    "px": [lambda: t.gaussian_blobs(1.0, 4)],
}


@pytest.mark.parametrize(
    ("name", "make"), [(name, make) for name, makes in WRONG.items() for make in makes]
)
def test_bad_parameters_are_named(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()


def test_student_floor_is_told():
    with pytest.raises(ValueError, match=r"at least 0\.4319 nats"):
        t.student_target(0.1, 2, 2, 1)
