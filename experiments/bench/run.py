"""Measures speed, each table in its own process, and writes results.json."""

import dataclasses
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from experiments.bench.convolution import (
    convolution_summary,
    convolution_table,
    measure_convolution,
)
from experiments.bench.game import (
    game_summary,
    game_tables,
    measure_game,
    measure_game_seeds,
)
from experiments.bench.graph import (
    graph_summary,
    graph_tables,
    measure_graph,
    measure_graph_seeds,
)
from experiments.bench.timing import cell, seconds_of, spread
from experiments.folder import read_results, refuse
from jaxinfo.core.checks import check_one_of
from jaxinfo.reporting import atomic_files, write_json
from jaxinfo.training.sweep import Layout, sweep

__all__ = ["Config", "main"]

CRITICS = {"small": (16, 8), "large": (256, 256)}
SEEDS = (1, 2, 4, 8, 16, 32)
LAYOUTS: tuple[Layout, ...] = ("vmap", "map", "mesh", "mesh_map")


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the measurements.

    Attributes:
        out: folder for results.json.
        tables: names of `MEASUREMENTS`, comma-separated, or None for all. Other tables
            stay in results.json as they are.
        repeats: number of timed repeats; each round times every contender once.
        smoke: run every measurement with few steps.
    """

    out: Path = Path("results/bench")
    tables: str | None = None
    repeats: int = 5
    smoke: bool = False


def measure_loops(config: Config) -> list[dict[str, Any]]:
    """Seconds per 1,000 steps of each contender, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from experiments.bench.contenders import CONTENDERS, Task, make_data

    records = []
    for critic, widths in CRITICS.items():
        num_steps = 20 if config.smoke else (10_000 if critic == "small" else 2_000)
        task = Task(*make_data(10_000, 5), widths, num_steps)
        runs = {name: make(task) for name, make in CONTENDERS.items()}
        runs = {name: run for name, run in runs.items() if run is not None}
        first = {name: seconds_of(run, 0) for name, run in runs.items()}
        seconds = {name: [] for name in runs}
        for repeat in range(config.repeats):
            for name, run in runs.items():
                seconds[name].append(seconds_of(run, repeat) / num_steps * 1_000)
        for name, values in seconds.items():
            ratios = [v / b for v, b in zip(values, seconds["bare_scan"], strict=True)]
            records.append(
                {
                    "table": "loops",
                    "critic": critic,
                    "contender": name,
                    "seconds_per_1000_steps": spread(values),
                    "ratio_to_bare_scan": spread(ratios),
                    "first_call_seconds": first[name],
                }
            )
    return records


def measure_layouts(config: Config) -> list[dict[str, Any]]:
    """Seconds per 1,000 steps and seed for each layout, on all cores."""
    import jax

    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    from experiments.bench.contenders import make_data
    from jaxinfo import estimation, networks

    x, y = make_data(10_000, 5)
    parts = [(x[a:b], y[a:b]) for a, b in [(0, 6_000), (6_000, 8_000), (8_000, 10_000)]]
    records = []
    for critic, widths in CRITICS.items():
        num_steps = 20 if config.smoke else (2_000 if critic == "small" else 300)
        seeds = SEEDS[:2] if config.smoke else SEEDS[: 6 if critic == "small" else 4]
        run = estimation.make_run(
            networks.joint_critic(widths),
            bound="mine",
            num_steps=num_steps,
            batch_size=256,
            num_negatives=1,
        )
        for num_seeds in seeds:
            keys = jax.random.split(jax.random.key(0), num_seeds)
            calls = {
                layout: functools.partial(_sweep, run, keys, parts, layout)
                for layout in LAYOUTS
            }
            first = {layout: seconds_of(call, 0) for layout, call in calls.items()}
            seconds = {layout: [] for layout in calls}
            for _ in range(max(1, config.repeats - 2)):
                for layout, call in calls.items():
                    per_seed = seconds_of(call, 0) / num_steps / num_seeds * 1_000
                    seconds[layout].append(per_seed)
            records += [
                {
                    "table": "layouts",
                    "critic": critic,
                    "layout": layout,
                    "num_seeds": num_seeds,
                    "seconds_per_1000_steps_and_seed": spread(values),
                    "first_call_seconds": first[layout],
                }
                for layout, values in seconds.items()
            ]
    return records


def _sweep(run: Any, keys: Any, parts: Any, layout: Layout, _: int) -> None:
    sweep(run, keys, *parts, layout=layout).value.block_until_ready()


def measure_estimate(config: Config) -> list[dict[str, Any]]:
    """Seconds of one default estimate of 10,000 rows of 5+5, compilation included."""
    import jax

    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    from experiments.bench.contenders import make_data
    from jaxinfo import estimation

    x, y = make_data(10_000, 5)
    started = time.perf_counter()
    train = estimation.TrainConfig(num_steps=20 if config.smoke else 4_000)
    estimator = estimation.CrossFitted(train=train)
    estimate = estimator(jax.random.key(0), x, y)
    return [
        {
            "table": "estimate",
            "cache": os.environ["BENCH_CACHE"],
            "seconds": time.perf_counter() - started,
            "compile_seconds": estimate.diagnostics.compile_seconds,
            "value": estimate.value,
            "standard_error": estimate.standard_error,
        }
    ]


