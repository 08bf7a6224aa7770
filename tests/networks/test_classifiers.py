"""The probe's classifier, and modules that behave otherwise in training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jaxinfo.core.types import with_statistics
from jaxinfo.networks import from_linen_in_training, probe_classifier

KEY = jax.random.key(0)
X = 1 + 2 * np.asarray(jax.random.normal(KEY, (32, 3, 2)))


def test_it_drops_and_normalises_in_training_alone():
    network = probe_classifier(5, hidden_sizes=(16,))
    params = jax.jit(network.init)(KEY, X)
    apply, train = jax.jit(network.apply), jax.jit(network.apply_train)
    assert apply(params, X).shape == (32, 5)
    np.testing.assert_array_equal(apply(params, X), apply(params, X))
    runs = [train(jax.random.key(i), params, (), X) for i in (0, 1, 1)]
    assert not np.allclose(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(runs[1][0], runs[2][0])
    moved = with_statistics(params, runs[0][1])
    assert not np.allclose(apply(moved, X), apply(params, X))
    jax.tree.map(np.testing.assert_array_equal, moved["params"], params["params"])


def test_without_hidden_layers_it_is_linear():
    network = probe_classifier(2, hidden_sizes=(), dropout=0)
    params, apply = jax.jit(network.init)(KEY, X), jax.jit(network.apply)
    # The bias starts at 0.
    told = np.asarray(apply(params, X))
    np.testing.assert_allclose(apply(params, 3 * X), 3 * told, rtol=1e-4)


def test_equal_modules_are_one_network():
    assert probe_classifier(3) is probe_classifier(3)


def test_other_state_is_refused():
    class Counts(nn.Module):
        """Keeps a number of its own."""

        @nn.compact
        def __call__(self, x, *, is_training):
            self.variable("counter", "n", lambda: jnp.zeros(()))
            return x

    with pytest.raises(
        ValueError, match=r"keeps state beside its parameters \(counter"
    ):
        from_linen_in_training(Counts()).init(KEY, X)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_classes": 0}, "num_classes must be a positive"),
        ({"num_classes": 2, "dropout": 1.0}, "dropout must lie in"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        probe_classifier(settings.pop("num_classes"), **settings)
