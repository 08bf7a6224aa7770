"""Bias correction, and the reports of several folds that it uses."""

import numpy as np
import pytest

from jaxinfo.estimation.cross_fitted.combination import Report
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.correction import FoldReports, correct_bias

MANY, FEW = 1_000.0, 2.0
VARIANCE = 0.03**2
CONFIG = CrossFittedConfig()


def _report(value, size=MANY, log_normalizer=0.25):
    return Report(value, np.zeros(4), log_normalizer, size)


def _reports(held_out, training, preferred=(), share=0.75):
    return FoldReports([], held_out, training, list(preferred), [], share, 0.5)


def test_the_value_is_between_the_bounds_and_their_distance_adds_to_the_error():
    summary = correct_bias(1.0, 1.2, 0.15, 0.0, 0.0, VARIANCE, CONFIG)
    assert summary.value == pytest.approx(1.15)
    assert summary.standard_error == pytest.approx(np.hypot(0.03, 0.1 / 3**0.5))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.75])
def test_the_share_of_the_training_bound(share):
    held_out, training = [_report(1.0), _report(0.9)], [_report(1.3), _report(1.0)]
    found = _reports(held_out, training, share=share).pessimism
    assert found == pytest.approx(0.2 * share)


def test_one_training_pair_does_not_dominate_the_value():
    held_out = [_report(1.0), _report(0.9)]
    reports = _reports(held_out, [_report(1.1), _report(-4.0, FEW)])
    np.testing.assert_allclose(reports.training_values, [1.1, 0.9])
    # One that many pairs contribute to is measured, and so is one that is larger.
    reports = _reports(held_out, [_report(0.8), _report(1.3, FEW)])
    np.testing.assert_allclose(reports.training_values, [0.8, 1.3])


def test_the_critics_own_normalizer_is_used_if_pairs_are_too_few():
    reports = _reports(
        [_report(1.0), _report(0.9, FEW)], [_report(1.1), _report(0.5, FEW)]
    )
    assert not reports.is_measured
    np.testing.assert_allclose(reports.held_out_values, [1.25, 1.15])
    np.testing.assert_allclose(reports.training_values, [1.35, 0.75])


def test_the_gain_is_what_the_preferred_critics_lack():
    held_out = [_report(1.0), _report(0.9)]
    reports = _reports(held_out, held_out, [_report(0.8), _report(0.9)])
    assert reports.gain == pytest.approx(0.1)
    assert _reports(held_out, held_out, [_report(1.2), _report(0.9)]).gain == 0


def test_a_quarter_of_the_gain_is_added_to_the_value_and_its_error():
    summary = correct_bias(1.0, 1.0, 0.0, 0.08, 0.0, VARIANCE, CONFIG)
    assert summary.value == pytest.approx(1.02)
    assert summary.standard_error == pytest.approx(np.hypot(0.03, 0.02 / 3**0.5))
    summary = correct_bias(1.0, 1.0, 0.0, 0.0, 0.0, VARIANCE, CONFIG)
    assert summary.standard_error == 0.03


def test_what_the_bounds_may_miss_extends_one_end():
    plain = correct_bias(1.0, 1.0, 0.0, 0.0, 0.0, VARIANCE, CONFIG)
    above = correct_bias(1.0, 1.0, 0.0, 0.0, 0.04, VARIANCE, CONFIG)
    assert above == plain._replace(upper=pytest.approx(1 + 1.959964 * 0.05))
    below = correct_bias(1.0, 1.0, 0.0, 0.0, -0.04, VARIANCE, CONFIG)
    assert below == plain._replace(lower=pytest.approx(1 - 1.959964 * 0.05))


def test_the_part_that_may_be_missed_grows_with_the_distance_of_the_bounds():
    assert _reports([_report(1.0)], [_report(1.3)]).missed == pytest.approx(0.15)
    assert _reports([_report(1.0)], [_report(0.9)]).missed == 0
