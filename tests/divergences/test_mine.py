"""The objective of MINE: its definition, first gradient and scans."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences as d

from .table import (
    mine_objective,
)

RNG = np.random.default_rng(0)
P, Q = RNG.normal(0.6, 0.8, 6), RNG.normal(-0.2, 0.9, 8)


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def close(got, want, tolerance=1e-5, name=""):
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=name)


def numpy_mine(batches, decay):
    """Value and gradients of each step, from the definition."""
    average, out = 0.0, []
    for step, (p, q) in enumerate(batches, start=1):
        average = decay * average + (1 - decay) * np.exp(q).mean()
        corrected = average / (1 - decay**step)
        gradients = np.full(len(p), 1 / len(p)), -np.exp(q) / len(q) / corrected
        out.append((p.mean() - np.log(np.exp(q).mean()), *gradients))
    return out


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_mine_matches_its_definition_in_numpy(decay, x64):
    rng = np.random.default_rng(3)
    batches = [(rng.normal(1, 1, 5), rng.normal(0, 2, 7)) for _ in range(4)]
    state = d.mine_init()

    @jax.jit
    def update(state, p, q):
        def objective(p, q):
            return d.mine_update(state, p, q, decay=decay)

        return jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)(p, q)

    for (p, q), (value, gradient_p, gradient_q) in zip(
        batches, numpy_mine(batches, decay), strict=True
    ):
        (got, state), gradients = update(state, p, q)
        close(got, value, 1e-12)
        close(gradients[0], gradient_p, 1e-12)
        close(gradients[1], gradient_q, 1e-12)


def test_first_gradient_of_mine_is_that_of_donsker_varadhan(x64):
    bounds = mine_objective, d.donsker_varadhan_bound
    run = jax.jit(lambda p, q: [jax.grad(b, argnums=1)(p, q) for b in bounds])
    close(*run(P, Q), 1e-12)


def test_mine_scans_and_maps_over_decay_with_one_trace():
    p, q = jnp.asarray(P, jnp.bfloat16), jnp.asarray(Q, jnp.bfloat16)

    @jax.jit
    @jax.vmap
    @chex.assert_max_traces(n=1)
    def run(decay):
        def step(state, _):
            objective, state = d.mine_update(state, p, q, decay=decay)
            return state, objective

        return jax.lax.scan(step, d.mine_init(), None, length=5)

    state, objectives = run(jnp.asarray([0.5, 0.99]))
    assert state.log_denominator.dtype == jnp.float32
    assert objectives.dtype == jnp.bfloat16
    np.testing.assert_array_equal(state.num_batches, [5, 5])
    chex.assert_tree_all_finite(state)
    # With the same batch at each step the average is that of the batch.
    correction = np.log(1 - np.asarray([0.5, 0.99]) ** 5)
    expected = np.log(np.exp(np.asarray(q, np.float32)).mean())
    np.testing.assert_allclose(
        state.log_denominator - correction, expected, rtol=0, atol=0.02
    )
