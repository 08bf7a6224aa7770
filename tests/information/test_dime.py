"""f-DIME against the paper's table in NumPy, and against the family it borrows from."""

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
    with jax.enable_x64(True):
        p, q = jnp.asarray(P), jnp.asarray(Q)
        np.testing.assert_allclose(dime_objective(name, p, q), objective, rtol=1e-12)
        np.testing.assert_allclose(dime_log_ratio(name, p), log_ratio, rtol=1e-12)
        np.testing.assert_allclose(
            dime_read_out(name, p), np.mean(log_ratio), rtol=1e-12
        )


@each_name
def test_the_best_critic_reads_out_the_log_ratio(name):
    """On two points with masses p and q the objective's maximum is where it should."""
    p, q = np.array([0.7, 0.3]), np.array([0.4, 0.6])
    with jax.enable_x64(True):
        v = jnp.zeros(2)
        gradient = jax.jit(jax.grad(lambda v: dime_objective(name, v, v, q, p)))
        for _ in range(3_000):
            v = v + 0.5 * gradient(v)
        np.testing.assert_allclose(dime_log_ratio(name, v), np.log(p / q), atol=1e-6)
        information = np.sum(p * np.log(p / q))
        np.testing.assert_allclose(dime_read_out(name, v, p), information, atol=1e-6)


def test_kl_dime_is_nwj_plus_the_excess_of_its_mean_density_ratio():
    p, q = jnp.asarray(P), jnp.asarray(Q)
    d = dime_log_ratio("kl_dime", p), dime_log_ratio("kl_dime", q)
    objective = dime_objective("kl_dime", p, q)
    np.testing.assert_allclose(
        objective, divergences.nwj_bound(1 + d[0], 1 + d[1]), rtol=1e-5
    )
    excess = jnp.mean(jnp.exp(d[1])) - 1
    np.testing.assert_allclose(
        dime_read_out("kl_dime", p), objective + excess, rtol=1e-4
    )


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
@pytest.mark.parametrize("size", [1e4, -1e4])
@each_name
def test_is_finite_at_extreme_scores(name, size, dtype):
    with jax.enable_x64(True):
        scores = jnp.full(4, size, dtype)
        value, slope = jax.value_and_grad(dime_read_out, argnums=1)(name, scores)
        assert value.dtype == dtype
        assert jnp.isfinite(value)
        assert jnp.isfinite(slope).all()
        if name != "hd_dime" or size > 0:  # Its 1 / D overflows by its nature.
            value, slopes = jax.value_and_grad(dime_objective, argnums=(1, 2))(
                name, scores, scores
            )
            assert jnp.isfinite(value)
            assert all(jnp.isfinite(slope).all() for slope in slopes)


@each_name
def test_masks(name):
    p, q = jnp.asarray(P), jnp.asarray(Q)
    padded = [jnp.append(z, jnp.nan) for z in (q, p)]
    where = [jnp.arange(len(z)) < len(z) - 1 for z in padded]
    np.testing.assert_allclose(
        dime_objective(name, padded[1], padded[0], *where),
        dime_objective(name, p, q),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        dime_read_out(name, padded[1], where[1]), dime_read_out(name, p), rtol=1e-5
    )


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
