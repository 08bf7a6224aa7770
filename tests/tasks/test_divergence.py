"""Tasks of two distributions: divergences by closed forms, samples, errors."""

import math

import jax
import numpy as np
import pytest

from jaxinfo import divergences
from jaxinfo import tasks as t

TASKS = t.suite("divergence")
# Divergences of P = N(1, 1) from Q = N(0, 1).
UNIT_SHIFT = {
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


@pytest.mark.parametrize("name", UNIT_SHIFT)
def test_unit_shift(name):
    got = TASKS[0].exact(divergences.DIVERGENCES[name])
    assert got == pytest.approx(UNIT_SHIFT[name], abs=1e-6)


def test_alpha_divergence():
    # (exp((a - 1) D) - 1) / (a (a - 1)) with Renyi divergences D = 1 and 0.25.
    two = TASKS[0].exact(divergences.alpha_divergence(2.0))
    assert two == pytest.approx((math.e - 1) / 2)
    half = TASKS[0].exact(divergences.alpha_divergence(0.5))
    assert half == pytest.approx(4 * -math.expm1(-0.125))
    minus = TASKS[1].exact(divergences.alpha_divergence(-0.5))
    one = np.eye(1)
    swapped = t.gaussians([0.0], 1.5 * one, [0.5], one)
    assert minus == pytest.approx(swapped.exact(divergences.alpha_divergence(1.5)))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
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
    # E_q[p / q] = 1, as the support of Q contains that of P in every task.
    ratios = np.exp(log_ratios)
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / num_samples**0.5 + 1e-6


def test_closed_forms_in_one_dimension():
    kl = divergences.KL
    p, q = 1.0, 1.5
    assert t.exponentials(p, q).exact(kl) == pytest.approx(math.log(p / q) + q / p - 1)
    d, b, c = 1.0, 1.0, 1.5
    closed = math.log(c / b) - 1 + (d + b * math.exp(-d / b)) / c
    assert t.laplaces(0.0, b, d, c).exact(kl) == pytest.approx(closed)
    assert t.uniforms(0.0, 1.0, 0.0, 2.0).exact(kl) == pytest.approx(math.log(2))
    assert t.uniforms(0.0, 2.0, 0.0, 1.0).exact(kl) == math.inf
    pearson = divergences.PEARSON
    # rate_p^2 / (rate_q (2 rate_p - rate_q)) - 1 if rate_q < 2 rate_p, else inf.
    assert t.exponentials(p, q).exact(pearson) == pytest.approx(p**2 / (q * 0.5) - 1)
    assert t.exponentials(p, 2.0).exact(pearson) == math.inf
    tv = t.exponentials(p, 2.0).exact(divergences.TOTAL_VARIATION)
    assert tv == pytest.approx(0.25)  # exp(-x) - exp(-2 x) at x = ln 2.


def test_equal_covariances_reduce_to_one_dimension():
    plane = t.gaussians([0.6, 0.8], np.eye(2), [0.0, 0.0], np.eye(2))
    got = plane.exact(divergences.TOTAL_VARIATION)
    assert got == pytest.approx(UNIT_SHIFT["TOTAL_VARIATION"], abs=1e-6)


def test_error_without_closed_form():
    with pytest.raises(ValueError, match="in 2 dimensions; TOTAL_VARIATION"):
        TASKS[2].exact(divergences.TOTAL_VARIATION)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cov_q", lambda: t.gaussians([0.0], [[1.0]], [0.0], [[-1.0]])),
        ("mean_q", lambda: t.gaussians([0.0], [[1.0]], [0.0, 1.0], [[1.0]])),
        ("rate_q", lambda: t.exponentials(1.0, 0.0)),
        ("scale_p", lambda: t.laplaces(0.0, -1.0, 0.0, 1.0)),
        ("low_q", lambda: t.uniforms(0.0, 1.0, 1.0, 1.0)),
        ("probs_q", lambda: t.discrete_distributions([0.5, 0.5], [1.0])),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
