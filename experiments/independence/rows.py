"""Rejection rates and power of the tests of independence alone, without training."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.signal import lfilter

from experiments.folder import markdown, write_results
from jaxinfo.cli import prepare_jax
from jaxinfo.estimation.significance import (
    conditional_independence_p_value,
    independence_p_value,
    transfer_p_value,
)

__all__ = ["main"]

LEVEL, NUM_RUNS = 0.05, 200
# The settings of the tests were chosen on samples of smaller seeds.
FIRST_SEED = 10_000
Sample = Callable[[np.random.Generator], tuple[tuple[np.ndarray, ...], dict[str, Any]]]


def _autoregression(rng: np.random.Generator, phi: float, num_rows: int) -> np.ndarray:
    noise = rng.normal(size=(num_rows + 2_000, 1))
    return np.asarray(lfilter([1], [1, -phi], noise, axis=0))[2_000:]


def _series(phi: float, num_rows: int) -> dict[str, Sample]:
    def two(rng: np.random.Generator) -> Any:
        sides = [_autoregression(rng, phi, num_rows) for _ in range(2)]
        return tuple(sides), {"is_series": True}

    def given(rng: np.random.Generator) -> Any:
        x, y, z = (_autoregression(rng, phi, num_rows) for _ in range(3))
        return (x + z, y + z, z), {"is_series": True}

    def transfer(rng: np.random.Generator) -> Any:
        x, y = (_autoregression(rng, phi, num_rows + 1) for _ in range(2))
        return (x[:-1], y[1:], y[:-1]), {"test": transfer_p_value}

    name = f"autoregression of {phi}, {num_rows} rows"
    return {
        f"{name}: mutual information": two,
        f"{name}: given a third series": given,
        f"{name}: transfer entropy": transfer,
    }


def _groups(jitter: float, *, equal: bool, given: bool = False) -> Sample:
    def sample(rng: np.random.Generator) -> Any:
        sizes = np.full(100, 5) if equal else rng.integers(1, 11, size=100)
        groups = np.repeat(np.arange(100), sizes)
        sides = rng.normal(size=(3, 100, 1))[:, groups]
        x, y, z = sides + jitter * rng.normal(size=sides.shape)
        rows = (x + z, y + z, z) if given else (x, y)
        return rows, {"groups": groups}

    return sample


def _given(
    num_rows: int,
    x_of: Callable[[np.ndarray], np.ndarray],
    y_of: Callable[[np.ndarray], np.ndarray],
    noise: float = 1.0,
) -> Sample:
    def sample(rng: np.random.Generator) -> Any:
        z, *errors = rng.normal(size=(3, num_rows, 1))
        return (x_of(z) + noise * errors[0], y_of(z) + noise * errors[1], z), {}

    return sample


def _sine(rng: np.random.Generator) -> Any:
    x = rng.normal(size=(500, 1))
    return (x, np.sin(20 * x) + 0.1 * rng.normal(size=x.shape)), {}


def _circle(rng: np.random.Generator) -> Any:
    angle = rng.uniform(0, 2 * np.pi, size=(200, 1))
    rows = np.stack([np.cos(angle), np.sin(angle)])
    return tuple(rows + 0.1 * rng.normal(size=rows.shape)), {}


def _checkerboard(cells: int) -> Sample:
    def sample(rng: np.random.Generator) -> Any:
        column = rng.integers(cells, size=(2_000, 1))
        row = 2 * rng.integers(cells // 2, size=column.shape) + column % 2
        return (column + rng.random(column.shape), row + rng.random(row.shape)), {}

    return sample


def _parity(rng: np.random.Generator) -> Any:
    signs = rng.choice([-1.0, 1.0], size=(500, 4))
    signs[:, 3] = signs[:, :3].prod(axis=1)
    return (signs[:, :2], signs[:, 2:]), {}


def _settings() -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for num_rows in (500, 2_000):
        for phi in (0.5, 0.9, 0.99):
            found |= _series(phi, num_rows)
    for jitter in (0.0, 0.05):
        for equal in (True, False):
            sizes = "5 rows" if equal else "1 to 10 rows"
            name = f"100 groups of {sizes}, jitter {jitter}"
            found[f"{name}: mutual information"] = _groups(jitter, equal=equal)
            found[f"{name}: given z"] = _groups(jitter, equal=equal, given=True)
    linear, sine = (lambda z: z), (lambda z: np.sin(3 * z))
    found |= {
        "z drives both linearly, 500 rows": _given(500, linear, linear),
        "the same, noise 0.1": _given(500, linear, linear, 0.1),
        "z^2 and sin(3z), noise 0.2, 500 rows": _given(500, np.square, sine, 0.2),
        "sin(3z) in both, noise 0.2, 500 rows": _given(500, sine, sine, 0.2),
        "sin(3z) in both, noise 0.2, 100 rows": _given(100, sine, sine, 0.2),
        "POWER: sin(20x), 500 rows": _sine,
        "POWER: circle, 200 rows": _circle,
        "POWER: checkerboard of 16 x 16, 2,000 rows": _checkerboard(16),
        "POWER: checkerboard of 64 x 64, 2,000 rows": _checkerboard(64),
        "POWER: parity of four signs, 500 rows": _parity,
    }
    return found


def _p_values(sample: Sample, num_runs: int) -> list[float]:
    found = []
    for seed in range(FIRST_SEED, FIRST_SEED + num_runs):
        rows, settings = sample(np.random.default_rng(seed))
        default: Any = (
            independence_p_value if len(rows) == 2 else conditional_independence_p_value
        )
        test = settings.pop("test", default)
        found.append(test(jax.random.key(seed), *rows, **settings))
    return found


def main() -> None:
    """Runs each setting and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/independence_rows"))
    parser.add_argument("--num-runs", type=int, default=NUM_RUNS)
    parser.add_argument("--smoke", action="store_true", help="two runs each")
    arguments = parser.parse_args()
    num_runs = 2 if arguments.smoke else arguments.num_runs
    prepare_jax()
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings: dict[str, list[float]] = {}
    lines = [["setting", "p <= 0.05", "p <= 0.01", "median p"]]
    for name, sample in _settings().items():
        settings[name] = p_values = _p_values(sample, num_runs)
        rates = [np.mean(np.array(p_values) <= level) for level in (LEVEL, 0.01)]
        median = np.median(p_values)
        lines.append([name, *(f"{rate:.1%}" for rate in rates), f"{median:.3f}"])
        content = {"experiment": "independence_rows", "config": {"num_runs": num_runs}}
        write_results(arguments.out, content | {"settings": settings}, lines)
    print(markdown(lines))


if __name__ == "__main__":
    main()
