"""Records of a benchmark's estimates, and summaries of them for each estimator."""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxinfo.estimation import Diagnostics, Estimate

__all__ = [
    "TOLERANCE_NATS",
    "TOLERANCE_SHARE",
    "Record",
    "Summary",
    "summarize_benchmark",
    "tolerance",
]

TOLERANCE_NATS, TOLERANCE_SHARE = 0.05, 0.05
# Ends of intervals are sums of float32 numbers; smaller differences are rounding.
ROUNDING = 1e-6


def tolerance(truth: float) -> float:
    """The largest error of an estimate that counts as near the truth, in nats.

    max(0.05, 0.05 |truth|).

    Args:
        truth: the exact value, nats.

    Returns:
        The tolerance, nats.
    """
    return max(TOLERANCE_NATS, TOLERANCE_SHARE * abs(truth))


@dataclasses.dataclass(frozen=True)
class Record:
    """One estimate of one quantity, with the exact value.

    Attributes:
        task: name of the task, followed by the name of the divergence if it is one.
        estimator: name of the estimator.
        repeat: number of the sample.
        truth: the exact value, nats.
        estimate: the estimate; None if the estimator raised an error.
        seconds: wall time.
        failure: message of the error that the estimator raised, else "".
    """

    task: str
    estimator: str
    repeat: int
    truth: float
    estimate: Estimate | None
    seconds: float
    failure: str = ""

    @property
    def error(self) -> float:
        """Estimate minus truth, nats; NaN if there is no finite value."""
        value = math.nan if self.estimate is None else float(self.estimate.value)
        return value - self.truth if math.isfinite(value) else math.nan

    @property
    def is_near(self) -> bool:
        """Whether the error is at most 0.05 nats or 5 % of the truth."""
        return abs(self.error) <= tolerance(self.truth) + ROUNDING

    @property
    def is_above(self) -> bool:
        """Whether the whole 95 % interval lies above the truth."""
        lower = math.nan if self.estimate is None else float(self.estimate.lower)
        return lower > self.truth + ROUNDING

    @property
    def covers_truth(self) -> bool:
        """Whether the 95 % interval contains the truth."""
        if self.estimate is None:
            return False
        lower, upper = float(self.estimate.lower), float(self.estimate.upper)
        return lower - ROUNDING <= self.truth <= upper + ROUNDING  # False for NaN.

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, ready for JSON; inf and NaN become None."""
        estimate = {} if self.estimate is None else self.estimate.to_dict()
        return {
            "task": self.task,
            "estimator": self.estimator,
            "repeat": self.repeat,
            "truth": self.truth,
            "error": None if math.isnan(self.error) else self.error,
            "is_near": self.is_near,
            "is_above": self.is_above,
            "covers_truth": self.covers_truth,
            "failure": self.failure or None,
            **{name: estimate.get(name) for name in _ESTIMATE_FIELDS},
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Record":
        """Restores a record from `to_dict`, without curves and density ratio."""
        estimate = None
        if content["failure"] is None:
            estimate = _estimate_from_dict(content)
        names = ("task", "estimator", "repeat", "truth", "seconds")
        return cls(
            **{name: content[name] for name in names},
            estimate=estimate,
            failure=content["failure"] or "",
        )


def _estimate_from_dict(content: dict[str, Any]) -> Estimate:
    numbers = {
        name: math.nan if content[name] is None else content[name]
        for name in ("value", "standard_error", "lower", "upper")
    }
    if content["upper"] is None and content["lower"] is not None:
        numbers["upper"] = math.inf  # An interval without an upper end.
    return Estimate(
        **numbers,
        **{name: content[name] for name in ("quantity", "kind", "num_samples")},
        estimator=content["bound"],
        p_value=content.get("p_value"),
        diagnostics=Diagnostics(
            np.array(content["per_seed"], dtype=float),
            ceiling=math.inf if content["ceiling"] is None else content["ceiling"],
            saturated=content["saturated"],
            converged=content["converged"],
            num_nonfinite=content["num_nonfinite"],
            warnings=tuple(content["warnings"]),
            seconds=content["seconds"],
            compile_seconds=math.nan
            if content["compile_seconds"] is None
            else content["compile_seconds"],
        ),
    )


_ESTIMATE_FIELDS = (
    *("quantity", "value", "standard_error", "lower", "upper", "kind", "ceiling"),
    *("saturated", "converged", "num_nonfinite", "per_seed", "num_seeds"),
    *("num_samples", "bound", "compile_seconds", "warnings", "p_value"),
)


class Summary(NamedTuple):
    """Errors, coverage and seconds of one estimator.

    Shares are of all its estimates. A failed estimate counts as neither near the truth
    nor above it, and its interval as not covering the truth.

    Attributes:
        num_estimates: number of estimates, failed ones included.
        num_failed: number of estimates without a finite value.
        mean_absolute_error: over finite values, nats.
        median_absolute_error: over finite values, nats.
        root_mean_square_error: over finite values, nats.
        share_near: share of estimates within max(0.05 nats, 5 %) of the truth.
        coverage: share of 95 % intervals that contain the truth.
        share_above: share of 95 % intervals that lie above the truth.
        median_seconds: median wall time of one estimate.
        total_seconds: wall time of all estimates.
    """

    num_estimates: int
    num_failed: int
    mean_absolute_error: float
    median_absolute_error: float
    root_mean_square_error: float
    share_near: float
    coverage: float
    share_above: float
    median_seconds: float
    total_seconds: float


def summarize_benchmark(records: Iterable[Record]) -> dict[str, Summary]:
    """Summarizes records for each estimator.

    Args:
        records: records of any tasks, estimators and repeats.

    Returns:
        A `Summary` for each estimator, by its name, in the order of first appearance.
    """
    by_estimator: dict[str, list[Record]] = {}
    for record in records:
        by_estimator.setdefault(record.estimator, []).append(record)
    return {name: _summarize(rows) for name, rows in by_estimator.items()}


def _summarize(records: Sequence[Record]) -> Summary:
    errors = np.array([r.error for r in records if math.isfinite(r.error)])
    sizes = np.abs(errors) if len(errors) else np.array([math.nan])
    seconds = [r.seconds for r in records]
    return Summary(
        num_estimates=len(records),
        num_failed=len(records) - len(errors),
        mean_absolute_error=float(sizes.mean()),
        median_absolute_error=float(np.median(sizes)),
        root_mean_square_error=float(np.sqrt(np.square(sizes).mean())),
        share_near=statistics.fmean(r.is_near for r in records),
        coverage=statistics.fmean(r.covers_truth for r in records),
        share_above=statistics.fmean(r.is_above for r in records),
        median_seconds=statistics.median(seconds),
        total_seconds=math.fsum(seconds),
    )
