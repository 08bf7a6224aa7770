"""The maxout discriminator: dropout, units, settings."""

import jax
import numpy as np
import pytest

from jaxinfo import networks

KEY = jax.random.key(0)


def _run(network, x):
    """The initial parameters and the output, by one program."""

    def compute(x):
        params = network.init(KEY, x)
        return params, network.apply(params, x)

    return jax.device_get(jax.jit(compute)(x))


def _normal(*shape):
    return np.asarray(jax.random.normal(KEY, shape))


def test_maxout_applies_dropout_in_training_only():
    network = networks.maxout_discriminator((6, 5), num_pieces=3)
    x = _normal(4, 2, 3)
    params, scores = _run(network, x)
    assert scores.shape == (4,)
    apply, train = jax.jit(network.apply), jax.jit(network.apply_train)
    np.testing.assert_array_equal(apply(params, x), apply(params, x))
    noisy = [train(jax.random.key(i), params, (), x) for i in (0, 1, 1)]
    assert noisy[0][1] == {}
    assert not np.allclose(noisy[0][0], noisy[1][0])
    np.testing.assert_array_equal(noisy[1][0], noisy[2][0])


def test_a_maxout_unit_is_the_maximum_of_its_pieces():
    network = networks.maxout_discriminator((2,), num_pieces=3, init_scale=0.5)
    x = _normal(4, 3)
    params, scores = _run(network, x)
    kernels = [params["params"][f"Dense_{i}"]["kernel"] for i in (0, 1)]
    assert np.abs(kernels[0]).max() <= 0.5
    pieces = (x @ kernels[0]).reshape(4, 2, 3)
    expected = pieces.max(axis=2) @ kernels[1][:, 0]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_maxout_settings_are_checked():
    with pytest.raises(ValueError, match="dropout"):
        networks.maxout_discriminator(dropout=1.0)
    with pytest.raises(ValueError, match="num_pieces"):
        networks.maxout_discriminator(num_pieces=0)
