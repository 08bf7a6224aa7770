"""HeCo on ACM: an update under a scan, a PyTorch loop, and several seeds."""

import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

from experiments.bench.timing import cell, seconds_of, spread
from experiments.heco.config import PRESETS, VARIANTS
from experiments.heco.study import build_heco

__all__ = ["graph_summary", "graph_tables", "measure_graph", "measure_graph_seeds"]

PRESET = PRESETS["acm"]
TARGET, SIZE, SEEDS = "paper", 64, 4


def _build() -> tuple[Any, Any] | None:
    """The training and its graph; None where the graph is not at hand."""
    from jaxinfo.data import load_heco

    try:
        data = load_heco("acm")
    except ValueError as error:
        print(f"left out: {error}", file=sys.stderr)
        return None
    return build_heco(data, PRESET, VARIANTS[""])


def _training(heco: Any, num_steps: int) -> Callable[..., Any]:
    """Losses of a training as a function of a key and the graph."""
    import jax

    def run(key: Any, graph: Any) -> Any:
        def step(state: Any, key: Any) -> tuple[Any, Any]:
            return heco.step(key, state, graph)

        keys = jax.random.split(key, num_steps)
        return jax.lax.scan(step, heco.init(key, graph), keys)[1].loss

    return run


def _pytorch(graph: Any, num_steps: int) -> Callable[[int], float]:
    """The same update as a plain eager loop, of the same arrays."""
    import numpy as np
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(1)

    def tensor(x: Any) -> Any:
        return torch.from_numpy(np.array(x))

    def matrix(adjacency: Any) -> Any:
        if hasattr(adjacency, "todense"):
            places = tensor(adjacency.indices).T.long()
            values = tensor(adjacency.data)
            coo = torch.sparse_coo_tensor(places, values, adjacency.shape)
            return coo.coalesce().to_sparse_csr()
        return tensor(adjacency)

    features = {kind: tensor(x) for kind, x in graph.features.items()}
    lists = {
        kind: [tensor(x).long() for x in found]
        for kind, found in graph.neighbors.items()
    }
    adjacencies = [matrix(a) for a in graph.adjacencies.values()]
    positives = tensor(graph.positives).long()
    rows = torch.arange(len(positives))[:, None]
    absent = torch.where(positives < 0, -torch.inf, 0.0)

    def sample(kind: str) -> Any:
        """With replacement: no slower than without."""
        starts, counts, nodes = lists[kind]
        drawn = torch.rand(len(starts), PRESET.num_samples[kind]) * counts[:, None]
        return nodes[starts[:, None] + drawn.long()]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.ModuleDict(
                {
                    kind: nn.Embedding(len(x), SIZE)
                    if x.ndim == 1
                    else nn.Linear(x.shape[1], SIZE)
                    for kind, x in features.items()
                }
            )
            self.attend = nn.ParameterDict(
                {kind: torch.randn(2 * SIZE) / 8 for kind in lists}
            )
            self.convolve = nn.ModuleList(
                nn.Linear(SIZE, SIZE, bias=False) for _ in adjacencies
            )
            self.offsets = nn.Parameter(torch.zeros(len(adjacencies), SIZE))
            self.activations = nn.ModuleList(nn.PReLU() for _ in adjacencies)
            self.semantic = nn.ModuleList(nn.Linear(SIZE, SIZE) for _ in range(2))
            self.vectors = nn.Parameter(torch.randn(2, SIZE) / 8)
            self.head = nn.Sequential(
                nn.Linear(SIZE, SIZE), nn.ELU(), nn.Linear(SIZE, SIZE)
            )

        def fuse(self, parts: list[Any], which: int) -> Any:
            stacked = torch.stack(parts)
            hidden = torch.tanh(self.semantic[which](stacked)).mean(dim=1)
            vector = functional.dropout(self.vectors[which], PRESET.attention_dropout)
            weights = torch.softmax(hidden @ vector, dim=0)
            return torch.einsum("k,knd->nd", weights, stacked)

        def forward(self) -> Any:
            nodes = {
                kind: functional.elu(
                    functional.dropout(layer(features[kind]), PRESET.feature_dropout)
                )
                for kind, layer in self.embed.items()
            }
            own, by_type = nodes[TARGET], []
            for kind in lists:
                vector = functional.dropout(self.attend[kind], PRESET.attention_dropout)
                near = sample(kind)
                scores = functional.leaky_relu(
                    (own @ vector[:SIZE])[:, None] + (nodes[kind] @ vector[SIZE:])[near]
                )
                weights = torch.softmax(scores, dim=1)
                by_type.append(
                    functional.elu(
                        torch.einsum("nk,nkd->nd", weights, nodes[kind][near])
                    )
                )
            by_path = [
                activation(adjacency @ layer(own) + offset)
                for adjacency, layer, offset, activation in zip(
                    adjacencies,
                    self.convolve,
                    self.offsets,
                    self.activations,
                    strict=True,
                )
            ]
            a, b = (
                functional.normalize(self.head(self.fuse(parts, which)))
                for which, parts in enumerate((by_path, by_type))
            )
            scores = a @ b.T / PRESET.temperature
            there = torch.logsumexp(scores[rows, positives] + absent, 1)
            back = torch.logsumexp(scores[positives, rows] + absent, 1)
            loss = scores.logsumexp(1) - there + scores.logsumexp(0) - back
            return loss.mean() / 2

    def train(seed: int) -> float:
        torch.manual_seed(seed)
        net, value = Net(), float("nan")
        optimizer = torch.optim.Adam(net.parameters(), lr=PRESET.learning_rate)
        for _ in range(num_steps):
            loss = net()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            value = loss.item()
        return value

    return train


