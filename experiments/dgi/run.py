"""Deep Graph InfoMax on a homogeneous graph by several bounds, and baselines."""

import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.folder import cell, refuse, run_settings
from experiments.maps import plot_map
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

RAW, RANDOM = "raw_features", "random_encoder"
BOUNDS = ("jensen_shannon", "donsker_varadhan", "nwj", "SQUARED_HELLINGER")
METRICS = ("macro_f1", "micro_f1", "auc")
# Learning rate of the logistic regression; number of nodes on a map.
PROBE_RATE, NUM_DRAWN = 0.05, 1_000


@dataclasses.dataclass(frozen=True)
class Config:
    """Options of the command.

    Attributes:
        out: folder for results.json, table.md and map.png. Settings that results.json
            already holds are not run again.
        dataset: acm or dblp.
        path: the meta-path that makes the graph; the first of the data set by default.
        data_dir: first folder to search for heco/.
        settings: raw_features, random_encoder and names of bounds, comma-separated; all
            by default.
        num_seeds: trainings of each setting, in one program.
        size: coordinates of a representation.
        learning_rate: learning rate of Adam.
        max_steps: maximal number of updates.
        patience: updates without a lower loss after which a training ends.
        smoke: run everything with two seeds and few updates.
    """

    out: Path = Path("results/dgi")
    dataset: str = "acm"
    path: str | None = None
    data_dir: Path | None = None
    settings: str | None = None
    num_seeds: int = 10
    size: int = 64
    learning_rate: float = 1e-3
    max_steps: int = 2_000
    patience: int = 20
    smoke: bool = False


def _make_run(setting: str, config: Config) -> Callable[..., tuple[Any, Any]]:
    """A function of a key and a graph: representations and number of updates."""
    import jax.numpy as jnp
    import optax

    from jaxinfo import networks
    from jaxinfo.infomax import make_deep_graph_infomax, train_deep_graph_infomax

    def run(key: Any, features: Any, adjacency: Any) -> tuple[Any, Any]:
        if setting == RAW:
            return features, jnp.zeros((), int)
        infomax = make_deep_graph_infomax(
            networks.graph_encoder(sizes=(config.size,)),
            critic=networks.bilinear_critic(use_bias=False),
            optimizer=optax.adam(config.learning_rate),
            bound=BOUNDS[0] if setting == RANDOM else setting,
        )
        if setting == RANDOM:
            state, steps = infomax.init(key, features, adjacency), jnp.zeros((), int)
        else:
            trained = train_deep_graph_infomax(
                key,
                infomax,
                features,
                adjacency,
                max_steps=config.max_steps,
                patience=config.patience,
            )
            state, steps = trained.state, trained.num_steps
        return infomax.encode(state, features, adjacency), steps

    return run


def _run_setting(
    setting: str, config: Config, data: Any, graph: tuple[Any, Any]
) -> tuple[dict[str, Any], Any]:
    """Results of all seeds, and representations of the first."""
    import jax

    from jaxinfo.infomax import LabeledData, node_probe
    from jaxinfo.reporting import mean_and_sd
    from jaxinfo.training import sweep

    started = time.perf_counter()
    training_key, probe_key = jax.random.split(jax.random.key(0))
    keys = jax.random.split(training_key, config.num_seeds)
    layout = "mesh_map" if jax.default_backend() == "cpu" else "auto"
    representations, steps = jax.device_get(
        sweep(_make_run(setting, config), keys, *graph, layout=layout)
    )
    seconds = time.perf_counter() - started
    records = []
    for seed, key in enumerate(jax.random.split(probe_key, config.num_seeds)):
        record = {"setting": setting, "seed": seed, "num_steps": int(steps[seed])}
        for rate, split in data.splits.items():
            found = node_probe(
                key,
                *(
                    LabeledData(representations[seed][rows], data.labels[rows])
                    for rows in split
                ),
                learning_rate=PROBE_RATE,
                num_seeds=2 if config.smoke else 50,
            )
            record |= {f"{name}_{rate}": found[name].value for name in METRICS}
        records.append(record)
    names = [name for name in records[0] if name not in ("setting", "seed")]
    result = {
        "records": records,
        "summary": {name: mean_and_sd([r[name] for r in records]) for name in names},
        "seconds": seconds,
    }
    return result, representations[0]


def _lines(done: dict[str, Any]) -> list[list[str]]:
    rates = (20, 40, 60)
    headings = [f"{name}, {rate}" for rate in rates for name in METRICS]
    lines = [["setting", *headings, "updates", "s"]]
    for setting, result in done.items():
        summary = result["summary"]
        cells = [
            cell(summary[f"{name}_{rate}"], 2) for rate in rates for name in METRICS
        ]
        cells.append(cell(summary["num_steps"], 0))
        lines.append([setting, *cells, f"{result['seconds']:.0f}"])
    return lines


def _draw(labels: Any, representations: dict[str, Any], folder: Path) -> None:
    import matplotlib
    import numpy as np

    from jaxinfo.reporting.style import STYLE

    rows = np.random.default_rng(0).permutation(len(labels))[:NUM_DRAWN]
    drawn = {name: found[rows] for name, found in representations.items()}
    with matplotlib.rc_context(STYLE):
        figure = plot_map(dict.fromkeys(drawn, labels[rows]), drawn)
        figure.savefig(folder / "map.png")


def main() -> None:
    """Runs the settings one after the other and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Deep Graph InfoMax on one graph.")
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=2, max_steps=5)
    prepare_jax()
    import jax.numpy as jnp

    from jaxinfo.core.checks import check_one_of, check_positive
    from jaxinfo.data import load_heco, meta_path_adjacency, normalize_adjacency
    from jaxinfo.reporting import check_new_folder

    known = (RAW, RANDOM, *BOUNDS)
    settings = config.settings.split(",") if config.settings else list(known)
    try:
        for setting in settings:
            check_one_of(known, settings=setting)
        check_positive(
            num_seeds=config.num_seeds,
            size=config.size,
            max_steps=config.max_steps,
            patience=config.patience,
        )
        check_new_folder(config.out)
        data = load_heco(config.dataset, data_dir=config.data_dir)
        path = config.path or next(iter(data.meta_paths))
        check_one_of(data.meta_paths, path=path)
        features = data.features[data.target]
        if features.ndim == 1:
            raise ValueError(
                f"--dataset {config.dataset} has no features; use acm or dblp"
            )
    except ValueError as error:
        refuse(error)
    adjacency = meta_path_adjacency(data.graph, data.meta_paths[path])
    graph = jnp.asarray(features), normalize_adjacency(adjacency)
    run_config = dataclasses.asdict(config) | {"path": path}
    for name in ("out", "settings", "data_dir"):
        del run_config[name]
    run_settings(
        config.out,
        "dgi",
        run_config,
        settings,
        lambda setting: _run_setting(setting, config, data, graph),
        _lines,
        functools.partial(_draw, data.labels),
    )
