"""Coverage of the default 95 % intervals on samples of known distributions."""

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
    """Settings of the experiment.

    Attributes:
        out: folder for results.json and table.md; tasks that are in results.json are
            not run again.
        suite: name of a suite of mutual information tasks, see `jaxinfo.tasks.suite`.
        num_seeds: number of critics for each estimate.
        rows: number of rows in each sample.
        repeats: number of samples of each task.
        smoke: run the whole experiment on two tasks and three small samples.
    """

    out: Path = Path("results/coverage")
    suite: str = "smoke"
    num_seeds: int = 8
    rows: int = 1_000
    repeats: int = 200
    smoke: bool = False


def summarize(truth: float, estimates: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Bias, spread and coverage of the estimates of one task, in nats and shares."""
    from jaxinfo.estimation.uncertainty import Z_95

    values = [e["value"] for e in estimates]
    widths = [e["upper"] - e["lower"] for e in estimates]
    below = statistics.fmean(e["upper"] < truth for e in estimates)
    above = statistics.fmean(e["lower"] > truth for e in estimates)
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
    estimates = [{name: fields[name] for name in kept} for fields in dicts]
    return {"summary": summarize(task.mi, estimates), "estimates": estimates}


def _lines(config: Config, tasks: dict[str, Any]) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [HEADINGS]
    for name, result in tasks.items():
        summary = result["summary"]
        shares = [f"{summary[key]:.1%}" for key in ("holds_truth", "below", "above")]
        lines.append(
            [
                *(name, str(config.rows), str(config.repeats)),
                *(f"{summary[key]:.4f}" for key in ("truth", "bias", "sd")),
                *(*shares, f"{summary['width_to_spread']:.2f}"),
            ]
        )
    coverage = statistics.fmean(r["summary"]["holds_truth"] for r in tasks.values())
    count = str(config.repeats * len(tasks))
    pooled = ["all", str(config.rows), count, *[""] * 3, f"{coverage:.1%}"]
    return [*lines, pooled + [""] * (len(HEADINGS) - len(pooled))]


def main() -> None:
    """Runs each task and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Coverage of the default intervals.")
    if config.smoke:
        config = dataclasses.replace(config, rows=200, repeats=3)
    prepare_jax()
    from jaxinfo import tasks
    from jaxinfo.reporting import device_name

    settings = dataclasses.asdict(config)
    del settings["out"]
    done = read_results(config.out, settings).get("tasks", {})
    for task in tasks.suite(config.suite)[: 2 if config.smoke else None]:
        if task.name in done:
            continue
        started = time.perf_counter()
        done[task.name] = _run_task(task, config)
        content = {"experiment": "coverage", "config": settings}
        content |= {"device": device_name()}
        write_results(config.out, content | {"tasks": done}, _lines(config, done))
        print(f"{task.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    print(markdown(_lines(config, done)))
