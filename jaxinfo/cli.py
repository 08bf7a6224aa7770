"""The command line: `jaxinfo estimate FILE` and `jaxinfo demo`.

This module imports the standard library alone until a command runs, so that without
the `cli` extra it can still say what is missing.
"""

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Demo", "Estimate", "main", "prepare_jax", "processor_name"]

NEEDED = ("matplotlib", "pandas", "rich", "sklearn", "tyro")
PLOT_SUFFIXES = (".pdf", ".png", ".svg")


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Estimate the mutual information of paired samples in a file, in nats.

    Attributes:
        file: a .csv with a header line, or an .npz of arrays.
        x: columns of x, comma-separated (.csv), or the array of x (.npz).
        y: columns of y, comma-separated (.csv), or the array of y (.npz).
        bound: mine, donsker_varadhan, info_nce, jensen_shannon, smile, club ...
        seeds: critics trained from different seeds.
        num_steps: the most updates of each seed.
        batch_size: rows of a minibatch; at most the training rows.
        key: seed of the random key: equal keys give equal numbers.
        json: write the numbers to this file.
        plot: draw the curve of the bound to this .png, .pdf or .svg.
    """

    file: Path
    x: str | None = None
    y: str | None = None
    bound: str = "mine"
    seeds: int = 8
    num_steps: int = 2_000
    batch_size: int | None = None
    key: int = 0
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
        The exit code: 0 on success, 1 where a check of the demo failed, 2 on bad
        input or bad usage, 130 if interrupted.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _fail(
            f"the command line needs {', '.join(missing)}: pip install 'jaxinfo[cli]'"
        )
    import tyro

    try:
        command = tyro.cli(
            Estimate | Demo,  # pyright: ignore[reportArgumentType]
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


def _run(command: Estimate | Demo) -> int:
    prepare_jax()
    return _demo(command) if isinstance(command, Demo) else _estimate(command)


# jaxinfo estimate -----------------------------------------------------------------


def _estimate(command: Estimate) -> int:
    _check_outputs(command.json, command.plot)
    import jax

    from jaxinfo.data import read_columns
    from jaxinfo.estimation import estimate_mutual_information

    x, y = read_columns(command.file, x=command.x, y=command.y)
    estimate = estimate_mutual_information(
        jax.random.key(command.key),
        x,
        y,
        bound=command.bound,
        num_seeds=command.seeds,
        num_steps=command.num_steps,
        batch_size=command.batch_size,
    )
    with _replacing(command.json, command.plot) as (json_path, plot_path):
        if json_path is not None:
            _write_json(json_path, estimate.to_dict())
        if plot_path is not None:
            from jaxinfo.plots import plot_estimate

            plot_estimate(estimate, plot_path)
    console = _console()
    console.print(_table(estimate, command.file.name))
    for written in (command.json, command.plot):
        if written is not None:
            console.print(f"wrote {written}", soft_wrap=True, highlight=False)
    return 0


def _console() -> Any:
    """The terminal, or a page wide enough for a table where there is none."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100)


def _check_outputs(json_path: Path | None, plot_path: Path | None) -> None:
    """Refuses, before the long run, places that cannot be written after it."""
    if plot_path is not None and plot_path.suffix.lower() not in PLOT_SUFFIXES:
        raise ValueError(
            f"--plot {plot_path}: unknown suffix {plot_path.suffix!r}; known: "
            f"{', '.join(PLOT_SUFFIXES)}"
        )
    for option, path in (("--json", json_path), ("--plot", plot_path)):
        if path is None:
            continue
        if path.is_dir():
            raise ValueError(f"{option} {path}: is a folder")
        _check_folder(path.parent, f"{option} {path}")
    if json_path is not None and json_path == plot_path:
        raise ValueError(f"--json and --plot are the same file, {json_path}")


def _check_folder(folder: Path, named: str) -> None:
    """Refuses a folder that is not there or cannot be written to."""
    if not folder.is_dir():
        raise ValueError(f"{named}: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{named}: folder {folder} cannot be written to")


def _table(estimate: Any, source: str) -> Any:
    from rich.table import Table

    table = Table(
        title=f"{estimate.quantity} · {source}", show_header=False, title_style="bold"
    )
    table.add_column(style="dim")
    table.add_column()
    for name, text in _lines(estimate):
        table.add_row(name, text)
    return table


def _lines(estimate: Any) -> Iterator[tuple[str, str]]:
    finite_ceiling = estimate.ceiling < float("inf")
    yield "value", f"{estimate.value:.4f} ± {estimate.standard_error:.4f} nats"
    yield "95 % interval", f"[{estimate.lower:.4f}, {estimate.upper:.4f}]"
    yield "bound", f"{estimate.bound}, {KIND_WORDS[estimate.kind]}"
    yield "ceiling", f"{estimate.ceiling:.4f} nats" if finite_ceiling else "none"
    yield "saturated", "yes: the truth may be far above" if estimate.saturated else "no"
    yield "converged", "yes" if estimate.converged else "no: more steps may raise it"
    yield "skipped updates", str(estimate.num_nonfinite)
    yield "seeds", str(estimate.num_seeds)
    yield "rows", f"{estimate.num_samples:,}"
    yield (
        "seconds",
        f"{estimate.seconds:.1f} ({estimate.compile_seconds:.1f} compiling)",
    )


KIND_WORDS = {
    "lower_bound": "a lower bound",
    "upper_bound": "an upper bound, as far as its model fits",
    "neither": "neither a lower nor an upper bound",
}


# jaxinfo demo ---------------------------------------------------------------------


def _demo(command: Demo) -> int:
    _check_new_folder(command.out)
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
        with _replacing(figure, numbers) as (draft_figure, draft_numbers):
            assert draft_figure is not None
            assert draft_numbers is not None
            plot_demo(
                [(stage.title, results[stage.name]) for stage in demo.STAGES],
                draft_figure,
            )
            _write_json(draft_numbers, content)
    console = _console()
    console.print(demo.demo_table(results))
    checks = list(demo.check_lines(results))
    lines = [*checks, f"wrote {figure} and {numbers}"]
    lines.append(f"{command.seeds} seeds each, {seconds:.0f} seconds in all")
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return int(any(line.startswith("FAILED") for line in checks))


def _check_new_folder(folder: Path) -> None:
    """Refuses a folder that can neither be written to nor be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    _check_folder(there, f"--out {folder}")


# Files, all or nothing ------------------------------------------------------------


@contextlib.contextmanager
def _replacing(*paths: Path | None) -> Iterator[list[Path | None]]:
    """Gives paths to write to, and puts them in place only if all was written."""
    drafts = [
        path and path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        for path in paths
    ]
    pairs = [(d, p) for d, p in zip(drafts, paths, strict=True) if d and p]
    try:
        yield drafts
        for draft, path in pairs:
            os.replace(draft, path)
    finally:
        for draft, _ in pairs:
            draft.unlink(missing_ok=True)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes strict JSON: an infinity or a NaN left in it is an error."""
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


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
