"""Generators, and networks that stretch nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import networks
from jaxinfo.core.types import Network

KEY = jax.random.key(0)


def _run(network, x):
    """Its parameters and what it makes of x, by one program."""

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


def test_a_generator_may_standardise_hidden_units_over_the_batch():
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


def test_the_gaussian_generator_is_standard_normal_at_first():
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


def test_spectral_normalisation_leaves_zeros_alone():
    linear = Network(lambda key, x: {"w": jnp.zeros((3, 2))}, lambda p, x: x @ p["w"])
    network = networks.spectrally_normalized(linear)
    slope = jax.jit(jax.grad(lambda p: network.apply(p, jnp.ones((1, 3))).sum()))
    np.testing.assert_array_equal(slope({"w": np.zeros((3, 2), np.float32)})["w"], 1)


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (3, 3, 4, 5)])
def test_spectral_normalisation_divides_by_the_largest_singular_value(shape):
    kernel = _normal(*shape)
    linear = Network(lambda key, x: {"kernel": x}, lambda p, x: p["kernel"])
    network = networks.spectrally_normalized(linear, num_iterations=200)
    _, given = _run(network, kernel)
    matrix = np.reshape(kernel, (-1, shape[-1]))
    np.testing.assert_allclose(given, kernel / np.linalg.norm(matrix, 2), rtol=1e-4)


def test_a_normalised_network_stretches_nothing():
    critic = networks.spectrally_normalized(networks.discriminator((32, 32)))
    x = 3 * _normal(200, 4)

    @jax.jit
    def slopes(x):
        params = jax.tree.map(lambda p: 5 * p, critic.init(KEY, x))
        slope = jax.vmap(jax.grad(lambda row: critic.apply(params, row[None])[0]))
        return slope(x)

    # Ten iterations leave the singular values a little too small.
    assert np.linalg.norm(slopes(x), axis=1).max() < 1.1


def test_the_slope_of_the_normalised_kernel_is_that_of_the_quotient():
    kernel = _normal(3, 4)
    linear = Network(lambda key, x: kernel, lambda params, x: params)
    network = networks.spectrally_normalized(linear, num_iterations=300)

    def normalized(k):
        return jnp.sum(jnp.sin(network.apply(k, k)))

    def exact(k):
        return jnp.sum(jnp.sin(k / jnp.linalg.norm(k, 2)))

    slope, expected = (jax.jit(jax.grad(f))(kernel) for f in (normalized, exact))
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-4)


def test_maxout_drops_units_in_training_alone():
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


def test_maxout_takes_the_largest_of_its_pieces():
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


@pytest.mark.slow
def test_convolutional_networks_fit_each_other():
    generator = networks.convolutional_generator((8, 12, 3), width=4)
    noise = jax.random.normal(KEY, (5, 6))
    images = generator.apply(generator.init(KEY, noise), noise)
    assert images.shape == (5, 8, 12, 3)
    assert ((images > 0) & (images < 1)).all()
    critic = networks.convolutional_discriminator(width=4)
    assert critic.apply(critic.init(KEY, images), images).shape == (5,)
    classifier = networks.convolutional_classifier(7, width=4)
    logits, embedding = classifier.apply(classifier.init(KEY, images), images)
    assert (logits.shape, embedding.shape) == ((5, 7), (5, 16))


def test_images_of_other_sizes_are_named():
    with pytest.raises(ValueError, match=r"image_shape .* got \(10, 12, 3\)"):
        networks.convolutional_generator((10, 12, 3))
