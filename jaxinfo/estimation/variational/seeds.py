"""Runs all seeds in one sweep and summarizes them as an `Estimate`."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array, Key, PyTree
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.estimate import Diagnostics, Estimate, History
from jaxinfo.estimation.train_config import TrainConfig
from jaxinfo.estimation.uncertainty import Summary, summarize, summary_around
from jaxinfo.estimation.variational.fit import RunConfig, RunResult
from jaxinfo.training import progress
from jaxinfo.training.compile_time import compile_stopwatch
from jaxinfo.training.sweep import sweep

__all__ = [
    "MIN_EFFECTIVE_SCORES",
    "Parts",
    "estimate_over_seeds",
    "estimates_of_runs",
    "history_of_run",
    "warnings_of_run",
]

# A value is saturated if it is this near to its ceiling (nats), or if the effective
# sample size of its scores is smaller than this.
CEILING_MARGIN = 0.5
MIN_EFFECTIVE_SCORES = 30
# A constant critic reaches 0 nats. A lower bound this far below that in validation, in
# nats, is not noise.
BELOW_CONSTANT = 0.05


class Parts(NamedTuple):
    """Training, validation and test rows, each a pair of arrays for the run."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


def estimate_over_seeds(
    key: Key[Array, ""],
    run: RunConfig,
    parts: Parts,
    settings: dict[str, float],
    config: TrainConfig,
    *,
    make_density_ratio: Callable[[PyTree, Array], DensityRatio],
    ceiling: float,
    quantity: str,
    num_samples: int,
    clusters: Sequence[np.ndarray | None] | None = None,
    warnings: Sequence[str] = (),
) -> Estimate:
    """Runs all seeds in one compiled call and summarizes them.

    Args:
        key: random key.
        run: the pure run.
        parts: the data.
        settings: numeric settings of the run.
        config: number of seeds, layout and progress.
        make_density_ratio: makes the density ratio from the parameters and log
            normalizers of the finite seeds.
        ceiling: the largest value that the bound can report, nats.
        quantity: name of the estimated quantity.
        num_samples: number of rows of the data.
        clusters: clusters of the test rows of each sample, see `summarize`.
        warnings: warnings about the data.

    Returns:
        The `Estimate`.
    """
    run.bound.check_settings(settings)
    started = time.perf_counter()
    one_setting = {name: jnp.asarray([value]) for name, value in settings.items()}
    bar = (
        progress.bar(config.num_seeds * config.num_steps, run.eval_every)
        if config.shows_progress
        else contextlib.nullcontext()
    )
    with compile_stopwatch() as compile_seconds, bar:
        result = sweep(
            run,
            jax.random.split(key, config.num_seeds),
            *parts,
            settings=one_setting or None,
            layout=config.layout,
        )
        # On the host, where `jax_debug_nans` does not stop at the NaN of an early stop.
        bare = jax.device_get(result._replace(params=()))
        result = bare._replace(params=jax.block_until_ready(result.params))
    if one_setting:
        result = jax.tree.map(lambda leaf: leaf[0], result)
    [estimate] = estimates_of_runs(
        run,
        jax.tree.map(lambda leaf: leaf[None], result),
        make_density_ratio=make_density_ratio,
        ceiling=ceiling,
        quantity=quantity,
        num_samples=num_samples,
        clusters=clusters,
        warnings=warnings,
        seconds=time.perf_counter() - started,
        compile_seconds=compile_seconds[0],
    )
    return estimate


def estimates_of_runs(
    run: RunConfig,
    results: RunResult,
    *,
    make_density_ratio: Callable[[PyTree, Array], DensityRatio] | None = None,
    ceiling: float = float("inf"),
    quantity: str = "mutual information",
    num_samples: int = 0,
    clusters: Sequence[np.ndarray | None] | None = None,
    warnings: Sequence[str] = (),
    seconds: float = float("nan"),
    compile_seconds: float = float("nan"),
) -> list[Estimate]:
    """Summarizes a batch of run results as one estimate for each setting.

    Args:
        run: the run that made the results.
        results: results with leading axes [T, S]: T settings or data sets, which get
            separate estimates, and S seeds, which share their rows.
        make_density_ratio: makes a density ratio from the parameters and log
            normalizers of the finite seeds; None for estimates without one.
        ceiling: the largest value that the bound can report, nats.
        quantity: name of the estimated quantity.
        num_samples: number of rows of the data.
        clusters: clusters of the test rows of each sample, see `summarize`.
        warnings: warnings about the data.
        seconds: wall time.
        compile_seconds: the part of `seconds` spent on compiling.

    Returns:
        T estimates.

    Raises:
        ValueError: if the results do not have the two leading axes.

    Example:
        >>> import jaxinfo
        >>> from jaxinfo.estimation import estimates_of_runs, make_run
        >>> x, e = jax.random.normal(jax.random.key(0), (2, 300, 1))
        >>> run = make_run(jaxinfo.networks.bilinear_critic(), num_steps=20)
        >>> rows = [(x[i::3], (x + e)[i::3]) for i in range(3)]
        >>> rates = {"learning_rate": jnp.array([1e-3, 1e-2])}
        >>> keys = jax.random.split(jax.random.key(1), 4)
        >>> results = jaxinfo.training.sweep(run, keys, *rows, settings=rates)
        >>> len(estimates_of_runs(run, results))
        2
    """
    if jnp.ndim(results.value) != 2:
        raise ValueError(
            "results must have two leading axes (settings, seeds), got values of shape "
            f"{jnp.shape(results.value)}"
        )
    params, bare = results.params, jax.device_get(results._replace(params=()))
    return [
        _summarize(
            run,
            jax.tree.map(lambda leaf, i=index: leaf[i], bare),
            jax.tree.map(lambda leaf, i=index: leaf[i], params),
            make_density_ratio,
            clusters,
            Estimate(
                *[np.nan] * 4,
                kind=run.bound.kind,
                estimator=run.bound.name,
                num_samples=num_samples,
                quantity=quantity,
                diagnostics=Diagnostics(
                    np.empty(0),
                    ceiling=ceiling,
                    warnings=tuple(warnings),
                    seconds=seconds,
                    compile_seconds=compile_seconds,
                ),
            ),
        )
        for index in range(len(bare.value))
    ]


