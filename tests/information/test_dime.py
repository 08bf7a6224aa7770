"""f-DIME against the paper's equations in NumPy, and against NWJ."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences
from jaxinfo.information import DIME, dime_estimate, dime_log_ratio, dime_objective

P, Q = (2 * np.random.default_rng(i).normal(size=n) for i, n in enumerate((7, 9)))
each_name = pytest.mark.parametrize("name", DIME)


def _softplus(v):
    return np.log1p(np.exp(v))


def _sigmoid(v):
    return 1 / (1 + np.exp(-v))


def _kl(p, q):
    d_p, d_q = _softplus(p), _softplus(q)
    return np.mean(np.log(d_p)) - np.mean(d_q) + 1, np.log(d_p)


def _hellinger(p, q):
    d_p, d_q = _softplus(p), _softplus(q)
    return 2 - np.mean(d_p) - np.mean(1 / d_q), np.log(1 / d_p**2)


def _gan(p, q):
    d_p, d_q = _sigmoid(p), _sigmoid(q)
    objective = np.mean(np.log(1 - d_p)) + np.mean(np.log(d_q)) + np.log(4)
    return objective, np.log((1 - d_p) / d_p)


TABLE = {"kl_dime": _kl, "hd_dime": _hellinger, "gan_dime": _gan}


@each_name
def test_matches_numpy(name):
    objective, log_ratio = TABLE[name](P, Q)
    expected = objective, log_ratio, np.mean(log_ratio)
    with jax.enable_x64(True):
        got = jax.jit(
            lambda p, q: (
                dime_objective(name, p, q),
                dime_log_ratio(name, p),
                dime_estimate(name, p),
            )
        )(P, Q)
    for value, want in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-12)


@each_name
def test_the_optimal_critic_gives_the_log_ratio(name):
    """The maximizer for distributions p and q on two points, by gradient ascent."""
    p, q = np.array([0.7, 0.3]), np.array([0.4, 0.6])
    with jax.enable_x64(True):
        gradient = jax.grad(lambda v, p, q: dime_objective(name, v, v, q, p))

        @jax.jit
        def maximize(p, q):
            v = jax.lax.fori_loop(
                0, 3_000, lambda _, v: v + 0.5 * gradient(v, p, q), jnp.zeros(2)
            )
            return dime_log_ratio(name, v), dime_estimate(name, v, p)

        log_ratio, information = maximize(p, q)
    np.testing.assert_allclose(log_ratio, np.log(p / q), atol=1e-6)
    np.testing.assert_allclose(information, np.sum(p * np.log(p / q)), atol=1e-6)


def test_kl_dime_is_nwj_and_its_estimate_adds_the_mean_ratio_minus_one():
    @jax.jit
    def compute(p, q):
        d_p, d_q = dime_log_ratio("kl_dime", p), dime_log_ratio("kl_dime", q)
        nwj = divergences.nwj_bound(1 + d_p, 1 + d_q)
        objective = dime_objective("kl_dime", p, q)
        return d_q, nwj, objective, dime_estimate("kl_dime", p)

    d_q, nwj, objective, estimate = compute(P, Q)
    np.testing.assert_allclose(objective, nwj, rtol=1e-5)
    excess = np.mean(np.exp(d_q)) - 1
    np.testing.assert_allclose(estimate, objective + excess, rtol=1e-4)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
@each_name
def test_is_finite_at_extreme_scores(name, dtype):
    with jax.enable_x64(True):
        estimate = jax.value_and_grad(functools.partial(dime_estimate, name))
        objective = jax.value_and_grad(functools.partial(dime_objective, name), (0, 1))
        run = jax.jit(lambda scores: (estimate(scores), objective(scores, scores)))
        for size in (1e4, -1e4):
            of_estimate, of_objective = jax.device_get(run(np.full(4, size, dtype)))
            assert of_estimate[0].dtype == dtype
            chex.assert_tree_all_finite(of_estimate)
            if name != "hd_dime" or size > 0:  # Its 1 / D overflows.
                chex.assert_tree_all_finite(of_objective)


@each_name
def test_masked_scores_are_ignored(name):
    padded = [np.append(z, np.nan) for z in (P, Q)]
    where_p, where_q = (np.arange(len(z)) < len(z) - 1 for z in padded)

    @jax.jit
    def compute(p, q, where_p=None, where_q=None):
        objective = dime_objective(name, p, q, where_q, where_p)
        return objective, dime_estimate(name, p, where_p)

    masked, plain = compute(*padded, where_p, where_q), compute(P, Q)
    for value, want in zip(masked, plain, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dime_objective("kl", jnp.ones(3), jnp.ones(3)), "unknown name 'kl'"),
        (lambda: dime_log_ratio("kl", jnp.ones(3)), "unknown name 'kl'"),
        (lambda: dime_objective("kl_dime", jnp.ones((3, 1)), jnp.ones(3)), "scores_p"),
        (lambda: dime_estimate("kl_dime", jnp.ones((3, 1))), "scores_p"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
