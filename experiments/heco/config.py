"""Options of the command, presets of each data set, and variants of HeCo."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "METRICS",
    "PRESETS",
    "PUBLISHED",
    "VARIANTS",
    "Config",
    "Preset",
    "Variant",
    "settings_of",
    "stop_of",
]


@dataclasses.dataclass(frozen=True)
class Config:
    """Options of the command.

    Attributes:
        out: folder for results.json, table.md and figures. Settings that results.json
            already holds are not run again.
        dataset: acm, dblp, aminer, freebase or all.
        data_dir: first folder to search for heco/.
        num_seeds: trainings of each setting, in one program.
        num_probe_seeds: restarts of each probe.
        ablations: also run the variants, and Deep Graph InfoMax on each meta-path.
        variants: names of variants to run instead, comma-separated.
        layout: layout of the seeds: vmap, map, mesh or mesh_map.
        smoke: run everything with two seeds and few updates.
    """

    out: Path = Path("results/heco")
    dataset: str = "acm"
    data_dir: Path | None = None
    num_seeds: int = 10
    num_probe_seeds: int = 50
    ablations: bool = False
    variants: str | None = None
    layout: str = "mesh_map"
    smoke: bool = False


class Preset(NamedTuple):
    """Settings of a data set; all but the smoothing are those of the authors' code.

    Attributes:
        learning_rate: learning rate of Adam.
        patience: updates without a lower loss after which a training ends.
        temperature: tau.
        feature_dropout: dropout rate of projected features.
        attention_dropout: dropout rate of attention vectors.
        num_samples: neighbors sampled for every update, by type.
        probe_rate: learning rate of Adam for the logistic regression.
        smoothing: decay of the moving average of losses in the stopping rule.
    """

    learning_rate: float
    patience: int
    temperature: float
    feature_dropout: float
    attention_dropout: float
    num_samples: Mapping[str, int]
    probe_rate: float = 0.01
    smoothing: float = 0.0


PRESETS = {
    # With a patience of 5, the noise of single losses would end trainings by chance.
    "acm": Preset(8e-4, 5, 0.8, 0.3, 0.5, {"author": 7, "subject": 1}, 0.05, 0.9),
    "dblp": Preset(8e-4, 30, 0.9, 0.4, 0.35, {"paper": 6}),
    "aminer": Preset(3e-3, 40, 0.5, 0.5, 0.5, {"author": 3, "reference": 8}),
    "freebase": Preset(
        1e-3, 20, 0.5, 0.1, 0.3, {"director": 1, "actor": 18, "writer": 2}
    ),
}
MAX_STEPS = 10_000

OF_NODES = {"macro_f1": "Macro-F1", "micro_f1": "Micro-F1", "auc": "AUC"}
METRICS = {
    f"{name}_{rate}": f"{title}, {rate}"
    for rate in (20, 40, 60)
    for name, title in OF_NODES.items()
} | {"nmi": "NMI", "ari": "ARI"}
# The paper's tables, in the order of the metrics.
PUBLISHED = {
    name: dict(zip(METRICS, values, strict=True))
    for name, values in {
        "acm": (
            *(88.56, 88.13, 96.49),
            *(87.61, 87.45, 96.40),
            *(89.04, 88.71, 96.55),
            *(56.87, 56.94),
        ),
        "dblp": (
            *(91.28, 91.97, 98.32),
            *(90.34, 90.76, 98.06),
            *(90.64, 91.59, 98.59),
            *(74.51, 80.17),
        ),
        "aminer": (
            *(71.38, 78.81, 90.82),
            *(73.75, 80.53, 92.11),
            *(75.80, 82.46, 92.40),
            *(32.26, 28.64),
        ),
        "freebase": (
            *(59.23, 61.72, 76.22),
            *(61.19, 64.03, 78.44),
            *(60.13, 63.61, 78.04),
            *(20.38, 20.98),
        ),
    }.items()
}


class Variant(NamedTuple):
    """A change of HeCo.

    Attributes:
        views: the two views that are contrasted.
        masks_views: whether each view hides the input of the other.
        positives: "counted" by meta-paths, "published" with the data, or "own": each
            node only.
        stop: the stopping rule: of the "preset", by the "loss" as in the paper, or by
            its moving average ("mean") as on ACM.
        patience: factor of the preset's patience.
        averaging: decay of a moving average of the weights, which is then evaluated.
    """

    views: tuple[str, str] = ("meta_path", "schema")
    masks_views: bool = True
    positives: str = "counted"
    stop: str = "preset"
    patience: int = 1
    averaging: float = 0.0


VARIANTS = {
    "": Variant(),
    "meta_path_view": Variant(views=("meta_path", "meta_path")),
    "schema_view": Variant(views=("schema", "schema")),
    "no_view_mask": Variant(masks_views=False),
    "own_positive": Variant(positives="own"),
    "published_positives": Variant(positives="published"),
    "paper_stop": Variant(stop="loss"),
    "as_published": Variant(positives="published", stop="loss"),
    "mean_stop": Variant(stop="mean"),
    "long_patience": Variant(patience=6),
    "averaged_weights": Variant(averaging=0.97),
}
DGI = "dgi"


def stop_of(preset: Preset, stop: str = "preset") -> tuple[int, float]:
    """Patience and smoothing of a stopping rule."""
    if stop == "mean":
        preset = PRESETS["acm"]
    return preset.patience, 0.0 if stop == "loss" else preset.smoothing


def settings_of(config: Config) -> list[str]:
    """Names of settings: a data set, or a data set and a variant."""
    from jaxinfo.data import HECO_DATASETS

    names = list(PRESETS) if config.dataset == "all" else [config.dataset]
    if config.variants is not None:
        variants = config.variants.split(",")
    else:
        variants = list(VARIANTS) if config.ablations else [""]
    settings = [
        f"{name}.{variant}" if variant else name
        for name in names
        for variant in variants
        # A variant whose stopping rule equals the preset's would repeat another one.
        if config.variants
        or VARIANTS[variant].stop == "preset"
        or stop_of(PRESETS[name], VARIANTS[variant].stop) != stop_of(PRESETS[name])
    ]
    if config.ablations and config.variants is None:
        settings += [
            f"{name}.{DGI}.{path}"
            for name in names
            for path in HECO_DATASETS[name].meta_paths
        ]
    return settings
