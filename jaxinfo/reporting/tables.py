"""Tables for the terminal: one estimate, and a benchmark."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from jaxinfo.benchmark import (
    TOLERANCE_NATS,
    TOLERANCE_SHARE,
    Record,
    Summary,
)
from jaxinfo.core.extras import import_extra
from jaxinfo.estimation import Estimate

__all__ = [
    "HEADINGS",
    "benchmark_table",
    "estimate_table",
    "note_lines",
    "summary_cells",
    "summary_table",
]

KIND_WORDS = {
    "lower_bound": "a lower bound",
    "upper_bound": "an upper bound if its model fits",
    "neither": "neither a lower nor an upper bound",
}
# Errors from here on are written as powers of ten: bounds may diverge.
HUGE = 1_000.0
HEADINGS = (
    *("estimator", "runs", "failed", "MAE", "median AE", "RMSE", "near", "coverage"),
    *("above", "median s", "total s"),
)


def estimate_table(estimate: Estimate, source: str) -> Any:
    """A table of one estimate, with one number in each row.

    Args:
        estimate: the estimate.
        source: the name of its data, for the title.

    Returns:
        A `rich.table.Table`.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    table = import_extra("rich.table", "cli").Table(
        title=f"{estimate.quantity} · {source}", show_header=False, title_style="bold"
    )
    table.add_column(style="dim")
    table.add_column()
    for name, text in _lines(estimate):
        table.add_row(name, text)
    return table


def _lines(estimate: Estimate) -> Iterator[tuple[str, str]]:
    found = estimate.diagnostics
    has_ceiling = found.ceiling < math.inf
    yield "value", f"{estimate.value:.4f} ± {estimate.standard_error:.4f} nats"
    yield "95 % interval", f"[{estimate.lower:.4f}, {estimate.upper:.4f}]"
    if estimate.p_value is not None:
        yield "p-value of independence", f"{estimate.p_value:.3f}"
    yield "estimator", f"{estimate.estimator}, {KIND_WORDS[estimate.kind]}"
    if found.num_seeds:  # A trained estimator.
        yield "ceiling", f"{found.ceiling:.4f} nats" if has_ceiling else "none"
        yield (
            "saturated",
            "yes: the truth may be far higher" if found.saturated else "no",
        )
        yield (
            "converged",
            "yes" if found.converged else "no: more steps may change the value",
        )
        yield "skipped updates", str(found.num_nonfinite)
        yield "seeds", str(found.num_seeds)
    yield "rows", f"{estimate.num_samples:,}"
    yield (
        "seconds",
        f"{found.seconds:.1f} ({found.compile_seconds:.1f} to compile)",
    )


# A benchmark --------------------------------------------------------------------------


def _new_table(caption: str) -> Any:
    return import_extra("rich.table", "cli").Table(
        box=import_extra("rich.box", "cli").SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=caption,
        caption_justify="left",
    )


def benchmark_table(records: Sequence[Record]) -> Any:
    """A table of a benchmark's estimates, with a section for each task.

    Args:
        records: the records that `run_benchmark` yielded.

    Returns:
        A `rich.table.Table`.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    near = f"max({TOLERANCE_NATS} nats, {100 * TOLERANCE_SHARE:.0f} % of the truth)"
    table = _new_table(f"!: error above {near}, or interval without the truth")
    table.add_column("task", overflow="fold", min_width=16)
    for heading in ("truth", "value", "error", "95 % interval", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("notes")
    has_repeats = any(record.repeat for record in records)
    task = None
    for record in records:
        if record.task != task:  # The records of one task follow each other.
            task = record.task
            table.add_section()
            # Brackets in a task's name are not markup.
            name = import_extra("rich.text", "cli").Text(task, style="bold")
            table.add_row(name, f"{record.truth:.3f}")
        table.add_row(*_cells(record, has_repeats))
    return table


def _cells(record: Record, has_repeats: bool) -> tuple[str, ...]:
    label = f"  {record.estimator}" + f" #{record.repeat}" * has_repeats
    seconds = f"{record.seconds:.1f}"
    estimate = record.estimate
    if estimate is None:
        return (label, "", "", "", "", seconds, "failed")
    error = f"{record.error:+.3f}" + ("  " if record.is_near else " !")
    interval = f"{estimate.lower:.3f} … {estimate.upper:.3f}"
    return (
        label,
        "",
        f"{estimate.value:.3f}",
        error if record.is_near else f"[bold red]{error}",
        interval + ("  " if record.covers_truth else " !"),
        seconds,
        ", ".join(_notes(record)),
    )


def _notes(record: Record) -> Iterator[str]:
    estimate = record.estimate
    if estimate is None or not math.isfinite(estimate.value):
        yield "failed"
    if estimate is None:
        return
    found = estimate.diagnostics
    if record.is_above:
        yield "above"
    if found.saturated:
        yield "saturated"
    if not found.converged:
        yield "not converged"
    if found.num_nonfinite:
        yield f"{found.num_nonfinite} skipped"
    if found.warnings:
        yield "warning"


def summary_cells(estimator: str, summary: Summary) -> tuple[str, ...]:
    """Formats the summary of one estimator, with a cell for each of `HEADINGS`.

    Args:
        estimator: name of the estimator.
        summary: its summary.

    Returns:
        The cells of a row.
    """
    errors = (
        summary.mean_absolute_error,
        summary.median_absolute_error,
        summary.root_mean_square_error,
    )
    shares = summary.share_near, summary.coverage, summary.share_above
    return (
        estimator,
        str(summary.num_estimates),
        str(summary.num_failed),
        *(f"{error:.3f}" if error < HUGE else f"{error:.0e}" for error in errors),
        *(f"{100 * share:.0f} %" for share in shares),
        f"{summary.median_seconds:.1f}",
        f"{summary.total_seconds:.0f}",
    )


def summary_table(summaries: dict[str, Summary]) -> Any:
    """A table of a benchmark's summaries, with a row for each estimator.

    Args:
        summaries: the summaries that `summarize_benchmark` returned.

    Returns:
        A `rich.table.Table`.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    table = _new_table("errors in nats; shares are of all runs, failed ones included")
    table.add_column(HEADINGS[0], no_wrap=True)
    for heading in HEADINGS[1:]:
        table.add_column(heading, justify="right")
    for estimator, summary in summaries.items():
        table.add_row(*summary_cells(estimator, summary))
    return table


def note_lines(records: Sequence[Record]) -> Iterator[str]:
    """Lists the errors and warnings of a benchmark's estimates, each once.

    Args:
        records: the records that `run_benchmark` yielded.

    Yields:
        A line with the estimator, the task or the number of tasks, and the message.
    """
    tasks: dict[tuple[str, str, str], dict[str, None]] = {}
    for record in records:
        messages = [("failed", record.failure)] if record.failure else []
        if record.estimate is not None:
            messages += [
                ("warning", line) for line in record.estimate.diagnostics.warnings
            ]
        for word, message in messages:
            tasks.setdefault((word, record.estimator, message), {})[record.task] = None
    for (word, estimator, message), names in tasks.items():
        where = next(iter(names)) if len(names) == 1 else f"{len(names)} tasks"
        yield f"{word}: {estimator} on {where}: {message}"
