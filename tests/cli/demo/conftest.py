"""Replacements of what the demo's stages compute."""

import numpy as np
import pytest

from jaxinfo.cli.demo import digit_representations, stages
from tests.fakes import make_estimate

NUM_DIGITS = 1_797


@pytest.fixture
def calls(monkeypatch):
    """Replaces the estimators and the training, and records calls of estimators."""
    made = []

    def estimate(key, x, y, *, estimator, divergence=None):
        made.append((key, np.asarray(x), np.asarray(y), estimator, divergence))
        return make_estimate(0.2, num_seeds=estimator.train.num_seeds)

    def fit_gaussians(run, keys):
        return np.array([[0.9, 1.7], [1.1, 1.9]])

    def probe(run, keys, pixels, labels, *, layout):
        assert pixels.shape == (NUM_DIGITS, 8, 8, 1)
        assert pixels.max() == 1
        return np.repeat([[96.0, 92.0, 95.0]], len(keys), axis=0)

    monkeypatch.setattr(stages, "estimate_mutual_information", estimate)
    monkeypatch.setattr(stages, "estimate_divergence", estimate)
    monkeypatch.setattr(stages, "sweep", fit_gaussians)
    monkeypatch.setattr(digit_representations, "sweep", probe)
    return made
