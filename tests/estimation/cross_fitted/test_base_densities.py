"""Log ratios of base densities against SciPy's densities and tables of counts."""

import jax
import numpy as np
import pytest
from scipy import stats

from jaxinfo.estimation.cross_fitted.base_densities import (
    CopulaDensityRatio,
    density_ratio_of_mixture,
    fit_tables,
    log_ratio_of_statistics,
    student_scores,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.mixtures import GaussianMixture

STRENGTHS = (0.5, 32.0)

RHO = np.array([0.7, 0.0])
# Three coordinates of x and two of y in canonical form: two pairs and one alone.
DISPERSION = np.eye(5)
DISPERSION[0, 3] = DISPERSION[3, 0] = 0.7


def _density(freedom, rows, dispersion):
    if np.isinf(freedom):
        return stats.multivariate_normal(np.zeros(len(dispersion)), dispersion).logpdf(
            rows
        )
    return stats.multivariate_t(
        np.zeros(len(dispersion)), dispersion, df=freedom
    ).logpdf(rows)


@pytest.mark.parametrize("freedom", [1.0, 3.0, 30.0, np.inf])
def test_statistics_give_the_log_ratio_of_the_copula(freedom):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)) * 2, rng.normal(size=(50, 2)) * 2
    base = CopulaDensityRatio(RHO, freedom, (3, 2))
    with jax.enable_x64(True):
        ratio = log_ratio_of_statistics(
            base.statistics(0, x[:, :2], np.sum(x**2, axis=1)),
            base.statistics(1, y, np.sum(y**2, axis=1)),
        )
    expected = (
        _density(freedom, np.concatenate([x, y], axis=1), DISPERSION)
        - _density(freedom, x, np.eye(3))
        - _density(freedom, y, np.eye(2))
    )
    np.testing.assert_allclose(ratio, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_statistics_give_the_log_ratio_of_the_mixture(size):
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(3, 4, 6))
    covariances = roots @ roots.transpose(0, 2, 1)
    weights, means = np.array([0.2, 0.5, 0.3]), rng.normal(size=(3, 4))
    base = density_ratio_of_mixture(
        GaussianMixture(weights, means, covariances), size, num_components=5
    )
    rows = rng.normal(size=(50, 4)) * 2

    def log_density(kept):
        return np.log(
            sum(
                w * stats.multivariate_normal(m[kept], c[kept, kept]).pdf(rows[:, kept])
                for w, m, c in zip(weights, means, covariances, strict=True)
            )
        )

    whole, x, y = slice(None), slice(size), slice(size, None)
    statistics = base.statistics(0, rows[:, x]), base.statistics(1, rows[:, y])
    assert statistics[0].shape == statistics[1].shape
    found = log_ratio_of_statistics(*statistics, num_components=5)
    expected = log_density(whole) - log_density(x) - log_density(y)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    with jax.enable_x64(True):
        traced = jax.jit(log_ratio_of_statistics, static_argnums=2)(*statistics, 5)
    np.testing.assert_allclose(traced, expected, rtol=1e-9, atol=1e-9)
    none = 0 * statistics[0]
    np.testing.assert_allclose(log_ratio_of_statistics(none, none, 5), 0, atol=1e-12)


def test_statistics_without_correlations_are_those_of_independence():
    base = CopulaDensityRatio(np.zeros(2), np.inf, (2, 2))
    rows = np.random.default_rng(0).normal(size=(9, 2))
    statistics = base.statistics(0, rows, np.sum(rows**2, axis=1))
    for none in (statistics, 0 * statistics):
        np.testing.assert_array_equal(log_ratio_of_statistics(none, none), 0)


@pytest.mark.parametrize("freedom", [1.0, 5.0, np.inf])
def test_student_scores_keep_probabilities(freedom):
    scores = np.array([-3.0, -0.5, 0.0, 1.0, 4.0])
    moved = student_scores(scores, freedom)
    target = stats.norm if np.isinf(freedom) else stats.t(freedom)
    np.testing.assert_allclose(target.sf(moved), stats.norm.sf(scores), rtol=1e-3)


def _tables(x, y, num_levels, **settings):
    config = CrossFittedConfig(table_strengths=STRENGTHS, **settings)
    return fit_tables(x[:, None], y[:, None], num_levels, config)


@pytest.mark.parametrize("rank", [64, 2])
def test_a_table_holds_the_log_ratios_of_its_counts(rank):
    rng = np.random.default_rng(0)
    x = rng.integers(3, size=2_000)
    y = np.where(rng.random(2_000) < 0.5, x, rng.integers(4, size=2_000))
    counts = np.eye(3)[x].T @ np.eye(4)[y]
    margins = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(x)
    tables = _tables(x, y, (3, 4), max_table_rank=rank)
    for table, strength in zip(tables, STRENGTHS, strict=True):
        mixed = (counts + strength * margins / len(x)) / (1 + strength / len(x))
        expected = np.log(mixed / margins)
        if rank < 3:  # The leading singular components.
            left, values, right = np.linalg.svd(expected, full_matrices=False)
            expected = (left[:, :rank] * values[:rank]) @ right[:rank]
        statistics = [
            table.statistics(side, z[:, None]) for side, z in ((0, x), (1, y))
        ]
        of_pairs = log_ratio_of_statistics(*map(jax.numpy.asarray, statistics))
        np.testing.assert_allclose(of_pairs, expected[x, y], rtol=1e-4, atol=1e-5)


def test_levels_without_training_rows_have_a_log_ratio_of_zero():
    tables = _tables(np.array([0, 1, 0, 1]), np.array([0, 1, 0, 1]), (3, 2))
    for table in tables:
        for x in (2, -1):  # The last level, and one that was never seen.
            rows = table.statistics(0, np.full((2, 1), x))
            others = table.statistics(1, np.array([[0], [1]]))
            np.testing.assert_array_equal(log_ratio_of_statistics(rows, others), 0)
