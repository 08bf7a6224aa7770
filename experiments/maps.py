"""Codes in two dimensions."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["panels", "plot_map"]


def panels(num: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure with room for so many panels, none of them with an axis."""
    from matplotlib.figure import Figure

    columns = min(4, num)
    lines = -(-num // columns)
    size = (width * columns, height * lines)
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    return figure, axes


def plot_map(labels: Mapping[str, Any], codes: Mapping[str, np.ndarray]) -> Any:
    """The codes of each setting in two dimensions by t-SNE, colored by class.

    Args:
        labels: classes, [N], of each setting.
        codes: [N, ...], of each setting.
    """
    from matplotlib import colormaps

    figure, axes = panels(len(codes), 2.6, 2.7)
    for axis, (name, found) in zip(axes, codes.items(), strict=False):
        flat = np.ascontiguousarray(found.reshape(len(found), -1), np.float32)
        places = _places(flat.tobytes(), flat.shape)
        colors = colormaps["tab10"](labels[name] % 10)
        axis.scatter(*places.T, c=colors, s=3)
        axis.set_title(name, fontsize=8)
    return figure


# A figure is drawn anew after each setting: the places of the others are kept.
@functools.lru_cache(maxsize=64)
def _places(codes: bytes, shape: tuple[int, int]) -> np.ndarray:
    from sklearn.manifold import TSNE

    flat = np.frombuffer(codes, np.float32).reshape(shape)
    flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-6)
    perplexity = min(30, (len(flat) - 1) // 3)
    return TSNE(random_state=0, perplexity=perplexity).fit_transform(flat)
