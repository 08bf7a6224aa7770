"""The command line: `jaxinfo estimate FILE`, `jaxinfo benchmark`, `jaxinfo demo`.

This module imports the standard library alone until a command runs, so that without
the `cli` extra it can still say what is missing.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib.util
import os
import platform
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "Benchmark",
    "Demo",
    "Estimate",
    "main",
    "prepare_jax",
    "processor_name",
]

NEEDED = ("matplotlib", "pandas", "rich", "sklearn", "tyro")


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Estimate the mutual information of paired samples in a file, in nats.

    Attributes:
        file: a .csv with a header line, or an .npz of arrays.
        x: columns of x, comma-separated (.csv), or the array of x (.npz).
        y: columns of y, comma-separated (.csv), or the array of y (.npz).
        z: columns of z, or the array of z: estimate the information of x and y given z.
        bound: mine, donsker_varadhan, info_nce, jensen_shannon, smile, club ...; left
            out: the cross-fitted estimate of the information itself.
        seeds: critics trained from different seeds.
        num_steps: the most updates of each seed; left out: the estimator's own.
        batch_size: rows of a minibatch; at most the training rows.
        key: seed of the random key: equal keys give equal numbers.
        check: run the estimator's self-checks on the data too, which takes four more
            estimates; exit code 1 where one fails.
        json: write the numbers to this file.
        plot: draw the curve of the bound to this .png, .pdf or .svg.
    """

    file: Path
    x: str | None = None
    y: str | None = None
    z: str | None = None
    bound: str | None = None
    seeds: int = 8
    num_steps: int | None = None
    batch_size: int | None = None
    key: int = 0
    check: bool = False
    json: Path | None = None
    plot: Path | None = None


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Run estimators over a suite of laws whose information is known.

    Attributes:
        suite: bmi40, staircase, high-mi, mixed, images, families, cmi, divergence;
            smoke is the quickest.
        bounds: methods, comma-separated: default (the estimator with nothing else
            said), a bound such as mine, or a classical method such as ksg1. Left out:
            default,copula,ksg1, of which a suite of divergences takes default alone.
        seeds: critics trained from different seeds; left out: the estimator's own.
        rows: rows of each sample.
        repeats: fresh samples of each task.
        json: write every estimate and the summary to this file.
        plot: draw the errors to this .png, .pdf or .svg.
    """

    suite: str = "bmi40"
    bounds: str | None = None
    seeds: int | None = None
    rows: int = 10_000
    repeats: int = 1
    json: Path | None = None
    plot: Path | None = None


@dataclasses.dataclass(frozen=True)
class Demo:
    """Estimate on known laws and on real data: the main job, under two minutes.

    Attributes:
        out: folder for demo.png and results.json; made where it is missing.
        seeds: critics trained from different seeds.
    """

    out: Path = Path("demo")
    seeds: int = 16


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: arguments after the program's name; None for those of the process.

    Returns:
        The exit code: 0 on success, 1 where a check failed, 2 on bad input or bad
        usage, 130 if interrupted.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _fail(
            f"the command line needs {', '.join(missing)}: pip install 'jaxinfo[cli]'"
        )
    import tyro

    try:
        command = tyro.cli(
            Estimate | Benchmark | Demo,  # pyright: ignore[reportArgumentType]
            args=argv,
            prog="jaxinfo",
            description="Mutual information and divergences in nats, from samples.",
            config=(
                tyro.conf.PositionalRequiredArgs,
                tyro.conf.PositionalMetavarFromFieldName,
            ),
        )
    except SystemExit as stop:  # Help, or bad usage that tyro has explained.
        return stop.code if isinstance(stop.code, int) else 2
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            code = _run(command)
    except (ValueError, ImportError, OSError) as error:
        return _fail(" ".join(str(error).split()) or type(error).__name__)
    except KeyboardInterrupt:
        _fail("interrupted")
        return 130
    for line in dict.fromkeys(" ".join(str(w.message).split()) for w in caught):
        print(f"warning: {line}", file=sys.stderr)
    return code


def _fail(line: str) -> int:
    print(f"jaxinfo: {line}", file=sys.stderr)
    return 2


def _run(command: Estimate | Benchmark | Demo) -> int:
    prepare_jax()
    if isinstance(command, Estimate):
        return _estimate(command)
    return _demo(command) if isinstance(command, Demo) else _benchmark(command)


# jaxinfo estimate -----------------------------------------------------------------


def _estimate(command: Estimate) -> int:
    from jaxinfo.results import check_outputs, replacing, write_json

    check_outputs(command.json, command.plot)
    import jax

    from jaxinfo import estimation
    from jaxinfo.data import read_columns
    from jaxinfo.tables import estimate_table

    if command.z is not None and (command.check or command.bound is not None):
        raise ValueError("--z goes with neither --bound nor --check")
    rows = read_columns(command.file, x=command.x, y=command.y, z=command.z)
    estimator = functools.partial(
        functools.partial(estimation.estimate_mutual_information, bound=command.bound)
        if command.z is None
        else estimation.estimate_conditional_mutual_information,
        num_seeds=command.seeds,
        num_steps=command.num_steps,
        batch_size=command.batch_size,
    )
    key, checks = jax.random.key(command.key), None
    if command.check:
        checks = estimation.check_mutual_information(key, *rows, estimator=estimator)
    estimate = estimator(key, *rows) if checks is None else checks.estimate
    content = (checks or estimate).to_dict()
    with replacing(command.json, command.plot) as (json_path, plot_path):
        if json_path is not None:
            write_json(json_path, content)
        if plot_path is not None:
            from jaxinfo.plots import plot_estimate

            plot_estimate(estimate, plot_path)
    console = _console()
    console.print(estimate_table(estimate, command.file.name))
    if checks is not None:
        _print_lines(console, map(str, checks.checks))
    _print_lines(console, _written(command))
    return int(checks is not None and not checks.passed)


def _written(command: Estimate | Benchmark) -> Iterator[str]:
    for path in (command.json, command.plot):
        if path is not None:
            yield f"wrote {path}"


def _print_lines(console: Any, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _console() -> Any:
    """The terminal, or a page wide enough for a table where there is none."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100)


