"""Figures of representations in two dimensions, shared by the experiments."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["panels", "plot_map"]


def panels(num: int, width: float, height: float) -> tuple[Any, Any]:
    """Makes a figure with a grid of panels without axes."""
    from matplotlib.figure import Figure

    columns = min(4, num)
    lines = -(-num // columns)
    size = (width * columns, height * lines)
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    return figure, axes


def plot_map(
    labels: Mapping[str, Any], representations: Mapping[str, np.ndarray]
) -> Any:
    """Plots the representations of each setting by t-SNE, colored by class.

    Args:
        labels: classes by setting, [N] each.
        representations: representations by setting, [N, ...] each.
    """
    from matplotlib import colormaps

    figure, axes = panels(len(representations), 2.6, 2.7)
    for axis, (name, rows) in zip(axes, representations.items(), strict=False):
        flat = np.ascontiguousarray(rows.reshape(len(rows), -1), np.float32)
        points = _tsne(flat.tobytes(), flat.shape)
        colors = colormaps["tab10"](labels[name] % 10)
        axis.scatter(*points.T, c=colors, s=3)
        axis.set_title(name, fontsize=8)
    return figure


# The figure is redrawn after each setting, so the t-SNE of earlier settings is cached:
# for 1,000 rows of 64 features it took 85 s on two busy cores.
@functools.lru_cache(maxsize=64)
def _tsne(representations: bytes, shape: tuple[int, int]) -> np.ndarray:
    from sklearn.manifold import TSNE

    flat = np.frombuffer(representations, np.float32).reshape(shape)
    flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-6)
    perplexity = min(30, (len(flat) - 1) // 3)
    return TSNE(random_state=0, perplexity=perplexity).fit_transform(flat)
