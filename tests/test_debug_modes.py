"""Every kind of call runs under JAX's checks of ranks, infinities and NaN."""

import jax
import jax.numpy as jnp
import pytest

from jaxinfo.estimation import TrainConfig, Variational
from jaxinfo.training import train
from tests.calls import CALLS, CRITIC, X, Y, each_call


@pytest.mark.slow
@each_call
def test_a_call_passes_the_checks_of_jax(name):
    with (
        jax.numpy_rank_promotion("raise"),
        jax.debug_nans(True),
        jax.debug_infs(True),
    ):
        jax.block_until_ready(CALLS[name](jax.random.key(0)))


@pytest.mark.slow
def test_a_run_that_stops_early_passes_the_checks_of_jax():
    config = TrainConfig(num_steps=60, num_seeds=2, eval_every=2, patience=2)
    # A rate this large makes the second validation worse.
    estimator = Variational(
        "nwj", critic=CRITIC, train=config, settings={"learning_rate": 1.0}
    )
    with jax.debug_nans(True), jax.debug_infs(True):
        estimate = estimator(jax.random.key(0), X, Y)
    values = estimate.diagnostics.history.values
    assert jnp.isnan(values).any(), "the history ends in NaN"


def test_a_nan_of_the_users_step_is_still_found():
    def step(key, state, batch):
        del key, batch
        return jnp.log(state - 2), ()

    def run(key, state):
        return train(key, state, step=step, num_steps=2).state

    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        jax.jit(run)(jax.random.key(0), jnp.ones(()))
