"""Tables for the terminal: one estimate, and a benchmark."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from jaxinfo.benchmark import NEAR, NEAR_SHARE, Record, Summary
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
    "upper_bound": "an upper bound, as far as its model fits",
    "neither": "neither a lower nor an upper bound",
}
# Errors of bounds that diverged are written as powers of ten from here.
HUGE = 1_000.0
HEADINGS = (
    *("method", "runs", "failed", "MAE", "median AE", "RMSE", "near", "holds truth"),
    *("above", "median s", "total s"),
)


def estimate_table(estimate: Estimate, source: str) -> Any:
    """The numbers of one estimate, one below the other.

    Args:
        estimate: the estimate.
        source: where its data are from.

    Returns:
        A `rich.table.Table`.
    """
    from rich.table import Table

    table = Table(
        title=f"{estimate.quantity} · {source}", show_header=False, title_style="bold"
    )
    table.add_column(style="dim")
    table.add_column()
    for name, text in _lines(estimate):
        table.add_row(name, text)
    return table


def _lines(estimate: Estimate) -> Iterator[tuple[str, str]]:
    finite_ceiling = estimate.ceiling < float("inf")
    yield "value", f"{estimate.value:.4f} ± {estimate.standard_error:.4f} nats"
    yield "95 % interval", f"[{estimate.lower:.4f}, {estimate.upper:.4f}]"
    if estimate.p_value is not None:
        yield "p of independence", f"{estimate.p_value:.3f}"
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


# A benchmark ----------------------------------------------------------------------


def _new_table(caption: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=caption,
        caption_justify="left",
    )


def benchmark_table(records: Sequence[Record]) -> Any:
    """A row for each estimate, in a section for each task.

    Args:
        records: what `run_benchmark` yielded.

    Returns:
        A `rich.table.Table`.
    """
    from rich.text import Text

    near = f"max({NEAR} nats, {NEAR_SHARE:.0%} of the truth)".replace("%", " %")
    table = _new_table(f"!: error beyond {near}, or interval without the truth")
    table.add_column("task", overflow="fold", min_width=16)
    for heading in ("truth", "value", "error", "95 % interval", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("flags")
    many = any(record.repeat for record in records)
    task = None
    for record in records:
        if record.task != task:  # Repeats and methods of one task lie together.
            task = record.task
            table.add_section()
            # Text, for a task's name may hold brackets.
            table.add_row(Text(task, style="bold"), f"{record.truth:.3f}")
        table.add_row(*_cells(record, many))
    return table


def _cells(record: Record, many: bool) -> tuple[str, ...]:
    label = f"  {record.method}" + f" #{record.repeat}" * many
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
        interval + ("  " if record.holds_truth else " !"),
        seconds,
        ", ".join(_flags(record)),
    )


def _flags(record: Record) -> Iterator[str]:
    estimate = record.estimate
    if estimate is None or not math.isfinite(estimate.value):
        yield "failed"
    if estimate is None:
        return
    if record.is_above:
        yield "above"
    if estimate.saturated:
        yield "saturated"
    if not estimate.converged:
        yield "rising"
    if estimate.num_nonfinite:
        yield f"{estimate.num_nonfinite} skipped"
    if estimate.warnings:
        yield "doubt"


def summary_cells(method: str, summary: Summary) -> tuple[str, ...]:
    """The numbers of one method in words, one for each of `HEADINGS`.

    Args:
        method: its name.
        summary: its summary.

    Returns:
        The cells of a row.
    """
    errors = (
        summary.mean_absolute_error,
        summary.median_absolute_error,
        summary.root_mean_square_error,
    )
    shares = summary.share_near, summary.share_holding, summary.share_above
    return (
        method,
        str(summary.num_estimates),
        str(summary.num_failed),
        *(f"{error:.3f}" if error < HUGE else f"{error:.0e}" for error in errors),
        *(f"{100 * share:.0f} %" for share in shares),
        f"{summary.median_seconds:.1f}",
        f"{summary.total_seconds:.0f}",
    )


def summary_table(summaries: dict[str, Summary]) -> Any:
    """A row for each method.

    Args:
        summaries: what `summarize_benchmark` returned.

    Returns:
        A `rich.table.Table`.
    """
    table = _new_table("errors in nats; shares are of all runs, the failed too")
    table.add_column(HEADINGS[0], no_wrap=True)
    for heading in HEADINGS[1:]:
        table.add_column(heading, justify="right")
    for method, summary in summaries.items():
        table.add_row(*summary_cells(method, summary))
    return table


def note_lines(records: Sequence[Record]) -> Iterator[str]:
    """Why methods failed and what made them doubtful, each reason once.

    Args:
        records: what `run_benchmark` yielded.

    Yields:
        A sentence with the method and the tasks.
    """
    tasks: dict[tuple[str, str, str], dict[str, None]] = {}
    for record in records:
        reasons = [("failed", record.failure)] if record.failure else []
        if record.estimate is not None:
            reasons += [("doubt", doubt) for doubt in record.estimate.warnings]
        for word, reason in reasons:
            tasks.setdefault((word, record.method, reason), {})[record.task] = None
    for (word, method, reason), names in tasks.items():
        on = next(iter(names)) if len(names) == 1 else f"{len(names)} tasks"
        yield f"{word}: {method} on {on}: {reason}"
