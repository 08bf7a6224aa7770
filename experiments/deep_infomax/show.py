"""Nearest neighbours and a map of codes, and accuracy over training."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from jaxinfo.plots import ACCENT, MUTED, STYLE

__all__ = ["plot_results"]

NUM_QUERIES, NUM_NEIGHBOURS = 6, 5
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


def _plot_neighbours(
    images: np.ndarray, labels: np.ndarray, codes: dict[str, np.ndarray]
) -> Any:
    """Each query, and beside it the images whose codes are nearest, by L1."""
    queries = [int(np.argmax(labels == k)) for k in range(NUM_QUERIES)]
    width = NUM_NEIGHBOURS + 1
    figure = _figure(1.5 + 0.55 * NUM_QUERIES * width / 2, 2.3 * len(codes))
    rows = figure.subplots(len(codes), 2, squeeze=False)
    half = NUM_QUERIES // 2
    for row, (name, found) in zip(rows, codes.items(), strict=True):
        for axis, some in zip(row, (queries[:half], queries[half:]), strict=True):
            sheet = [
                np.concatenate([images[i] for i in _nearest(found, query)], axis=1)
                for query in some
            ]
            axis.imshow(np.concatenate(sheet).squeeze(), cmap="gray_r")
            axis.axvline(images.shape[2] - 0.5, color=ACCENT, linewidth=2)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.grid(visible=False)
        row[0].set_title(f"{name}: left of the line the query", fontsize=8)
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

    columns = min(4, len(codes))
    lines = -(-len(codes) // columns)
    figure = _figure(2.6 * columns, 2.7 * lines)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    colors = colormaps["tab10"](labels % 10)
    for axis in axes:
        axis.set_axis_off()
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
    figure = _figure(6, 4)
    axis = figure.subplots()
    for name, of_seeds in curves.items():
        if not any(of_seeds):
            continue
        mean = np.mean(of_seeds, axis=0)
        is_baseline = name in BASELINES
        share = np.linspace(0, 100, len(mean))
        axis.plot(
            share,
            mean,
            label=name,
            linestyle="--" if is_baseline else "-",
            marker=".",
            color=MUTED if is_baseline else None,
        )
        axis.annotate(name, (share[-1], mean[-1]), fontsize=6)
    axis.set_xlabel("share of the training, %")
    axis.set_ylabel("accuracy of the code's probe, %")
    axis.legend(fontsize=7)
    return figure
