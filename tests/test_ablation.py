"""Variants of the default estimator: each is another value, and estimates."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.ablation.random_mixtures import random_mixture
from experiments.ablation.variants import DEFAULT, VARIANTS
from jaxinfo.estimation import CrossFitted, GaussianCopula

RNG = np.random.default_rng(0)


def test_the_default_estimator_comes_first():
    assert next(iter(VARIANTS)) == DEFAULT
    assert VARIANTS[DEFAULT] == CrossFitted()


def test_every_variant_is_another_estimator():
    assert len(set(VARIANTS.values())) == len(VARIANTS)


@pytest.mark.parametrize("variant", list(VARIANTS)[1:])
@pytest.mark.slow
def test_every_variant_estimates(variant):
    x = RNG.normal(size=(400, 1))
    y = 0.8 * x + 0.6 * RNG.normal(size=(400, 1))
    estimator = VARIANTS[variant]
    num_steps = min(200, estimator.train.num_steps)
    train = dataclasses.replace(estimator.train, num_steps=num_steps, num_seeds=4)
    estimate = dataclasses.replace(estimator, train=train)(jax.random.key(0), x, y)
    assert 0.2 < estimate.value < 0.9, variant


@pytest.mark.slow
def test_the_information_of_random_mixtures():
    tasks = [random_mixture(number) for number in range(6)]
    assert len({task.name for task in tasks}) == 6
    for task in tasks:
        assert 0 < task.mi < 4
        x, y = task.sample(jax.random.key(0), 50)
        assert len(x) == len(y) == 50
        assert np.isfinite(np.hstack([x, y])).all()
    gaussian = next(task for task in tasks if "-1-gaussians" in task.name)
    # Normal scores of one Gaussian are Gaussian again, whatever the monotone maps.
    x, y = map(np.asarray, gaussian.sample(jax.random.key(1), 20_000))
    found = GaussianCopula()(jax.random.key(0), x, y)
    assert gaussian.mi == pytest.approx(found.value, abs=4 * found.standard_error)
