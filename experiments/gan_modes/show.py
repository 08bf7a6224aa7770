"""A contact sheet: samples of one seed over training, a row for each setting."""

from pathlib import Path

import numpy as np

from experiments.gan_modes.config import MIXTURES
from jaxinfo.reporting.style import ACCENT, MUTED, STYLE

__all__ = ["plot_samples"]


def plot_samples(sheets: dict[str, np.ndarray], folder: Path) -> None:
    """Draws a figure for each mixture, `ring.png` and `grid.png`."""
    import matplotlib
    from matplotlib.figure import Figure

    for name, mixture in MIXTURES.items():
        rows = {
            setting.split(".", 1)[1]: samples
            for setting, samples in sheets.items()
            if setting.startswith(f"{name}.")
        }
        if not rows:
            continue
        centers = np.asarray(mixture.centers)
        reach = 1.25 * np.abs(centers).max()
        num_blocks = len(next(iter(rows.values())))
        with matplotlib.rc_context(STYLE):
            figure = Figure(
                figsize=(1.5 * num_blocks, 1.6 * len(rows)),
                dpi=110,
                layout="constrained",
            )
            axes = figure.subplots(len(rows), num_blocks, squeeze=False)
            for row, (label, samples) in zip(axes, rows.items(), strict=True):
                for axis, points in zip(row, samples, strict=True):
                    axis.plot(*centers.T, "o", color=MUTED, alpha=0.3, markersize=4)
                    axis.plot(*points.T, ".", color=ACCENT, markersize=1.2)
                    axis.set_xlim(-reach, reach)
                    axis.set_ylim(-reach, reach)
                    axis.set_aspect("equal")
                    axis.set_xticks([])
                    axis.set_yticks([])
                    axis.grid(visible=False)
                row[0].set_title(label, fontsize=7)
            figure.savefig(folder / f"{name}.png")
