"""The figure of an estimate: its validation curves and the value of every seed."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxinfo.core.extras import import_extra
from jaxinfo.estimation import CrossFitted, Estimate, History, information_bound
from jaxinfo.reporting.style import ACCENT, CEILING, INK, STYLE

__all__ = [
    "draw_estimate",
    "padded_limits",
    "plot_estimate",
    "robust_range",
    "running_mean",
]


def plot_estimate(
    estimate: Estimate, path: str | os.PathLike[str], *, truth: float | None = None
) -> None:
    """Plots the validation curve of every seed, and the value on test rows.

    The left panel shows the validation curves and their mean, the right one the value
    of each seed on test rows, their mean and its 95 % interval, in nats. An estimator
    that is not trained has no curves and no left panel.

    Args:
        estimate: the estimate.
        path: a .png, .pdf or .svg.
        truth: the exact value in nats, drawn as a line; None if it is not known.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    matplotlib = import_extra("matplotlib", "cli")
    with matplotlib.rc_context(STYLE):
        # A Figure without pyplot needs no screen and has no global state.
        figure = import_extra("matplotlib.figure", "cli").Figure(
            figsize=(8.4, 4.4), dpi=150, layout="constrained"
        )
        if len(estimate.diagnostics.history.steps):
            curves, report = figure.subplots(1, 2, width_ratios=(5, 1.5))
            _draw_curves(curves, estimate.diagnostics.history)
            _draw_report(report, estimate, truth)
            _limit_axes(curves, report, estimate, truth)
        else:
            report = draw_estimate(estimate, figure.subplots())
            if truth is not None:
                report.axhline(truth, color=INK, linewidth=1.2, linestyle=":")
                _annotate(report, truth, "truth", INK)
        figure.suptitle(_headline(estimate), x=0.01, ha="left", fontsize=11)
        figure.savefig(path)


def draw_estimate(estimate: Estimate, axes: Any) -> Any:
    """Draws the value, its 95 % interval and the value of every seed, in nats.

    Args:
        estimate: the estimate.
        axes: Matplotlib axes; None for a new figure.

    Returns:
        The axes.

    Raises:
        ImportError: if the extra "cli" is not installed.
    """
    if axes is None:
        _, axes = import_extra("matplotlib.pyplot", "cli").subplots()
    _draw_report(axes, estimate, truth=None)
    axes.set_ylabel(f"{estimate.quantity} (nats)")
    return axes


def _headline(estimate: Estimate) -> str:
    found = estimate.diagnostics
    kind = estimate.kind.replace("_", " ")
    if kind == "neither":
        kind = "neither a lower nor an upper bound"
    flags = [", saturated"] * found.saturated
    flags += [", not converged"] * (not found.converged)
    seeds = f"{found.num_seeds} seeds, " if found.num_seeds else ""
    return (
        f"{estimate.quantity}: {estimate.value:.3f} ± {estimate.standard_error:.3f} "
        f"nats\n{estimate.estimator}, {kind}, {seeds}"
        f"{estimate.num_samples:,} rows" + "".join(flags)
    )


def _selects_by_bound(estimate: Estimate) -> bool:
    """Whether the validation curves are the bound itself, not another score."""
    if estimate.estimator == CrossFitted().name:
        return False
    try:
        return information_bound(estimate.estimator).select is None
    except ValueError:  # A bound of divergences, or one of the user's own.
        return True


def running_mean(history: History) -> np.ndarray:
    """Mean curve over the seeds that still run; NaN once a quarter has stopped.

    Args:
        history: the validation curves.

    Returns:
        The mean at each validation, [T].
    """
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
        running_mean(history),
        color=ACCENT,
        linewidth=2.2,
        marker=marker,
        label="mean",
    )
    axes.set_xlabel("updates")
    axes.set_xlim(left=0)


def _draw_report(axes: Any, estimate: Estimate, truth: float | None) -> None:
    per_seed = estimate.diagnostics.per_seed
    spread = np.linspace(-0.25, 0.25, max(2, len(per_seed)))
    axes.scatter(
        spread[: len(per_seed)],
        per_seed,
        s=18,
        color=ACCENT,
        alpha=0.6,
        linewidth=0,
    )
    if math.isfinite(estimate.value):
        axes.axhspan(estimate.lower, _top(estimate), color=ACCENT, alpha=0.12)
        axes.axhline(estimate.value, color=ACCENT, linewidth=2.2)
    axes.set_xlim(-0.5, 0.5)
    axes.set_xticks([])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("test rows:\nseeds, mean, 95 %")
    if truth is not None:
        axes.axhline(truth, color=INK, linewidth=1.2, linestyle=":")


def _top(estimate: Estimate) -> float:
    """The upper end, or a value far above the axes if there is none."""
    far = estimate.value + 100 * (1 + estimate.value - estimate.lower)
    return min(estimate.upper, far)


def _limit_axes(
    curves: Any, report: Any, estimate: Estimate, truth: float | None
) -> None:
    """Sets the limits of both panels, equal ones if they show the same quantity."""
    same = _selects_by_bound(estimate)
    above = min(estimate.upper, 2 * estimate.value - estimate.lower)
    ends = [estimate.lower, above, *estimate.diagnostics.per_seed]
    ends += [] if truth is None else [truth]
    # A ceiling far above the curves would flatten them.
    ceiling = estimate.diagnostics.ceiling
    shows_ceiling = math.isfinite(ceiling) and ceiling < 3 * max(above, 1.0)
    ends += [ceiling] if shows_ceiling else []
    drawn = robust_range(estimate.diagnostics.history)
    report.set_ylim(*padded_limits([*ends, *drawn] if same else ends))
    curves.set_ylim(*(report.get_ylim() if same else padded_limits(drawn)))
    both = (curves, report) if same else (report,)
    for axes in both:
        if shows_ceiling:
            axes.axhline(ceiling, color=CEILING, linewidth=1.2, linestyle="--")
    if same:
        report.tick_params(labelleft=False)
        if math.isfinite(estimate.value):
            curves.axhspan(estimate.lower, _top(estimate), color=ACCENT, alpha=0.08)
        if truth is not None:
            curves.axhline(truth, color=INK, linewidth=1.2, linestyle=":")
    else:
        report.set_ylabel("nats")
    named = [(ceiling, "ceiling", CEILING)] if shows_ceiling else []
    named += [] if truth is None else [(truth, "truth", INK)]
    for height, name, color in named:
        _annotate(both[0], height, name, color)
    curves.set_ylabel(
        "bound on validation rows (nats)" if same else "selection score (nats)"
    )
    curves.legend(loc="lower right", fontsize=9)


def _annotate(axes: Any, height: float, name: str, color: str) -> None:
    axes.annotate(
        f"{name} {height:.2f}",
        (0.01, height),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        color=color,
        fontsize=9,
    )


def robust_range(history: History) -> list[float]:
    """Range of the curves without the few extreme values of the first updates.

    Args:
        history: the validation curves.

    Returns:
        The lowest and the highest value to show; empty if no value is finite.
    """
    finite = history.values[np.isfinite(history.values)]
    if not finite.size:
        return []
    low, high = np.quantile(finite, [0.05, 1.0])
    return [max(finite.min(), low - (high - low)), high]


def padded_limits(heights: Sequence[float]) -> tuple[float, float]:
    """Limits of an axis that shows these values, with a margin.

    Args:
        heights: the values; those that are not finite are ignored.

    Returns:
        The lower and the upper limit.
    """
    finite = [height for height in heights if math.isfinite(height)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = 0.08 * (high - low) or 0.5
    return low - margin, high + margin
