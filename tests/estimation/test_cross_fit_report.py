"""What the critics of several folds report together."""

import numpy as np
import pytest

from jaxinfo.estimation.combine import Report
from jaxinfo.estimation.cross_fit_report import Outcome, extrapolate, halfway

WELL, ILL = 1_000.0, 2.0


def _report(value, size=WELL, log_normalizer=0.25):
    return Report(value, np.zeros(4), log_normalizer, size)


def _outcome(held_out, training, preferred=()):
    return Outcome([], held_out, training, list(preferred), shifted=[])


def test_the_value_lies_halfway_and_the_gap_counts_as_doubt():
    summary = halfway(1.0, 1.2, 0.03**2)
    assert summary.value == pytest.approx(1.1)
    assert summary.standard_error == pytest.approx(np.hypot(0.03, 0.1 / 3**0.5))


def test_one_training_pair_does_not_rule_the_value():
    held_out = [_report(1.0), _report(0.9)]
    outcome = _outcome(held_out, [_report(1.1), _report(-4.0, ILL)])
    np.testing.assert_allclose(outcome.training_values, [1.1, 0.9])
    # One that many pairs carry is a measurement, and so is one that lies above.
    outcome = _outcome(held_out, [_report(0.8), _report(1.3, ILL)])
    np.testing.assert_allclose(outcome.training_values, [0.8, 1.3])


def test_the_critics_own_normalizer_stands_in_where_pairs_are_too_few():
    outcome = _outcome(
        [_report(1.0), _report(0.9, ILL)], [_report(1.1), _report(0.5, ILL)]
    )
    assert not outcome.is_measured
    np.testing.assert_allclose(outcome.held_out_values, [1.25, 1.15])
    np.testing.assert_allclose(outcome.training_values, [1.35, 0.75])


def test_the_gain_is_what_the_preferred_critics_lack():
    held_out = [_report(1.0), _report(0.9)]
    outcome = _outcome(held_out, held_out, [_report(0.8), _report(0.9)])
    assert outcome.gain == pytest.approx(0.1)
    assert _outcome(held_out, held_out, [_report(1.2), _report(0.9)]).gain == 0


def test_a_quarter_of_the_gain_is_added_and_doubted():
    summary = extrapolate(halfway(1.0, 1.0, 0.03**2), 0.08)
    assert summary.value == pytest.approx(1.02)
    assert summary.standard_error == pytest.approx(np.hypot(0.03, 0.02 / 3**0.5))
    assert extrapolate(halfway(1.0, 1.0, 0.03**2), 0.0).standard_error == 0.03
