"""One setting: trainings of all seeds, and their probes."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from experiments.heco.config import (
    DGI,
    MAX_STEPS,
    PRESETS,
    VARIANTS,
    Config,
    Preset,
    Variant,
    stop_of,
)

__all__ = ["build_heco", "load", "run_setting"]

# Deep Graph InfoMax: the size of the representation is that of HeCo.
DGI_SIZE, DGI_RATE, DGI_PATIENCE = 64, 1e-3, 20


class Trained(NamedTuple):
    """The result of one seed's training."""

    representations: Any
    loss: Any
    num_steps: Any
    path_weights: Any
    type_weights: Any


@functools.lru_cache(maxsize=4)
def load(name: str, data_dir: Any) -> Any:
    """A data set, read once."""
    from jaxinfo.data import load_heco

    return load_heco(name, data_dir=data_dir)


def run_setting(setting: str, config: Config) -> tuple[dict[str, Any], Any]:
    """Results of all seeds, and representations of the first."""
    import jax
    import numpy as np

    from jaxinfo.reporting import mean_and_sd
    from jaxinfo.training import sweep

    name, _, variant = setting.partition(".")
    data = load(name, config.data_dir)
    started = time.perf_counter()
    if variant.startswith(DGI):
        run, graph = _dgi(data, variant.partition(".")[2], config)
    else:
        run, graph = _heco(data, PRESETS[name], VARIANTS[variant], config)
    training_key, probe_key = jax.random.split(jax.random.key(0))
    keys = jax.random.split(training_key, config.num_seeds)
    found: Trained = jax.device_get(
        sweep(run, keys, graph, layout=cast(Any, config.layout))
    )
    seconds = time.perf_counter() - started
    metrics = [
        _evaluate(key, representations, data, PRESETS[name], config)
        for key, representations in zip(
            jax.random.split(probe_key, config.num_seeds),
            found.representations,
            strict=True,
        )
    ]
    records = [
        {
            "setting": setting,
            "seed": seed,
            **metrics[seed],
            "loss": float(found.loss[seed]),
            "num_steps": int(found.num_steps[seed]),
            "path_weights": np.asarray(found.path_weights[seed], float).tolist(),
            "type_weights": np.asarray(found.type_weights[seed], float).tolist(),
        }
        for seed in range(config.num_seeds)
    ]
    result = {
        "records": records,
        "summary": {
            metric: mean_and_sd([one[metric] for one in records])
            for metric in (*metrics[0], "loss", "num_steps")
        },
        "seconds": seconds,
    }
    return result, found.representations[0]


def build_heco(data: Any, preset: Preset, variant: Variant) -> tuple[Any, Any]:
    """The training of a preset and a variant, and its graph."""
    import jax.numpy as jnp
    import optax

    from jaxinfo import networks
    from jaxinfo.infomax import make_heco, make_heco_graph

    positives = {
        "counted": None,
        "published": data.published_positives,
        "own": jnp.arange(len(data.labels))[:, None],
    }[variant.positives]
    graph = make_heco_graph(
        data.graph,
        data.target,
        data.meta_paths,
        data.features,
        num_positives=data.num_positives,
        positives=positives,
    )
    heco = make_heco(
        networks.heco_encoder(
            data.target,
            feature_dropout=preset.feature_dropout,
            attention_dropout=preset.attention_dropout,
            masks_views=variant.masks_views,
        ),
        head=networks.projection_head(),
        optimizer=_with_average(optax.adam(preset.learning_rate), variant.averaging),
        num_samples=preset.num_samples,
        temperature=preset.temperature,
        views=variant.views,
    )
    return heco, graph


def _with_average(optimizer: Any, decay: float) -> Any:
    """An optimizer whose state is a pair: its own, and a moving average of params."""
    import optax

    def start(params: Any) -> Any:
        return optimizer.init(params), params

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        own, average = state
        updates, own = optimizer.update(updates, own, params)
        moved = optax.apply_updates(params, updates)
        return updates, (own, optax.incremental_update(moved, average, 1 - decay))

    return optax.GradientTransformation(start, update)


def _heco(
    data: Any, preset: Preset, variant: Variant, config: Config
) -> tuple[Callable[..., Trained], Any]:
    import jax
    import jax.numpy as jnp

    from jaxinfo.infomax import train_heco

    heco, graph = build_heco(data, preset, variant)
    patience, smoothing = stop_of(preset, variant.stop)
    max_steps, patience = _budget(config, variant.patience * patience)

    def run(key: jax.Array, graph: Any) -> Trained:
        for_training, for_neighbors = jax.random.split(key)
        trained = train_heco(
            for_training,
            heco,
            graph,
            max_steps=max_steps,
            patience=patience,
            smoothing=smoothing,
        )
        # Without averaging, the weights themselves.
        mean = trained.state._replace(params=trained.state.optimizer[1])
        views = heco.encode(for_neighbors, mean, graph)
        return Trained(
            getattr(views, variant.views[0]),
            jnp.nanmin(trained.history.loss),
            trained.num_steps,
            views.meta_path_weights,
            views.type_weights,
        )

    return run, graph


def _dgi(
    data: Any, path: str, config: Config
) -> tuple[Callable[..., Trained], tuple[Any, Any]]:
    import jax
    import jax.numpy as jnp
    import optax

    from jaxinfo import networks
    from jaxinfo.data import meta_path_adjacency, normalize_adjacency
    from jaxinfo.infomax import make_deep_graph_infomax, train_deep_graph_infomax

    infomax = make_deep_graph_infomax(
        networks.graph_encoder(sizes=(DGI_SIZE,)),
        critic=networks.bilinear_critic(use_bias=False),
        optimizer=optax.adam(DGI_RATE),
    )
    adjacency = meta_path_adjacency(data.graph, data.meta_paths[path])
    graph = jnp.asarray(data.features[data.target]), normalize_adjacency(adjacency)
    max_steps, patience = _budget(config, DGI_PATIENCE)

    def run(key: jax.Array, graph: Any) -> Trained:
        trained = train_deep_graph_infomax(
            key, infomax, *graph, max_steps=max_steps, patience=patience
        )
        representations = infomax.encode(trained.state, *graph)
        loss = jnp.nanmin(trained.history.loss)
        none = jnp.zeros(0)
        return Trained(representations, loss, trained.num_steps, none, none)

    return run, graph


def _budget(config: Config, patience: int) -> tuple[int, int]:
    return (5, 5) if config.smoke else (MAX_STEPS, patience)


def _evaluate(
    key: Any, representations: Any, data: Any, preset: Preset, config: Config
) -> dict[str, float]:
    """Macro-F1, Micro-F1 and AUC at each number of labels, NMI and ARI, in percent."""
    import jax

    from jaxinfo.infomax import LabeledData, clustering_probe, node_probe

    for_nodes, for_clusters = jax.random.split(key)
    metrics = {}
    for rate, split in data.splits.items():
        found = node_probe(
            for_nodes,
            *(LabeledData(representations[rows], data.labels[rows]) for rows in split),
            learning_rate=preset.probe_rate,
            num_seeds=2 if config.smoke else config.num_probe_seeds,
        )
        metrics |= {f"{name}_{rate}": probe.value for name, probe in found.items()}
    clusters = clustering_probe(
        for_clusters,
        LabeledData(representations, data.labels),
        num_seeds=2 if config.smoke else 10,
    )
    return metrics | {name: 100 * probe.value for name, probe in clusters.items()}