# jaxinfo benchmark ----------------------------------------------------------------


def _benchmark(command: Benchmark) -> int:
    from jaxinfo.results import check_outputs, replacing, write_json

    check_outputs(command.json, command.plot)
    from rich.console import Console

    from jaxinfo import benchmark, tasks
    from jaxinfo.benchmark_figure import plot_benchmark
    from jaxinfo.benchmark_methods import choose_methods
    from jaxinfo.core.checks import check_one_of

    check_one_of(tasks.SUITES, suite=command.suite)
    suite = tasks.suite(command.suite)
    methods = None if command.bounds is None else _names(command.bounds)
    methods = choose_methods(suite, methods=methods)
    started, records = time.perf_counter(), []
    try:
        with Console(stderr=True).status("starting ...") as status:  # Terminals only.
            for record in benchmark.run_benchmark(
                suite,
                methods=methods,
                num_rows=command.rows,
                num_repeats=command.repeats,
                num_seeds=command.seeds,
                announce=status.update,
            ):
                records.append(record)
    except KeyboardInterrupt:
        _print_benchmark(records)
        raise
    _print_benchmark(records)
    config = dataclasses.asdict(command) | {"bounds": methods}
    content = benchmark.to_results(
        records,
        config={k: v for k, v in config.items() if k not in ("json", "plot")},
        seconds=time.perf_counter() - started,
    )
    with replacing(command.json, command.plot) as (json_path, plot_path):
        if json_path is not None:
            write_json(json_path, content)
        if plot_path is not None:
            plot_benchmark(records, plot_path)
    _print_lines(_console(), _written(command))
    return 0


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _print_benchmark(records: list[Any]) -> None:
    if not records:
        return
    from jaxinfo import tables
    from jaxinfo.benchmark import summarize_benchmark

    console = _console()
    console.print(tables.benchmark_table(records))
    console.print(tables.summary_table(summarize_benchmark(records)))
    _print_lines(console, tables.note_lines(records))


# jaxinfo demo ---------------------------------------------------------------------


def _demo(command: Demo) -> int:
    from jaxinfo.results import check_new_folder, replacing, write_json

    check_new_folder(command.out)
    import jax
    from rich.console import Console

    from jaxinfo import demo
    from jaxinfo.plots import plot_demo

    started = time.perf_counter()
    with Console(stderr=True).status("starting ...") as status:  # Terminals only.
        results = demo.run_stages(
            jax.random.key(0), num_seeds=command.seeds, announce=status.update
        )
        seconds = time.perf_counter() - started
        content = demo.to_results(results, num_seeds=command.seeds, seconds=seconds)
        command.out.mkdir(parents=True, exist_ok=True)
        figure, numbers = command.out / "demo.png", command.out / "results.json"
        with replacing(figure, numbers) as (draft_figure, draft_numbers):
            assert draft_figure is not None
            assert draft_numbers is not None
            plot_demo(
                [(stage.title, results[stage.name]) for stage in demo.STAGES],
                draft_figure,
            )
            write_json(draft_numbers, content)
    console = _console()
    console.print(demo.demo_table(results))
    checks = list(demo.check_lines(results))
    lines = [*checks, f"wrote {figure} and {numbers}"]
    lines.append(f"{command.seeds} seeds each, {seconds:.0f} seconds in all")
    _print_lines(console, lines)
    return int(any(line.startswith("FAILED") for line in checks))


# Before any backend exists --------------------------------------------------------


def prepare_jax() -> None:
    """Gives JAX a host device for each core, and a compilation cache of the user's.

    Programs are kept under $XDG_CACHE_HOME/jaxinfo (else ~/.cache/jaxinfo), in a folder
    for each kind of processor, unless JAX_COMPILATION_CACHE_DIR says otherwise. Where a
    backend exists already its devices stay as they are.
    """
    import jax

    config: Any = jax.config
    flags = os.environ.get("XLA_FLAGS", "")
    if config.jax_num_cpu_devices < 0 and "host_platform_device_count" not in flags:
        with contextlib.suppress(RuntimeError):  # A backend exists already.
            config.update("jax_num_cpu_devices", _num_cores())
    if config.jax_compilation_cache_dir is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "jaxinfo" / "xla" / processor_name()
        config.update("jax_compilation_cache_dir", str(folder))
        config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """A short name of this processor: programs compiled for it run on no older one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    text = platform.machine() + platform.processor() + flags
    return hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
