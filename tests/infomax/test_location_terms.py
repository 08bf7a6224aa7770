"""Losses of predicting locations: NumPy, features with coordinates, bad input."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import Network
from jaxinfo.infomax import coordinate_loss, displacement_loss

KEY = jax.random.key(0)


def _cross_entropy(logits, label):
    return np.log(np.sum(np.exp(logits))) - logits[label]


def test_the_coordinate_loss_matches_numpy():
    features, representations = (
        np.random.default_rng(2).normal(size=shape) for shape in ((2, 3, 2, 4), (2, 5))
    )
    weights = np.random.default_rng(3).normal(size=(9, 5))
    network = Network(lambda key, x: (), lambda params, x: x @ params)
    losses = []
    for n, i, j in np.ndindex(2, 3, 2):
        logits = np.concatenate([features[n, i, j], representations[n]]) @ weights
        losses.append(_cross_entropy(logits[:3], i) + _cross_entropy(logits[3:], j))
    with jax.enable_x64(True):
        compute = jax.jit(functools.partial(coordinate_loss, network))
        loss = compute(weights, features, representations)
        np.testing.assert_allclose(loss, np.mean(losses), rtol=1e-12)


def test_the_displacement_loss_is_zero_if_features_hold_their_coordinates():
    rows, columns = np.indices((3, 4))
    grid = np.stack([rows, columns], axis=-1).astype(np.float32)[None]
    representations = np.zeros((1, 1), np.float32)

    def find_loss(network):
        return jax.jit(displacement_loss, static_argnums=1)(
            KEY, network, (), grid, representations
        )

    def predict(params, x):
        row, column = (x[:, :2] - x[:, 2:4]).T
        return 50.0 * jnp.concatenate(
            [
                jax.nn.one_hot((row + 2).astype(int), 5),
                jax.nn.one_hot((column + 3).astype(int), 7),
            ],
            axis=1,
        )

    network = Network(lambda key, x: (), predict)
    np.testing.assert_allclose(find_loss(network), 0, atol=1e-6)
    blind = Network(lambda key, x: (), lambda params, x: jnp.zeros((len(x), 12)))
    np.testing.assert_allclose(find_loss(blind), np.log(5 * 7), rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 2, 2, 1), r"network must return 2 \+ 2 log-odds for each location"),
        ((2, 4, 1), "features must have 4 axes"),
    ],
)
def test_errors_name_the_argument(shape, message):
    network = Network(lambda key, x: (), lambda params, x: x)
    with pytest.raises(ValueError, match=message):
        coordinate_loss(network, (), np.ones(shape), np.ones((2, 1)))
