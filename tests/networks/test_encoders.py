"""Encoders: shapes of the paper, explicit statistics, input that is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import with_statistics
from jaxinfo.networks import (
    alexnet_encoder,
    convolutional_encoder,
    crop_encoder,
    residual_encoder,
)

KEY = jax.random.key(0)


def _shapes(network, image_shape):
    images = jnp.zeros((2, *image_shape))
    params = jax.eval_shape(network.init, KEY, images)
    return jax.eval_shape(network.apply, params, images)


@pytest.mark.parametrize(
    ("network", "image_shape", "features", "conv", "hidden"),
    [
        (convolutional_encoder((28, 28, 1)), (28, 28, 1), (7, 7, 128), 6_272, 1_024),
        (convolutional_encoder((32, 32, 3)), (32, 32, 3), (8, 8, 128), 4_096, 1_024),
        (convolutional_encoder((64, 64, 3)), (64, 64, 3), (8, 8, 256), 8_192, 1_024),
        (alexnet_encoder(), (64, 64, 3), (15, 15, 384), 9_408, 4_096),
        (residual_encoder(), (32, 32, 3), (8, 8, 512), 16_384, 1_024),
        (crop_encoder((32, 32, 3)), (32, 32, 3), (7, 7, 256), 6_400, 1_024),
        (
            crop_encoder((64, 64, 3), crop_size=16, stride=8),
            (64, 64, 3),
            (7, 7, 256),
            6_400,
            1_024,
        ),
    ],
)
def test_shapes_of_the_paper(network, image_shape, features, conv, hidden):
    encoding = _shapes(network, image_shape)
    assert encoding.features.shape == (2, *features)
    assert encoding.code.shape == (2, 64)
    assert encoding.conv.shape == (2, conv)
    assert encoding.hidden.shape == (2, hidden)


SMALL = {"width": 2, "hidden_size": 4, "code_size": 3}


def test_running_statistics_reach_those_of_the_batch():
    network = convolutional_encoder((28, 28, 1), **SMALL)
    images = jax.random.normal(KEY, (8, 28, 28, 1))
    params = jax.jit(network.init)(KEY, images)
    train = jax.jit(network.apply_train)
    apply = jax.jit(network.apply)
    before = apply(params, images)
    for _ in range(80):
        batch, statistics = train(KEY, params, (), images)
        params = with_statistics(params, statistics)
    after = apply(params, images)
    assert np.max(np.abs(before.code - batch.code)) > 0.1
    np.testing.assert_allclose(after.code, batch.code, rtol=0.1, atol=0.1)


def test_no_gradient_reaches_running_statistics():
    network = convolutional_encoder((28, 28, 1), **SMALL)
    images = jax.random.normal(KEY, (4, 28, 28, 1))
    params = jax.jit(network.init)(KEY, images)

    def loss(params):
        return jnp.sum(network.apply_train(KEY, params, (), images)[0].code ** 2)

    slope = jax.jit(jax.grad(loss))(params)
    assert not any(np.any(x) for x in jax.tree.leaves(slope["batch_stats"]))
    assert any(np.any(x) for x in jax.tree.leaves(slope["params"]))


@pytest.mark.parametrize("normalization", ["group", "none"])
def test_without_statistics_an_image_is_encoded_alone(normalization):
    network = crop_encoder((28, 28, 1), normalization=normalization, **SMALL)
    images = jax.random.normal(KEY, (4, 28, 28, 1))
    params = jax.jit(network.init)(KEY, images)
    assert list(params) == ["params"]
    encoding, state = jax.jit(network.apply_train)(KEY, params, (), images)
    assert with_statistics(params, state) == params
    alone = jax.jit(network.apply)(params, images[:1])
    np.testing.assert_allclose(encoding.code[:1], alone.code, rtol=1e-4, atol=1e-5)


def test_a_feature_of_a_crop_sees_its_crop_alone():
    network = crop_encoder(
        (16, 16, 1), crop_size=8, stride=4, normalization="none", **SMALL
    )
    images = np.asarray(jax.random.normal(KEY, (1, 16, 16, 1)))
    params, apply = jax.jit(network.init)(KEY, images), jax.jit(network.apply)
    changed = images.copy()
    changed[:, 12:, 12:] = 5.0
    first, second = (np.asarray(apply(params, x).features) for x in (images, changed))
    differs = np.any(first != second, axis=(0, 3))
    # Crops start at 0, 4 and 8: only the last of both axes reaches pixel 12.
    assert np.argwhere(differs).tolist() == [[2, 2]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convolutional_encoder((30, 30, 3)), "28, 32 or 64 pixels"),
        (lambda: convolutional_encoder((32, 32)), "height, width and channels"),
        (lambda: convolutional_encoder((32, 32, 3), width=0), "width"),
        (
            lambda: convolutional_encoder((32, 32, 3), normalization="layer"),
            "unknown normalization",
        ),
        (lambda: crop_encoder((32, 32, 3), crop_size=28), "3 x 3 crops"),
        (
            lambda: _shapes(convolutional_encoder((32, 32, 3)), (28, 28, 3)),
            "images must",
        ),
        (
            lambda: _shapes(convolutional_encoder((32, 32, 3)), (32, 32, 1)),
            "images must",
        ),
        (lambda: _shapes(convolutional_encoder((32, 32, 3)), (32, 32)), "images must"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
