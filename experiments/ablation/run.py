"""Runs a suite by the default estimator and by its variants."""

import dataclasses
import math
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.folder import markdown, read_results, write_results
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

HEADINGS = (
    "estimator",
    "MAE",
    "difference",
    "RMSE",
    "near",
    "coverage",
    "changes most",
)
# A row names at most this many tasks, whose error grew by at least this much, nats.
NUM_NAMED, MIN_GROWTH = 2, 0.01


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json and table.md; variants that are in results.json are
            not run again.
        suite: name of a suite of tasks, see `jaxinfo.tasks.suite`, or "unseen" for ten
            distributions that nothing was tuned on, or "random" for 40 random mixtures
            of Gaussians.
        variants: names of variants, or parts of them, separated by commas; None runs
            all. The default estimator is always run.
        num_seeds: number of critics for each estimate.
        rows: number of rows in each sample.
        repeats: number of samples of each task.
        smoke: run the whole experiment on two tasks, two variants and few rows.
    """

    out: Path = Path("results/ablation")
    suite: str = "bmi40"
    variants: str | None = None
    num_seeds: int = 8
    rows: int = 10_000
    repeats: int = 1
    smoke: bool = False


def _run_variant(estimator: Any, config: Config) -> dict[str, Any]:
    from experiments.ablation.random_mixtures import random_mixtures
    from experiments.ablation.unseen import unseen_tasks
    from jaxinfo import tasks
    from jaxinfo.benchmark import run_benchmark
    from jaxinfo.reporting import benchmark_results

    own = {"unseen": unseen_tasks, "random": random_mixtures}
    name = config.suite
    suite = own[name]() if name in own else tasks.suite(name)
    train = dataclasses.replace(estimator.train, num_seeds=config.num_seeds)
    started = time.perf_counter()
    records = list(
        run_benchmark(
            suite[: 2 if config.smoke else None],
            estimators={"default": dataclasses.replace(estimator, train=train)},
            num_rows=config.rows,
            num_repeats=config.repeats,
        )
    )
    seconds = time.perf_counter() - started
    results = benchmark_results(records, config={}, seconds=seconds)
    return {name: results[name] for name in ("seconds", "records", "summary")}


def _difference(grown: Sequence[float]) -> str:
    """The mean difference of absolute errors from the default, with its error."""
    if not any(grown):
        return ""
    error = statistics.stdev(grown) / len(grown) ** 0.5
    return f"{statistics.fmean(grown):+.4f} ± {error:.4f}"


def _lines(variants: dict[str, Any]) -> list[Sequence[str]]:
    from experiments.ablation.variants import DEFAULT

    errors = {
        name: {
            (r["task"], r["repeat"]): math.inf
            if r["error"] is None
            else abs(r["error"])
            for r in results["records"]
        }
        for name, results in variants.items()
    }
    lines: list[Sequence[str]] = [HEADINGS]
    for name, results in variants.items():
        mean = {key: one["mean"] for key, one in results["summary"]["default"].items()}
        grown = {
            place: error - errors[DEFAULT][place]
            for place, error in errors[name].items()
        }
        worst = sorted(grown, key=lambda place: -grown[place])[:NUM_NAMED]
        lines.append(
            (
                name,
                f"{mean['mean_absolute_error']:.4f}",
                _difference(list(grown.values())),
                f"{mean['root_mean_square_error']:.4f}",
                *(f"{mean[metric]:.0%}" for metric in ("share_near", "coverage")),
                ", ".join(
                    f"{place[0]} +{grown[place]:.3f}"
                    for place in worst
                    if grown[place] > MIN_GROWTH
                ),
            )
        )
    return lines


def main() -> None:
    """Runs the variants, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(
        Config, description="The default estimator with one part removed or replaced."
    )
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=4, rows=1_000)
    prepare_jax()
    from experiments.ablation.variants import DEFAULT, VARIANTS
    from jaxinfo.reporting import device_name

    settings = dataclasses.asdict(config)
    del settings["out"], settings["variants"]
    wanted = [DEFAULT, *(config.variants or "").split(",")]
    chosen = [
        name
        for name in VARIANTS
        if config.variants is None or any(w and w in name for w in wanted)
    ]
    done = read_results(config.out, settings).get("variants", {})
    for variant in chosen[: 2 if config.smoke else None]:
        if variant in done:
            continue
        done[variant] = _run_variant(VARIANTS[variant], config)
        content = {
            "experiment": "ablation",
            "config": settings,
            "device": device_name(),
        }
        write_results(config.out, content | {"variants": done}, _lines(done))
        print(f"{variant}: {done[variant]['seconds']:.0f} s", file=sys.stderr)
    print(markdown(_lines(done)))
