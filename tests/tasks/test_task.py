"""Properties of the task types and the Monte Carlo estimate of their information."""

import dataclasses

import chex
import jax
import numpy as np
import pytest

from jaxinfo import tasks as t


def test_a_task_is_a_static_argument():
    task = t.half_cube(t.normal(0.3))

    @chex.assert_max_traces(n=1)
    def draw(key, task):
        return task.sample(key, 4)

    jitted = jax.jit(draw, static_argnames="task")
    for key in jax.random.split(jax.random.key(0), 2):
        for jit_part, part in zip(jitted(key, task), task.sample(key, 4), strict=True):
            np.testing.assert_allclose(jit_part, part, rtol=1e-6)


def test_tasks_of_one_name_differ():
    # The name does not determine a distribution, so it must not decide equality.
    wide, narrow = (t.normal_cov(np.eye(2) * scale, dim_x=1) for scale in (2.0, 1.0))
    assert (wide.name, wide.mi) == (narrow.name, narrow.mi)
    assert wide != narrow


def test_monte_carlo_is_the_mean_and_its_standard_error():
    task, key = t.normal(0.75), jax.random.key(0)
    mean, error = t.monte_carlo_information(key, task, num_samples=400)
    values = np.asarray(task.pmi(*task.sample(key, 400)), float)
    np.testing.assert_allclose(mean, values.mean(), rtol=1e-5)
    np.testing.assert_allclose(error, values.std() / 20, rtol=1e-5)


def test_monte_carlo_needs_a_pmi():
    task = dataclasses.replace(t.normal(0.5), pmi=None)
    with pytest.raises(ValueError, match="must have a pmi"):
        t.monte_carlo_information(jax.random.key(0), task, num_samples=10)
