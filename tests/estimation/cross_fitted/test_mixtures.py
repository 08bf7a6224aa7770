"""Mixtures of Gaussians: they recover what was drawn from one, and stay regular."""

import numpy as np
import pytest
from scipy import stats

from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.mixtures import fit_mixture

CONFIG = CrossFittedConfig()
RNG = np.random.default_rng(0)


def _log_density(mixture, rows):
    return np.log(
        sum(
            weight * stats.multivariate_normal(mean, covariance).pdf(rows)
            for weight, mean, covariance in zip(*mixture, strict=True)
        )
    )


def test_components_that_lie_apart_are_found():
    means = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 6.0]])
    counts = [300, 500, 200]
    rows = np.repeat(means, counts, axis=0) + RNG.normal(size=(1_000, 2))
    found = fit_mixture(rows, 3, CONFIG)
    order = np.argsort(found.means[:, 0])[[0, 2, 1]]
    # Four standard errors of a mean, and of a share.
    np.testing.assert_allclose(found.means[order], means, atol=0.3)
    np.testing.assert_allclose(found.weights[order], [0.3, 0.5, 0.2], atol=0.06)
    # The prior counts as four rows of the covariance of all rows, divided by three.
    np.testing.assert_allclose(found.covariances[order], [np.eye(2)] * 3, atol=0.25)


def test_one_component_is_the_gaussian_of_the_rows():
    rows = RNG.normal(size=(500, 3)) @ RNG.normal(size=(3, 3)) + 2.0
    found = fit_mixture(rows, 1, CONFIG)
    np.testing.assert_allclose(found.means[0], rows.mean(axis=0))
    covariance = np.cov(rows, rowvar=False)
    np.testing.assert_allclose(found.covariances[0], covariance, rtol=1e-2, atol=1e-2)


def test_more_components_fit_new_rows_of_a_ring_better():
    def ring(num_rows):
        angle = RNG.uniform(0, 2 * np.pi, num_rows)
        rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return rows + 0.2 * RNG.normal(size=(num_rows, 2))

    rows, others = ring(1_000), ring(1_000)
    one, six = (
        _log_density(fit_mixture(rows, number, CONFIG), others).mean()
        for number in (1, 6)
    )
    assert six > one + 0.3


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((50, 2)),
        np.repeat(RNG.normal(size=(5, 2)), 20, axis=0),
        np.concatenate([RNG.normal(size=(60, 1)), np.zeros((60, 1))], axis=1),
    ],
    ids=["constant", "repeated", "flat"],
)
def test_rows_without_spread_give_a_regular_mixture(rows):
    found = fit_mixture(rows, 4, CONFIG)
    assert found.weights.sum() == pytest.approx(1)
    assert np.linalg.eigvalsh(found.covariances).min() > 0
