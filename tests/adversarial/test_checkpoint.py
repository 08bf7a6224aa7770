"""Checkpoints of a GAN: trainings continue bit by bit, and need no data to sample."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.adversarial import (
    make_gan,
    restore_gan,
    save_gan,
    train_gan,
)
from jaxinfo.training import save_checkpoint

KEY = jax.random.key(0)
DATA = jax.random.normal(jax.random.key(1), (200, 2, 3))


def _gan(width=8):
    return make_gan(
        networks.generator((width,), (2, 3)),
        networks.discriminator((width,)),
        "non_saturating",
        generator_optimizer=optax.adam(1e-3),
        discriminator_optimizer=optax.adam(1e-3),
        noise_size=4,
        ema_decay=0.9,
    )


def _train_more(gan, num_seeds=None):
    def one(key, state):
        settings = {"num_steps": 5, "batch_size": 16, "eval_every": 5}
        return train_gan(key, gan, DATA, state=state, **settings).state

    if num_seeds is None:
        return jax.jit(functools.partial(one, KEY))
    many = jax.jit(jax.vmap(one))
    return functools.partial(many, jax.random.split(KEY, num_seeds))


@pytest.mark.slow
@pytest.mark.parametrize("num_seeds", [None, 3])
def test_a_restored_training_continues_exactly(tmp_path, num_seeds):
    gan = _gan()
    more = _train_more(gan, num_seeds)
    if num_seeds is None:
        start = gan.init(KEY, DATA)
    else:
        keys = jax.random.split(KEY, num_seeds)
        start = jax.vmap(gan.init, (0, None))(keys, DATA)
    first = more(start)
    save_gan(tmp_path, gan, first)
    resumed = restore_gan(tmp_path, _gan())
    chex.assert_trees_all_equal(resumed, first)
    chex.assert_trees_all_equal(more(resumed), more(first))


@pytest.mark.slow
def test_a_restored_state_is_sampled_without_data(tmp_path):
    gan = _gan()
    state = _train_more(gan)(gan.init(KEY, DATA))
    save_gan(tmp_path, gan, state)
    samples = gan.sample(KEY, restore_gan(tmp_path, gan), 7)
    assert samples.shape == (7, 2, 3)
    np.testing.assert_array_equal(samples, gan.sample(KEY, state, 7))


def test_another_game_is_named(tmp_path):
    save_gan(tmp_path, _gan(), _gan().init(KEY, DATA))
    with pytest.raises(ValueError, match="another structure"):
        restore_gan(tmp_path, _gan(width=9))
    state = jax.tree.map(lambda x: x[None, None], _gan().init(KEY, DATA))
    with pytest.raises(ValueError, match=r"state must have .* got axes \[1, 1\]"):
        save_gan(tmp_path / "many", _gan(), state)
    with pytest.raises(ValueError, match="holds no checkpoint"):
        restore_gan(tmp_path / "none", _gan())
    save_checkpoint(tmp_path / "other", {"w": jnp.zeros(2)}, step=1)
    with pytest.raises(ValueError, match="that is not of a GAN"):
        restore_gan(tmp_path / "other", _gan())
