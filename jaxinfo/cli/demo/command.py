"""`jaxinfo demo`: estimates on known distributions and on real data."""

import dataclasses
import time
from pathlib import Path

import jax

from jaxinfo.cli.demo.figure import plot_demo
from jaxinfo.cli.demo.report import check_lines, demo_results, demo_table
from jaxinfo.cli.demo.stages import STAGES, run_stages
from jaxinfo.cli.terminal import (
    make_console,
    print_lines,
    progress_line,
    written_lines,
)
from jaxinfo.core.checks import check_positive
from jaxinfo.reporting import atomic_files, check_new_folder, write_json

__all__ = ["DemoOptions", "run_demo"]


@dataclasses.dataclass(frozen=True)
class DemoOptions:
    """Run the demo: known distributions and real data, in about two minutes.

    Attributes:
        out: folder for demo.png and results.json, created if it does not exist.
        seeds: number of training seeds of each estimate.
    """

    out: Path = Path("demo")
    seeds: int = 16


def run_demo(options: DemoOptions) -> int:
    """Runs the command.

    Args:
        options: the options of the command.

    Returns:
        The exit code: 0, or 1 if a check of the results failed.

    Raises:
        ValueError: if an option is invalid; nothing is run or written then.
    """
    check_new_folder(options.out)
    check_positive(seeds=options.seeds)
    started = time.perf_counter()
    with progress_line() as status:
        results = run_stages(
            jax.random.key(0), num_seeds=options.seeds, announce=status.update
        )
    seconds = time.perf_counter() - started
    panels = [(stage.title, results[stage.name]) for stage in STAGES]
    content = demo_results(results, num_seeds=options.seeds, seconds=seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    figure, numbers = options.out / "demo.png", options.out / "results.json"
    with atomic_files(figure, numbers) as (figure_draft, numbers_draft):
        assert figure_draft is not None
        assert numbers_draft is not None
        plot_demo(panels, figure_draft)
        write_json(numbers_draft, content)
    console = make_console()
    console.print(demo_table(results))
    checks = list(check_lines(results))
    print_lines(console, [*checks, *written_lines(figure, numbers)])
    print_lines(console, [f"{options.seeds} seeds, {seconds:.0f} seconds in all"])
    return int(any(line.startswith("FAILED") for line in checks))
