"""The main job: estimates on laws whose answer is known, then real digits and codes.

A stage is a row of `STAGES` in `demo_stages.py`: data in, a list of results out. The
table, the figure and the JSON take whatever stages there are.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.demo_stages import (
    LARGEST_SURPRISE,
    STAGES,
    Reading,
    Result,
    Stage,
)
from jaxinfo.estimation.estimate import jsonable
from jaxinfo.results import device_name, mean_and_sd

__all__ = [
    "STAGES",
    "Reading",
    "Result",
    "Stage",
    "check_lines",
    "demo_table",
    "run_stages",
    "to_results",
]

Results = dict[str, list[Result | Reading]]


def run_stages(
    key: Key[Array, ""],
    *,
    stages: Sequence[Stage] = STAGES,
    num_seeds: int = 16,
    announce: Callable[[str], None] = lambda line: None,
) -> Results:
    """Runs stages one after the other.

    Args:
        key: random key; a stage's own depends on its place alone.
        stages: the stages.
        num_seeds: critics trained from different seeds for each estimate.
        announce: called with a line when a stage starts and when it has a result.

    Returns:
        The results of each stage, by its name.

    Raises:
        ValueError: where num_seeds is not a positive whole number.
    """
    check_positive(num_seeds=num_seeds)
    results: Results = {}
    for index, stage in enumerate(stages):
        announce(f"{stage.title} ...")
        results[stage.name] = []
        for result in stage.run(jax.random.fold_in(key, index), num_seeds):
            results[stage.name].append(result)
            announce(f"{stage.title}: {result.label} {_in_words(result)} ...")
    return results


def _in_words(result: Result | Reading) -> str:
    if isinstance(result, Reading):
        return f"{result.probe.value:.1f} %"
    return f"{result.estimate.value:.3f} nats"


def _estimates(results: Results) -> Iterator[Result]:
    for rows in results.values():
        yield from (row for row in rows if isinstance(row, Result))


def demo_table(results: Results, *, stages: Sequence[Stage] = STAGES) -> Any:
    """The results as a table for the terminal.

    Args:
        results: what `run_stages` returned.
        stages: the stages that ran.

    Returns:
        A `rich.table.Table`.
    """
    from rich import box
    from rich.table import Table

    kinds = {result.estimate.kind for result in _estimates(results)}
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=f"kind: {', '.join(sorted(kinds)).replace('_', ' ')}; %: test images "
        "whose class a linear probe tells, ± over seeds",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for heading in ("nats", "95 % interval", "truth", "s (compiling)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in stages:
        table.add_section()
        table.add_row(f"[bold]{stage.title}")
        for result in results[stage.name]:
            table.add_row(*_cells(result))
    return table


def _cells(result: Result | Reading) -> tuple[str, ...]:
    if isinstance(result, Reading):
        read = f"{result.probe.value:.1f} ± {result.probe.spread:.1f} %"
        return f"  {result.label}", read, "", "", f"{result.seconds:.1f}"
    estimate = result.estimate
    truth = "" if result.limit is None else f"≤ {result.limit:.3f}"
    if result.truth is not None:
        truth = f"{result.truth:.3f}"
    flags = [", saturated"] * estimate.saturated + [", rising"] * (
        not estimate.converged
    )
    return (
        f"  {result.label}" + "".join(flags),
        f"{estimate.value:.3f} ± {estimate.standard_error:.3f}",
        f"{estimate.lower:.3f} … {estimate.upper:.3f}",
        truth if result.is_held else f"[bold red]{truth} !",
        f"{estimate.seconds:.1f} ({estimate.compile_seconds:.1f})",
    )


def check_lines(results: Results) -> Iterator[str]:
    """A sentence for each estimate with a named limit that is worth a check.

    Args:
        results: what `run_stages` returned.

    Returns:
        The sentences, of which those of failures start with FAILED.
    """
    for result in _estimates(results):
        if not math.isfinite(result.estimate.value):
            yield f"FAILED: {result.label}: no finite value"
        elif not result.is_possible:
            yield (
                f"FAILED: {result.label}: {result.estimate.value:.3f} nats is more "
                f"than {LARGEST_SURPRISE} standard errors above {result.at_most:.3f}"
            )
        elif not result.is_held:
            yield (
                f"note: {result.label}: the interval starts at "
                f"{result.estimate.lower:.3f} nats, above {result.at_most:.3f}, as one "
                "of forty does by chance"
            )
        elif result.limit_name.startswith("ln"):
            yield (
                f"ok: {result.label}: {result.estimate.value:.3f} nats does not exceed "
                f"{result.limit_name} = {result.limit:.3f} beyond chance"
            )


def to_results(results: Results, *, num_seeds: int, seconds: float) -> dict[str, Any]:
    """The results as JSON holds them, in the layout of an experiment's results.

    Args:
        results: what `run_stages` returned.
        num_seeds: how many seeds it was given.
        seconds: wall time of the whole.

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
            {"setting": setting, "seed": seed, _unit(result): value}
            for setting, result in settings.items()
            for seed, value in enumerate(jsonable(_per_seed(result)))
        ],
        "summary": {
            name: {_unit(result): mean_and_sd(_per_seed(result))}
            for name, result in settings.items()
        },
        "estimates": {
            name: {
                **result.estimate.to_dict(),
                "truth": result.truth,
                "limit": result.limit,
                "is_possible": result.is_possible,
            }
            for name, result in settings.items()
            if isinstance(result, Result)
        },
    }


def _unit(result: Result | Reading) -> str:
    return "accuracy" if isinstance(result, Reading) else "nats"


def _per_seed(result: Result | Reading) -> Any:
    told = result.probe if isinstance(result, Reading) else result.estimate
    return told.per_seed
