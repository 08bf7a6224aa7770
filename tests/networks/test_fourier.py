"""Fourier features: values, parameters, dropout, settings."""

import chex
import jax
import numpy as np
import pytest

from jaxinfo import networks
from jaxinfo.core.types import Network

KEY = jax.random.key(0)


def test_features_are_sines_and_cosines_of_every_coordinate():
    identity = Network(lambda key, x: {}, lambda params, x: x)
    x = np.float32([[0.3, -2.0]])
    network = networks.with_fourier_features(identity, num_frequencies=2, lowest=0.5)
    found = jax.jit(network.apply)({}, x)
    angles = [0.15, 0.3, -1.0, -2.0]
    expected = np.concatenate([[0.3, -2.0], np.sin(angles), np.cos(angles)])
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_dropout_of_the_network_stays():
    maxout = networks.with_fourier_features(networks.maxout_discriminator((4, 4)))
    x = np.asarray(jax.random.normal(KEY, (5, 2)))
    params = jax.jit(maxout.init)(KEY, x)
    plain = jax.jit(maxout.apply)(params, x)
    chex.assert_shape(plain, (5,))
    scores, _ = jax.jit(maxout.apply_train)(KEY, params, {}, x)
    assert np.any(scores != plain)


@pytest.mark.parametrize(
    "settings", [{"num_frequencies": 0}, {"num_frequencies": 1.5}, {"lowest": 0.0}]
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        networks.with_fourier_features(networks.discriminator((4,)), **settings)
