"""Figures: the curve of a bound over its steps, and the demo's panels.

Matplotlib's Figure is used without pyplot: no screen and no global state.
"""

import math
import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxinfo.estimation import Estimate, information_bound
from jaxinfo.estimation.estimate import History

if TYPE_CHECKING:
    from jaxinfo.demo import Reading, Result

__all__ = ["plot_demo", "plot_estimate"]

INK, MUTED, GRID = "#1c1f26", "#6b7280", "#e5e7eb"
ACCENT, CEILING = "#2563eb", "#dc2626"
COLORS = ("#2563eb", "#ea7317", "#0f9d75", "#9333ea", "#c0266e", "#7c8a0b")
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
}


def plot_estimate(
    estimate: Estimate, path: str | os.PathLike[str], *, truth: float | None = None
) -> None:
    """Draws the bound over the updates for every seed, and the value reported.

    On the left the validation curves and their mean; on the right the value of each
    seed on the test rows, their mean and its 95 % interval. Nats.

    Args:
        estimate: the estimate.
        path: a .png, .pdf or .svg.
        truth: the exact value, drawn where it is known, nats.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 4.4), dpi=150, layout="constrained")
        curves, report = figure.subplots(1, 2, width_ratios=(5, 1.5))
        _draw_curves(curves, estimate.history)
        _draw_report(report, estimate, truth)
        _limit_axes(curves, report, estimate, truth)
        figure.suptitle(_headline(estimate), x=0.01, ha="left", fontsize=11)
        figure.savefig(path)


def _headline(estimate: Estimate) -> str:
    kind = estimate.kind.replace("_", " ")
    if kind == "neither":
        kind = "neither a lower nor an upper bound"
    flags = [", saturated"] * estimate.saturated
    flags += [", not converged"] * (not estimate.converged)
    return (
        f"{estimate.quantity}: {estimate.value:.3f} ± {estimate.standard_error:.3f} "
        f"nats\n{estimate.bound}, {kind}, {estimate.num_seeds} seeds, "
        f"{estimate.num_samples:,} rows" + "".join(flags)
    )


def _selects_by_its_value(estimate: Estimate) -> bool:
    """Whether the curves are the bound itself: some are chosen by another number."""
    try:
        return information_bound(estimate.bound).select is None
    except ValueError:  # A bound of divergences, or one of the user's own.
        return True


def _mean_curve(history: History) -> np.ndarray:
    """Mean over the seeds still running, while three in four of them are."""
    running = np.isfinite(history.values)
    total = np.where(running, history.values, 0).sum(axis=0)
    count = running.sum(axis=0)
    enough = count >= max(1, 0.75 * len(history.values))
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def _draw_curves(axes: Any, history: History) -> None:
    for number, values in enumerate(history.values):
        label = "each seed" if number == 0 else None
        axes.plot(
            history.steps, values, color=ACCENT, alpha=0.3, linewidth=0.9, label=label
        )
    marker = "o" if len(history.steps) == 1 else None
    axes.plot(
        history.steps,
        _mean_curve(history),
        color=ACCENT,
        linewidth=2.2,
        marker=marker,
        label="mean",
    )
    axes.set_xlabel("updates")
    axes.set_xlim(left=0)


def _draw_report(axes: Any, estimate: Estimate, truth: float | None) -> None:
    spread = np.linspace(-0.25, 0.25, max(2, estimate.num_seeds))
    axes.scatter(
        spread[: estimate.num_seeds],
        estimate.per_seed,
        s=18,
        color=ACCENT,
        alpha=0.6,
        linewidth=0,
    )
    if math.isfinite(estimate.value):
        axes.axhspan(estimate.lower, estimate.upper, color=ACCENT, alpha=0.12)
        axes.axhline(estimate.value, color=ACCENT, linewidth=2.2)
    axes.set_xlim(-0.5, 0.5)
    axes.set_xticks([])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("test rows:\neach seed, mean, 95 %")
    if truth is not None:
        axes.axhline(truth, color=INK, linewidth=1.2, linestyle=":")


def _limit_axes(
    curves: Any, report: Any, estimate: Estimate, truth: float | None
) -> None:
    """Scales and shared lines: one scale where both sides show the same number."""
    same = _selects_by_its_value(estimate)
    ends = [estimate.lower, estimate.upper, *estimate.per_seed]
    ends += [] if truth is None else [truth]
    # A ceiling far above everything would flatten the curves.
    ceiling = estimate.ceiling
    shows_ceiling = math.isfinite(ceiling) and ceiling < 3 * max(estimate.upper, 1.0)
    ends += [ceiling] if shows_ceiling else []
    drawn = _robust_ends(estimate.history)
    report.set_ylim(*_padded([*ends, *drawn] if same else ends))
    curves.set_ylim(*(report.get_ylim() if same else _padded(drawn)))
    both = (curves, report) if same else (report,)
    for axes in both:
        if shows_ceiling:
            axes.axhline(ceiling, color=CEILING, linewidth=1.2, linestyle="--")
    if same:
        report.tick_params(labelleft=False)
        if math.isfinite(estimate.value):
            curves.axhspan(estimate.lower, estimate.upper, color=ACCENT, alpha=0.08)
        if truth is not None:
            curves.axhline(truth, color=INK, linewidth=1.2, linestyle=":")
    else:
        report.set_ylabel("nats")
    named = [(ceiling, "ceiling", CEILING)] if shows_ceiling else []
    named += [] if truth is None else [(truth, "truth", INK)]
    for height, name, color in named:
        both[0].annotate(
            f"{name} {height:.2f}",
            (0.01, height),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            color=color,
            fontsize=9,
        )
    curves.set_ylabel(
        "bound on validation rows (nats)" if same else "selection score (nats)"
    )
    curves.legend(loc="lower right", fontsize=9)


def _robust_ends(history: History) -> list[float]:
    """Where the curves lie, without the few wild values of the first updates."""
    finite = history.values[np.isfinite(history.values)]
    if not finite.size:
        return []
    low, high = np.quantile(finite, [0.05, 1.0])
    return [max(finite.min(), low - (high - low)), high]


def _padded(heights: Sequence[float]) -> tuple[float, float]:
    finite = [height for height in heights if math.isfinite(height)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = 0.08 * (high - low) or 0.5
    return low - margin, high + margin


# The demo -------------------------------------------------------------------------


def plot_demo(
    panels: Sequence[tuple[str, Sequence["Result | Reading"]]],
    path: str | os.PathLike[str],
) -> None:
    """Draws a column for each stage: its estimates above, their curves below.

    Args:
        panels: the title and the results of each stage; readings fill a column.
        path: a .png, .pdf or .svg.
    """
    import matplotlib
    from matplotlib.figure import Figure

    from jaxinfo.demo import Reading

    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(1.2 + 4.2 * len(panels), 7.2), dpi=130, layout="constrained"
        )
        grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=(1.15, 1))
        for (above, below), (title, results) in zip(grid.T, panels, strict=True):
            above.set_title(title, fontsize=11, fontweight="bold")
            readings = [each for each in results if isinstance(each, Reading)]
            if readings:
                below.set_axis_off()
                _draw_readings(above, readings)
                continue
            estimates = [each for each in results if not isinstance(each, Reading)]
            _draw_estimates(above, estimates)
            _draw_means(below, estimates)
        for axes in grid[:, 0]:
            axes.set_ylabel("nats")
        figure.savefig(path)


def _draw_estimates(axes: Any, results: Sequence["Result"]) -> None:
    from matplotlib.patheffects import withStroke

    for place, result in enumerate(results):
        estimate = result.estimate
        color = COLORS[place % len(COLORS)]
        for height, style, ink in (
            (result.truth, "-", INK),
            (result.limit, "--", CEILING),
        ):
            if height is not None:
                ends = place - 0.22, place + 0.22  # Not past the number.
                axes.hlines(height, *ends, color=ink, linestyle=style, linewidth=1.4)
        axes.errorbar(
            place,
            estimate.value,
            yerr=[
                [max(0.0, estimate.value - estimate.lower)],
                [max(0.0, estimate.upper - estimate.value)],
            ],
            fmt="o",
            markersize=7,
            color=color,
            capsize=5,
            linewidth=2,
        )
        axes.annotate(
            f"{estimate.value:.2f}",
            (place, estimate.value),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            color=color,
            # A halo, for the line of the truth may run behind it.
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    names = [textwrap.fill(result.label, 12) for result in results]
    axes.set_xticks(range(len(results)), names)
    axes.set_xlim(-0.6, len(results) - 0.3)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(visible=False, axis="x")
    _name_the_lines(axes, results)


def _draw_readings(axes: Any, readings: Sequence["Reading"]) -> None:
    for place, reading in enumerate(readings):
        probe = reading.probe
        color = COLORS[place % len(COLORS)]
        axes.plot(
            [place] * len(probe.per_seed),
            probe.per_seed,
            "o",
            color=color,
            alpha=0.3,
        )
        axes.hlines(probe.value, place - 0.2, place + 0.2, color=color, linewidth=2)
        axes.annotate(
            f"{probe.value:.1f}",
            (place + 0.25, probe.value),
            va="center",
            fontsize=9.5,
            color=color,
        )
    names = [textwrap.fill(reading.label, 12) for reading in readings]
    axes.set_xticks(range(len(readings)), names)
    axes.set_xlim(-0.6, len(readings) - 0.2)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("classes told, % of test images")


def _name_the_lines(axes: Any, results: Sequence["Result"]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=MUTED, marker="o", linewidth=2, label="mean, 95 %")]
    if any(result.truth is not None for result in results):
        handles.append(Line2D([], [], color=INK, label="truth"))
    if any(result.limit is not None for result in results):
        handles.append(Line2D([], [], color=CEILING, linestyle="--", label="limit"))
    axes.legend(handles=handles, fontsize=9, loc="lower right")


def _draw_means(axes: Any, results: Sequence["Result"]) -> None:
    heights = [0.0]
    for place, result in enumerate(results):
        history, color = result.estimate.history, COLORS[place % len(COLORS)]
        for values in history.values:
            axes.plot(history.steps, values, color=color, alpha=0.2, linewidth=0.7)
        axes.plot(
            history.steps,
            _mean_curve(history),
            color=color,
            linewidth=2,
            label=result.label,
        )
        heights += _robust_ends(history)
    axes.set_ylim(*_padded(heights))
    axes.set_xlim(left=0)
    axes.set_xlabel("updates")
    axes.set_title("each seed and mean, validation rows", fontsize=9.5, color=MUTED)
    axes.legend(fontsize=9, loc="lower right")
