"""Figures: nearest neighbors, a map of representations, accuracy over training."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from experiments.maps import panels, plot_map
from jaxinfo.reporting.style import ACCENT, STYLE

__all__ = ["plot_results"]

NUM_QUERIES, NUM_NEIGHBORS, GAP = 6, 5, 255
BASELINES = ("random_encoder", "autoencoder", "vae", "raw_pixels", "supervised")


def plot_results(
    images: Any,
    labels: Any,
    representations: dict[str, np.ndarray],
    folder: Path,
) -> None:
    """Draws neighbors.png, map.png and training.png.

    Args:
        images: test images, unsigned bytes, [N, H, W, C].
        labels: classes of the images, [N].
        representations: representations of the images by method, [N, D].
        folder: the folder of results.json.
    """
    import matplotlib

    images, labels = np.asarray(images), np.asarray(labels)
    curves = {
        name: [record["curve"] for record in result["records"]]
        for name, result in json.loads((folder / "results.json").read_text())[
            "settings"
        ].items()
    }
    with matplotlib.rc_context(STYLE):
        _plot_neighbors(images, labels, representations).savefig(
            folder / "neighbors.png"
        )
        plot_map(dict.fromkeys(representations, labels), representations).savefig(
            folder / "map.png"
        )
        if any(map(any, curves.values())):
            _plot_training(curves).savefig(folder / "training.png")


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _plot_neighbors(
    images: np.ndarray, labels: np.ndarray, representations: dict[str, np.ndarray]
) -> Any:
    """Query images, and the images with the nearest representations by L1."""
    queries = [int(np.argmax(labels == k)) for k in range(NUM_QUERIES)]
    figure, axes = panels(len(representations), 2.0, 2.2)
    # Light gaps separate the images.
    tiles = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=GAP)
    for axis, (name, found) in zip(axes, representations.items(), strict=False):
        rows = [np.concatenate(tiles[_nearest(found, q)], axis=1) for q in queries]
        axis.imshow(np.concatenate(rows).squeeze(), cmap="gray")
        axis.axvline(tiles.shape[2] - 0.5, color=ACCENT, linewidth=2)
        axis.set_title(name, fontsize=9)
    figure.suptitle("queries are left of the line", fontsize=9)
    return figure


def _nearest(rows: np.ndarray, query: int) -> np.ndarray:
    flat = rows.reshape(len(rows), -1)
    scale = np.std(flat, axis=0) + 1e-6
    distances = np.abs((flat - flat[query]) / scale).sum(axis=1)
    return np.argsort(distances, kind="stable")[: NUM_NEIGHBORS + 1]


def _plot_training(curves: dict[str, list[list[float]]]) -> Any:
    """Accuracy of the representation before and after each part, mean over seeds."""
    figure = _figure(7.5, 4)
    axis = figure.subplots()
    for name, per_seed in curves.items():
        if not any(per_seed):
            continue
        mean = np.mean(per_seed, axis=0)
        share = np.linspace(0, 100, len(mean))
        axis.plot(
            share,
            mean,
            label=name,
            linestyle="--" if name in BASELINES else "-",
            marker=".",
        )
    axis.set_xlabel("share of the training, %")
    axis.set_ylabel("probe accuracy of the representation, %")
    figure.legend(fontsize=7, loc="outside right center")
    return figure
