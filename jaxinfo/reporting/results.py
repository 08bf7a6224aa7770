"""The layout of a results.json: configuration, device, records and their summary."""

import math
import platform
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from jaxinfo.benchmark import Record, Summary, summarize_benchmark

__all__ = ["benchmark_results", "device_name", "mean_and_sd"]


def device_name() -> str:
    """Names the devices that JAX uses, such as "2 x cpu, x86_64"."""
    device = jax.devices()[0]
    return f"{jax.device_count()} x {device.device_kind}, {platform.machine()}"


def mean_and_sd(values: Iterable[float]) -> dict[str, Any]:
    """Summarizes a metric over seeds.

    Args:
        values: one for each seed; those that are not finite are left out.

    Returns:
        A dict of "mean", "sd" and "num_seeds". The mean of no values and the standard
        deviation of fewer than two are None.
    """
    finite = [float(value) for value in values if math.isfinite(value)]
    return {
        "mean": statistics.fmean(finite) if finite else None,
        "sd": statistics.stdev(finite) if len(finite) > 1 else None,
        "num_seeds": len(finite),
    }


def benchmark_results(
    records: Sequence[Record], *, config: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """Converts the records of a benchmark to the content of a results.json.

    Args:
        records: the records that `run_benchmark` yielded.
        config: the settings of the benchmark, plain numbers and strings.
        seconds: wall time of the whole benchmark.

    Returns:
        A dict of plain numbers, strings and None. Its "summary" holds, for each
        estimator and each metric of `Summary`, the mean and the standard deviation
        over repeats.
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
            name: {
                metric: mean_and_sd(
                    getattr(summaries[name], metric)
                    for summaries in repeats
                    if name in summaries
                )
                for metric in Summary._fields
            }
            for name in summarize_benchmark(records)
        },
    }
