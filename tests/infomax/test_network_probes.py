"""Probes by a network: agreement with scikit-learn, seeds, shared programs."""

import jax
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from jaxinfo.core.types import Network
from jaxinfo.infomax import (
    LabeledData,
    network_probe,
    probe_accuracy,
)
from jaxinfo.networks import mlp

KEY = jax.random.key(0)
DIGITS = load_digits()
ORDER = np.random.default_rng(0).permutation(len(DIGITS.data))
PIXELS, CLASSES = DIGITS.data[ORDER].astype(np.float32), DIGITS.target[ORDER]
TRAIN = LabeledData(PIXELS[:1_000], CLASSES[:1_000])
TEST = LabeledData(PIXELS[1_000:], CLASSES[1_000:])
LINEAR = mlp((), 10)


def test_the_linear_network_probe_matches_logistic_regression():
    mean, sd = TRAIN.features.mean(axis=0), TRAIN.features.std(axis=0)
    scale = np.where(sd > 0, sd, 1)
    known = LogisticRegression(max_iter=2_000, C=1.0)
    known.fit((TRAIN.features - mean) / scale, TRAIN.labels)
    expected = 100 * known.score((TEST.features - mean) / scale, TEST.labels)
    found = network_probe(
        KEY, LINEAR, TRAIN, TEST, optimizer=optax.adam(1e-2), num_steps=1_000
    )
    assert abs(found.value - expected) < 2


def test_probe_accuracy_under_vmap_matches_one_seed():
    settings = {"optimizer": optax.adam(1e-2), "num_steps": 40, "batch_size": 32}

    def run(key):
        return probe_accuracy(key, LINEAR, TRAIN, TEST, **settings)

    keys = jax.random.split(KEY, 2)
    both = jax.jit(jax.vmap(run))(keys)
    alone = jax.jit(run)(keys[1])
    # Rounding may change the class of two of 797 rows, an eighth of a percent each.
    np.testing.assert_allclose(both[1], alone, atol=0.25)
    assert both[0] != both[1]


def test_num_steps_must_be_a_multiple_of_num_evals():
    with pytest.raises(ValueError, match="num_steps must be a multiple of num_evals"):
        network_probe(KEY, LINEAR, TRAIN, TEST, num_steps=30)


def test_equal_network_probes_share_one_program():
    traces = []

    def apply(params, x):
        traces.append(x.shape)
        return LINEAR.apply(params, x)

    network = Network(LINEAR.init, apply)
    settings = {"num_steps": 20, "num_seeds": 1}
    first = network_probe(KEY, network, TRAIN, TEST, **settings)
    count = len(traces)
    second = network_probe(KEY, network, TRAIN, TEST, **settings)
    assert count > 0
    assert len(traces) == count
    assert first.value == second.value
