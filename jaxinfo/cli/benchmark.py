"""`jaxinfo benchmark`: estimators over a suite of tasks."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from jaxinfo import tasks
from jaxinfo.benchmark import (
    Record,
    choose_estimators,
    run_benchmark,
    summarize_benchmark,
)
from jaxinfo.cli.terminal import (
    make_console,
    print_lines,
    progress_line,
    written_lines,
)
from jaxinfo.core.checks import check_one_of
from jaxinfo.reporting import (
    atomic_files,
    benchmark_results,
    benchmark_table,
    check_outputs,
    note_lines,
    plot_benchmark,
    summary_table,
    write_json,
)

__all__ = ["BenchmarkOptions", "run_benchmark_command"]


@dataclasses.dataclass(frozen=True)
class BenchmarkOptions:
    """Run estimators over a suite of tasks whose information is known.

    Attributes:
        suite: bmi40, staircase, high-mi, mixed, images, families, cmi, divergence or
            smoke, which is the fastest.
        estimators: names, comma-separated: default, a bound such as mine, or a
            classical estimator such as ksg1. By default, default, gaussian_copula and
            ksg1, if they apply to the suite.
        seeds: number of training seeds. By default, the estimator's own.
        rows: rows of each sample.
        repeats: number of samples of each task.
        json: write every estimate and the summary to this file.
        plot: plot the errors to this .png, .pdf or .svg.
    """

    suite: str = "bmi40"
    estimators: str | None = None
    seeds: int | None = None
    rows: int = 10_000
    repeats: int = 1
    json: Path | None = None
    plot: Path | None = None


def run_benchmark_command(options: BenchmarkOptions) -> int:
    """Runs the command.

    If it is interrupted, it prints the estimates that are done and writes no file.

    Args:
        options: the options of the command.

    Returns:
        The exit code, 0.

    Raises:
        ValueError: if an option is invalid; nothing is run or written then.
    """
    check_outputs(options.json, options.plot)
    check_one_of(tasks.SUITES, suite=options.suite)
    suite = tasks.suite(options.suite)
    estimators = choose_estimators(suite, estimators=_names(options.estimators))
    started, records = time.perf_counter(), []
    try:
        with progress_line() as status:
            for record in run_benchmark(
                suite,
                estimators=list(estimators.values()),
                num_rows=options.rows,
                num_repeats=options.repeats,
                num_seeds=options.seeds,
                announce=status.update,
            ):
                records.append(record)
    except KeyboardInterrupt:
        _print(records)
        raise
    _print(records)
    content = benchmark_results(
        records,
        config={
            "suite": options.suite,
            "estimators": list(estimators),
            "seeds": options.seeds,
            "rows": options.rows,
            "repeats": options.repeats,
        },
        seconds=time.perf_counter() - started,
    )
    with atomic_files(options.json, options.plot) as (json_path, plot_path):
        if json_path is not None:
            write_json(json_path, content)
        if plot_path is not None:
            plot_benchmark(records, plot_path)
    print_lines(make_console(), written_lines(options.json, options.plot))
    return 0


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _print(records: Sequence[Record]) -> None:
    if not records:
        return
    console = make_console()
    console.print(benchmark_table(records))
    console.print(summary_table(summarize_benchmark(records)))
    print_lines(console, note_lines(records))
