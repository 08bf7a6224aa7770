"""Trainings of Deep InfoMax: seeds of a sweep, and resuming."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.infomax import (
    train_deep_infomax,
)
from jaxinfo.training import sweep
from tests.infomax.small_encoder import (
    IMAGES,
    KEY,
    make_small,
)


def _run(key, images):
    run = train_deep_infomax(
        key,
        make_small(optimizer=optax.adam(1e-2)),
        images,
        num_steps=40,
        batch_size=6,
        eval_every=20,
    )
    return run.state, run.history


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["map", "vmap"])
def test_a_seed_of_a_sweep_matches_the_seed_alone(layout):
    keys = jax.random.split(KEY, 3)
    with jax.enable_x64(True):
        images = IMAGES.astype(float)
        state, history = sweep(_run, keys, images, layout=layout)
        alone, _ = sweep(_run, keys[1:2], images, layout="map")
    assert history.loss.shape == (3, 2)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(
            a[1], b[0], rtol=0 if layout == "map" else 1e-10, atol=1e-12
        ),
        state.params,
        alone.params,
    )


@pytest.mark.slow
def test_a_training_resumed_halfway_matches_the_uninterrupted_one():
    def train(state, images):
        run = train_deep_infomax(
            KEY,
            make_small(),
            images,
            num_steps=20,
            batch_size=6,
            eval_every=20,
            state=state,
        )
        return run.state

    images = jnp.asarray(IMAGES)
    half = jax.jit(train)(None, images)
    whole, _ = jax.jit(_run_plain)(images)
    jax.tree.map(np.testing.assert_array_equal, jax.jit(train)(half, images), whole)


def _run_plain(images):
    run = train_deep_infomax(
        KEY, make_small(), images, num_steps=40, batch_size=6, eval_every=20
    )
    return run.state, run.observed
