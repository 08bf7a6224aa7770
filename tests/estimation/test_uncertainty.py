"""The standard error is the spread that fresh data show, shared rows included."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.estimation import make_divergence_run, make_run
from tests.marks import slowly

CORRELATION, NUM_ROWS, NUM_SETS = 0.8, 200, 400


def _exact_pointwise(params, x, y):
    rest = 1 - CORRELATION**2
    quadratic = (y - CORRELATION * x) ** 2 / rest - y**2
    return params - 0.5 * (quadratic + jnp.log(rest)).sum(axis=1)


def _pairs(key):
    key_x, key_noise = jax.random.split(key)
    x, noise = (jax.random.normal(k, (NUM_ROWS, 1)) for k in (key_x, key_noise))
    return x, CORRELATION * x + np.sqrt(1 - CORRELATION**2) * noise


def _compare(run, make_parts):
    """Spread over fresh data sets against the mean of the standard errors."""
    keys = jax.random.split(jax.random.key(0), NUM_SETS)

    def one(key):
        part = make_parts(key)
        result = run(key, part, part, part)
        squares = [psi.var(ddof=1) / len(psi) for psi in result.influence]
        return result.value, sum(squares)

    values, variances = jax.jit(jax.vmap(one))(keys)
    # The spread of 400 sets is known to 3.5 % and influence is of first order in 1/N.
    spread, claimed = float(values.std(ddof=1)), float(jnp.sqrt(variances.mean()))
    assert claimed == pytest.approx(spread, rel=0.12)


@pytest.mark.parametrize(
    "bound", ["donsker_varadhan", "info_nce", *map(slowly, ["nwj", "smile"])]
)
def test_of_mutual_information(bound):
    critic = (lambda key, x, y: jnp.zeros(()), _exact_pointwise)
    run = make_run(
        critic, bound=bound, optimizer=optax.sgd(0.0), num_steps=1, batch_size=50
    )
    _compare(run, _pairs)


@pytest.mark.parametrize("divergence", ["KL", "JENSEN_SHANNON", "SQUARED_HELLINGER"])
def test_of_divergences_of_samples_of_two_sizes(divergence):
    discriminator = (lambda key, x: jnp.zeros(()), lambda params, x: x[:, 0] - 0.5)

    def parts(key):
        key_p, key_q = jax.random.split(key)
        p = jax.random.normal(key_p, (NUM_ROWS, 1)) + 1
        return p, jax.random.normal(key_q, (2 * NUM_ROWS, 1))

    run = make_divergence_run(
        discriminator,
        divergence=divergence,
        optimizer=optax.sgd(0.0),
        num_steps=1,
        batch_size=50,
    )
    _compare(run, parts)
