"""The classifier of probes: dropout, batch normalization, settings."""

import jax
import numpy as np
import pytest

from jaxinfo.core.types import with_statistics
from jaxinfo.networks import probe_classifier

KEY = jax.random.key(0)
X = 1 + 2 * np.asarray(jax.random.normal(KEY, (32, 3, 2)))


def test_dropout_and_batch_statistics_apply_in_training_only():
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
    logits = np.asarray(apply(params, X))
    np.testing.assert_allclose(apply(params, 3 * X), 3 * logits, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_classes": 0}, "num_classes must be a positive"),
        ({"num_classes": 2, "dropout": 1.0}, "dropout must lie in"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        probe_classifier(settings.pop("num_classes"), **settings)
