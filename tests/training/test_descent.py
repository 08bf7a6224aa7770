"""The plain step: an optimizer's updates, running statistics, a stop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.training import make_descent, train_in_blocks

KEY = jax.random.key(0)
RATE = 0.1


def _loss(key, params, batch):
    del key
    value = jnp.sum((params["one"]["w"] - batch) ** 2) + params["two"] ** 2
    return value, {"one": {"mean": batch}}


PARAMS = {"one": {"w": jnp.zeros(2), "mean": jnp.zeros(2)}, "two": jnp.array(3.0)}


def test_a_step_is_the_optimizers_and_takes_statistics():
    start, step = make_descent(_loss, optax.sgd(RATE))
    batch = jnp.array([1.0, -2.0])
    state, value = jax.jit(step)(KEY, start(PARAMS), batch)
    assert value == 5 + 9
    np.testing.assert_allclose(state.params["one"]["w"], 2 * RATE * batch)
    np.testing.assert_array_equal(state.params["one"]["mean"], batch)
    np.testing.assert_allclose(state.params["two"], 3 - 2 * RATE * 3)
    assert (state.step, state.stopped_at) == (1, -1)


def test_it_stops_for_good_at_what_is_not_finite():
    start, step = make_descent(_loss, optax.sgd(RATE))
    good = step(KEY, start(PARAMS), jnp.ones(2))[0]
    bad = step(KEY, good, jnp.array([jnp.nan, 1.0]))[0]
    after = step(KEY, bad, jnp.ones(2))[0]
    assert (after.step, after.stopped_at) == (3, 1)
    jax.tree.map(np.testing.assert_array_equal, after.params, good.params)


def test_it_runs_in_blocks_to_the_minimum():
    start, step = make_descent(_loss, optax.sgd(RATE))
    run = train_in_blocks(
        KEY,
        KEY,
        start(PARAMS),
        draw=lambda key: jnp.ones(2),
        step=step,
        num_steps=60,
        eval_every=30,
    )
    np.testing.assert_allclose(run.state.params["one"]["w"], 1, atol=1e-4)
    assert run.history.shape == (2,)
