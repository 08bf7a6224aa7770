"""Probes: chance, a class that can be read, agreement with scikit-learn, input."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from jaxinfo.infomax import (
    LabeledData,
    clustering_probe,
    linear_svm_probe,
    nearest_neighbors_probe,
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


def _without_information(labeled):
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
def test_a_probe_reads_digits_and_nothing_from_noise(name):
    found = PROBES[name](TRAIN, TEST)
    assert found.value > 90
    assert found.value == np.mean(found.per_seed)
    assert found.protocol["num_train"] == 1_000
    assert found.protocol["num_features"] == 64
    chance = PROBES[name](*map(_without_information, (TRAIN, TEST)))
    # Ten classes; five standard deviations of a share of 797 rows.
    assert abs(chance.value - 10) < 500 * np.sqrt(0.09 / 797)


def test_the_linear_probe_agrees_with_scikit_learn():
    mean, sd = TRAIN.features.mean(axis=0), TRAIN.features.std(axis=0)
    scale = np.where(sd > 0, sd, 1)
    known = LogisticRegression(max_iter=2_000, C=1.0)
    known.fit((TRAIN.features - mean) / scale, TRAIN.labels)
    expected = 100 * known.score((TEST.features - mean) / scale, TEST.labels)
    found = network_probe(
        KEY, LINEAR, TRAIN, TEST, optimizer=optax.adam(1e-2), num_steps=1_000
    )
    assert abs(found.value - expected) < 2


def test_scale_and_shape_of_features_do_not_matter():
    images = LabeledData(1e3 * TRAIN.features.reshape(-1, 8, 8) + 7, TRAIN.labels)
    seen = LabeledData(1e3 * TEST.features.reshape(-1, 8, 8) + 7, TEST.labels)
    first = nearest_neighbors_probe(images, seen)
    assert first.value == nearest_neighbors_probe(TRAIN, TEST).value


def test_clusters_of_far_classes_are_the_classes():
    labels = np.arange(60) % 3
    noise = np.random.default_rng(0).normal(size=(60, 2))
    near = LabeledData(10.0 * np.eye(3)[labels][:, :2] + 0.1 * noise, labels)
    found = clustering_probe(KEY, near, num_seeds=5)
    assert found["nmi"].value == pytest.approx(1)
    assert found["ari"].value == pytest.approx(1)
    none = clustering_probe(KEY, LabeledData(noise, labels))
    assert none["ari"].value < 0.2
    assert none["nmi"].protocol["num_clusters"] == 3


def test_a_probe_is_a_program_of_many_seeds():
    settings = {"optimizer": optax.adam(1e-2), "num_steps": 40, "batch_size": 32}

    def run(key):
        return probe_accuracy(key, LINEAR, TRAIN, TEST, **settings)

    keys = jax.random.split(KEY, 2)
    both = jax.jit(jax.vmap(run))(keys)
    alone = jax.jit(run)(keys[1])
    # Rounding may turn two of the 797 rows, an eighth of a percent each.
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
        (TRAIN, LabeledData(PIXELS[:5, :3], CLASSES[:5]), "features of one size"),
        (TRAIN, LabeledData(PIXELS[:5], CLASSES[:5] / 2), "test labels must be whole"),
        (
            TRAIN,
            LabeledData(PIXELS[:5], CLASSES[:5, None]),
            "test labels must have 1 axes",
        ),
    ],
)
@pytest.mark.parametrize("name", PROBES)
def test_bad_sets_are_named(name, train, test, message):
    with pytest.raises(ValueError, match=message):
        PROBES[name](train, test)


def test_counts_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="num_steps must be a multiple of num_looks"):
        network_probe(KEY, LINEAR, TRAIN, TEST, num_steps=30)
    assert jnp.isnan(nearest_neighbors_probe(TRAIN, TEST).spread)
