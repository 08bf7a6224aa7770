"""f-DIME against the paper's table in NumPy, and against the family it borrows from."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences
from jaxinfo.information import dime_log_ratio, dime_objective, dime_read_out
from jaxinfo.information.dime import DIME

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
                dime_read_out(name, p),
            )
        )(P, Q)
    for value, want in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-12)


@each_name
def test_the_best_critic_reads_out_the_log_ratio(name):
    """On two points with masses p and q the objective's maximum is where it should."""
    p, q = np.array([0.7, 0.3]), np.array([0.4, 0.6])
    with jax.enable_x64(True):
        gradient = jax.grad(lambda v, p, q: dime_objective(name, v, v, q, p))

        @jax.jit
        def climb(p, q):
            v = jax.lax.fori_loop(
                0, 3_000, lambda _, v: v + 0.5 * gradient(v, p, q), jnp.zeros(2)
            )
            return dime_log_ratio(name, v), dime_read_out(name, v, p)

        log_ratio, information = climb(p, q)
    np.testing.assert_allclose(log_ratio, np.log(p / q), atol=1e-6)
    np.testing.assert_allclose(information, np.sum(p * np.log(p / q)), atol=1e-6)


def test_kl_dime_is_nwj_plus_the_excess_of_its_mean_density_ratio():
    @jax.jit
    def compute(p, q):
        d_p, d_q = dime_log_ratio("kl_dime", p), dime_log_ratio("kl_dime", q)
        nwj = divergences.nwj_bound(1 + d_p, 1 + d_q)
        objective = dime_objective("kl_dime", p, q)
        return d_q, nwj, objective, dime_read_out("kl_dime", p)

    d_q, nwj, objective, read_out = compute(P, Q)
    np.testing.assert_allclose(objective, nwj, rtol=1e-5)
    excess = np.mean(np.exp(d_q)) - 1
    np.testing.assert_allclose(read_out, objective + excess, rtol=1e-4)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
@each_name
def test_is_finite_at_extreme_scores(name, dtype):
    with jax.enable_x64(True):
        read_out = jax.value_and_grad(functools.partial(dime_read_out, name))
        objective = jax.value_and_grad(functools.partial(dime_objective, name), (0, 1))
        run = jax.jit(lambda scores: (read_out(scores), objective(scores, scores)))
        for size in (1e4, -1e4):
            of_read_out, of_objective = jax.device_get(run(np.full(4, size, dtype)))
            assert of_read_out[0].dtype == dtype
            chex.assert_tree_all_finite(of_read_out)
            if name != "hd_dime" or size > 0:  # Its 1 / D overflows by its nature.
                chex.assert_tree_all_finite(of_objective)


@each_name
def test_masks(name):
    padded = [np.append(z, np.nan) for z in (P, Q)]
    where_p, where_q = (np.arange(len(z)) < len(z) - 1 for z in padded)

    @jax.jit
    def compute(p, q, where_p=None, where_q=None):
        objective = dime_objective(name, p, q, where_q, where_p)
        return objective, dime_read_out(name, p, where_p)

    masked, plain = compute(*padded, where_p, where_q), compute(P, Q)
    for value, want in zip(masked, plain, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dime_objective("kl", jnp.ones(3), jnp.ones(3)), "unknown name 'kl'"),
        (lambda: dime_log_ratio("kl", jnp.ones(3)), "unknown name 'kl'"),
        (lambda: dime_objective("kl_dime", jnp.ones((3, 1)), jnp.ones(3)), "scores_p"),
        (lambda: dime_read_out("kl_dime", jnp.ones((3, 1))), "scores_p"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
