"""The main job: estimates on laws whose answer is known, then on real digits.

A stage is a row of `STAGES`: data in, a list of results out. The table, the figure and
the JSON take whatever stages there are.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.divergences import DIVERGENCES
from jaxinfo.estimation import (
    Estimate,
    estimate_divergence,
    estimate_mutual_information,
)
from jaxinfo.networks import discriminator, separable_critic
from jaxinfo.results import device_name, mean_and_sd

__all__ = [
    "STAGES",
    "Result",
    "Stage",
    "demo_table",
    "run_stages",
    "sample_correlated_gaussians",
    "to_results",
]


# In standard errors, as once in a thousand: one 95 % interval of forty starts above the
# truth, and a demo that shows several would often fail for nothing.
LARGEST_SURPRISE = 3.09


class Result(NamedTuple):
    """One estimate beside what is known of the truth.

    Attributes:
        label: what was estimated, in few words.
        estimate: the estimate.
        truth: the exact value in nats; None where nobody knows it.
        limit: the most that the truth can be, nats; None for no limit.
        limit_name: the limit as a formula, "" for none.
    """

    label: str
    estimate: Estimate
    truth: float | None = None
    limit: float | None = None
    limit_name: str = ""

    @property
    def at_most(self) -> float:
        """What an estimate must not exceed beyond chance, nats."""
        known = [bound for bound in (self.truth, self.limit) if bound is not None]
        return min(known, default=math.inf)

    @property
    def is_held(self) -> bool:
        """Whether the 95 % interval reaches down to what the truth can be."""
        return self.estimate.lower <= self.at_most

    @property
    def is_possible(self) -> bool:
        """Whether chance explains an estimate above what the truth can be."""
        least = self.estimate.value - LARGEST_SURPRISE * self.estimate.standard_error
        return least <= self.at_most


class Stage(NamedTuple):
    """A part of the demo.

    Attributes:
        name: its name in the JSON.
        title: its heading in the table and in the figure.
        run: `run(key, num_seeds) -> results`, lazily, one estimate after the other.
    """

    name: str
    title: str
    run: Callable[[Key[Array, ""], int], Iterator[Result]]


# The stages -----------------------------------------------------------------------

STAIRS = (2.0, 4.0, 6.0)
STAIR_ROWS, STAIR_SIZE = 10_000, 5
# Bounded members: two laws that hardly overlap have finite answers.
MEMBERS = {
    "JENSEN_SHANNON": "Jensen-Shannon",
    "SQUARED_HELLINGER": "squared Hellinger",
    "TOTAL_VARIATION": "total variation",
    "LE_CAM": "Le Cam",
}
# A thousand images are soon overfitted: small networks, validated often.
SMALL: Any = {"cadence": 50, "patience": 200, "learning_rate": 2e-3}


def sample_correlated_gaussians(
    key: Key[Array, ""], num_rows: int, *, nats: float, size: int
) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Draws pairs of standard normal vectors with this mutual information.

    y = rho x + sqrt(1 - rho^2) e with rho = sqrt(1 - exp(-2 nats / size)).

    Args:
        key: random key.
        num_rows: N.
        nats: mutual information of x and y, nats.
        size: coordinates of x, and of y.

    Returns:
        x and y, [N, size] each.
    """
    key_x, key_noise = jax.random.split(key)
    rest = jnp.exp(-2 * nats / size)
    x = jax.random.normal(key_x, (num_rows, size))
    noise = jax.random.normal(key_noise, (num_rows, size))
    return x, jnp.sqrt(1 - rest) * x + jnp.sqrt(rest) * noise


def _gaussian_staircase(key: Array, num_seeds: int) -> Iterator[Result]:
    # Equal shapes and settings: the three share one compiled program.
    for nats in STAIRS:
        data_key, key = jax.random.split(key)
        x, y = sample_correlated_gaussians(
            data_key, STAIR_ROWS, nats=nats, size=STAIR_SIZE
        )
        estimate = estimate_mutual_information(
            key,
            x,
            y,
            num_seeds=num_seeds,
            num_steps=1_000,
        )
        yield Result(f"{nats:.0f} nats", estimate, truth=nats)


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's handwritten digits, [1797, 8, 8] of 0 to 16, and their classes."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    return digits.images, digits.target


def _often_lit(pixels: np.ndarray) -> np.ndarray:
    """Pixels that are lit in at least one image of twenty, [N, D].

    In units of its small standard deviation a pixel lit once in a thousand images is
    an outlier that a critic has never seen.
    """
    pixels = pixels.reshape(len(pixels), -1)
    return pixels[:, (pixels > 0).mean(axis=0) >= 0.05]


def _digit_information(key: Array, num_seeds: int) -> Iterator[Result]:
    images, classes = _digits()
    left, right = (_often_lit(half) for half in np.split(images, 2, axis=2))
    num_classes = classes.max() + 1
    pairs = {
        "left, right half": (left, right, {}),
        "image, label": (
            _often_lit(images),
            np.eye(num_classes)[classes],
            # H(label) bounds it, and H is at most the logarithm of the classes.
            {"limit": math.log(num_classes), "limit_name": f"ln {num_classes}"},
        ),
    }
    for label, (x, y, known) in pairs.items():
        # Two towers score all pairs of a batch for the price of the batch.
        estimate = estimate_mutual_information(
            key,
            x,
            y,
            bound="info_nce",
            critic=separable_critic((128,)),
            num_seeds=num_seeds,
            num_steps=400,
            **SMALL,
        )
        yield Result(label, estimate, **known)


