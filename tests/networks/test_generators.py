"""Generators: shapes, batch standardization, the Gaussian generator."""

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


def test_a_generator_gives_samples_of_any_shape():
    network = networks.generator((16,), (4, 3), output_activation=jax.nn.sigmoid)
    _, samples = _run(network, _normal(5, 7))
    assert samples.shape == (5, 4, 3)
    assert ((samples > 0) & (samples < 1)).all()


def test_a_generator_may_standardize_hidden_units_over_the_batch():
    network = networks.generator(
        (6,), (2,), normalizes_batch=True, activation=lambda x: x, init_scale=0.1
    )
    noise = 3 + _normal(50, 4)
    params, found = _run(network, noise)
    assert np.abs(params["Dense_0"]["kernel"]).max() <= 0.1
    hidden = noise @ params["Dense_0"]["kernel"]
    hidden = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    expected = hidden @ params["Dense_1"]["kernel"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_gaussian_generator_is_initially_standard_normal():
    network = networks.gaussian_generator(2)
    noise = _normal(5, 2)
    params, found = _run(network, noise)
    np.testing.assert_array_equal(found, noise)
    moved = {"mean": np.float32([1, 2]), "log_sd": np.log(np.float32([3, 4]))}
    assert jax.tree.structure(moved) == jax.tree.structure(params)
    np.testing.assert_allclose(
        network.apply(moved, noise), np.float32([1, 2]) + np.float32([3, 4]) * noise
    )
    with pytest.raises(ValueError, match="noise must have the Gaussian's 2 coord"):
        network.init(KEY, noise[:, :1])
