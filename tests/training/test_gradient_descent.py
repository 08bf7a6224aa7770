"""Gradient descent: the optimizer's updates, running statistics, and the stop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.training import make_gradient_descent, train

KEY = jax.random.key(0)
RATE = 0.1
PARAMS = {"one": {"w": jnp.zeros(2), "mean": jnp.zeros(2)}, "two": jnp.array(3.0)}


def _loss(key, params, batch):
    del key
    value = jnp.sum((params["one"]["w"] - batch) ** 2) + params["two"] ** 2
    return value, {"one": {"mean": batch}}


DESCENT = make_gradient_descent(lambda key, batch: PARAMS, _loss, optax.sgd(RATE))


def test_a_step_applies_the_optimizer_and_takes_the_statistics():
    batch = jnp.array([1.0, -2.0])
    state, info = jax.jit(DESCENT.step)(KEY, DESCENT.init(KEY, batch), batch)
    assert info.loss == 5 + 9
    assert not info.is_stopped
    np.testing.assert_allclose(state.params["one"]["w"], 2 * RATE * batch)
    np.testing.assert_array_equal(state.params["one"]["mean"], batch)
    np.testing.assert_allclose(state.params["two"], 3 - 2 * RATE * 3)
    assert (state.step, state.stopped_at) == (1, -1)


def test_it_stops_for_good_at_an_update_that_is_not_finite():
    good = DESCENT.step(KEY, DESCENT.init(KEY, jnp.ones(2)), jnp.ones(2))[0]
    bad, info = DESCENT.step(KEY, good, jnp.array([jnp.nan, 1.0]))
    assert info.is_stopped
    after = DESCENT.step(KEY, bad, jnp.ones(2))[0]
    assert (after.step, after.stopped_at) == (3, 1)
    jax.tree.map(np.testing.assert_array_equal, after.params, good.params)


def test_the_loop_takes_it_to_the_minimum():
    run = train(
        KEY,
        DESCENT.init(KEY, jnp.ones(2)),
        sample_batch=lambda key: (key, jnp.ones(2)),
        step=DESCENT.step,
        num_steps=60,
        eval_every=30,
    )
    np.testing.assert_allclose(run.state.params["one"]["w"], 1, atol=1e-4)
    assert run.history.loss.shape == (2,)
