"""Probes by scikit-learn: nearest neighbors and clusters."""

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxinfo.infomax import (
    LabeledData,
    clustering_probe,
    nearest_neighbors_probe,
)

KEY = jax.random.key(0)
DIGITS = load_digits()
ORDER = np.random.default_rng(0).permutation(len(DIGITS.data))
PIXELS, CLASSES = DIGITS.data[ORDER].astype(np.float32), DIGITS.target[ORDER]
TRAIN = LabeledData(PIXELS[:1_000], CLASSES[:1_000])
TEST = LabeledData(PIXELS[1_000:], CLASSES[1_000:])


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


def test_the_spread_of_one_run_is_nan():
    assert np.isnan(nearest_neighbors_probe(TRAIN, TEST).spread)
