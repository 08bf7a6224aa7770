"""Estimators over laws whose answer is known: records, and what they add up to."""

import dataclasses
import functools
import math
import statistics
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxinfo.benchmark_methods import (
    AnyTask,
    Quantity,
    choose_methods,
    quantities,
)
from jaxinfo.core.checks import check_positive
from jaxinfo.estimation import Estimate, History
from jaxinfo.results import device_name, mean_and_sd

__all__ = [
    "Record",
    "Summary",
    "run_benchmark",
    "summarize_benchmark",
    "to_results",
]

# An estimate is near where it is within so many nats, or within this share.
NEAR, NEAR_SHARE = 0.05, 0.05
# Ends of intervals are sums of float32: a difference below this is none.
ROUNDING = 1e-6
# The programs of an estimate hold up to 900 memory maps, of 65,530 that Linux allows a
# process: they are dropped after so many estimates.
ESTIMATES_KEPT = 50
# What a method may raise where a law does not suit it; the rest goes on.
FAILURES = (ArithmeticError, MemoryError, RuntimeError, ValueError)


@dataclasses.dataclass(frozen=True)
class Record:
    """One estimate of one quantity by one method, beside the truth.

    Attributes:
        task: name of the task, and of the member where it is a divergence.
        method: name of the method.
        repeat: number of the sample.
        truth: nats.
        estimate: the estimate; None where the method failed.
        seconds: wall time.
        failure: why it failed, "" if it did not.
    """

    task: str
    method: str
    repeat: int
    truth: float
    estimate: Estimate | None
    seconds: float
    failure: str = ""

    @property
    def error(self) -> float:
        """Estimate minus truth in nats; NaN where there is no finite value."""
        value = math.nan if self.estimate is None else float(self.estimate.value)
        return value - self.truth if math.isfinite(value) else math.nan

    @property
    def is_near(self) -> bool:
        """Whether the error is at most 0.05 nats or 5 % of the truth."""
        return abs(self.error) <= max(NEAR, NEAR_SHARE * abs(self.truth)) + ROUNDING

    @property
    def is_above(self) -> bool:
        """Whether the whole interval lies above the truth."""
        lower = math.nan if self.estimate is None else float(self.estimate.lower)
        return lower > self.truth + ROUNDING

    @property
    def holds_truth(self) -> bool:
        """Whether the 95 % interval holds the truth."""
        if self.estimate is None:
            return False
        lower, upper = float(self.estimate.lower), float(self.estimate.upper)
        return lower - ROUNDING <= self.truth <= upper + ROUNDING  # Not so for NaN.

    def to_dict(self) -> dict[str, Any]:
        """The plain numbers, ready for JSON: inf and NaN become None."""
        estimate = {} if self.estimate is None else self.estimate.to_dict()
        return {
            "task": self.task,
            "method": self.method,
            "repeat": self.repeat,
            "truth": self.truth,
            "error": None if math.isnan(self.error) else self.error,
            "is_near": self.is_near,
            "is_above": self.is_above,
            "holds_truth": self.holds_truth,
            "failure": self.failure or None,
            **{name: estimate.get(name) for name in _ESTIMATE_FIELDS},
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "Record":
        """The record that `to_dict` told; its estimate cannot score new rows."""
        estimate = None
        if told["failure"] is None:
            own = {name: told[name] for name in _ESTIMATE_FIELDS if name != "num_seeds"}
            for name in ("value", "standard_error", "lower", "upper"):
                own[name] = math.nan if own[name] is None else own[name]
            own["ceiling"] = math.inf if own["ceiling"] is None else own["ceiling"]
            own["per_seed"] = np.array(own["per_seed"], dtype=float)
            own["warnings"] = tuple(own["warnings"])
            history = History(np.zeros(0), np.zeros((len(own["per_seed"]), 0)))
            estimate = Estimate(history=history, log_ratio=_unknown_ratio, **own)
        names = ("task", "method", "repeat", "truth")
        return cls(
            **{name: told[name] for name in names},
            estimate=estimate,
            seconds=told["seconds"],
            failure=told["failure"] or "",
        )


def _unknown_ratio(*rows: Any) -> Any:
    del rows
    raise ValueError("an estimate that was read from a file holds no critics")


_ESTIMATE_FIELDS = (
    *("quantity", "value", "standard_error", "lower", "upper", "kind", "ceiling"),
    *("saturated", "converged", "num_nonfinite", "per_seed", "num_seeds"),
    *("num_samples", "bound", "compile_seconds", "warnings"),
)


class Summary(NamedTuple):
    """What the records of one method add up to.

    Shares are of all its estimates: one that failed is neither near, nor above, nor
    does it hold the truth.

    Attributes:
        num_estimates: how many there are, those that failed among them.
        num_failed: without a finite value.
        mean_absolute_error: over finite values, nats.
        median_absolute_error: over finite values, nats.
        root_mean_square_error: over finite values, nats.
        share_near: within max(0.05 nats, 5 % of the truth).
        share_holding: whose 95 % interval holds the truth.
        share_above: whose 95 % interval lies above the truth.
        median_seconds: of one estimate.
        total_seconds: of all.
    """

    num_estimates: int
    num_failed: int
    mean_absolute_error: float
    median_absolute_error: float
    root_mean_square_error: float
    share_near: float
    share_holding: float
    share_above: float
    median_seconds: float
    total_seconds: float


# Running and adding up ------------------------------------------------------------


def run_benchmark(
    tasks: Sequence[AnyTask],
    *,
    methods: Sequence[str] | None = None,
    num_rows: int = 10_000,
    num_repeats: int = 1,
    num_seeds: int | None = None,
    done: Iterable[Record] = (),
    announce: Callable[[str], None] = lambda line: None,
) -> Iterator[Record]:
    """Runs methods on samples of tasks, lazily, one estimate after the other.

    Args:
        tasks: the tasks, such as those of `jaxinfo.tasks.suite`.
        methods: names, see `choose_methods`. One that a quantity cannot be asked, a
            bound of KL for another member, is left out there.
        num_rows: rows of each sample.
        num_repeats: fresh samples of each task, with seeds 0, 1, 2 ... Every method
            sees the same ones, whatever the other tasks and methods are.
        num_seeds: critics trained from different seeds; None for the estimator's own.
        done: records of an earlier run with these rows and seeds: they come in place of
            new estimates.
        announce: called with a line before each estimate.

    Returns:
        A `Record` for each quantity, repeat and method, as it comes.

    Raises:
        ValueError: before anything runs, where an argument does not fit. What a method
            raises becomes the `failure` of its record.
    """
    check_positive(num_rows=num_rows, num_repeats=num_repeats)
    if num_seeds is not None:
        check_positive(num_seeds=num_seeds)
    chosen = choose_methods(tasks, methods=methods)
    settings = {} if num_seeds is None else {"num_seeds": num_seeds}
    there = {(record.task, record.method, record.repeat): record for record in done}

    def records() -> Iterator[Record]:
        num_made = 0
        for place, task in enumerate(tasks, 1):
            for quantity in quantities(task):
                for repeat in range(num_repeats):
                    draw = functools.cache(
                        functools.partial(_draw, task, repeat, num_rows)
                    )
                    for method in chosen:
                        if method not in quantity.estimators:
                            continue
                        known = there.get((quantity.name, method, repeat))
                        if known is not None:
                            yield known
                            continue
                        key, sample = draw()
                        where = f"task {place} of {len(tasks)}"
                        announce(f"{quantity.name}: {method} ({where}) ...")
                        estimator = functools.partial(
                            quantity.estimators[method], key, *sample, **settings
                        )
                        yield _measure(quantity, method, repeat, estimator)
                        num_made += 1
                        if num_made % ESTIMATES_KEPT == 0:
                            jax.clear_caches()

    return records()


def _draw(task: AnyTask, repeat: int, num_rows: int) -> tuple[Any, list[np.ndarray]]:
    """A key for estimates, and a sample that shares no noise with other tasks'."""
    own = jax.random.fold_in(jax.random.key(repeat), zlib.crc32(task.name.encode()))
    sample_key, key = jax.random.split(own)
    return key, [np.asarray(rows) for rows in task.sample(sample_key, num_rows)]


def _measure(
    quantity: Quantity, method: str, repeat: int, estimator: Callable[[], Estimate]
) -> Record:
    record = functools.partial(Record, quantity.name, method, repeat, quantity.truth)
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # The estimate holds them.
            estimate = estimator()
    except FAILURES as error:
        why = " ".join(str(error).split()) or type(error).__name__
        return record(None, time.perf_counter() - started, why)
    return record(estimate, estimate.seconds)


def summarize_benchmark(records: Iterable[Record]) -> dict[str, Summary]:
    """What records add up to.

    Args:
        records: of any tasks, methods and repeats.

    Returns:
        A `Summary` for each method, in the order in which they come.
    """
    by_method: dict[str, list[Record]] = {}
    for record in records:
        by_method.setdefault(record.method, []).append(record)
    return {method: _summarize(rows) for method, rows in by_method.items()}


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
        share_holding=statistics.fmean(r.holds_truth for r in records),
        share_above=statistics.fmean(r.is_above for r in records),
        median_seconds=statistics.median(seconds),
        total_seconds=math.fsum(seconds),
    )


def to_results(
    records: Sequence[Record], *, config: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """The records as JSON holds them, in the layout of an experiment's results.

    Args:
        records: what `run_benchmark` yielded.
        config: what was asked for, plain numbers and strings.
        seconds: wall time of the whole.

    Returns:
        A dict of plain numbers, strings and None. Its "summary" is of each method: a
        metric of each repeat, and their mean and standard deviation.
    """
    repeats = [
        summarize_benchmark(r for r in records if r.repeat == repeat)
        for repeat in sorted({record.repeat for record in records})
    ]
    return {
        "experiment": "benchmark",
        "config": config,
        "device": device_name(),
        "seconds": seconds,
        "records": [record.to_dict() for record in records],
        "summary": {
            method: {
                metric: mean_and_sd(
                    getattr(own[method], metric) for own in repeats if method in own
                )
                for metric in Summary._fields
            }
            for method in summarize_benchmark(records)
        },
    }
