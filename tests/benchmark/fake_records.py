"""Made-up records of a benchmark."""

import dataclasses
import math

from jaxinfo.benchmark import Record
from tests.fakes import make_estimate


def make_record(
    estimator="m",
    truth=1.0,
    value=1.0,
    half_width=0.1,
    *,
    task="t",
    repeat=0,
    seconds=2.0,
    **fields,
):
    estimate = make_estimate(
        value, lower=value - half_width, upper=value + half_width, **fields
    )
    return Record(task, estimator, repeat, truth, estimate, seconds)


def make_failed_record(**fields):
    record = make_record(value=math.nan, **fields)
    return dataclasses.replace(record, estimate=None, failure="no covariance")


def make_mixed_records():
    """Two tasks and two estimators: near, far, above, failed and not finite."""
    return [
        make_record("default", 1.0, 1.01, task="first [0.5]"),
        make_record("ksg1", 1.0, 0.5, task="first [0.5]", converged=False),
        make_record("default", 8.0, 9.5, 0.2, task="second", saturated=True),
        make_failed_record(estimator="ksg1", truth=8.0, task="second"),
        make_record("default", 8.0, math.nan, task="second", repeat=1, num_nonfinite=3),
    ]
