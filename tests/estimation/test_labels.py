"""Labels are found, given to critics level by level, and tabled."""

import warnings

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.estimation.closed_form import log_ratio_of_records
from jaxinfo.estimation.fold_map import fit_fold_map, fit_marginal
from jaxinfo.estimation.labels import (
    STRENGTHS,
    Labels,
    fit_labels,
    fit_tables,
    label_entropy,
)
from tests.marks import slowly

RNG = np.random.default_rng(0)


def _label(num_levels, num_rows=2_000):
    return RNG.integers(num_levels, size=(num_rows, 1)).astype(float)


def test_few_distinct_values_are_a_label():
    label = _label(7)
    found = fit_labels(label)
    assert found.whole
    np.testing.assert_array_equal(found.levels[0][:, 0], np.arange(7))
    ones = found.apply(np.array([[3.0], [7.0]]))
    np.testing.assert_array_equal(ones, [np.arange(7) == 3, np.zeros(7)])


@pytest.mark.parametrize("num_rows", [40, 2_000])
def test_distinct_values_are_no_label(num_rows):
    found = fit_labels(RNG.normal(size=(num_rows, 2)))
    assert not found.whole
    assert found.apply(np.zeros((3, 2))).shape == (3, 0)


def test_a_label_coded_by_columns_is_one_label():
    coded = np.eye(5)[_label(5)[:, 0].astype(int)]
    found = fit_labels(coded)
    assert found.whole
    assert found.apply(coded).shape == (2_000, 5)


def test_labels_beside_numbers_and_with_too_many_pairs():
    beside = fit_labels(np.hstack([RNG.normal(size=(2_000, 1)), _label(4)]))
    assert not beside.whole
    assert [list(columns) for columns in beside.columns] == [[1]]
    # 20 x 20 pairs are too many for one label; two levels are a number already.
    many = fit_labels(np.hstack([_label(20), _label(20), _label(2)]))
    assert [list(columns) for columns in many.columns] == [[0], [1]]
    over = fit_labels(np.hstack([_label(60), _label(20)]))
    assert [list(columns) for columns in over.columns] == [[1]]


def test_a_table_holds_the_log_ratios_of_its_counts():
    x, y = _label(3), _label(4)
    y = np.where(RNG.random(size=y.shape) < 0.5, x, y)
    labels = fit_labels(x), fit_labels(y)
    rows = [one.apply(side) for one, side in zip(labels, (x, y), strict=True)]
    tables = fit_tables(*rows)
    counts = rows[0].T @ rows[1]
    margins = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(x)
    for table, strength in zip(tables, STRENGTHS, strict=True):
        mixed = (counts + strength * margins / len(x)) / (1 + strength / len(x))
        np.testing.assert_allclose(table.log_ratios, np.log(mixed / margins))
        records = [table.records(side, rows[side]) for side in (0, 1)]
        of_pairs = log_ratio_of_records(*map(jax.numpy.asarray, records))
        cells = x[:, 0].astype(int), y[:, 0].astype(int)
        np.testing.assert_allclose(of_pairs, table.log_ratios[cells], rtol=1e-5)


def test_a_level_without_training_rows_says_nothing():
    tables = fit_tables(np.eye(3)[[0, 1, 0, 1]], np.eye(2)[[0, 1, 0, 1]])
    assert all((table.log_ratios[2] == 0).all() for table in tables)


def test_two_labels_start_from_their_table_where_order_means_nothing():
    x = _label(6)
    y = (x * 5 + 2) % 6
    y = np.where(RNG.random(size=y.shape) < 0.7, y, _label(6))
    parts = [(x[rows], y[rows]) for rows in (slice(1_500), slice(1_500, None))]
    fitted = fit_fold_map(*parts, (fit_marginal(x), fit_marginal(y)))
    assert fitted.table is not None


def test_the_entropy_of_a_label_with_its_correction():
    x = _label(4, 400)
    shares = np.bincount(x[:, 0].astype(int)) / 400
    expected = -np.sum(shares * np.log(shares)) + 3 / 800
    assert label_entropy(x, fit_labels(x)) == pytest.approx(expected)
    assert label_entropy(x, Labels((), (), whole=False)) == np.inf


@pytest.mark.parametrize("kind", [int, slowly(float), bool])
def test_an_estimate_of_labels_stays_below_their_entropy(kind):
    x = _label(2, 600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = jaxinfo.estimate_mutual_information(
            jax.random.key(0), x.astype(kind), x.astype(kind), num_steps=20, num_seeds=4
        )
    entropy = label_entropy(x, fit_labels(x))
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
        assert estimate.lower <= label_entropy(rows, fit_labels(rows))
