"""The results of the demo as a table, as checks and as JSON."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from jaxinfo.cli.demo.digit_representations import ProbeResult
from jaxinfo.cli.demo.stages import (
    MAX_STANDARD_ERRORS,
    STAGES,
    Result,
    Results,
    Stage,
)
from jaxinfo.core.extras import import_extra
from jaxinfo.estimation.estimate import jsonable
from jaxinfo.reporting import device_name, mean_and_sd

__all__ = ["check_lines", "demo_results", "demo_table"]


def demo_table(results: Results, *, stages: Sequence[Stage] = STAGES) -> Any:
    """A table of the results, with a section for each stage.

    Args:
        results: the results that `run_stages` returned.
        stages: the stages that ran.

    Returns:
        A `rich.table.Table`.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    table = import_extra("rich.table", "cli").Table(
        box=import_extra("rich.box", "cli").SIMPLE_HEAD,
        pad_edge=False,
        caption="values in nats, ± standard error; of representations: test accuracy "
        "of a linear probe, ± standard deviation over seeds\n"
        "!: the interval lies above the truth or the largest possible value (≤)",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for heading in ("value", "95 % interval", "truth", "s (to compile)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in stages:
        table.add_section()
        table.add_row(f"[bold]{stage.title}")
        for result in results[stage.name]:
            table.add_row(*_cells(result))
    return table


def _cells(result: Result | ProbeResult) -> tuple[str, ...]:
    if isinstance(result, ProbeResult):
        accuracy = f"{result.probe.value:.1f} ± {result.probe.spread:.1f} %"
        return f"  {result.label}", accuracy, "", "", f"{result.seconds:.1f}"
    estimate = result.estimate
    truth = "" if result.limit is None else f"≤ {result.limit:.3f}"
    if result.truth is not None:
        truth = f"{result.truth:.3f}"
    found = estimate.diagnostics
    notes = [", saturated"] * found.saturated
    notes += [", not converged"] * (not found.converged)
    return (
        f"  {result.label}" + "".join(notes),
        f"{estimate.value:.3f} ± {estimate.standard_error:.3f}",
        f"{estimate.lower:.3f} … {estimate.upper:.3f}",
        truth if result.is_in_interval else f"[bold red]{truth} !",
        f"{found.seconds:.1f} ({found.compile_seconds:.1f})",
    )


def check_lines(results: Results) -> Iterator[str]:
    """Checks that no estimate exceeds the truth or the largest possible value.

    Args:
        results: the results that `run_stages` returned.

    Yields:
        A line for each failed check, starting with "FAILED", for each interval that
        lies above the value, and for each estimate with a named limit that passes.
    """
    for result in _estimates(results):
        value, label = result.estimate.value, result.label
        if not math.isfinite(value):
            yield f"FAILED: {label}: the estimate is not finite"
        elif not result.is_plausible:
            yield (
                f"FAILED: {label}: {value:.3f} nats is more than {MAX_STANDARD_ERRORS} "
                f"standard errors above {result.largest:.3f}"
            )
        elif not result.is_in_interval:
            yield (
                f"note: {label}: the 95 % interval starts at "
                f"{result.estimate.lower:.3f} nats, above {result.largest:.3f}; this "
                "happens by chance once in forty estimates"
            )
        elif result.limit_name:
            yield (
                f"ok: {label}: {value:.3f} nats does not significantly exceed "
                f"{result.limit_name} = {result.limit:.3f}"
            )


def _estimates(results: Results) -> Iterator[Result]:
    for rows in results.values():
        yield from (row for row in rows if isinstance(row, Result))


def demo_results(results: Results, *, num_seeds: int, seconds: float) -> dict[str, Any]:
    """Converts the results to the content of a results.json.

    Args:
        results: the results that `run_stages` returned.
        num_seeds: the number of seeds that `run_stages` was given.
        seconds: wall time of the whole demo.

    Returns:
        A dict of plain numbers, strings and None.
    """
    settings = {
        f"{stage}/{result.label}": result
        for stage, rows in results.items()
        for result in rows
    }
    return {
        "experiment": "demo",
        "config": {"num_seeds": num_seeds},
        "device": device_name(),
        "seconds": seconds,
        "records": [
            {"setting": setting, "seed": seed, _metric(result): value}
            for setting, result in settings.items()
            for seed, value in enumerate(jsonable(_per_seed(result)))
        ],
        "summary": {
            setting: {_metric(result): mean_and_sd(_per_seed(result))}
            for setting, result in settings.items()
        },
        "estimates": {
            setting: {
                **result.estimate.to_dict(),
                "truth": result.truth,
                "limit": result.limit,
                "is_plausible": result.is_plausible,
            }
            for setting, result in settings.items()
            if isinstance(result, Result)
        },
    }


def _metric(result: Result | ProbeResult) -> str:
    return "accuracy" if isinstance(result, ProbeResult) else "nats"


def _per_seed(result: Result | ProbeResult) -> Any:
    if isinstance(result, ProbeResult):
        return result.probe.per_seed
    return result.estimate.diagnostics.per_seed
