"""Fresh samples of known laws: how often the default interval holds the truth."""

import dataclasses
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
    *("task", "rows", "samples", "truth", "bias", "sd"),
    *("holds truth", "below", "above", "width / spread"),
)


@dataclasses.dataclass(frozen=True)
class Config:
    """What to run.

    Attributes:
        out: folder for results.json and table.md; laws that results.json holds already
            are not run again.
        suite: of laws of two variables, see `jaxinfo.tasks.suite`.
        num_seeds: critics of each estimate.
        rows: rows of each sample.
        repeats: fresh samples of each law.
        smoke: the same path end to end on two laws and three samples.
    """

    out: Path = Path("results/coverage")
    suite: str = "smoke"
    num_seeds: int = 8
    rows: int = 1_000
    repeats: int = 200
    smoke: bool = False


def summarize(truth: float, estimates: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What the intervals of one law add up to, nats and shares."""
    from jaxinfo.estimation.uncertainty import Z_95

    values = [one["value"] for one in estimates]
    widths = [one["upper"] - one["lower"] for one in estimates]
    below = statistics.fmean(one["upper"] < truth for one in estimates)
    above = statistics.fmean(one["lower"] > truth for one in estimates)
    sd = statistics.stdev(values)
    return {
        "truth": truth,
        "bias": statistics.fmean(values) - truth,
        "sd": sd,
        "holds_truth": 1 - below - above,
        "below": below,
        "above": above,
        "width_to_spread": statistics.median(widths) / (2 * Z_95 * sd),
    }


def _run_task(task: Any, config: Config) -> dict[str, Any]:
    from jaxinfo.benchmark import run_benchmark

    records = run_benchmark(
        [task],
        estimators=["default"],
        num_rows=config.rows,
        num_repeats=config.repeats,
        num_seeds=config.num_seeds,
    )
    kept = ("repeat", "value", "standard_error", "lower", "upper", "seconds")
    dicts = (record.to_dict() for record in records)
    estimates = [{name: one[name] for name in kept} for one in dicts]
    return {"summary": summarize(task.mi, estimates), "estimates": estimates}


def _lines(config: Config, tasks: dict[str, Any]) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [HEADINGS]
    for name, found in tasks.items():
        told = found["summary"]
        shares = [f"{told[key]:.1%}" for key in ("holds_truth", "below", "above")]
        lines.append(
            [
                *(name, str(config.rows), str(config.repeats)),
                *(f"{told[key]:.4f}" for key in ("truth", "bias", "sd")),
                *(*shares, f"{told['width_to_spread']:.2f}"),
            ]
        )
    held = statistics.fmean(told["summary"]["holds_truth"] for told in tasks.values())
    count = str(config.repeats * len(tasks))
    pooled = ["all", str(config.rows), count, *[""] * 3, f"{held:.1%}"]
    return [*lines, pooled + [""] * (len(HEADINGS) - len(pooled))]


def main() -> None:
    """Runs the laws, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Coverage of the default interval.")
    if config.smoke:
        config = dataclasses.replace(config, rows=200, repeats=3)
    prepare_jax()
    from jaxinfo import tasks
    from jaxinfo.reporting import device_name

    told = dataclasses.asdict(config)
    del told["out"]
    done = read_results(config.out, told).get("tasks", {})
    for task in tasks.suite(config.suite)[: 2 if config.smoke else None]:
        if task.name in done:
            continue
        started = time.perf_counter()
        done[task.name] = _run_task(task, config)
        content = {"experiment": "coverage", "config": told, "device": device_name()}
        write_results(config.out, content | {"tasks": done}, _lines(config, done))
        print(f"{task.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    print(markdown(_lines(config, done)))
