"""The figure of a benchmark: errors of each estimator, task by task."""

import math
import os
from collections.abc import Sequence
from typing import Any

from jaxinfo.benchmark import Record, tolerance
from jaxinfo.core.extras import import_extra
from jaxinfo.reporting.style import CEILING, COLORS, INK, MUTED, STYLE

__all__ = ["plot_benchmark"]

# Panels in a row of the figure.
COLUMNS = 6
# Errors are on a linear scale up to this many nats, and on a logarithmic one beyond.
LINEAR = 0.1
# Larger errors are drawn at the edge: bounds may diverge by many powers of ten.
LARGEST = 10.0
CAPTION = (
    "estimate minus truth (nats), 95 % interval\n"
    "band: near the truth · hollow: saturated or not converged · ×: failed · "
    f"triangle: beyond {LARGEST:g}"
)


def plot_benchmark(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Plots estimate minus truth, in one panel for each estimator.

    Hollow markers are saturated or not converged, crosses have no finite value, and
    triangles at the edge are errors above 10 nats. The band shows which errors count
    as near the truth.

    Args:
        records: the records that `run_benchmark` yielded.
        path: a .png, .pdf or .svg.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    matplotlib = import_extra("matplotlib", "cli")
    estimators = list(dict.fromkeys(record.estimator for record in records))
    truths = {record.task: record.truth for record in records}
    columns = min(COLUMNS, len(estimators))
    rows = -(-len(estimators) // columns)
    width = 0.4 + 0.075 * max(map(len, truths)) + 2.3 * columns
    height = 0.9 + rows * (0.9 + 0.2 * len(truths))
    with matplotlib.rc_context(STYLE):
        figure = import_extra("matplotlib.figure", "cli").Figure(
            figsize=(max(5.0, width), height), dpi=130, layout="constrained"
        )
        panels = figure.subplots(
            rows, columns, sharex=True, sharey=True, squeeze=False
        ).ravel()
        for number, (axes, name) in enumerate(zip(panels, estimators, strict=False)):
            own = [record for record in records if record.estimator == name]
            _draw_estimator(axes, own, truths, COLORS[number % len(COLORS)])
            axes.set_title(name, fontsize=10, fontweight="bold")
            # Tick labels of the shared axis belong below the lowest panel drawn.
            axes.tick_params(labelbottom=number + columns >= len(estimators))
        for axes in panels[len(estimators) :]:
            axes.set_axis_off()
        _set_scale(panels, truths, records)
        figure.supxlabel(CAPTION, fontsize=9, color=INK)
        figure.savefig(path)


def _draw_estimator(
    axes: Any, records: Sequence[Record], truths: dict[str, float], color: str
) -> None:
    places = {task: place for place, task in enumerate(truths)}
    half_widths = [tolerance(truth) for truth in truths.values()]
    axes.barh(
        list(places.values()),
        [2 * half for half in half_widths],
        left=[-half for half in half_widths],
        height=1.0,
        color=MUTED,
        alpha=0.15,
        linewidth=0,
    )
    axes.axvline(0, color=INK, linewidth=1)
    repeats = max(record.repeat for record in records) + 1
    drawn: dict[str, list[tuple[float, ...]]] = {color: [], "white": []}
    for record in records:
        # Repeats are spread around the line of their task.
        shift = 0.6 * ((record.repeat + 0.5) / repeats - 0.5)
        place = places[record.task] + shift
        estimate = record.estimate
        if estimate is None or not math.isfinite(record.error):
            axes.plot(0, place, marker="x", color=CEILING, markersize=6)
            continue
        if abs(record.error) > LARGEST:
            marker = ">" if record.error > 0 else "<"
            edge = math.copysign(LARGEST, record.error)
            axes.plot(edge, place, marker=marker, color=color, clip_on=False)
            continue
        ends = estimate.value - estimate.lower, estimate.upper - estimate.value
        found = estimate.diagnostics
        is_reliable = found.converged and not found.saturated
        # An interval without an upper end reaches beyond the axis.
        row = record.error, place, *(min(max(0.0, e), 2 * LARGEST) for e in ends)
        drawn[color if is_reliable else "white"].append(row)
    for fill, rows in drawn.items():
        if rows:
            errors, heights, *ends = zip(*rows, strict=True)
            axes.errorbar(
                errors,
                heights,
                xerr=ends,
                fmt="o",
                markersize=4,
                color=color,
                markerfacecolor=fill,
                linewidth=1.3,
            )


def _set_scale(
    panels: Any, truths: dict[str, float], records: Sequence[Record]
) -> None:
    first = panels[0]
    first.set_xscale("symlog", linthresh=LINEAR, linscale=1.0)
    ends = [LINEAR, *(1.5 * abs(r.error) for r in records if math.isfinite(r.error))]
    reach = min(max(ends), LARGEST)
    first.set_xlim(-reach, reach)
    powers = [10.0**power for power in range(-1, math.floor(math.log10(reach)) + 1)]
    ticks = [*(-power for power in reversed(powers)), 0.0, *powers]
    first.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    first.minorticks_off()
    labels = [f"{task}  {truth:.2f}" for task, truth in truths.items()]
    first.set_yticks(range(len(truths)), labels)
    first.set_ylim(len(truths) - 0.4, -0.6)
    for axes in panels:
        axes.tick_params(labelsize=8)
        axes.tick_params(axis="y", length=0)
