"""Probes of labels: digits, noise, agreement with scikit-learn, bad input."""

import sys

import jax
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits

from jaxinfo.infomax import (
    LabeledData,
    clustering_probe,
    linear_svm_probe,
    nearest_neighbors_probe,
    network_probe,
    node_probe,
    probe_accuracy,
)
from jaxinfo.networks import mlp
from tests.marks import slowly

KEY = jax.random.key(0)
DIGITS = load_digits()
ORDER = np.random.default_rng(0).permutation(len(DIGITS.data))
PIXELS, CLASSES = DIGITS.data[ORDER].astype(np.float32), DIGITS.target[ORDER]
TRAIN = LabeledData(PIXELS[:1_000], CLASSES[:1_000])
TEST = LabeledData(PIXELS[1_000:], CLASSES[1_000:])
LINEAR = mlp((), 10)


def _with_noise_features(labeled):
    noise = np.random.default_rng(len(labeled.labels)).normal(
        size=(len(labeled.labels), 5)
    )
    return LabeledData(noise.astype(np.float32), labeled.labels)


NETWORK = {"num_steps": 600, "num_seeds": 2}
PROBES = {
    "linear": lambda train, test: network_probe(KEY, LINEAR, train, test, **NETWORK),
    "hidden": lambda train, test: network_probe(
        KEY, mlp((50,), 10), train, test, **NETWORK
    ),
    "support_vectors": lambda train, test: linear_svm_probe(
        KEY, train, test, num_seeds=2
    ),
    "nearest_neighbors": nearest_neighbors_probe,
}


@pytest.mark.parametrize(
    "name", [slowly(name) if name == "hidden" else name for name in PROBES]
)
def test_accuracy_is_high_on_digits_and_at_chance_on_noise(name):
    found = PROBES[name](TRAIN, TEST)
    assert found.value > 90
    assert found.value == np.mean(found.per_seed)
    assert found.protocol["num_train"] == 1_000
    assert found.protocol["num_features"] == 64
    chance = PROBES[name](*map(_with_noise_features, (TRAIN, TEST)))
    # Five standard deviations of the share of correct rows among 797, for ten classes.
    assert abs(chance.value - 10) < 500 * np.sqrt(0.09 / 797)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            LabeledData(PIXELS[:5], CLASSES[:4]),
            TEST,
            "train must have a label for each",
        ),
        (
            TRAIN,
            LabeledData(PIXELS[:5], CLASSES[:4]),
            "test must have a label for each",
        ),
        (
            LabeledData(PIXELS[:0], CLASSES[:0]),
            TEST,
            "train must have features with rows",
        ),
        (
            TRAIN,
            LabeledData(PIXELS[:5, :3], CLASSES[:5]),
            "same number of features",
        ),
        (
            TRAIN,
            LabeledData(PIXELS[:5], CLASSES[:5] / 2),
            "labels must be integers",
        ),
        (
            TRAIN,
            LabeledData(PIXELS[:5], CLASSES[:5, None]),
            "test labels must have 1 axis",
        ),
    ],
)
@pytest.mark.parametrize("name", PROBES)
def test_errors_name_the_set(name, train, test, message):
    with pytest.raises(ValueError, match=message):
        PROBES[name](train, test)


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("sklearn.svm", lambda: linear_svm_probe(KEY, TRAIN, TEST)),
        ("sklearn.neighbors", lambda: nearest_neighbors_probe(TRAIN, TEST)),
        ("sklearn.cluster", lambda: clustering_probe(KEY, TRAIN)),
        ("sklearn.metrics", lambda: node_probe(KEY, TRAIN, TRAIN, TEST)),
    ],
)
def test_a_missing_scikit_learn_is_an_error_with_the_command(module, call, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "jaxinfo\[cli\]"'):
        call()


def test_arrays_are_broadcast_explicitly():
    settings = {"optimizer": optax.adam(1e-2), "num_steps": 20, "batch_size": 32}
    with jax.numpy_rank_promotion("raise"):
        accuracy = probe_accuracy(KEY, LINEAR, TRAIN, TEST, **settings)
    assert 0 <= accuracy <= 100