def _summarize(
    run: RunConfig,
    result: RunResult,
    params: PyTree,
    make_density_ratio: Callable[[PyTree, Array], DensityRatio] | None,
    clusters: Sequence[np.ndarray | None] | None,
    blank: Estimate,
) -> Estimate:
    """Fills an estimate with the results of the seeds of one setting."""
    finite = np.isfinite(result.value)
    kept = np.flatnonzero(finite)
    summary = summarize(
        np.asarray(result.value),
        list(map(np.asarray, result.influence)),
        clusters=clusters,
    )
    # One deviating row would change the value by about 1 / N; N is 0 if unknown.
    if summary.standard_error * blank.num_samples < min(blank.num_samples, 1):
        summary = summary_around(summary.value, 1 / blank.num_samples)
    found = blank.diagnostics
    best_step = np.median(result.best_step[finite]) if finite.any() else np.inf
    failures = _failures_of_training(run, result, summary)
    diagnostics = dataclasses.replace(
        found,
        per_seed=np.asarray(result.value, dtype=float),
        saturated=_saturated(result, summary.value, found.ceiling),
        converged=bool(best_step <= 0.9 * run.num_steps and not failures),
        num_nonfinite=int(result.num_nonfinite.sum()),
        history=history_of_run(result, run.num_steps, run.eval_every),
        warnings=(*found.warnings, *warnings_of_run(result), *failures),
    )
    density_ratio = None
    if make_density_ratio is not None:
        density_ratio = make_density_ratio(
            jax.tree.map(lambda leaf: leaf[kept], params), result.log_normalizer[kept]
        )
    return dataclasses.replace(
        blank,
        **summary._asdict(),
        diagnostics=diagnostics,
        density_ratio=density_ratio,
    )


def _failures_of_training(
    run: RunConfig, result: RunResult, summary: Summary
) -> list[str]:
    """Sentences on a training that reached less than a constant critic does."""
    advice = "try a smaller learning rate, or ranks of x and y"
    if result.num_nonfinite.sum() > result.num_steps.sum() / 2:
        return [f"most updates were skipped, so training did not converge: {advice}"]
    best = np.asarray(result.history)[np.isfinite(result.value)]
    best = np.where(np.isnan(best), -np.inf, best).max(axis=1)
    reached = float(np.median(best)) if best.size else np.nan
    if run.bound.kind == "lower_bound" and reached < -BELOW_CONSTANT:
        return [
            f"validation reached {reached:.3g} nats at best, and a constant critic "
            f"reaches 0: training did not converge; {advice}"
        ]
    if summary.upper < -BELOW_CONSTANT:
        return [
            f"the value lies below 0 by {-summary.value:.3g} nats, which no such "
            f"quantity does: the networks do not fit; {advice}"
        ]
    return []


def _saturated(result: RunResult, value: float, ceiling: float) -> bool:
    sizes = np.asarray(result.effective_sample_size)[np.isfinite(result.value)]
    # A single seed with a small effective sample size can dominate the mean over seeds.
    few = sizes.size > 0 and np.min(sizes) < MIN_EFFECTIVE_SCORES
    return bool(value > ceiling - CEILING_MARGIN or few)


def history_of_run(result: RunResult, num_steps: int, eval_every: int) -> History:
    """Returns the validation curves of all seeds."""
    values = np.asarray(result.history)
    eval_every = min(eval_every, num_steps)
    steps = np.minimum(np.arange(1, values.shape[1] + 1) * eval_every, num_steps)
    return History(steps, values)


def warnings_of_run(result: RunResult) -> list[str]:
    """Returns warnings about seeds or updates that failed."""
    found = []
    lost = int((~np.isfinite(result.value)).sum())
    if lost:
        found.append(f"{lost} of {result.value.size} seeds gave no finite value")
    skipped = int(result.num_nonfinite.sum())
    if skipped:
        found.append(f"{skipped} updates with a non-finite gradient were skipped")
    return found
