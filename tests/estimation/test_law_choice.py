"""The closed form that validation chooses, and its correlations."""

import numpy as np
import pytest
from scipy import stats

from jaxinfo.estimation.law_choice import best_copula, clearly_better
from jaxinfo.estimation.variates import fit_canonical_variates, fit_normal_scores

RNG = np.random.default_rng(0)
RHO = 0.6


def _choose(x, y):
    normal = [fit_normal_scores(rows).apply(rows) for rows in (x, y)]
    rotation = fit_canonical_variates(*normal, ridge=1e-6, whole=True)
    num_train = len(x) * 5 // 6
    train, held_out = zip(*[np.split(z, [num_train]) for z in normal], strict=True)
    return best_copula(rotation, list(train), list(held_out), 4)


def _correlated(num_rows, size):
    x = RNG.normal(size=(num_rows, size))
    noise = RNG.normal(size=(num_rows, 1))
    return x, RHO * x[:, :1] + np.sqrt(1 - RHO**2) * noise


@pytest.mark.parametrize("size", [1, 10])
def test_a_gaussian_law_is_found_with_its_correlation(size):
    x, y = _correlated(6_000, size)
    law = _choose(np.exp(x), y).law
    assert law.freedom >= 30
    # Three standard errors of 6,000 rows; that of the validation rows alone is 0.02.
    assert law.correlations[0] == pytest.approx(RHO, abs=0.025)
    assert (law.correlations[1:] == 0).all()


def test_a_student_law_is_found_with_the_correlation_of_its_scale():
    x, y = _correlated(6_000, 1)
    scale = np.sqrt(3 / stats.chi2.rvs(3, size=(6_000, 1), random_state=RNG))
    law = _choose(x * scale, y * scale).law
    assert 2 <= law.freedom <= 5
    assert law.correlations[0] == pytest.approx(RHO, abs=0.03)


def test_independent_rows_start_from_no_dependence():
    law = _choose(*RNG.normal(size=(2, 6_000, 3))).law
    assert law.correlations.max() < 0.1


def test_a_gain_within_its_noise_is_not_clear():
    others = RNG.normal(size=100)
    noise = RNG.normal(size=100)
    noise -= noise.mean()
    assert not clearly_better(others + noise + 0.5 * noise.std() / 10, others)
    assert clearly_better(others + noise + 1.5 * noise.std() / 10, others)
