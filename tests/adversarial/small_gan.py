"""A small GAN whose gradients can be written out."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.adversarial import (
    make_gan,
)
from jaxinfo.core.types import Network

KEY = jax.random.key(0)
BATCH = np.asarray(jax.random.normal(jax.random.key(1), (1, 8, 2))) + 1
GENERATOR = Network(
    lambda key, z: {"shift": jnp.zeros(2), "scale": jnp.ones(2)},
    lambda params, z: params["shift"] + params["scale"] * z,
)
# Not linear, so that a gradient of the wrong loss would differ.
DISCRIMINATOR = Network(
    lambda key, x: {"w": jax.random.normal(key, (2,)), "b": jnp.zeros(())},
    lambda params, x: jnp.tanh(x @ params["w"] + params["b"]),
)


def make_small_gan(objective="non_saturating", **settings):
    defaults = {
        "generator_optimizer": optax.sgd(0.1),
        "discriminator_optimizer": optax.sgd(0.2),
        "noise_size": 2,
    }
    parts = [settings.pop("generator", GENERATOR)]
    parts += [settings.pop("discriminator", DISCRIMINATOR)]
    return make_gan(*parts, objective, **(defaults | settings))


def take_step(gan, batch=BATCH, key=KEY):
    """State before, state after and metrics of one step."""
    before = gan.init(jax.random.key(7), batch[0])
    return before, *jax.jit(gan.step)(key, before, batch)


def assert_close(tree, other, rtol=1e-5, atol=1e-6):
    chex.assert_trees_all_close(tree, other, rtol=rtol, atol=atol)
