"""Log ratios of copulas from records, against SciPy's densities."""

import jax
import numpy as np
import pytest
from scipy import stats

from jaxinfo.estimation.closed_form import (
    CopulaLaw,
    log_ratio_of_records,
    student_scores,
)

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
def test_records_give_the_log_ratio_of_the_law(freedom):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)) * 2, rng.normal(size=(50, 2)) * 2
    law = CopulaLaw(RHO, freedom, (3, 2))
    with jax.enable_x64(True):
        ratio = log_ratio_of_records(
            law.records(0, x[:, :2], np.sum(x**2, axis=1)),
            law.records(1, y, np.sum(y**2, axis=1)),
        )
    expected = (
        _density(freedom, np.concatenate([x, y], axis=1), DISPERSION)
        - _density(freedom, x, np.eye(3))
        - _density(freedom, y, np.eye(2))
    )
    np.testing.assert_allclose(ratio, expected, rtol=1e-9, atol=1e-9)


def test_no_correlation_under_the_gaussian_is_no_information():
    law = CopulaLaw(np.zeros(2), np.inf, (2, 2))
    rows = np.random.default_rng(0).normal(size=(9, 2))
    records = law.records(0, rows, np.sum(rows**2, axis=1))
    for none in (records, 0 * records):
        np.testing.assert_array_equal(log_ratio_of_records(none, none), 0)


@pytest.mark.parametrize("freedom", [1.0, 5.0, np.inf])
def test_student_scores_keep_probabilities(freedom):
    scores = np.array([-3.0, -0.5, 0.0, 1.0, 4.0])
    moved = student_scores(scores, freedom)
    law = stats.norm if np.isinf(freedom) else stats.t(freedom)
    np.testing.assert_allclose(law.sf(moved), stats.norm.sf(scores), rtol=1e-3)
