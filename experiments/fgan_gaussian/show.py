"""The tables and the figure."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.folder import markdown
from jaxinfo.reporting.style import ACCENT, CEILING, COLORS, MUTED, STYLE

__all__ = ["plot_fits", "tables"]


def _mean_and_sd(values: dict[str, Any]) -> str:
    if values["mean"] is None:
        return "none finite"
    sd = "" if values["sd"] is None else f" ± {values['sd']:.4f}"
    return f"{values['mean']:.4f}{sd}"


def tables(content: dict[str, Any]) -> str:
    """Tables of the learned and the best Gaussians, and the train-by-test matrix."""
    fits = [["member", "D*", "F", "D", "mu*", "mu", "sigma*", "sigma", "stopped"]]
    for member, summary in content["summary"].items():
        best = content["best"][member]
        own = [r for r in content["records"] if r["setting"] == member]
        fits.append(
            [
                *(member, f"{best['divergence']:.4f}"),
                *(_mean_and_sd(summary[name]) for name in ("bound", "exact")),
                *(f"{best['mean']:.4f}", _mean_and_sd(summary["mu"])),
                *(f"{best['sd']:.4f}", _mean_and_sd(summary["sigma"])),
                str(sum(r["stopped_at"] >= 0 for r in own)),
            ]
        )
    matrix = content["matrix"]
    rows = [["trained with", *matrix]]
    rows += [
        [trained, *("" if v is None else f"{v:.4f}" for v in row.values())]
        for trained, row in matrix.items()
    ]
    return markdown(fits) + "\n" + markdown(rows)


def plot_fits(
    content: dict[str, Any], paths: dict[str, np.ndarray], path: Path
) -> None:
    """Draws the Gaussians of each divergence, and the path of each seed."""
    import jax
    import jax.numpy as jnp
    import matplotlib
    from matplotlib.figure import Figure

    from jaxinfo.tasks import mixture_log_density

    x = np.linspace(-5, 8, 400)
    mixture = np.exp(jax.device_get(mixture_log_density(jnp.asarray(x))))
    members = list(content["summary"])
    columns = min(5, len(members))
    rows = -(-len(members) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(3.0 * columns, 4.6 * rows), dpi=130, layout="constrained"
        )
        axes = np.reshape(figure.subplots(2 * rows, columns, squeeze=False), (-1,))
        for axis in axes:
            axis.set_visible(False)
        for index, member in enumerate(members):
            row, column = divmod(index, columns)
            upper = axes[2 * row * columns + column]
            lower = axes[(2 * row + 1) * columns + column]
            summary, best = content["summary"][member], content["best"][member]
            upper.set_visible(True)
            upper.fill_between(x, mixture, color=MUTED, alpha=0.25, linewidth=0)
            for record in content["records"]:
                if record["setting"] == member and record["mu"] is not None:
                    upper.plot(
                        x,
                        _normal(x, record["mu"], record["sigma"]),
                        color=ACCENT,
                        linewidth=0.6,
                        alpha=0.5,
                    )
            upper.plot(
                x,
                _normal(x, best["mean"], best["sd"]),
                "--",
                color=CEILING,
                linewidth=1.2,
            )
            upper.set_title(
                f"{member}\nF {summary['bound']['mean'] or float('nan'):.3f}, "
                f"D* {best['divergence']:.3f}",
                fontsize=9,
            )
            upper.set_ylim(0, 0.56)
            lower.set_visible(True)
            for seed in paths[member]:
                lower.plot(
                    seed[:, 0], seed[:, 1], color=COLORS[0], linewidth=0.6, alpha=0.5
                )
            lower.plot(best["mean"], best["sd"], "x", color=CEILING, markersize=9)
            lower.set_xlim(-0.2, 2.2)
            lower.set_ylim(0.9, 2.4)
            lower.set_xlabel("mu")
            lower.set_ylabel("sigma")
        figure.savefig(path)


def _normal(x: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
