"""Training until the loss has stopped falling: counts, the state kept, seeds alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training import train_with_patience

# Losses of a training that stalls twice, the second time for good.
LOSSES = jnp.array([5.0, 4, 6, 6, 3, 7, 7, 7, 1, 1])


def _step(key, state):
    del key
    return state + 1, LOSSES[state]


def _run(patience, max_steps=10):
    return jax.jit(
        lambda key: train_with_patience(
            key, jnp.zeros((), int), step=_step, max_steps=max_steps, patience=patience
        )
    )(jax.random.key(0))


@pytest.mark.parametrize(
    ("patience", "best", "steps"), [(1, 1, 3), (2, 1, 4), (3, 4, 8), (4, 8, 10)]
)
def test_it_ends_after_as_many_updates_without_a_lower_loss(patience, best, steps):
    run = _run(patience)
    assert (run.best_step, run.num_steps) == (best, steps)
    # The state whose loss was the lowest, not the one after it.
    assert run.state == best
    np.testing.assert_array_equal(run.history[:steps], LOSSES[:steps])
    assert np.isnan(run.history[steps:]).all()


def test_the_most_updates():
    run = _run(5, max_steps=3)
    assert (run.best_step, run.num_steps) == (1, 3)


def test_what_is_not_finite_is_never_best():
    losses = jnp.array([3.0, jnp.nan, jnp.nan, jnp.nan])
    run = jax.jit(
        lambda key: train_with_patience(
            key,
            jnp.zeros((), int),
            step=lambda key, state: (state + 1, losses[state]),
            max_steps=4,
            patience=2,
        )
    )(jax.random.key(0))
    assert (run.state, run.num_steps) == (0, 3)


def test_smoothing_watches_the_running_mean_of_finite_losses():
    patience = 1  # By the losses themselves it would end after three.
    losses = np.array([5, 4, 4.5, 3.5, np.nan, 3, 6, 2, 7, 7], np.float32)

    def step(key, state):
        del key
        return state + 1, jnp.asarray(losses)[state]

    run = jax.jit(
        lambda key: train_with_patience(
            key,
            jnp.zeros((), int),
            step=step,
            max_steps=10,
            patience=patience,
            smoothing=0.75,
        )
    )(jax.random.key(0))
    means, mean = [], losses[0]
    for loss in losses:
        mean = mean if np.isnan(loss) else 0.75 * mean + 0.25 * loss
        means.append(mean)
    lowest, num_steps = 0, 0
    while num_steps < len(means) and num_steps - lowest <= patience:
        lowest = num_steps if means[num_steps] < means[lowest] else lowest
        num_steps += 1
    assert (run.state, run.best_step, run.num_steps) == (lowest, lowest, num_steps)


@pytest.mark.parametrize("over", ["vmap", "map"])
def test_seeds_end_in_their_own_time(over):
    def step(key, state):
        slope = jnp.sign(state - 3) + 0.3 * jax.random.normal(key)
        return state - slope, jnp.abs(state - 3)

    def run(key):
        return train_with_patience(
            key, 10 * jax.random.uniform(key), step=step, max_steps=40, patience=3
        )

    keys = jax.random.split(jax.random.key(0), 4)
    together = {
        "vmap": jax.jit(jax.vmap(run)),
        "map": jax.jit(lambda keys: jax.lax.map(run, keys)),
    }[over](keys)
    alone = [jax.jit(run)(key) for key in keys]
    assert len(set(together.num_steps.tolist())) > 1
    for i, one in enumerate(alone):
        assert together.num_steps[i] == one.num_steps
        np.testing.assert_allclose(together.state[i], one.state, rtol=1e-5)


def test_bad_counts_are_named():
    with pytest.raises(ValueError, match="patience must be a positive"):
        _run(0)
    with pytest.raises(ValueError, match="max_steps must be a positive"):
        _run(1, max_steps=0)
    with pytest.raises(ValueError, match=r"smoothing must lie in \[0, 1\), got 1"):
        train_with_patience(
            jax.random.key(0),
            jnp.zeros((), int),
            step=_step,
            max_steps=1,
            patience=1,
            smoothing=1,
        )
