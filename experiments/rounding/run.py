"""The default estimator on Gaussian pairs rounded to a grid."""

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import multivariate_normal, norm

from experiments.folder import markdown, read_results, write_results
from jaxinfo.cli import prepare_jax
from jaxinfo.divergences import exact_gaussian_mutual_information
from jaxinfo.estimation import CrossFitted, Estimate, TrainConfig

__all__ = ["main", "rounded_information"]

normal: Any = multivariate_normal
CORRELATIONS = (0.3, 0.5, 0.9)
GRIDS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
NUMS_OF_ROWS = {500: 3, 2_000: 3, 10_000: 1}  # Number of samples of each.
# Below it rounding takes less than a tenth of a permille of the information.
FINEST_SUM = 0.1
RANGE = 8.0  # Standard deviations; less than 1e-14 of the probability lies beyond.


def rounded_information(rho: float, grid: float) -> float:
    """The information of a Gaussian pair with both sides rounded to a grid, nats.

    It is the sum over cells, with probabilities from the Gaussian distribution
    function. For a fine grid it is that of the pair, up to rho^2 grid^2 / 12.
    """
    covariance = np.array([[1, rho], [rho, 1]])
    pair = float(exact_gaussian_mutual_information(jnp.asarray(covariance), dim_x=1))
    if grid < FINEST_SUM:
        return pair
    count = int(np.ceil(RANGE / grid))
    edges = (np.arange(-count, count + 2) - 0.5) * grid
    points = np.stack(np.meshgrid(edges, edges, indexing="ij"), axis=-1)
    joint = normal(np.zeros(2), covariance).cdf(points)
    cells = np.maximum(np.diff(np.diff(joint, axis=0), axis=1), 1e-300)
    own = np.diff(norm.cdf(edges))
    return float(np.sum(cells * np.log(cells / np.maximum(np.outer(own, own), 1e-300))))


def _numbers(estimate: Estimate) -> dict[str, Any]:
    names = ("value", "standard_error", "lower", "upper")
    return {name: getattr(estimate, name) for name in names}


def _lines(records: list[dict[str, Any]]) -> list[list[str]]:
    lines = [
        ["rows", "grid", "runs", "mean error", "above the truth", "above unrounded"]
    ]
    for num_rows in sorted({r["rows"] for r in records}):
        for grid in (*sorted({r["grid"] for r in records}), None):
            found = [
                r
                for r in records
                if r["rows"] == num_rows and grid in (None, r["grid"])
            ]
            errors = [r["value"] - r["truth"] for r in found]
            lines.append(
                [
                    str(num_rows),
                    "all" if grid is None else f"{grid:g}",
                    str(len(found)),
                    f"{np.mean(errors):+.4f}",
                    str(sum(r["lower"] > r["truth"] for r in found)),
                    str(sum(r["exceeds"] for r in found)),
                ]
            )
    return lines


def main() -> None:
    """Runs all settings and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/rounding"))
    parser.add_argument("--smoke", action="store_true", help="one small setting")
    arguments = parser.parse_args()
    prepare_jax()
    config = {"smoke": arguments.smoke}
    estimator = CrossFitted()
    settings = [
        (num_rows, rho, seed)
        for num_rows, num_samples in NUMS_OF_ROWS.items()
        for rho in CORRELATIONS
        for seed in range(num_samples)
    ]
    if arguments.smoke:
        estimator = CrossFitted(train=TrainConfig(num_steps=50))
        settings = settings[:1]
    records = read_results(arguments.out, config).get("records", [])
    done = {(r["rows"], r["rho"], r["seed"]) for r in records}
    for num_rows, rho, seed in settings:
        if (num_rows, rho, seed) in done:
            continue
        x, noise = np.random.default_rng(seed).normal(size=(2, num_rows, 1))
        y = rho * x + np.sqrt(1 - rho**2) * noise
        key = jax.random.key(seed)
        whole = estimator(key, x, y)
        for grid in GRIDS:
            estimate = estimator(
                key, *(np.round(side / grid) * grid for side in (x, y))
            )
            error = np.hypot(whole.standard_error, estimate.standard_error)
            records.append(
                {"rows": num_rows, "rho": rho, "seed": seed, "grid": grid}
                | {"truth": rounded_information(rho, grid)}
                | {"exceeds": bool(estimate.value > whole.value + 1.96 * error)}
                | _numbers(estimate)
                | {f"unrounded_{name}": v for name, v in _numbers(whole).items()}
            )
        content = {"experiment": "rounding", "config": config, "records": records}
        write_results(arguments.out, content, _lines(records))
    print(markdown(_lines(records)))


if __name__ == "__main__":
    main()
