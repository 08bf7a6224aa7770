"""The two policies for updates that are not finite: skip one, or stop for good."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.numerics import all_finite
from jaxinfo.training import skip_nonfinite, stop_at_nonfinite, train

KEY = jax.random.key(0)


class State(NamedTuple):
    step: jax.Array
    total: jax.Array
    stopped_at: jax.Array


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_skipped_update_leaves_the_whole_state(bad):
    state = {"total": jnp.array(2.0), "count": jnp.array(3)}
    for added, expected in ((bad, 2.0), (1.0, 3.0)):
        new_state = {"total": state["total"] + added, "count": state["count"] + 1}
        found = skip_nonfinite(state, new_state, all_finite(new_state))
        assert found["total"] == expected
        assert found["count"] == 3 + (expected == 3.0)


def test_a_training_goes_on_after_skipped_updates_and_counts_them():
    def step(key, state, batch):
        del batch
        number = jax.random.uniform(key)
        new_state = state + jnp.where(number > 0.5, jnp.nan, 1.0)
        is_finite = jnp.isfinite(new_state)
        return skip_nonfinite(state, new_state, is_finite), (~is_finite).astype(int)

    result = train(KEY, jnp.zeros(()), step=step, num_steps=95, eval_every=10)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(95))
    expected = (jax.vmap(jax.random.uniform)(keys) > 0.5).sum()
    assert 0 < expected < 95
    assert jnp.sum(result.history) == expected
    assert result.state == 95 - expected


def test_a_stopped_training_is_frozen_and_other_seeds_continue():
    def step(key, state, batch):
        del key, batch
        # Seed s starts at total 10 s and meets a NaN at 12, once.
        bad = jnp.where(state.total == 12, jnp.nan, 1.0)
        new_state = state._replace(total=state.total + bad)
        return stop_at_nonfinite(state, new_state, jnp.isfinite(new_state.total)), ()

    def run(total):
        zero = jnp.zeros((), int)
        return train(KEY, State(zero, total, zero - 1), step=step, num_steps=5).state

    found = jax.jit(jax.vmap(run))(jnp.array([0.0, 10.0, 20.0]))
    np.testing.assert_array_equal(found.total, [5, 12, 25])
    np.testing.assert_array_equal(found.stopped_at, [-1, 2, -1])
    np.testing.assert_array_equal(found.step, [5, 5, 5])


def test_a_stopped_training_takes_no_finite_update_later():
    state = State(jnp.array(7), jnp.array(1.0), jnp.array(4))
    new_state = state._replace(total=jnp.array(2.0))
    found = stop_at_nonfinite(state, new_state, jnp.array(True))
    assert found == (8, 1, 4)


def test_the_count_of_updates_is_not_batched_by_vmap():
    def one(total):
        state = State(jnp.zeros((), int), total, jnp.array(-1))
        new_state = state._replace(total=total + 1)
        after = stop_at_nonfinite(state, new_state, jnp.isfinite(total))
        return after.step, after.total

    steps, totals = jax.vmap(one, out_axes=(None, 0))(jnp.zeros(3))
    assert steps == 1
    assert totals.shape == (3,)
