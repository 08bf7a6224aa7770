"""Nearest neighbours and a map of codes, and accuracy over training."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from jaxinfo.plots import ACCENT, STYLE

__all__ = ["plot_results"]

NUM_QUERIES, NUM_NEIGHBOURS, GAP = 6, 5, 255
BASELINES = ("random_encoder", "autoencoder", "vae", "raw_pixels", "supervised")


def plot_results(
    images: Any, labels: Any, codes: dict[str, np.ndarray], folder: Path
) -> None:
    """Draws neighbours.png, map.png and training.png.

    Args:
        images: test images, [N, H, W, C] of bytes.
        labels: their classes.
        codes: of the same images, [N, D], for each setting.
        folder: where results.json is already.
    """
    import matplotlib

    images, labels = np.asarray(images), np.asarray(labels)
    curves = {
        name: [record["curve"] for record in told["records"]]
        for name, told in json.loads((folder / "results.json").read_text())[
            "settings"
        ].items()
    }
    with matplotlib.rc_context(STYLE):
        _plot_neighbours(images, labels, codes).savefig(folder / "neighbours.png")
        _plot_map(labels, codes).savefig(folder / "map.png")
        if any(map(any, curves.values())):
            _plot_training(curves).savefig(folder / "training.png")


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _grid(num: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure with room for so many panels, none of them with an axis."""
    columns = min(4, num)
    lines = -(-num // columns)
    figure = _figure(width * columns, height * lines)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    return figure, axes


def _plot_neighbours(
    images: np.ndarray, labels: np.ndarray, codes: dict[str, np.ndarray]
) -> Any:
    """Each query, and beside it the images whose codes are nearest, by L1."""
    queries = [int(np.argmax(labels == k)) for k in range(NUM_QUERIES)]
    figure, axes = _grid(len(codes), 3.0, 3.2)
    # Light gaps keep one image from the next.
    tiles = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=GAP)
    for axis, (name, found) in zip(axes, codes.items(), strict=False):
        rows = [np.concatenate(tiles[_nearest(found, q)], axis=1) for q in queries]
        axis.imshow(np.concatenate(rows).squeeze(), cmap="gray")
        axis.axvline(tiles.shape[2] - 0.5, color=ACCENT, linewidth=2)
        axis.set_title(name, fontsize=9)
    figure.suptitle("left of the line: the query", fontsize=9)
    return figure


def _nearest(codes: np.ndarray, query: int) -> np.ndarray:
    flat = codes.reshape(len(codes), -1)
    scale = np.std(flat, axis=0) + 1e-6
    distances = np.abs((flat - flat[query]) / scale).sum(axis=1)
    return np.argsort(distances, kind="stable")[: NUM_NEIGHBOURS + 1]


def _plot_map(labels: np.ndarray, codes: dict[str, np.ndarray]) -> Any:
    """The codes in two dimensions by t-SNE, coloured by class."""
    from matplotlib import colormaps
    from sklearn.manifold import TSNE

    figure, axes = _grid(len(codes), 2.6, 2.7)
    colors = colormaps["tab10"](labels % 10)
    for axis, (name, found) in zip(axes, codes.items(), strict=False):
        flat = found.reshape(len(found), -1)
        flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-6)
        perplexity = min(30, (len(flat) - 1) // 3)
        places = TSNE(random_state=0, perplexity=perplexity).fit_transform(flat)
        axis.scatter(*places.T, c=colors, s=3)
        axis.set_title(name, fontsize=8)
    return figure


def _plot_training(curves: dict[str, list[list[float]]]) -> Any:
    """The code's accuracy before and after each part, mean over seeds."""
    figure = _figure(7.5, 4)
    axis = figure.subplots()
    for name, of_seeds in curves.items():
        if not any(of_seeds):
            continue
        mean = np.mean(of_seeds, axis=0)
        share = np.linspace(0, 100, len(mean))
        axis.plot(
            share,
            mean,
            label=name,
            linestyle="--" if name in BASELINES else "-",
            marker=".",
        )
    axis.set_xlabel("share of the training, %")
    axis.set_ylabel("accuracy of the code's probe, %")
    figure.legend(fontsize=7, loc="outside right center")
    return figure
