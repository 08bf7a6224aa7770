"""A small encoder of images, and critics and terms of its representations."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.types import Critic, Network
from jaxinfo.infomax import (
    LocalTerm,
    PriorTerm,
    make_deep_infomax,
)

IMAGES = np.random.default_rng(0).normal(size=(12, 2, 2, 3)).astype(np.float32)
KEY = jax.random.key(0)


def init_encoder(key, images):
    return {"w": jax.random.normal(key, (3, 2)), "v": jnp.ones((2, 2)) / 3}


def encode(params, images):
    features = jnp.tanh(images @ params["w"])
    return features, jnp.mean(features, axis=(1, 2)) @ params["v"]


ENCODER = Network(init_encoder, encode)
DOT = Critic(
    lambda key, x, y: {"scale": jnp.ones(x.shape[1:])},
    lambda params, x, y: jnp.sum(params["scale"][None] * x * y, axis=1),
    lambda params, x, y: (params["scale"][None] * x) @ y.T,
)

GLOBAL = Critic(
    lambda key, x, y: jnp.ones((x.shape[1], y.shape[1])) / 9,
    lambda params, x, y: jnp.sum(x @ params * y, axis=1),
    lambda params, x, y: x @ params @ y.T,
)

PRIOR = Network(lambda key, y: jnp.ones(2), lambda params, y: jnp.sin(y @ params))
SGD = optax.sgd(0.1)
LOCAL = LocalTerm(DOT)


def make_small(*terms, **settings):
    settings = {"optimizer": SGD} | settings
    return make_deep_infomax(
        ENCODER, terms=terms or [LOCAL, PriorTerm(PRIOR)], **settings
    )


def init_small(infomax):
    return jax.jit(infomax.init)(KEY, IMAGES)