def measure_graph(config: Any) -> list[dict[str, Any]]:
    """Seconds an update of a scan and of the PyTorch loop, in turn, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import jax

    built = _build()
    if built is None:
        return []
    heco, graph = built
    num_steps = 2 if config.smoke else 20
    scanned = jax.jit(_training(heco, num_steps))
    runs: dict[str, Callable[[int], Any]] = {
        "library": functools.partial(_of_seed, scanned, graph)
    }
    if importlib.util.find_spec("torch") is not None:
        runs["pytorch_loop"] = _pytorch(graph, num_steps)
    first = {name: seconds_of(run, 0) for name, run in runs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(config.repeats):
        for name, run in runs.items():
            seconds[name].append(seconds_of(run, repeat) / num_steps)
    return [
        {
            "table": "graph",
            "contender": name,
            "seconds_per_update": spread(values),
            "ratio_to_library": spread(
                [v / b for v, b in zip(values, seconds["library"], strict=True)]
            ),
            "first_call_seconds": first[name],
        }
        for name, values in seconds.items()
    ]


def measure_graph_seeds(config: Any) -> list[dict[str, Any]]:
    """Several seeds in one program against as many single runs, on all cores."""
    import jax

    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    built = _build()
    if built is None:
        return []
    heco, graph = built
    num_steps = 2 if config.smoke else 10
    run = _training(heco, num_steps)
    alone = jax.jit(run)
    keys = jax.random.split(jax.random.key(0), 2 if config.smoke else SEEDS)
    calls = {
        "one_by_one": functools.partial(_one_by_one, alone, keys, graph),
        **{
            layout: functools.partial(_together, run, keys, graph, layout)
            for layout in ("vmap", "map", "mesh", "mesh_map")
        },
    }
    first = {name: seconds_of(call, 0) for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(max(1, config.repeats - 2)):
        for name, call in calls.items():
            seconds[name].append(seconds_of(call, 0) / num_steps / len(keys))
    return [
        {
            "table": "graph_seeds",
            "layout": name,
            "num_seeds": len(keys),
            "seconds_per_update_and_seed": spread(values),
            "ratio_to_one_by_one": spread(
                [v / b for v, b in zip(values, seconds["one_by_one"], strict=True)]
            ),
            "first_call_seconds": first[name],
        }
        for name, values in seconds.items()
    ]


def _of_seed(run: Callable[..., Any], graph: Any, seed: int) -> None:
    import jax

    run(jax.random.key(seed), graph).block_until_ready()


def _one_by_one(run: Callable[..., Any], keys: Any, graph: Any, _: int) -> None:
    for key in keys:
        run(key, graph).block_until_ready()


def _together(
    run: Callable[..., Any], keys: Any, graph: Any, layout: Any, _: int
) -> None:
    from jaxinfo.training import sweep

    sweep(run, keys, graph, layout=layout).block_until_ready()


def graph_summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What is quoted: ratios."""
    summary = {
        f"graph/{r['contender']}": {"ratio_to_library": r["ratio_to_library"]}
        for r in records
        if r["table"] == "graph"
    }
    return summary | {
        f"graph_seeds/{r['layout']}": {"ratio_to_one_by_one": r["ratio_to_one_by_one"]}
        for r in records
        if r["table"] == "graph_seeds"
    }


def graph_tables(records: list[dict[str, Any]]) -> list[Any]:
    """For the terminal."""
    from rich.table import Table

    loops = Table(title="HeCo on ACM, one core: median (least to most)")
    for column in ("contender", "s an update", "ratio", "first call s"):
        loops.add_column(column)
    seeds = Table(title="HeCo on ACM, all cores: seconds an update and seed")
    for column in ("layout", "seeds", "s", "ratio", "first call s"):
        seeds.add_column(column)
    for r in records:
        if r["table"] == "graph":
            loops.add_row(
                r["contender"],
                cell(r["seconds_per_update"], 3),
                cell(r["ratio_to_library"], 2),
                f"{r['first_call_seconds']:.1f}",
            )
        elif r["table"] == "graph_seeds":
            seeds.add_row(
                r["layout"],
                str(r["num_seeds"]),
                cell(r["seconds_per_update_and_seed"], 3),
                cell(r["ratio_to_one_by_one"], 2),
                f"{r['first_call_seconds']:.1f}",
            )
    return [loops, seeds]
