"""The default estimate: critics that correct a closed form, cross-fitted over all rows.

Each fold of the rows is reported by critics that were trained and chosen on the others.
All of them, folds times critics, train in one compiled call.
"""

import contextlib
import dataclasses
import functools
import operator
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from threadpoolctl import threadpool_limits

from jaxinfo.core.types import Array, Critic, Key, PyTree
from jaxinfo.divergences import bounds as dual
from jaxinfo.divergences.family import JENSEN_SHANNON
from jaxinfo.estimation.bounds import information_bound
from jaxinfo.estimation.closed_form import log_ratio_of_records
from jaxinfo.estimation.cross_fit_report import Outcome, report_cross_fit
from jaxinfo.estimation.fit import RunResult
from jaxinfo.estimation.fold_map import FoldMap, Inputs, fit_fold_map
from jaxinfo.estimation.host import Budget, doubts_of_run, history_of_run
from jaxinfo.estimation.information_run import make_run
from jaxinfo.estimation.permutation import p_value_of_independence
from jaxinfo.estimation.preprocessing import (
    MIN_ROWS,
    Standardization,
    check_same_rows,
    warn,
)
from jaxinfo.estimation.report import Estimate
from jaxinfo.estimation.second_opinion import neighbour_contributions, reconcile
from jaxinfo.estimation.uncertainty import Summary
from jaxinfo.networks import joint_critic
from jaxinfo.training import progress
from jaxinfo.training.compile_time import compile_stopwatch
from jaxinfo.training.sweep import sweep

__all__ = ["NUM_FOLDS", "estimate_cross_fitted"]

NUM_FOLDS = 4
VALIDATION_SHARE = 1 / 8
# A critic free to bend, which sees the leading features, and a smooth one, which sees
# all: sharp edges need the first, rotations by the norm the second.
WEIGHT_DECAYS = (0.02, 0.3)
HIDDEN_SIZES = (64, 64, 64)
LEARNING_RATE = 2e-3
NUM_DRAWS = 2

# Trained and chosen by the logistic bound, which no single pair can rule.
_logistic = functools.partial(dual.f_divergence_bound, JENSEN_SHANNON)
BOUND = dataclasses.replace(information_bound("jensen_shannon"), select=_logistic)


class _Fold(NamedTuple):
    """One fold: its maps, and the rows of its parts."""

    fitted: FoldMap
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        return np.concatenate([self.train, self.validation, self.test])


