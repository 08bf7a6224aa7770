"""Runs every estimator on the suite bmi40; writes numbers, a figure and a table."""

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
# The default estimator runs under its alias, "default". A plug-in estimate counts
# discrete states, and the suite is continuous.
LEFT_OUT = {"cross_fitted", "plug_in"}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json, benchmark.png and table.md; estimates that are in
            results.json are not repeated.
        num_seeds: number of critics trained for each estimate.
        rows: number of rows in each sample.
        repeats: number of samples of each task.
        estimators: names of estimators, comma-separated; all if None.
        smoke: run the whole experiment on two tasks with few rows.
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
    return [name for name in estimator_names() if name not in LEFT_OUT]


def _settings(config: Config) -> dict[str, Any]:
    """The settings shared by all estimates in a folder."""
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

    config = tyro.cli(Config, description="Estimators on tasks of known information.")
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=2, rows=1_000)
    prepare_jax()
    from jaxinfo import benchmark, reporting, tasks

    suite = tasks.suite(SUITE)[: 2 if config.smoke else None]
    started, before = time.perf_counter(), read_results(config.out, _settings(config))
    records = list(map(benchmark.Record.from_dict, before.get("records", [])))
    done = {(record.task, record.estimator, record.repeat) for record in records}
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
            run = record.task, record.estimator, record.repeat
            if run not in done:
                done.add(run)
                records.append(record)
                _write(config, records)
    reporting.plot_benchmark(records, config.out / "benchmark.png")
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(reporting.benchmark_table(records))
    console.print(reporting.summary_table(benchmark.summarize_benchmark(records)))
    print(f"written to {config.out} in {time.perf_counter() - started:.0f} s")
