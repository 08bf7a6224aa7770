"""Samples of the first seed, a row for each objective."""

from pathlib import Path

import numpy as np

__all__ = ["plot_samples"]


def plot_samples(sheets: dict[str, np.ndarray], folder: Path) -> None:
    """Draws the rows as `samples.png`; pixels in [0, 1]."""
    from matplotlib.figure import Figure

    num_drawn = len(next(iter(sheets.values())))
    figure = Figure(
        figsize=(0.5 * num_drawn, 0.72 * len(sheets)), dpi=120, layout="constrained"
    )
    axes = figure.subplots(len(sheets), 1, squeeze=False)[:, 0]
    for axis, (objective, images) in zip(axes, sheets.items(), strict=True):
        strip = np.concatenate(list(images), axis=1)
        axis.imshow(strip[..., 0] if strip.shape[-1] == 1 else strip, cmap="gray")
        axis.set_title(objective, fontsize=7, loc="left", pad=2)
        axis.set_axis_off()
    figure.savefig(folder / "samples.png")
