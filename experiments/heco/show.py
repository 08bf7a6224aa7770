"""Figures: maps of representations, scores of every training, attention weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.heco.config import PUBLISHED
from experiments.maps import plot_map
from jaxinfo.reporting.style import ACCENT, STYLE

__all__ = ["plot_results"]

# Nodes on a map; t-SNE of all nodes would take longer than a training.
NUM_DRAWN = 1_000


def plot_results(
    labels_of: Callable[[str], Any],
    representations: dict[str, np.ndarray],
    folder: Path,
) -> None:
    """Draws map.png, scores.png and attention.png.

    Args:
        labels_of: `labels_of(dataset)`, classes of the nodes, [N], or None to leave the
            data set out of the map.
        representations: representations by setting, of the first seed, [N, D].
        folder: the folder of results.json.
    """
    import matplotlib

    settings = json.loads((folder / "results.json").read_text())["settings"]
    drawn, classes = {}, {}
    for setting, found in representations.items():
        labels = labels_of(setting.partition(".")[0])
        if labels is None:
            continue
        rows = np.random.default_rng(0).permutation(len(found))[:NUM_DRAWN]
        drawn[setting], classes[setting] = found[rows], labels[rows]
    with matplotlib.rc_context(STYLE):
        if drawn:
            plot_map(classes, drawn).savefig(folder / "map.png")
        _plot_scores(settings).savefig(folder / "scores.png")
        weights = {
            name: (result["records"], name.partition(".")[0])
            for name, result in settings.items()
            if result["records"][0]["path_weights"]
        }
        if weights:
            _plot_attention(weights).savefig(folder / "attention.png")


def _plot_scores(settings: dict[str, Any]) -> Any:
    """Macro-F1: a dot for each seed, a line for the paper."""
    from matplotlib.figure import Figure

    sets: dict[str, list[str]] = {}
    for setting in settings:
        sets.setdefault(setting.partition(".")[0], []).append(setting)
    counts = [len(names) for names in sets.values()]
    size = (8, 0.22 * sum(counts) + 0.8 * len(sets))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(
        len(sets), 3, squeeze=False, sharey="row", height_ratios=[n + 1 for n in counts]
    )
    for row, (name, variants) in zip(axes, sets.items(), strict=True):
        for axis, rate in zip(row, (20, 40, 60), strict=True):
            metric = f"macro_f1_{rate}"
            for place, variant in enumerate(variants):
                records = settings[variant]["records"]
                scores = [record[metric] for record in records]
                axis.plot(scores, np.full(len(scores), place), ".", color=ACCENT)
            axis.axvline(PUBLISHED[name][metric], color="0.5", linestyle="--")
            axis.set_yticks(range(len(variants)), variants)
            axis.set_title(f"Macro-F1, {rate} labels", fontsize=8)
        row[0].set_ylim(len(variants) - 0.5, -0.5)
    return figure


def _plot_attention(weights: dict[str, tuple[list[Any], str]]) -> Any:
    """Attention weights of meta-paths and of types: a dot for each seed."""
    from matplotlib.figure import Figure

    from jaxinfo.data import HECO_DATASETS

    figure = Figure(figsize=(8, 1.6 * len(weights) + 0.6), layout="constrained")
    axes = figure.subplots(len(weights), 2, squeeze=False, sharey=True)
    for row, (setting, (records, name)) in zip(axes, weights.items(), strict=True):
        about = HECO_DATASETS[name]
        types = sorted(
            {k for r in about.edge_files.values() for k in r if about.target in r}
        )
        types.remove(about.target)
        for axis, key, names in (
            (row[0], "path_weights", sorted(about.meta_paths)),
            (row[1], "type_weights", types),
        ):
            values = np.array([record[key] for record in records])
            # Without masks, the last weight is that of the node itself.
            names = [*names, "itself"][: values.shape[1]]
            for place, column in enumerate(values.T):
                axis.plot(np.full(len(column), place), column, ".", color=ACCENT)
            axis.set_xticks(range(len(names)), names)
            axis.set_xlim(-0.5, len(names) - 0.5)
            axis.set_ylim(-0.05, 1.05)
        row[0].set_title(setting, fontsize=9, loc="left")
        row[0].set_ylabel("weight")
    return figure
