"""The base density that validation rows select, and its correlations."""

import numpy as np
import pytest
from scipy import stats

from jaxinfo.divergences import JENSEN_SHANNON, f_divergence_bound
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.marginals import fit_normal_scores
from jaxinfo.estimation.cross_fitted.selection import (
    Selection,
    best_candidate,
    fit_copulas,
    is_clearly_better,
    rowwise_logistic_bound,
    score_copula,
)
from jaxinfo.estimation.cross_fitted.variates import fit_canonical_variates

RNG = np.random.default_rng(0)
RHO = 0.6


def _select(x, y):
    normal = [fit_normal_scores(rows).apply(rows) for rows in (x, y)]
    rotation = fit_canonical_variates(*normal, ridge=1e-6, is_square=True)
    num_train = len(x) * 5 // 6
    train, validation = zip(*[np.split(z, [num_train]) for z in normal], strict=True)
    config = CrossFittedConfig()
    copulas = [
        found[best_candidate([found])].base
        for found in fit_copulas(rotation, train, validation, config).values()
    ]
    return max(
        copulas,
        key=lambda base: score_copula(base, rotation, (train, validation), config),
    )


def _correlated(num_rows, size):
    x = RNG.normal(size=(num_rows, size))
    noise = RNG.normal(size=(num_rows, 1))
    return x, RHO * x[:, :1] + np.sqrt(1 - RHO**2) * noise


@pytest.mark.parametrize("size", [1, 10])
def test_a_gaussian_copula_is_found_with_its_correlation(size):
    x, y = _correlated(6_000, size)
    base = _select(np.exp(x), y)
    assert base.degrees_of_freedom >= 30
    # Three standard errors of 6,000 rows; that of the validation rows alone is 0.02.
    assert base.correlations[0] == pytest.approx(RHO, abs=0.025)
    assert (base.correlations[1:] == 0).all()


def test_a_student_copula_is_found_with_the_correlation_of_its_scale():
    x, y = _correlated(6_000, 1)
    scale = np.sqrt(3 / stats.chi2.rvs(3, size=(6_000, 1), random_state=RNG))
    base = _select(x * scale, y * scale)
    assert 2 <= base.degrees_of_freedom <= 5
    assert base.correlations[0] == pytest.approx(RHO, abs=0.03)


def test_independent_rows_start_from_no_dependence():
    base = _select(*RNG.normal(size=(2, 6_000, 3)))
    assert base.correlations.max() < 0.1


def test_all_folds_keep_as_many_correlations():
    folds = []
    for strength in (0.0, 0.9):
        x, y = RNG.normal(size=(2, 600, 3))
        y = strength * x + np.sqrt(1 - strength**2) * y
        rotation = fit_canonical_variates(x, y, ridge=1e-6, is_square=True)
        halves = [
            [rows[half] for rows in (x, y)] for half in (slice(300), slice(300, None))
        ]
        config = CrossFittedConfig(degrees_of_freedom=(np.inf,))
        folds.append(fit_copulas(rotation, *halves, config)[np.inf])
    assert folds[0].keys() == folds[1].keys()
    # The dependence of the second fold outweighs that the first fold has none.
    assert best_candidate(folds)[1] == best_candidate(folds[1:])[1] == 3
    assert best_candidate(folds[:1])[1] < 3


def test_the_best_candidate_has_the_highest_mean_score():
    def found(a, b):
        return {
            n: Selection(None, np.empty(0), s, np.empty(0))
            for n, s in (("a", a), ("b", b))
        }

    assert best_candidate([found(0.5, 0.4)]) == "a"
    assert best_candidate([found(0.5, 0.4), found(0.1, 0.3)]) == "b"


def test_a_gain_within_its_noise_is_not_clear():
    others = RNG.normal(size=100)
    noise = RNG.normal(size=100)
    noise -= noise.mean()
    assert not is_clearly_better(others + noise + 0.5 * noise.std() / 10, others)
    assert is_clearly_better(others + noise + 1.5 * noise.std() / 10, others)


def test_the_logistic_bound_is_the_jensen_shannon_bound_up_to_log_4():
    joint, negatives = RNG.normal(size=9), RNG.normal(size=(9, 4))
    expected = f_divergence_bound(JENSEN_SHANNON, joint, negatives.reshape(-1))
    found = rowwise_logistic_bound(joint, negatives).mean()
    assert found + np.log(4) == pytest.approx(float(expected), rel=1e-5)
