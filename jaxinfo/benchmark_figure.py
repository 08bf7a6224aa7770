"""The figure of a benchmark: what each method gets wrong, task by task."""

import math
import os
from collections.abc import Sequence
from typing import Any

from jaxinfo.benchmark import NEAR, NEAR_SHARE, Record
from jaxinfo.plots import CEILING, COLORS, INK, MUTED, STYLE

__all__ = ["plot_benchmark"]

# Panels beside each other; more methods go below.
COLUMNS = 6
# Errors are on a linear scale up to here, nats, and on a logarithmic one beyond.
LINEAR = 0.1
# Errors beyond are marked at the edge: bounds that diverge err by many powers of ten.
FAR = 10.0
LEGEND = (
    "estimate minus truth (nats), 95 % interval\n"
    "band: near the truth · hollow: saturated or rising · ×: failed · "
    f"triangle: beyond {FAR:g}"
)


def plot_benchmark(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Draws estimate minus truth with its interval, a panel a method, a line a task.

    Hollow marks are saturated or still rising, crosses have no finite value, triangles
    at the edge err by more than 10 nats; the band is what counts as near the truth.

    Args:
        records: what `run_benchmark` yielded.
        path: a .png, .pdf or .svg.
    """
    import matplotlib
    from matplotlib.figure import Figure

    methods = list(dict.fromkeys(record.method for record in records))
    truths = {record.task: record.truth for record in records}
    columns = min(COLUMNS, len(methods))
    rows = -(-len(methods) // columns)
    width = 0.4 + 0.075 * max(map(len, truths)) + 2.3 * columns
    height = 0.9 + rows * (0.9 + 0.2 * len(truths))
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(max(5.0, width), height), dpi=130, layout="constrained"
        )
        panels = figure.subplots(
            rows, columns, sharex=True, sharey=True, squeeze=False
        ).ravel()
        for number, (axes, method) in enumerate(zip(panels, methods, strict=False)):
            own = [record for record in records if record.method == method]
            _draw_method(axes, own, truths, COLORS[number % len(COLORS)])
            axes.set_title(method, fontsize=10, fontweight="bold")
            # A shared axis has its numbers below the last panel that is drawn.
            axes.tick_params(labelbottom=number + columns >= len(methods))
        for axes in panels[len(methods) :]:
            axes.set_axis_off()
        _scale(panels, truths, records)
        figure.supxlabel(LEGEND, fontsize=9, color=INK)
        figure.savefig(path)


def _draw_method(
    axes: Any, records: Sequence[Record], truths: dict[str, float], color: str
) -> None:
    places = {task: place for place, task in enumerate(truths)}
    half_widths = [max(NEAR, NEAR_SHARE * abs(truth)) for truth in truths.values()]
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
        # Repeats lie beside each other around the line of their task.
        shift = 0.6 * ((record.repeat + 0.5) / repeats - 0.5)
        place = places[record.task] + shift
        estimate = record.estimate
        if estimate is None or not math.isfinite(record.error):
            axes.plot(0, place, marker="x", color=CEILING, markersize=6)
            continue
        if abs(record.error) > FAR:
            marker = ">" if record.error > 0 else "<"
            edge = math.copysign(FAR, record.error)
            axes.plot(edge, place, marker=marker, color=color, clip_on=False)
            continue
        ends = estimate.value - estimate.lower, estimate.upper - estimate.value
        is_sound = estimate.converged and not estimate.saturated
        row = record.error, place, *(max(0.0, end) for end in ends)
        drawn[color if is_sound else "white"].append(row)
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


def _scale(panels: Any, truths: dict[str, float], records: Sequence[Record]) -> None:
    first = panels[0]
    first.set_xscale("symlog", linthresh=LINEAR, linscale=1.0)
    ends = [LINEAR, *(1.5 * abs(r.error) for r in records if math.isfinite(r.error))]
    reach = min(max(ends), FAR)
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
