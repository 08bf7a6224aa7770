"""Encoders of images: shapes of the paper, running statistics, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import with_statistics
from jaxinfo.networks import convolutional_encoder

KEY = jax.random.key(0)


def _shapes(network, image_shape):
    images = jnp.zeros((2, *image_shape))
    params = jax.eval_shape(network.init, KEY, images)
    return jax.eval_shape(network.apply, params, images)


@pytest.mark.parametrize(
    ("image_shape", "features", "conv"),
    [
        ((8, 8, 1), (4, 4, 128), 2_048),
        ((28, 28, 1), (7, 7, 128), 6_272),
        ((32, 32, 3), (8, 8, 128), 4_096),
        ((64, 64, 3), (8, 8, 256), 8_192),
    ],
)
def test_shapes_are_those_of_the_paper(image_shape, features, conv):
    encoding = _shapes(convolutional_encoder(image_shape), image_shape)
    assert encoding.features.shape == (2, *features)
    assert encoding.representation.shape == (2, 64)
    assert encoding.conv.shape == (2, conv)
    assert encoding.hidden.shape == (2, 1_024)


SMALL = {"width": 2, "hidden_size": 4, "representation_size": 3}


def test_running_statistics_converge_to_those_of_the_batch():
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
    assert np.max(np.abs(before.representation - batch.representation)) > 0.1
    np.testing.assert_allclose(
        after.representation, batch.representation, rtol=0.1, atol=0.1
    )


def test_no_gradient_reaches_running_statistics():
    network = convolutional_encoder((28, 28, 1), **SMALL)
    images = jax.random.normal(KEY, (4, 28, 28, 1))
    params = jax.jit(network.init)(KEY, images)

    def loss(params):
        return jnp.sum(
            network.apply_train(KEY, params, (), images)[0].representation ** 2
        )

    gradient = jax.jit(jax.grad(loss))(params)
    assert not any(np.any(x) for x in jax.tree.leaves(gradient["batch_stats"]))
    assert any(np.any(x) for x in jax.tree.leaves(gradient["params"]))


@pytest.mark.parametrize("normalization", ["group", "none"])
def test_without_batch_normalization_images_are_encoded_independently(normalization):
    network = convolutional_encoder((28, 28, 1), normalization=normalization, **SMALL)
    images = jax.random.normal(KEY, (4, 28, 28, 1))
    params = jax.jit(network.init)(KEY, images)
    assert list(params) == ["params"]
    encoding, state = jax.jit(network.apply_train)(KEY, params, (), images)
    assert with_statistics(params, state) == params
    alone = jax.jit(network.apply)(params, images[:1])
    np.testing.assert_allclose(
        encoding.representation[:1], alone.representation, rtol=1e-4, atol=1e-5
    )


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
        (
            lambda: convolutional_encoder((32, 32, 3), representation_size=0),
            "representation_size",
        ),
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
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
