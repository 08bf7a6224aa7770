"""Gaussian mixtures: reference densities and stored information."""

import math

import jax
import numpy as np
import pytest
import scipy.stats

from jaxinfo import tasks as t


def test_pmi_against_scipy():
    weights, means = [0.3, 0.7], np.array([[0.0, 1.0], [2.0, -1.0]])
    covs = np.array([[[1.0, 0.4], [0.4, 1.0]], [[2.0, 0.0], [0.0, 0.5]]])
    task = t.gaussian_mixture(weights, means, covs, dim_x=1)
    x, y = task.sample(jax.random.key(0), 50)

    def log_density(rows, part):
        densities = [
            w * scipy.stats.multivariate_normal(m[part], c[part, part]).pdf(rows)
            for w, m, c in zip(weights, means, covs, strict=True)
        ]
        return np.log(np.sum(densities, axis=0))

    expected = log_density(np.concatenate([x, y], axis=1), slice(0, 2))
    expected -= log_density(np.asarray(x), slice(0, 1))
    expected -= log_density(np.asarray(y), slice(1, 2))
    np.testing.assert_allclose(task.pmi(x, y), expected, atol=1e-4)


def test_equal_components_are_one_gaussian():
    cov = np.array([[1, 0.6], [0.6, 1]])
    one = t.gaussian_mixture([0.3, 0.7], np.zeros((2, 2)), [cov, cov], dim_x=1)
    assert math.isnan(one.mi)
    x, y = np.random.default_rng(0).normal(size=(2, 50, 1)).astype(np.float32)
    np.testing.assert_allclose(one.pmi(x, y), t.normal(0.6).pmi(x, y), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("make", [t.mixture_cross, t.mixture_balls, t.mixture_inliers])
def test_stored_information(make):
    task = make()
    mean, error = t.monte_carlo_information(
        jax.random.key(7), task, num_samples=300_000
    )
    assert abs(float(mean) - task.mi) < 4 * math.hypot(float(error), task.mi_se)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        (
            "weights",
            lambda: t.gaussian_mixture([1, 1], [[0], [0]], [[[1]]] * 2, dim_x=1),
        ),
        ("means", lambda: t.gaussian_mixture([1], [0, 0], [np.eye(2)], dim_x=1)),
        ("covs", lambda: t.gaussian_mixture([1], [[0, 0]], [np.eye(3)], dim_x=1)),
        ("covs", lambda: t.gaussian_mixture([1], [[0, 0]], [-np.eye(2)], dim_x=1)),
        ("dim_x", lambda: t.gaussian_mixture([1], [[0, 0]], [np.eye(2)], dim_x=2)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
