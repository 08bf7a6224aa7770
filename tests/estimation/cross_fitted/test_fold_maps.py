"""Statistics and features of one fold, and its base density."""

import jax
import numpy as np
import pytest

from jaxinfo.data import read_table
from jaxinfo.estimation.cross_fitted.base_densities import (
    MixtureDensityRatio,
    TableDensityRatio,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.fold_maps import fit_fold_maps
from jaxinfo.estimation.cross_fitted.marginals import Views, fit_marginal
from jaxinfo.tasks import student

RNG = np.random.default_rng(0)


def _fit(x, y, num_train, **settings):
    config = CrossFittedConfig(**settings)
    marginals = [fit_marginal(read_table("x", rows), config) for rows in (x, y)]
    views = [m.apply(rows) for m, rows in zip(marginals, (x, y), strict=True)]
    train, validation = (
        [Views(*(part[rows] for part in side)) for side in views]
        for rows in (slice(num_train), slice(num_train, None))
    )
    labels = [m.labels for m in marginals]
    [(fitted, _)] = fit_fold_maps([(train, validation)], labels, config)
    return fitted, views


def test_fitted_maps_treat_rows_separately():
    x = RNG.normal(size=(350, 2))
    y = 0.9 * x + 0.436 * RNG.normal(size=(350, 2))
    fitted, [views, _] = _fit(x, y, 300)
    rows = fitted.apply(0, views)
    last = fitted.apply(0, Views(*(part[300:] for part in views)))
    np.testing.assert_array_equal(last.statistics, rows.statistics[300:])
    assert rows.features[:300].mean(axis=0) == pytest.approx(0, abs=0.05)
    # Of deviation 1, or 0 where a feature is constant.
    deviations = rows.features[:300].std(axis=0)
    np.testing.assert_allclose(deviations, np.round(deviations), atol=1e-4)
    assert set(np.round(deviations)) <= {0, 1}


@pytest.mark.parametrize("freedom", [1, 3])
def test_a_student_copula_is_selected_for_a_student_distribution(freedom):
    x, y = map(np.asarray, student(2, 2, freedom).sample(jax.random.key(0), 4_000))
    fitted, _ = _fit(x, y, 3_000)
    assert not fitted.base_is_expanded
    assert 0.5 * freedom <= fitted.base.degrees_of_freedom <= 2 * freedom


def test_a_mixture_is_selected_for_two_lines_that_cross():
    x = RNG.normal(size=(2_000, 1))
    y = RNG.choice([-1.0, 1.0], size=x.shape) * x + 0.3 * RNG.normal(size=x.shape)
    fitted, _ = _fit(x, y, 1_500)
    assert isinstance(fitted.base, MixtureDensityRatio)
    x, y = RNG.normal(size=(2, 2_000, 1))
    fitted, _ = _fit(x, 0.5 * x + y, 1_500)
    assert not isinstance(fitted.base, MixtureDensityRatio)


def test_a_table_is_selected_for_labels_whose_order_means_nothing():
    x = RNG.integers(6, size=(2_000, 1)).astype(float)
    y = np.where(
        RNG.random(size=x.shape) < 0.7,
        (x * 5 + 2) % 6,
        RNG.integers(6, size=x.shape),
    )
    assert isinstance(_fit(x, y, 1_500)[0].base, TableDensityRatio)
    without = _fit(x, y, 1_500, base_densities=("copula",))[0].base
    assert not isinstance(without, TableDensityRatio)
