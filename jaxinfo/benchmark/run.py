"""Estimators run over samples of tasks, one estimate after the other."""

import functools
import math
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxinfo.benchmark.quantities import (
    AnyEstimator,
    AnyTask,
    Quantity,
    choose_estimators,
    known_quantities,
)
from jaxinfo.benchmark.records import Record
from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array
from jaxinfo.estimation import Estimate

__all__ = ["run_benchmark"]

# The programs of one estimate use up to 900 memory maps, and Linux allows a process
# 65,530, so compiled programs are dropped after this many estimates.
ESTIMATES_KEPT = 50
# Errors that an estimator may raise because a task does not suit it. They are recorded,
# and the benchmark continues; other errors are bugs and stop it.
FAILURES = (ArithmeticError, MemoryError, RuntimeError, ValueError)


def run_benchmark(
    tasks: Sequence[AnyTask],
    *,
    estimators: Sequence[str | AnyEstimator]
    | Mapping[str, str | AnyEstimator]
    | None = None,
    num_rows: int = 10_000,
    num_repeats: int = 1,
    num_seeds: int | None = None,
    done: Iterable[Record] = (),
    announce: Callable[[str], None] | None = None,
) -> Iterator[Record]:
    """Runs estimators on samples of tasks, lazily, one estimate after the other.

    All estimators see the same samples, which depend on the task and the repeat alone.

    Args:
        tasks: the tasks, such as those of `jaxinfo.tasks.suite`.
        estimators: names or objects, see `choose_estimators`. An object is called as
            `estimator(key, x, y)`; conditional information is computed from two such
            estimates by the chain rule. On a task of divergences an object is called as
            `estimator(key, samples_p, samples_q, divergence=...)`. A named estimator
            that does not apply to a quantity, such as a bound of KL to another
            divergence, is left out there.
        num_rows: rows of each sample.
        num_repeats: number of samples of each task, with seeds 0, 1, 2 ...
        num_seeds: training seeds of estimators that are given by name; None for their
            own number. Estimators that are given as objects keep their own.
        done: records of an earlier run with the same settings. They are yielded in
            place of new estimates.
        announce: called with a line of text before each estimate; None for silence.

    Returns:
        An iterator over the `Record` of each quantity, repeat and estimator. An error
        that an estimator raises becomes the `failure` of its record.

    Raises:
        ValueError: if an argument is invalid; raised before anything runs.

    Example:
        >>> from jaxinfo import tasks
        >>> [record] = run_benchmark(
        ...     [tasks.normal(0.75)], estimators=["gaussian"], num_rows=1_000
        ... )
        >>> record.is_near
        True
    """
    check_positive(num_rows=num_rows, num_repeats=num_repeats)
    training = {}
    if num_seeds is not None:
        check_positive(num_seeds=num_seeds)
        training["num_seeds"] = num_seeds
    chosen = choose_estimators(tasks, estimators=estimators)
    known = {(record.task, record.estimator, record.repeat): record for record in done}

    def records() -> Iterator[Record]:
        num_made = 0
        for number, task, quantity, repeat in _samples(tasks, num_repeats):
            key_and_sample = None
            for name, estimator in chosen.items():
                estimate = quantity.prepare(estimator, **training)
                if estimate is None:
                    continue
                if (quantity.name, name, repeat) in known:
                    yield known[quantity.name, name, repeat]
                    continue
                if key_and_sample is None:
                    key_and_sample = _draw_sample(task, repeat, num_rows)
                if announce is not None:
                    line = (
                        f"{quantity.name}: {name} (task {number} of {len(tasks)}) ..."
                    )
                    announce(line)
                yield _measure(quantity, name, repeat, estimate, *key_and_sample)
                num_made += 1
                if num_made % ESTIMATES_KEPT == 0:
                    jax.clear_caches()

    return records()


def _samples(
    tasks: Sequence[AnyTask], num_repeats: int
) -> Iterator[tuple[int, AnyTask, Quantity, int]]:
    for number, task in enumerate(tasks, 1):
        for quantity in known_quantities(task):
            for repeat in range(num_repeats):
                yield number, task, quantity, repeat


def _draw_sample(
    task: AnyTask, repeat: int, num_rows: int
) -> tuple[Array, list[np.ndarray]]:
    """A key for the estimators, and a sample independent of those of other tasks."""
    name = zlib.crc32(task.name.encode())
    sample_key, key = jax.random.split(jax.random.fold_in(jax.random.key(repeat), name))
    return key, [np.asarray(rows) for rows in task.sample(sample_key, num_rows)]


def _measure(
    quantity: Quantity,
    name: str,
    repeat: int,
    estimator: AnyEstimator,
    key: Array,
    sample: Sequence[Any],
) -> Record:
    record = functools.partial(Record, quantity.name, name, repeat, quantity.truth)
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # The estimate keeps its warnings.
            warnings.simplefilter("ignore", UserWarning)
            estimate = estimator(key, *sample)
    except FAILURES as error:
        message = " ".join([f"{type(error).__name__}:", *str(error).split()])
        return record(None, time.perf_counter() - started, message)
    if not isinstance(estimate, Estimate):
        raise TypeError(
            f"estimator {name!r} must return an Estimate, got {type(estimate).__name__}"
        )
    seconds = estimate.diagnostics.seconds
    if math.isnan(seconds):
        seconds = time.perf_counter() - started
    return record(estimate, seconds)