def _digit_divergence(key: Array, num_seeds: int) -> Iterator[Result]:
    from sklearn.decomposition import PCA

    images, classes = _digits()
    components = PCA(5, svd_solver="full").fit_transform(_often_lit(images))
    threes, eights = components[classes == 3], components[classes == 8]
    for name, label in MEMBERS.items():
        estimate = estimate_divergence(
            key,
            threes,
            eights,
            divergence=name,
            discriminator=discriminator((32,)),
            num_seeds=num_seeds,
            num_steps=1_500,
            **SMALL,
        )
        # Laws that nowhere overlap are as far apart as can be: f(0) + f'(inf).
        gone, certain = -math.inf, 0.0
        apart = DIVERGENCES[name].perspective(
            jnp.array([gone, certain]), jnp.array([certain, gone])
        )
        yield Result(
            label,
            estimate,
            limit=float(apart.sum()),
            limit_name="apart",
        )


STAGES: tuple[Stage, ...] = (
    Stage("gaussians", "Correlated Gaussians, 5 + 5", _gaussian_staircase),
    Stage("digits", "Digits: information", _digit_information),
    Stage("digits_3_8", "Digits 3 and 8: divergence", _digit_divergence),
)


# Running and reporting them -------------------------------------------------------


def run_stages(
    key: Key[Array, ""],
    *,
    stages: Sequence[Stage] = STAGES,
    num_seeds: int = 16,
    announce: Callable[[str], None] = lambda line: None,
) -> dict[str, list[Result]]:
    """Runs stages one after the other.

    Args:
        key: random key; a stage's own depends on its place alone.
        stages: the stages.
        num_seeds: critics trained from different seeds for each estimate.
        announce: called with a line when a stage starts and when it has a result.

    Returns:
        The results of each stage, by its name.

    Raises:
        ValueError: where num_seeds is not a positive whole number.
    """
    check_positive(num_seeds=num_seeds)
    results: dict[str, list[Result]] = {}
    for index, stage in enumerate(stages):
        announce(f"{stage.title} ...")
        results[stage.name] = []
        for result in stage.run(jax.random.fold_in(key, index), num_seeds):
            results[stage.name].append(result)
            announce(
                f"{stage.title}: {result.label} {result.estimate.value:.3f} nats ..."
            )
    return results


def demo_table(
    results: dict[str, list[Result]], *, stages: Sequence[Stage] = STAGES
) -> Any:
    """The results as a table for the terminal.

    Args:
        results: what `run_stages` returned.
        stages: the stages that ran.

    Returns:
        A `rich.table.Table`.
    """
    from rich import box
    from rich.table import Table

    kinds = {r.estimate.kind for rows in results.values() for r in rows}
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=f"kind: {', '.join(sorted(kinds)).replace('_', ' ')}",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for heading in ("nats", "95 % interval", "truth", "s (compiling)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in stages:
        table.add_section()
        table.add_row(f"[bold]{stage.title}")
        for result in results[stage.name]:
            table.add_row(*_cells(result))
    return table


def _cells(result: Result) -> tuple[str, ...]:
    estimate = result.estimate
    truth = "" if result.limit is None else f"≤ {result.limit:.3f}"
    if result.truth is not None:
        truth = f"{result.truth:.3f}"
    flags = [", saturated"] * estimate.saturated + [", rising"] * (
        not estimate.converged
    )
    return (
        f"  {result.label}" + "".join(flags),
        f"{estimate.value:.3f} ± {estimate.standard_error:.3f}",
        f"{estimate.lower:.3f} … {estimate.upper:.3f}",
        truth if result.is_held else f"[bold red]{truth} !",
        f"{estimate.seconds:.1f} ({estimate.compile_seconds:.1f})",
    )


def check_lines(results: dict[str, list[Result]]) -> Iterator[str]:
    """A sentence for each result with a named limit that is worth a check."""
    for result in (r for rows in results.values() for r in rows):
        if not math.isfinite(result.estimate.value):
            yield f"FAILED: {result.label}: no finite value"
        elif not result.is_possible:
            yield (
                f"FAILED: {result.label}: {result.estimate.value:.3f} nats is more "
                f"than {LARGEST_SURPRISE} standard errors above {result.at_most:.3f}"
            )
        elif not result.is_held:
            yield (
                f"note: {result.label}: the interval starts at "
                f"{result.estimate.lower:.3f} nats, above {result.at_most:.3f}, as one "
                "of forty does by chance"
            )
        elif result.limit_name.startswith("ln"):
            yield (
                f"ok: {result.label}: {result.estimate.value:.3f} nats does not exceed "
                f"{result.limit_name} = {result.limit:.3f} beyond chance"
            )


def to_results(
    results: dict[str, list[Result]], *, num_seeds: int, seconds: float
) -> dict[str, Any]:
    """The results as JSON holds them, in the layout of an experiment's results.

    Args:
        results: what `run_stages` returned.
        num_seeds: how many seeds it was given.
        seconds: wall time of the whole.

    Returns:
        A dict of plain numbers, strings and None.
    """
    settings = {
        f"{stage}/{result.label}": result
        for stage, rows in results.items()
        for result in rows
    }
    return {
        "experiment": "demo",
        "config": {"num_seeds": num_seeds},
        "device": device_name(),
        "seconds": seconds,
        "records": [
            {"setting": setting, "seed": seed, "nats": nats}
            for setting, result in settings.items()
            for seed, nats in enumerate(result.estimate.to_dict()["per_seed"])
        ],
        "summary": {
            name: {"nats": mean_and_sd(result.estimate.per_seed)}
            for name, result in settings.items()
        },
        "estimates": {
            name: {
                **result.estimate.to_dict(),
                "truth": result.truth,
                "limit": result.limit,
                "is_possible": result.is_possible,
            }
            for name, result in settings.items()
        },
    }
