"""The figure of the demo: a column of panels for each stage."""

import os
import textwrap
from collections.abc import Sequence
from typing import Any

from jaxinfo.cli.demo.digit_representations import ProbeResult
from jaxinfo.cli.demo.stages import Result
from jaxinfo.core.extras import import_extra
from jaxinfo.reporting.estimate_figure import (
    padded_limits,
    robust_range,
    running_mean,
)
from jaxinfo.reporting.style import CEILING, COLORS, INK, MUTED, STYLE

__all__ = ["plot_demo"]


def plot_demo(
    panels: Sequence[tuple[str, Sequence[Result | ProbeResult]]],
    path: str | os.PathLike[str],
) -> None:
    """Plots a column for each stage: its estimates above, the validation curves below.

    Args:
        panels: the title and the results of each stage. Accuracies have no curves.
        path: a .png, .pdf or .svg.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    matplotlib = import_extra("matplotlib", "cli")
    with matplotlib.rc_context(STYLE):
        figure = import_extra("matplotlib.figure", "cli").Figure(
            figsize=(1.2 + 4.2 * len(panels), 7.2), dpi=130, layout="constrained"
        )
        grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=(1.15, 1))
        grid[0, 0].set_ylabel("nats")
        grid[1, 0].set_ylabel("selection score (nats)")
        for (above, below), (title, results) in zip(grid.T, panels, strict=True):
            above.set_title(title, fontsize=11, fontweight="bold")
            accuracies = [each for each in results if isinstance(each, ProbeResult)]
            if accuracies:
                below.set_axis_off()
                _draw_accuracies(above, accuracies)
                continue
            estimates = [each for each in results if isinstance(each, Result)]
            _draw_estimates(above, estimates)
            _draw_curves(below, estimates)
        figure.savefig(path)


def _draw_estimates(axes: Any, results: Sequence[Result]) -> None:
    outline = import_extra("matplotlib.patheffects", "cli").withStroke
    for place, result in enumerate(results):
        estimate = result.estimate
        color = COLORS[place % len(COLORS)]
        for height, style, ink in (
            (result.truth, "-", INK),
            (result.limit, "--", CEILING),
        ):
            if height is not None:
                ends = place - 0.22, place + 0.22  # Short of the annotated number.
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
            # A white outline, because the line of the truth may pass behind it.
            path_effects=[outline(linewidth=3, foreground="white")],
        )
    names = [textwrap.fill(result.label, 12) for result in results]
    axes.set_xticks(range(len(results)), names)
    axes.set_xlim(-0.6, len(results) - 0.3)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(visible=False, axis="x")
    _add_legend(axes, results)


def _add_legend(axes: Any, results: Sequence[Result]) -> None:
    line = import_extra("matplotlib.lines", "cli").Line2D
    handles = [
        line([], [], color=MUTED, marker="o", linewidth=2, label="mean, 95 % interval")
    ]
    if any(result.truth is not None for result in results):
        handles.append(line([], [], color=INK, label="truth"))
    if any(result.limit is not None for result in results):
        handles.append(
            line([], [], color=CEILING, linestyle="--", label="largest possible value")
        )
    axes.legend(handles=handles, fontsize=9, loc="lower right")


def _draw_accuracies(axes: Any, accuracies: Sequence[ProbeResult]) -> None:
    for place, accuracy in enumerate(accuracies):
        probe = accuracy.probe
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
    names = [textwrap.fill(accuracy.label, 12) for accuracy in accuracies]
    axes.set_xticks(range(len(accuracies)), names)
    axes.set_xlim(-0.6, len(accuracies) - 0.2)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("test accuracy of a linear probe, %")


def _draw_curves(axes: Any, results: Sequence[Result]) -> None:
    heights = [0.0]
    for place, result in enumerate(results):
        history = result.estimate.diagnostics.history
        color = COLORS[place % len(COLORS)]
        for values in history.values:
            axes.plot(history.steps, values, color=color, alpha=0.2, linewidth=0.7)
        axes.plot(
            history.steps,
            running_mean(history),
            color=color,
            linewidth=2,
            label=result.label,
        )
        heights += robust_range(history)
    axes.set_ylim(*padded_limits(heights))
    axes.set_xlim(left=0)
    axes.set_xlabel("updates")
    axes.set_title("validation curves: seeds and mean", fontsize=9.5, color=MUTED)
    axes.legend(fontsize=9, loc="lower right")
