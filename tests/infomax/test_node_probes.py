"""Logistic regression of features of nodes: scikit-learn, the protocol, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from jaxinfo.infomax import LabeledData, f1_scores, node_probe
from jaxinfo.infomax.node_probes import _Run

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("predicted", [RNG.integers(0, 3, 50), np.zeros(50, int)])
def test_f1_scores_match_scikit_learn(predicted):
    labels = RNG.integers(0, 4, 50)
    found = f1_scores(jnp.asarray(predicted), jnp.asarray(labels), num_classes=4)
    expected = [
        f1_score(labels, predicted, average=kind, labels=range(4), zero_division=0)
        for kind in ("macro", "micro")
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def _labeled(n, num_classes, gap):
    labels = np.arange(n) % num_classes
    means = gap * np.eye(num_classes, 8)
    return LabeledData(
        jnp.asarray(means[labels] + RNG.normal(size=(n, 8)), jnp.float32), labels
    )


@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_node_probe_matches_logistic_regression_of_scikit_learn(num_classes):
    train, validation, test = (_labeled(n, num_classes, 2.0) for n in (60, 300, 600))
    found = node_probe(
        jax.random.key(0), train, validation, test, learning_rate=0.05, num_seeds=5
    )
    other = LogisticRegression().fit(*train).score(*test)
    assert abs(found["micro_f1"].value - 100 * other) < 3
    assert abs(found["macro_f1"].value - found["micro_f1"].value) < 1
    assert found["auc"].value > found["micro_f1"].value
    assert found["auc"].per_seed.shape == (5,)
    assert found["auc"].protocol["num_validation"] == 300


def test_scores_of_noise_are_at_chance():
    parts = [_labeled(n, 3, 0.0) for n in (60, 300, 600)]
    found = node_probe(jax.random.key(0), *parts, num_seeds=5, num_steps=20)
    assert abs(found["auc"].value - 50) < 8
    assert abs(found["micro_f1"].value - 100 / 3) < 8


def test_errors_name_the_set():
    good = _labeled(30, 3, 1.0)
    key = jax.random.key(0)
    short = LabeledData(good.features, good.labels[:-1])
    with pytest.raises(ValueError, match="test must have a label for each of its 30"):
        node_probe(key, good, good, short)
    poor = LabeledData(good.features, np.minimum(good.labels, 1))
    with pytest.raises(ValueError, match="train labels must have every class below 3"):
        node_probe(key, poor, good, good)
    wrong = LabeledData(good.features, good.labels - 1)
    with pytest.raises(ValueError, match="test labels must not be negative, got -1"):
        node_probe(key, good, good, wrong)
    with pytest.raises(ValueError, match="num_steps must be a positive"):
        node_probe(key, good, good, good, num_steps=0)


def test_arrays_are_broadcast_explicitly():
    data = LabeledData(jnp.ones((6, 2)), jnp.arange(6) % 3)
    with jax.numpy_rank_promotion("raise"):
        macro, micro = f1_scores(data.labels, data.labels, num_classes=3)
        found = _Run(3, 2)(jax.random.key(0), data, data, data, 0.1)
    assert macro == micro == 1
    assert found.probabilities.shape == (6, 3)
