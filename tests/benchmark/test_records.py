"""Records: what counts as near, above and covered, summaries, and JSON."""

import dataclasses
import json
import math

import pytest

from jaxinfo.benchmark import Record, summarize_benchmark, tolerance
from tests.benchmark.fake_records import make_failed_record, make_record

NAN = float("nan")


@pytest.mark.parametrize(
    ("truth", "value", "half_width", "near", "covered", "above"),
    [
        (1.0, 1.0, 0.1, True, True, False),
        (1.0, 1.05, 0.01, True, False, True),
        (1.0, 1.06, 0.1, False, True, False),
        (0.0, -0.04, 0.01, True, False, False),
        (4.0, 3.81, 0.1, True, False, False),  # 5 % of 4 is 0.2.
        (4.0, 3.79, 0.3, False, True, False),
        (4.0, 4.5, 0.3, False, False, True),
        (math.log(4), math.log(4) + 1e-8, 0.0, True, True, False),  # Rounding.
    ],
)
def test_record_by_hand(truth, value, half_width, near, covered, above):
    record = make_record(truth=truth, value=value, half_width=half_width)
    assert record.error == pytest.approx(value - truth)
    assert record.is_near == near
    assert record.covers_truth == covered
    assert record.is_above == above


@pytest.mark.parametrize(
    ("truth", "nats"), [(0.0, 0.05), (1.0, 0.05), (4.0, 0.2), (-4.0, 0.2)]
)
def test_tolerance_is_absolute_below_one_nat_and_relative_above(truth, nats):
    assert tolerance(truth) == pytest.approx(nats)


@pytest.mark.parametrize("record", [make_failed_record(), make_record(value=NAN)])
def test_failed_record_is_neither_near_nor_above_nor_covered(record):
    assert math.isnan(record.error)
    assert not any([record.is_near, record.covers_truth, record.is_above])


def test_summary_by_hand():
    records = [
        make_record("a", 1.0, 1.03, 0.1, seconds=1.0),  # near, covered
        make_record("b", 1.0, 1.0, 0.1, seconds=9.0),
        make_record("a", 1.0, 1.4, 0.1, seconds=2.0),  # above
        make_record("a", 4.0, 3.9, 0.05, seconds=6.0),  # near
        make_failed_record(estimator="a", seconds=3.0),
    ]
    summaries = summarize_benchmark(records)
    assert list(summaries) == ["a", "b"]
    assert summaries["a"]._asdict() == pytest.approx(
        {
            "num_estimates": 4,
            "num_failed": 1,
            "mean_absolute_error": (0.03 + 0.4 + 0.1) / 3,
            "median_absolute_error": 0.1,
            "root_mean_square_error": math.sqrt((0.0009 + 0.16 + 0.01) / 3),
            "share_near": 0.5,
            "coverage": 0.25,
            "share_above": 0.25,
            "median_seconds": 2.5,
            "total_seconds": 12.0,
        }
    )
    assert summaries["b"].num_failed == 0
    assert summaries["b"].coverage == 1


def test_summary_of_failed_records_has_no_errors():
    [summary] = summarize_benchmark([make_failed_record()]).values()
    assert math.isnan(summary.mean_absolute_error)
    assert summary.num_failed == summary.num_estimates == 1


@pytest.mark.parametrize(
    "record",
    [
        make_record(value=1.3, saturated=True, warnings=("few rows",)),
        make_record(value=NAN),
        dataclasses.replace(make_record(), estimate=None, failure="too few rows"),
    ],
    ids=["finite", "not finite", "failed"],
)
def test_record_survives_json(record):
    content = json.loads(json.dumps(record.to_dict(), allow_nan=False))
    restored = Record.from_dict(content)
    assert restored.to_dict() == content == record.to_dict()
    assert restored.is_near == record.is_near
    assert restored.failure == record.failure


def test_an_interval_without_an_upper_end_survives_json():
    record = make_record(value=1.3)
    estimate = dataclasses.replace(record.estimate, upper=math.inf)
    record = dataclasses.replace(record, truth=9.0, estimate=estimate)
    restored = Record.from_dict(json.loads(json.dumps(record.to_dict())))
    assert restored.estimate.upper == math.inf
    assert restored.covers_truth


def test_restored_estimate_equals_the_original_but_has_no_curves():
    record = make_record(value=1.3, p_value=0.02, warnings=("few rows",))
    restored = Record.from_dict(record.to_dict())
    assert restored.estimate == record.estimate
    assert restored.estimate.diagnostics.warnings == ("few rows",)
    assert len(restored.estimate.diagnostics.history.steps) == 0
    assert restored.estimate.density_ratio is None
