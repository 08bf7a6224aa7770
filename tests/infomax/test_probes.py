"""Probes of labels: digits, noise, agreement with scikit-learn, bad input."""

import sys

import jax
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from jaxinfo.core.types import Network
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


@pytest.mark.parametrize("name", PROBES)
def test_accuracy_is_high_on_digits_and_at_chance_on_noise(name):
    found = PROBES[name](TRAIN, TEST)
    assert found.value > 90
    assert found.value == np.mean(found.per_seed)
    assert found.protocol["num_train"] == 1_000
    assert found.protocol["num_features"] == 64
    chance = PROBES[name](*map(_with_noise_features, (TRAIN, TEST)))
    # Five standard deviations of the share of correct rows among 797, for ten classes.
    assert abs(chance.value - 10) < 500 * np.sqrt(0.09 / 797)


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


def test_probes_ignore_the_scale_and_the_shape_of_features():
    images = LabeledData(1e3 * TRAIN.features.reshape(-1, 8, 8) + 7, TRAIN.labels)
    seen = LabeledData(1e3 * TEST.features.reshape(-1, 8, 8) + 7, TEST.labels)
    first = nearest_neighbors_probe(images, seen)
    assert first.value == nearest_neighbors_probe(TRAIN, TEST).value


def test_clusters_match_classes_that_are_far_apart():
    labels = np.arange(60) % 3
    noise = np.random.default_rng(0).normal(size=(60, 2))
    near = LabeledData(10.0 * np.eye(3)[labels][:, :2] + 0.1 * noise, labels)
    found = clustering_probe(KEY, near, num_seeds=5)
    assert found["nmi"].value == pytest.approx(1)
    assert found["ari"].value == pytest.approx(1)
    none = clustering_probe(KEY, LabeledData(noise, labels))
    assert none["ari"].value < 0.2
    assert none["nmi"].protocol["num_clusters"] == 3


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


def test_num_steps_must_be_a_multiple_of_num_evals():
    with pytest.raises(ValueError, match="num_steps must be a multiple of num_evals"):
        network_probe(KEY, LINEAR, TRAIN, TEST, num_steps=30)


def test_the_spread_of_one_run_is_nan():
    assert np.isnan(nearest_neighbors_probe(TRAIN, TEST).spread)


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