MEASUREMENTS = {
    "loops": measure_loops,
    "layouts": measure_layouts,
    "estimate": measure_estimate,
    "game": measure_game,
    "game_seeds": measure_game_seeds,
    "convolution": measure_convolution,
    "graph": measure_graph,
    "graph_seeds": measure_graph_seeds,
}


def _in_a_process(name: str, config: Config, **environment: str) -> list[dict]:
    command = [sys.executable, "-m", "experiments.bench", "--measurement", name]
    command += ["--repeats", str(config.repeats)] + ["--smoke"] * config.smoke
    process = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.PIPE, check=True
    )
    return json.loads(process.stdout)


def _measure(name: str, config: Config) -> list[dict[str, Any]]:
    """Records of one table; `estimate` runs with an empty cache, then a warm one."""
    if name != "estimate":
        return _in_a_process(name, config)
    with tempfile.TemporaryDirectory() as cache:
        cached = {
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        return [
            record
            for state in ("cold", "warm", "warm", "warm")
            for record in _in_a_process(name, config, BENCH_CACHE=state, **cached)
        ]


def main() -> None:
    """Runs the measurements and prints the tables."""
    import tyro

    if "--measurement" in sys.argv:  # The child process: one measurement as JSON.
        at = sys.argv.index("--measurement")
        name = sys.argv.pop(at + 1)
        sys.argv.pop(at)
        json.dump(MEASUREMENTS[name](tyro.cli(Config)), sys.stdout)
        return
    config = tyro.cli(Config, description="Speed of runs, layouts and estimates.")
    tables = [*MEASUREMENTS] if config.tables is None else config.tables.split(",")
    try:
        for name in tables:
            check_one_of(MEASUREMENTS, table=name)
    except ValueError as error:
        refuse(error)
    settings = {"repeats": config.repeats, "smoke": config.smoke}
    content = read_results(config.out, settings)
    records = content.get("records", [])
    seconds = content.get("seconds", 0.0)
    for name in tables:
        started = time.perf_counter()
        found = _measure(name, config)
        seconds += time.perf_counter() - started
        records = [r for r in records if r["table"] != name] + found
        results = {
            "experiment": "bench",
            "config": settings,
            "device": f"{os.cpu_count()} CPU cores, {platform.processor() or 'CPU'}",
            "seconds": seconds,
            "records": records,
            "summary": _summary(records),
        }
        with atomic_files(config.out / "results.json") as (draft,):
            write_json(draft or config.out / "results.json", results)
    _print_tables(records)
    print(f"\nwritten to {config.out / 'results.json'}  in {seconds:.0f} s")


def _summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Ratios to the bare scan and to one seed by vmap, and seconds of estimates."""
    summary: dict[str, Any] = {}
    one_seed = {
        r["critic"]: r["seconds_per_1000_steps_and_seed"]["median"]
        for r in records
        if r["table"] == "layouts" and (r["num_seeds"], r["layout"]) == (1, "vmap")
    }
    for r in records:
        if r["table"] == "loops":
            summary[f"{r['critic']}/{r['contender']}"] = {
                "ratio_to_bare_scan": r["ratio_to_bare_scan"]
            }
        elif r["table"] == "layouts":
            median = r["seconds_per_1000_steps_and_seed"]["median"]
            summary[f"{r['critic']}/{r['num_seeds']}/{r['layout']}"] = {
                "cost_per_seed_to_one_by_vmap": median / one_seed[r["critic"]]
            }
        elif r["table"] == "estimate":
            summary.setdefault(f"estimate/{r['cache']}", {"seconds": []})
            summary[f"estimate/{r['cache']}"]["seconds"].append(r["seconds"])
    summary |= game_summary(records) | convolution_summary(records)
    return summary | graph_summary(records)


def _print_tables(records: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    loops = Table(title="One core, batch 256, 5+5 dimensions: median (min to max)")
    for column in ("critic", "contender", "s per 1,000 steps", "ratio", "first call s"):
        loops.add_column(column)
    layouts = Table(title="All cores: seconds per 1,000 steps and seed")
    for column in ("critic", "seeds", "layout", "s", "first call s"):
        layouts.add_column(column)
    whole = Table(title="Whole estimate, 10,000 rows of 5+5, 8 seeds, all cores")
    for column in ("compilation cache", "s", "compile s", "value"):
        whole.add_column(column)
    for r in records:
        if r["table"] == "loops":
            loops.add_row(
                f"{r['critic']} {CRITICS[r['critic']]}",
                r["contender"],
                cell(r["seconds_per_1000_steps"]),
                cell(r["ratio_to_bare_scan"], 2),
                f"{r['first_call_seconds']:.1f}",
            )
        elif r["table"] == "layouts":
            layouts.add_row(
                r["critic"],
                str(r["num_seeds"]),
                r["layout"],
                cell(r["seconds_per_1000_steps_and_seed"]),
                f"{r['first_call_seconds']:.1f}",
            )
        elif r["table"] == "estimate":
            whole.add_row(
                r["cache"],
                f"{r['seconds']:.1f}",
                f"{r['compile_seconds']:.1f}",
                f"{r['value']:.3f} ± {r['standard_error']:.3f}",
            )
    for table in (
        loops,
        layouts,
        whole,
        *game_tables(records),
        convolution_table(records),
        *graph_tables(records),
    ):
        if table.rows:
            Console().print(table)
