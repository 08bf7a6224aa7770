"""The host shell of every estimation: arrays out of a sweep -> one `Estimate`."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Key, PyTree
from jaxinfo.estimation.bound import Bound
from jaxinfo.estimation.fit import RunResult
from jaxinfo.estimation.preprocessing import warn
from jaxinfo.estimation.report import Estimate, History
from jaxinfo.estimation.uncertainty import summarize
from jaxinfo.training import progress
from jaxinfo.training.compile_time import compile_stopwatch
from jaxinfo.training.sweep import Layout, sweep

__all__ = [
    "FEWEST_EFFECTIVE_SCORES",
    "Budget",
    "Parts",
    "doubts_of_run",
    "estimate_over_seeds",
    "history_of_run",
]

# A program with a callback to the host is not kept by the compilation cache, so only
# runs much longer than a compilation get a bar.
UPDATES_WORTH_A_BAR = 200_000
# A value this near its ceiling, or resting on fewer effective scores, says little.
CEILING_MARGIN = 0.5
FEWEST_EFFECTIVE_SCORES = 30


class Budget(NamedTuple):
    """How much to run, and how to lay it out and show it."""

    num_seeds: int
    num_steps: int
    eval_every: int
    layout: Layout
    progress: bool | None

    @property
    def shows_bar(self) -> bool:
        """Whether the run reports its progress to a bar."""
        if self.progress is not None:
            return self.progress
        long = self.num_seeds * self.num_steps >= UPDATES_WORTH_A_BAR
        return long and sys.stderr.isatty()


class Parts(NamedTuple):
    """The three parts of the data, each what the run takes."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


def estimate_over_seeds(
    key: Key[Array, ""],
    run: Callable[..., RunResult],
    bound: Bound,
    parts: Parts,
    settings: dict[str, float],
    budget: Budget,
    *,
    make_log_ratio: Callable[[PyTree, Array], Callable[..., np.ndarray]],
    ceiling: float,
    quantity: str,
    num_samples: int,
    doubts: list[str],
) -> Estimate:
    """Sweeps the run over seeds and reports it.

    Args:
        key: random key.
        run: the pure run.
        bound: its bound.
        parts: the data.
        settings: a number for each setting of the run.
        budget: seeds, steps, layout and progress.
        make_log_ratio: from parameters and normalizers of all seeds to the function
            that users call.
        ceiling: the most that the bound can report, nats.
        quantity: what is estimated, in words.
        num_samples: rows in the data.
        doubts: sentences about the data.

    Returns:
        The `Estimate`.
    """
    check_positive(num_seeds=budget.num_seeds)
    bound.check_settings(settings)
    started = time.perf_counter()
    one_setting = {name: jnp.asarray([value]) for name, value in settings.items()}
    show = (
        progress.bar(budget.num_seeds * budget.num_steps, budget.eval_every)
        if budget.shows_bar
        else contextlib.nullcontext()
    )
    with compile_stopwatch() as compile_seconds, show:
        result = sweep(
            run,
            jax.random.split(key, budget.num_seeds),
            *parts,
            settings=one_setting or None,
            layout=budget.layout,
        )
        result = jax.block_until_ready(result)
    if one_setting:
        result = jax.tree.map(lambda leaf: leaf[0], result)
    params, result = result.params, jax.device_get(result._replace(params=()))
    finite = np.isfinite(result.value)
    summary = summarize(result.value, result.influence)
    doubts = doubts + doubts_of_run(result)
    kept = np.flatnonzero(finite)
    warn(doubts)
    return Estimate(
        **summary._asdict(),
        kind=bound.kind,
        ceiling=ceiling,
        saturated=_saturated(result, summary.value, ceiling),
        converged=bool(
            finite.any()
            and np.median(result.best_step[finite]) <= 0.9 * budget.num_steps
        ),
        num_nonfinite=int(result.num_nonfinite.sum()),
        per_seed=np.asarray(result.value, dtype=float),
        history=history_of_run(result, budget),
        log_ratio=make_log_ratio(
            jax.tree.map(lambda leaf: leaf[kept], params), result.log_normalizer[kept]
        ),
        quantity=quantity,
        bound=bound.name,
        num_samples=num_samples,
        seconds=time.perf_counter() - started,
        compile_seconds=compile_seconds[0],
        warnings=tuple(doubts),
    )


def _saturated(result: RunResult, value: float, ceiling: float) -> bool:
    sizes = np.asarray(result.effective_sample_size)[np.isfinite(result.value)]
    # One seed that rests on few can rule the mean over seeds.
    few = sizes.size > 0 and np.min(sizes) < FEWEST_EFFECTIVE_SCORES
    return bool(value > ceiling - CEILING_MARGIN or few)


def history_of_run(result: RunResult, budget: Budget) -> History:
    """The validation curve of every run."""
    values = np.asarray(result.history)
    eval_every = min(budget.eval_every, budget.num_steps)
    steps = np.minimum(np.arange(1, values.shape[1] + 1) * eval_every, budget.num_steps)
    return History(steps, values)


def doubts_of_run(result: RunResult) -> list[str]:
    """Sentences about runs or updates that went wrong."""
    doubts = []
    lost = int((~np.isfinite(result.value)).sum())
    if lost:
        doubts.append(f"{lost} of {result.value.size} seeds gave no finite value")
    skipped = int(result.num_nonfinite.sum())
    if skipped:
        doubts.append(f"{skipped} updates with a non-finite gradient were skipped")
    return doubts
