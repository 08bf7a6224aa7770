"""Maps of embeddings, and what the attentions look at."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from experiments.maps import plot_map
from jaxinfo.plots import ACCENT, STYLE

__all__ = ["plot_results"]

# Nodes on a map: t-SNE of all takes longer than a training.
NUM_DRAWN = 1_000


def plot_results(
    labels: dict[str, Any], codes: dict[str, np.ndarray], folder: Path
) -> None:
    """Draws map.png and attention.png.

    Args:
        labels: classes of each set's nodes, [N].
        codes: of each setting, of the first seed, [N, D].
        folder: where results.json is already.
    """
    import matplotlib

    settings = json.loads((folder / "results.json").read_text())["settings"]
    drawn, classes = {}, {}
    for setting, found in codes.items():
        name = setting.partition(".")[0]
        if name not in labels:
            continue
        rows = np.random.default_rng(0).permutation(len(found))[:NUM_DRAWN]
        drawn[setting], classes[setting] = found[rows], labels[name][rows]
    with matplotlib.rc_context(STYLE):
        if drawn:
            plot_map(classes, drawn).savefig(folder / "map.png")
        weights = {
            name: (told["records"], name.partition(".")[0])
            for name, told in settings.items()
            if told["records"][0]["path_weights"]
        }
        if weights:
            _plot_attention(weights).savefig(folder / "attention.png")


def _plot_attention(weights: dict[str, tuple[list[Any], str]]) -> Any:
    """The weights of meta-paths and of types, a dot for each seed."""
    from matplotlib.figure import Figure

    from jaxinfo.data import HECO_SETS

    figure = Figure(figsize=(8, 1.6 * len(weights) + 0.6), layout="constrained")
    axes = figure.subplots(len(weights), 2, squeeze=False, sharey=True)
    for row, (setting, (records, name)) in zip(axes, weights.items(), strict=True):
        about = HECO_SETS[name]
        types = sorted(
            {k for r in about.relations.values() for k in r if about.target in r}
        )
        types.remove(about.target)
        for axis, key, names in (
            (row[0], "path_weights", sorted(about.meta_paths)),
            (row[1], "type_weights", types),
        ):
            values = np.array([record[key] for record in records])
            # Without masks the node itself stands behind its neighbours' types.
            names = [*names, "itself"][: values.shape[1]]
            for place, column in enumerate(values.T):
                axis.plot(np.full(len(column), place), column, ".", color=ACCENT)
            axis.set_xticks(range(len(names)), names)
            axis.set_xlim(-0.5, len(names) - 0.5)
            axis.set_ylim(0, 1)
        row[0].set_title(setting, fontsize=9, loc="left")
        row[0].set_ylabel("weight")
    return figure
