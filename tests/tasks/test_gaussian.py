"""Gaussian tasks: reference densities, requested information, errors."""

import jax
import numpy as np
import pytest
import scipy.stats

from jaxinfo import tasks as t


def test_pmi_against_scipy():
    covariance = np.array([[2.0, 0.3, 0.9], [0.3, 1.0, -0.4], [0.9, -0.4, 1.5]])
    task = t.normal_cov(covariance, dim_x=2)
    x, y = task.sample(jax.random.key(0), 50)

    def log_density(rows, part):
        cov = covariance[part, part]
        return scipy.stats.multivariate_normal(cov=cov).logpdf(rows)

    rows = np.concatenate([x, y], axis=1)
    expected = log_density(rows, slice(0, 3))
    expected -= log_density(x, slice(0, 2)) + log_density(y, slice(2, 3))
    np.testing.assert_allclose(task.pmi(x, y), expected, atol=1e-4)


def test_samples_have_the_covariance():
    task = t.normal_target(1.0, 3, 2, spread="random", rotate=True)
    x, y = task.sample(jax.random.key(0), 20_000)
    covariance = np.cov(np.concatenate([x, y], axis=1).T)
    # Rotations of unit variances leave unit variances.
    np.testing.assert_allclose(covariance[:3, :3], np.eye(3), atol=0.05)
    np.testing.assert_allclose(covariance[3:, 3:], np.eye(2), atol=0.05)
    mi = -np.linalg.slogdet(covariance)[1] / 2
    assert mi == pytest.approx(task.mi, abs=0.05)


@pytest.mark.parametrize("mi", [0.05, 1.0, 7.5])
def test_requested_information(mi):
    rotated = t.normal_target(mi, 3, 2, spread="random", rotate=True)
    assert rotated.mi == pytest.approx(mi)
    assert t.normal_target(mi, 1, 4).mi == pytest.approx(mi)
    assert t.staircase((mi,), dim=3)[0].mi == pytest.approx(mi)


def test_seeds_change_the_task():
    settings = {"spread": "random", "rotate": True}
    first, second = (t.normal_target(1.0, 3, 3, seed=s, **settings) for s in (0, 1))
    assert first.mi == pytest.approx(second.mi)
    key = jax.random.key(0)
    difference = np.asarray(first.sample(key, 5)[1] - second.sample(key, 5)[1])
    assert (np.abs(difference) > 1e-3).mean() > 0.9
    assert first.name != second.name


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("rho", lambda: t.normal(1.0)),
        ("rho", lambda: t.normal_dense(2, -0.5)),
        ("num_pairs", lambda: t.normal_pairs(2, 3, 0.5)),
        ("covariance", lambda: t.normal_cov([[1, 2], [2, 1]], dim_x=1)),
        ("covariance", lambda: t.normal_cov([[1, 0.5], [0.4, 1]], dim_x=1)),
        ("dim_x", lambda: t.normal_cov(np.eye(2), dim_x=2)),
        ("spread", lambda: t.normal_target(1.0, 2, 2, spread="even")),
        ("mi", lambda: t.normal_target(-1.0, 2, 2)),
        ("dim_y", lambda: t.normal_target(1.0, 2, 0)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
