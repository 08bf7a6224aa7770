"""Independent normal variables: estimates, coverage of 0, and rejection rates."""

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

SIZES = 1, 5, 25
LEVEL = 0.05
HEADINGS = (
    *("coordinates", "rows", "samples", "mean", "sd", "largest error"),
    *("holds 0", "p < 0.05"),
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json and table.md; sizes that are in results.json are
            not run again.
        num_seeds: number of critics for each estimate.
        rows: number of rows in each sample.
        repeats: number of samples of each size.
        smoke: run the whole experiment on three small samples.
    """

    out: Path = Path("results/independence")
    num_seeds: int = 8
    rows: int = 10_000
    repeats: int = 67
    smoke: bool = False


def _run_size(size: int, config: Config) -> list[dict[str, Any]]:
    """Estimates from samples where x and y have `size` coordinates each."""
    from jaxinfo import tasks
    from jaxinfo.benchmark import run_benchmark

    records = run_benchmark(
        [tasks.normal_target(0.0, size, size)],
        estimators=["default"],
        num_rows=config.rows,
        num_repeats=config.repeats,
        num_seeds=config.num_seeds,
    )
    kept = ("value", "standard_error", "lower", "upper", "p_value", "seconds")
    estimates = []
    for record in records:
        if record.estimate is None:
            raise RuntimeError(record.failure)
        fields = record.estimate.to_dict()
        estimates.append({name: fields[name] for name in kept})
    return estimates


def _cells(size: str, config: Config, estimates: list[dict[str, Any]]) -> list[str]:
    values = [e["value"] for e in estimates]
    holds = statistics.fmean(e["lower"] <= 0 <= e["upper"] for e in estimates)
    rejected = statistics.fmean(e["p_value"] < LEVEL for e in estimates)
    return [
        *(size, str(config.rows), str(len(estimates))),
        *(f"{statistics.fmean(values):+.4f}", f"{statistics.stdev(values):.4f}"),
        *(f"{max(map(abs, values)):.4f}", f"{holds:.1%}", f"{rejected:.1%}"),
    ]


def _lines(
    config: Config, sizes: dict[str, list[dict[str, Any]]]
) -> list[Sequence[str]]:
    pooled = [e for estimates in sizes.values() for e in estimates]
    rows = [*sizes.items(), ("all", pooled)]
    return [HEADINGS, *(_cells(name, config, estimates) for name, estimates in rows)]


def main() -> None:
    """Runs each size and prints the table."""
    import tyro

    config = tyro.cli(Config, description="The default estimator on independent data.")
    if config.smoke:
        config = dataclasses.replace(config, rows=200, repeats=3)
    prepare_jax()
    from jaxinfo.reporting import device_name

    settings = dataclasses.asdict(config)
    del settings["out"]
    done = read_results(config.out, settings).get("sizes", {})
    for size in SIZES:
        if str(size) in done:
            continue
        started = time.perf_counter()
        done[str(size)] = _run_size(size, config)
        content = {"experiment": "independence", "config": settings}
        content |= {"device": device_name(), "sizes": done}
        write_results(config.out, content, _lines(config, done))
        print(f"{size}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    print(markdown(_lines(config, done)))