def estimate_cross_fitted(
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    *,
    budget: Budget,
    batch_size: int | None,
    patience: int | None,
    doubts: list[str],
) -> Estimate:
    """Estimates mutual information by the default recipe.

    A critic is a closed-form log ratio plus a network that starts at zero. The value is
    halfway between the Donsker-Varadhan bound of held-out rows and that of training
    rows: a fit of k numbers to n rows moves the first down by k / 2n and the second up
    by as much.

    Source: Belghazi et al., ICML 2018, for the bound; Chernozhukov et al.,
        "Double/debiased machine learning", Econometrics J. 21, 2018, for cross-fitting;
        Efron, "Estimating the error rate of a prediction rule", JASA 78, 1983, for the
        optimism of training rows.

    Args:
        key: random key.
        x: rows of x, checked, [N, ...].
        y: rows of y, checked, [N, ...].
        budget: critics in all (rounded up to as many for each fold), steps, layout.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        patience: stop a critic after this many updates without better validation.
        doubts: sentences about the data.

    Returns:
        The `Estimate`; `per_seed` holds the held-out bound of each critic, its folds
        pooled.
    """
    started = time.perf_counter()
    split_key, sweep_key, shuffle_key = jax.random.split(key, 3)
    data = x.reshape(len(x), -1), y.reshape(len(y), -1)
    num_critics = -(-budget.num_seeds // NUM_FOLDS)
    num_runs = num_critics * NUM_FOLDS
    show = (
        progress.bar(num_runs * budget.num_steps, budget.cadence)
        if budget.shows_bar
        else contextlib.nullcontext()
    )
    with compile_stopwatch() as compile_seconds, show:
        folds = _make_folds(split_key, data)
        inputs = _inputs_of_runs(folds, data, num_critics)
        parts = tuple(map(len, folds[0][1:]))
        record = folds[0].fitted.apply(0, data[0][:1]).records
        critic = _corrected_critic(record.shape[1])
        run = _member_run(critic, parts, batch_size, budget, patience)
        result = sweep(
            run,
            sweep_key[None],
            *inputs,
            settings={
                "index": jnp.arange(num_runs),
                "weight_decay": jnp.asarray(_decays(num_critics)),
            },
            layout=budget.layout,
        )
        result = jax.device_get(jax.tree.map(lambda leaf: leaf[:, 0], result))
        outcome = report_cross_fit(critic, result.params, inputs, parts, NUM_FOLDS)
    doubts = doubts + doubts_of_run(result)
    warn(doubts)
    return Estimate(
        **_reconciled(outcome, folds, data)._asdict(),
        kind="neither",
        ceiling=float("inf"),
        saturated=not outcome.is_measured,
        converged=bool(np.median(result.best_step) <= 0.9 * budget.num_steps),
        num_nonfinite=int(result.num_nonfinite.sum()),
        per_seed=result.value.reshape(num_critics, -1).mean(axis=1).astype(float),
        history=history_of_run(result, budget),
        log_ratio=_make_log_ratio(
            critic, result.params, folds, outcome, (x.shape[1:], y.shape[1:])
        ),
        p_value=p_value_of_independence(shuffle_key, *data, outcome.shifted),
        bound="cross_fitted",
        num_samples=len(x),
        seconds=time.perf_counter() - started,
        compile_seconds=compile_seconds[0],
        warnings=tuple(doubts),
    )


# Folds and what critics see of them -----------------------------------------------


def _make_folds(key: Array, data: tuple[np.ndarray, np.ndarray]) -> list[_Fold]:
    num_rows = len(data[0])
    size, held = num_rows // NUM_FOLDS, int(num_rows * VALIDATION_SHARE)
    if held < MIN_ROWS:
        raise ValueError(
            f"x and y have {num_rows} rows; the default estimate needs at least "
            f"{int(MIN_ROWS / VALIDATION_SHARE)}"
        )
    order = np.asarray(jax.random.permutation(key, num_rows))[: size * NUM_FOLDS]

    def make_fold(fold: int) -> _Fold:
        test, validation, train = np.split(
            np.roll(order, -fold * size), [size, size + held]
        )
        fitted = fit_fold_map(
            (data[0][train], data[1][train]),
            (data[0][validation], data[1][validation]),
        )
        return _Fold(fitted, train, validation, test)

    # NumPy leaves the interpreter free while it sorts and factorises; threads of its
    # own beside these would only wait for each other.
    with threadpool_limits(1), ThreadPoolExecutor(NUM_FOLDS) as pool:
        return list(pool.map(make_fold, range(NUM_FOLDS)))


def _inputs_of_runs(
    folds: list[_Fold], data: tuple[np.ndarray, np.ndarray], num_critics: int
) -> tuple[Array, Array]:
    """Inputs of x and of y, critic by critic and fold by fold, [C K, N, ...]."""
    sides = []
    for side, rows in enumerate(data):
        by_fold = [fold.fitted.apply(side, rows[fold.rows]) for fold in folds]
        by_run = [
            _for_critic(inputs, critic)
            for critic in range(num_critics)
            for inputs in by_fold
        ]
        sides.append(jnp.asarray(np.stack(by_run), dtype=float))
    return sides[0], sides[1]


def _for_critic(inputs: Inputs, critic: int) -> np.ndarray:
    sparing = critic % len(WEIGHT_DECAYS) == 0
    seen = inputs.features * (inputs.leading if sparing else 1.0)
    return np.concatenate([inputs.records, seen], axis=1)


def _decays(num_critics: int) -> np.ndarray:
    kinds = np.arange(num_critics) % len(WEIGHT_DECAYS)
    return np.repeat(np.array(WEIGHT_DECAYS)[kinds], NUM_FOLDS)


# Training -------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _corrected_critic(num_recorded: int) -> Critic:
    """T(x, y) = closed form of the records + network of the features, zero at first."""
    network = joint_critic(HIDDEN_SIZES, activation=jax.nn.silu, zero_start=True)

    def init(key: Array, x: Array, y: Array) -> PyTree:
        return network.init(key, x[:, num_recorded:], y[:, num_recorded:])

    def apply(params: PyTree, x: Array, y: Array) -> Array:
        start = log_ratio_of_records(x[:, :num_recorded], y[:, :num_recorded])
        return start + network.apply(params, x[:, num_recorded:], y[:, num_recorded:])

    return Critic(init, apply)


def _decayed_adam(weight_decay: float | Array) -> optax.GradientTransformation:
    return optax.adamw(LEARNING_RATE, weight_decay=weight_decay)


@functools.lru_cache(maxsize=64)
def _member_run(
    critic: Critic,
    parts: tuple[int, ...],
    batch_size: int | None,
    budget: Budget,
    patience: int | None,
) -> Callable[..., RunResult]:
    run = make_run(
        critic,
        bound=BOUND,
        optimizer=_decayed_adam,
        num_steps=budget.num_steps,
        batch_size=batch_size,
        num_draws=NUM_DRAWS,
        cadence=budget.cadence,
        patience=patience,
        may_keep_start=True,
        report_progress=budget.shows_bar,
    )

    def member(key: Array, x: Array, y: Array, *, index: Array, weight_decay: Array):
        return run(
            jax.random.fold_in(key, index),
            *zip(*(_parts(inputs[index], parts) for inputs in (x, y)), strict=True),
            weight_decay=weight_decay,
        )

    return member


def _parts(rows: Array, sizes: tuple[int, ...]) -> list[Array]:
    """Training, validation and test rows."""
    return jnp.split(rows, np.cumsum(sizes)[:-1])


# Reading -------------------------------------------------------------------------


def _reconciled(
    outcome: Outcome, folds: list[_Fold], data: tuple[np.ndarray, np.ndarray]
) -> Summary:
    contributions = neighbour_contributions(*data)
    if contributions is None:
        return outcome.summary
    influences = [report.influence for report in outcome.held_out]
    pairs = zip(folds, influences, strict=True)
    rows = np.concatenate([fold.test[: len(scored)] for fold, scored in pairs])
    return reconcile(outcome.summary, np.concatenate(influences), contributions[rows])


def _make_log_ratio(
    critic: Critic,
    params: PyTree,
    folds: list[_Fold],
    outcome: Outcome,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> Callable[[Any, Any], np.ndarray]:
    scale_x, scale_y = (
        Standardization(np.zeros(shape), np.ones(shape)) for shape in shapes
    )
    num_critics = len(outcome.combinations[0].weights)

    def scores(index: int, sides: list[Inputs]) -> np.ndarray:
        """Scores of the critics of one fold, [C, N]."""
        members = range(num_critics)
        rows = [
            [jnp.asarray(_for_critic(inputs, member), float) for inputs in sides]
            for member in members
        ]
        own = [
            jax.tree.map(operator.itemgetter(member * NUM_FOLDS + index), params)
            for member in members
        ]
        pairs = zip(own, rows, strict=True)
        return np.stack([np.asarray(critic.apply(p, *r), float) for p, r in pairs])

    def log_ratio(x: Any, y: Any) -> np.ndarray:
        """Pointwise mutual information log p(x, y) / (p(x) p(y)) in nats, [N]."""
        new = [scale_x.check("x", x), scale_y.check("y", y)]
        check_same_rows(*new)
        flat = [rows.reshape(len(rows), -1) for rows in new]
        by_fold = []
        for index, fold in enumerate(folds):
            sides = [fold.fitted.apply(side, rows) for side, rows in enumerate(flat)]
            combined = outcome.combinations[index].apply(scores(index, sides))
            by_fold.append(combined - outcome.held_out[index].log_normaliser)
        return np.mean(by_fold, axis=0)

    return log_ratio
