"""MLPs against their formula."""

import jax
import numpy as np
import pytest

from jaxinfo import networks


@pytest.mark.parametrize(
    ("activation", "bend"),
    [(jax.nn.relu, lambda v: np.maximum(v, 0)), (jax.nn.tanh, np.tanh)],
    ids=["relu", "tanh"],
)
def test_an_mlp_alternates_dense_layers_and_activations(activation, bend):
    network = networks.mlp((4, 3), 2, activation=activation)
    rows = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    params = network.init(jax.random.key(0), rows)
    layers = params
    expected = rows
    for name in ("Dense_0", "Dense_1"):
        expected = bend(expected @ layers[name]["kernel"] + layers[name]["bias"])
    last = layers["Dense_2"]
    expected = expected @ last["kernel"] + last["bias"]
    found = network.apply(params, rows)
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_output_size_is_checked():
    with pytest.raises(ValueError, match="output_size must be a positive"):
        networks.mlp((4,), 0)
