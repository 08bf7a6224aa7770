"""Runs all estimators over bmi40 and writes the numbers, a figure and a table."""

import dataclasses
import math
import sys
import time
from pathlib import Path
from typing import Any

from experiments.folder import read_results, write_results
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

SUITE = "bmi40"
# The default is run under its alias, and the suite has no discrete data.
LEFT_OUT = {"cross_fitted", "plug_in"}


@dataclasses.dataclass(frozen=True)
class Config:
    """What to run.

    Attributes:
        out: folder for results.json, benchmark.png and table.md; estimates that
            results.json holds already are not made again.
        num_seeds: critics trained from different seeds for each estimate.
        rows: rows of each sample.
        repeats: fresh samples of each task.
        estimators: names, comma-separated; all by default.
        smoke: the same path end to end on two tasks and with few rows.
    """

    out: Path = Path("results/benchmark")
    num_seeds: int = 8
    rows: int = 10_000
    repeats: int = 1
    estimators: str | None = None
    smoke: bool = False


def _estimators(config: Config) -> list[str]:
    from jaxinfo.estimation import estimator_names

    if config.estimators is not None:
        return config.estimators.split(",")
    if config.smoke:
        return ["default", "gaussian_copula", "ksg1"]
    names = estimator_names()
    return ["default", *(name for name in names if name not in LEFT_OUT)]


def _settings(config: Config) -> dict[str, Any]:
    """What all estimates of a folder have in common."""
    names = ("num_seeds", "rows", "smoke")
    return {"suite": SUITE} | {name: getattr(config, name) for name in names}


def _write(config: Config, records: list) -> None:
    from jaxinfo.benchmark import summarize_benchmark
    from jaxinfo.reporting import HEADINGS, benchmark_results, summary_cells

    seconds = math.fsum(record.seconds for record in records)
    write_results(
        config.out,
        benchmark_results(records, config=_settings(config), seconds=seconds),
        [list(HEADINGS)]
        + [summary_cells(*item) for item in summarize_benchmark(records).items()],
    )


def main() -> None:
    """Runs the estimators and prints the tables."""
    import tyro
    from rich.console import Console

    config = tyro.cli(
        Config, description="All estimators on tasks of known information."
    )
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=2, rows=1_000)
    prepare_jax()
    from jaxinfo import benchmark, reporting, tasks

    suite = tasks.suite(SUITE)[: 2 if config.smoke else None]
    started, before = time.perf_counter(), read_results(config.out, _settings(config))
    records = list(map(benchmark.Record.from_dict, before.get("records", [])))
    places = {(record.task, record.estimator, record.repeat) for record in records}
    with Console(stderr=True).status("starting ...") as status:
        for record in benchmark.run_benchmark(
            suite,
            estimators=_estimators(config),
            num_rows=config.rows,
            num_repeats=config.repeats,
            num_seeds=config.num_seeds,
            done=records,
            announce=status.update,
        ):
            place = record.task, record.estimator, record.repeat
            if place not in places:
                places.add(place)
                records.append(record)
                _write(config, records)
    reporting.plot_benchmark(records, config.out / "benchmark.png")
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(reporting.benchmark_table(records))
    console.print(reporting.summary_table(benchmark.summarize_benchmark(records)))
    print(f"written to {config.out} in {time.perf_counter() - started:.0f} s")
