"""Normal scores and labels of one variable."""

import warnings

import jax
import numpy as np
import pytest
from scipy.special import ndtri

import jaxinfo
from jaxinfo.data import read_table
from jaxinfo.estimation import CrossFitted, TrainConfig
from jaxinfo.estimation.cross_fitted import marginals
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.marginals import Labels, fit_normal_scores

RNG = np.random.default_rng(0)
CONFIG = CrossFittedConfig()


def fit_labels(rows):
    return marginals.fit_labels(read_table("x", rows), CONFIG)


def _label(num_levels, num_rows=2_000):
    return RNG.integers(num_levels, size=(num_rows, 1)).astype(float)


def test_few_distinct_values_are_a_label():
    label = _label(7)
    found = fit_labels(label)
    assert found.is_whole
    np.testing.assert_array_equal(found.levels[0][:, 0], np.arange(7))
    ones = found.apply(np.array([[3.0], [7.0]]))
    np.testing.assert_array_equal(ones, [np.arange(7) == 3, np.zeros(7)])


@pytest.mark.parametrize("num_rows", [40, 2_000])
def test_distinct_values_are_no_label(num_rows):
    found = fit_labels(RNG.normal(size=(num_rows, 2)))
    assert not found.is_whole
    assert found.apply(np.zeros((3, 2))).shape == (3, 0)


def test_a_label_coded_by_columns_is_one_label():
    coded = np.eye(5)[_label(5)[:, 0].astype(int)]
    found = fit_labels(coded)
    assert found.is_whole
    assert found.apply(coded).shape == (2_000, 5)


def test_labels_beside_numbers_and_with_too_many_pairs():
    beside = fit_labels(np.hstack([RNG.normal(size=(2_000, 1)), _label(4)]))
    assert not beside.is_whole
    assert [list(columns) for columns in beside.columns] == [[1]]
    # 20 x 20 pairs are too many for one label; a binary column is a number already.
    many = fit_labels(np.hstack([_label(20), _label(20), _label(2)]))
    assert [list(columns) for columns in many.columns] == [[0], [1]]
    over = fit_labels(np.hstack([_label(60), _label(20)]))
    assert [list(columns) for columns in over.columns] == [[1]]


def test_normal_scores_are_the_normal_quantiles_of_the_ranks():
    rows = np.array([[3.0], [1.0], [2.0], [2.0]])
    scores = fit_normal_scores(rows).apply(rows)
    expected = ndtri(np.array([4, 1, 2.5, 2.5]) / 5)
    np.testing.assert_allclose(scores[:, 0], expected)


def test_normal_scores_are_unchanged_by_increasing_maps_and_finite_far_out():
    rows, new = RNG.normal(size=(200, 3)), RNG.normal(size=(50, 3))
    scores = fit_normal_scores(rows).apply(new)
    np.testing.assert_array_equal(
        fit_normal_scores(np.exp(rows)).apply(np.exp(new)), scores
    )
    far = fit_normal_scores(rows).apply(np.array([[1e9, -1e9, 0.0]]))
    assert np.isfinite(far).all()
    assert far[0, 0] == pytest.approx(-far[0, 1])
    assert far[0, 0] >= scores.max()


def test_the_entropy_of_a_label_with_its_correction():
    x = _label(4, 400)
    shares = np.bincount(x[:, 0].astype(int)) / 400
    expected = -np.sum(shares * np.log(shares)) + 3 / 800
    assert fit_labels(x).entropy(x) == pytest.approx(expected)
    assert Labels((), (), is_whole=False).entropy(x) == np.inf


@pytest.mark.slow
@pytest.mark.parametrize("kind", [int, float, bool])
def test_an_estimate_of_labels_stays_below_their_entropy(kind):
    x = _label(2, 600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator = CrossFitted(train=TrainConfig(num_steps=20, num_seeds=4))
        estimate = estimator(jax.random.key(0), x.astype(kind), x.astype(kind))
    entropy = fit_labels(x).entropy(x)
    assert entropy - 0.02 < estimate.value <= entropy


@pytest.mark.slow
@pytest.mark.parametrize(
    "task", jaxinfo.tasks.suite("mixed"), ids=lambda task: task.name
)
def test_known_information_of_labels(task):
    x, y = task.sample(jax.random.key(1), 10_000)
    estimate = jaxinfo.estimate_mutual_information(jax.random.key(0), x, y)
    assert abs(estimate.value - task.mi) < max(0.05, 0.05 * task.mi)
    for rows in (np.asarray(x, float), np.asarray(y, float)):
        assert estimate.lower <= fit_labels(rows).entropy(rows)


@pytest.mark.slow
def test_interpolated_scores_agree_on_fitted_rows_and_have_gradients_between():
    rows = np.round(RNG.normal(size=(50, 2)), 1)  # With ties.
    steps = fit_normal_scores(rows)
    linear = marginals.interpolate_scores(steps)
    np.testing.assert_allclose(linear.apply(rows), steps.apply(rows), rtol=1e-12)
    new = RNG.normal(size=(20, 2))
    found = linear.apply(jax.numpy.asarray(new))
    np.testing.assert_allclose(found, linear.apply(new), atol=1e-4)
    inside = np.array([[0.003, -0.004]])
    slopes = [
        jax.grad(lambda r, s=scores: s.apply(r).sum())(jax.numpy.asarray(inside))
        for scores in (linear, steps)
    ]
    assert np.all(slopes[0] > 0)
    np.testing.assert_array_equal(slopes[1], 0)
