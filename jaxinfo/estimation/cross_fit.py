"""Critics, of which half correct a closed form, cross-fitted over all rows.

Each fold of the rows is reported by critics that were trained and chosen on the others.
All of them, folds times critics, train in one compiled call.
"""

import dataclasses
import functools
import operator
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from threadpoolctl import threadpool_limits

from jaxinfo.core.types import Array, Critic, Key, PyTree
from jaxinfo.divergences import JENSEN_SHANNON
from jaxinfo.divergences import bounds as dual
from jaxinfo.estimation.bounds import information_bound
from jaxinfo.estimation.closed_form import log_ratio_of_records
from jaxinfo.estimation.cross_fit_report import Outcome, report_cross_fit
from jaxinfo.estimation.fit import RunResult
from jaxinfo.estimation.fold_map import FoldMap, Inputs, fit_fold_map, fit_marginal
from jaxinfo.estimation.host import Budget
from jaxinfo.estimation.information_run import make_run
from jaxinfo.estimation.preprocessing import MIN_ROWS
from jaxinfo.networks import joint_critic
from jaxinfo.training.sweep import Layout, sweep

__all__ = ["FEWEST_ROWS", "NUM_FOLDS", "CrossFit", "cross_fit", "deal_rows"]

NUM_FOLDS = 4
# Half as many rows as are reported choose between critics.
FEWEST_ROWS = 2 * NUM_FOLDS * MIN_ROWS
HIDDEN_SIZES = (64, 64, 64)
# Averaged parameters bear a larger rate, and overfit later.
LEARNING_RATE, EMA_DECAY = 4e-3, 0.995
NUM_NEGATIVES = 2

# Trained and chosen by the logistic bound, which no single pair can rule.
_logistic = functools.partial(dual.f_divergence_bound, JENSEN_SHANNON)
BOUND = dataclasses.replace(information_bound("jensen_shannon"), select=_logistic)


class _Kind(NamedTuple):
    """What sets one critic apart from another."""

    weight_decay: float
    corrects_closed_form: bool
    sees_all_features: bool


# A smooth critic that corrects the closed form: rotations by the norm need it. One that
# is free to bend and starts from nothing: for sharp edges, and for laws unlike any
# closed form.
KINDS = (_Kind(0.3, True, True), _Kind(0.02, False, False))


class _Fold(NamedTuple):
    """One fold: its maps, and the rows of its parts."""

    fitted: FoldMap
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        return np.concatenate([self.train, self.validation, self.test])


class CrossFit(NamedTuple):
    """Critics of every fold, trained, and what they report of two variables.

    Attributes:
        critic: the closed form with its network.
        folds: maps and rows of each fold.
        result: of every run, critic by critic and fold by fold, [C K, ...].
        outcome: what the critics report.
    """

    critic: Critic
    folds: list[_Fold]
    result: RunResult
    outcome: Outcome

    @property
    def per_critic(self) -> np.ndarray:
        """The held-out bound of each critic, its folds pooled, nats, [C]."""
        by_run = np.asarray(self.result.value, dtype=float)
        return by_run.reshape(-1, NUM_FOLDS).mean(axis=1)

    @property
    def rows(self) -> np.ndarray:
        """The rows that are reported, in ascending order, [M]."""
        return np.sort(self._reported)

    @property
    def influence(self) -> np.ndarray:
        """The influence function of each of `rows`; their mean is the value, [M]."""
        by_fold = [
            report.influence - report.influence.mean() + value
            for report, value in zip(
                self.outcome.held_out, self.outcome.held_out_values, strict=True
            )
        ]
        return np.concatenate(by_fold)[np.argsort(self._reported)]

    @property
    def _reported(self) -> np.ndarray:
        pairs = zip(self.folds, self.outcome.held_out, strict=True)
        return np.concatenate([fold.test[: len(r.influence)] for fold, r in pairs])

    def log_ratio(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Log p(x, y) / (p(x) p(y)) in nats of rows [N, D] and [N, E], [N]."""
        by_fold = []
        for index, fold in enumerate(self.folds):
            sides = [fold.fitted.apply(side, rows) for side, rows in enumerate((x, y))]
            combined = self.outcome.combinations[index].apply(
                self._scores(index, sides)
            )
            by_fold.append(combined - self.outcome.held_out[index].log_normalizer)
        return np.mean(by_fold, axis=0)

    def _scores(self, index: int, sides: list[Inputs]) -> np.ndarray:
        """Scores of the critics of one fold, [C, N]."""
        scores = []
        for member, kind in enumerate(_kinds(len(self.per_critic))):
            run = member * NUM_FOLDS + index
            own = jax.tree.map(operator.itemgetter(run), self.result.params)
            rows = [jnp.asarray(_for_critic(side, kind), float) for side in sides]
            scores.append(np.asarray(self.critic.apply(own, *rows), float))
        return np.stack(scores)


def cross_fit(
    key: Key[Array, ""],
    data: tuple[np.ndarray, np.ndarray],
    order: np.ndarray,
    *,
    budget: Budget,
    batch_size: int | None,
    patience: int | None,
) -> CrossFit:
    """Trains critics on all folds but one, for each fold, and reports that one.

    Source: Chernozhukov et al., "Double/debiased machine learning", Econometrics J. 21,
        2018.

    Args:
        key: random key of the training.
        data: rows of x and of y, [N, D] and [N, E].
        order: row numbers, fold after fold, from `deal_rows`.
        budget: critics in all (rounded up to as many for each fold), steps, layout.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        patience: stop a critic after this many updates without better validation.

    Returns:
        The `CrossFit`.
    """
    num_critics = -(-budget.num_seeds // NUM_FOLDS)
    folds = _make_folds(order, data)
    inputs = _inputs_of_runs(folds, data, num_critics)
    parts = tuple(map(len, folds[0][1:]))
    record = folds[0].fitted.apply(0, data[0][:1]).records
    critic = _corrected_critic(record.shape[1])
    decays = np.repeat([kind.weight_decay for kind in _kinds(num_critics)], NUM_FOLDS)
    # Critics of a fold beside each other: one kind stops sooner than the other, and
    # every device gets both.
    order = np.arange(len(decays)).reshape(num_critics, NUM_FOLDS).T.ravel()
    result = sweep(
        _member_run(critic, parts, batch_size, budget, patience),
        key[None],
        *inputs,
        settings={"index": jnp.array(order), "weight_decay": jnp.array(decays[order])},
        layout=_layout(budget.layout),
    )
    back = np.argsort(order)
    result = jax.tree.map(lambda leaf: leaf[back, 0], jax.device_get(result))
    outcome = report_cross_fit(
        critic, result.params, inputs, parts, _preferred(num_critics)
    )
    return CrossFit(critic, folds, result, outcome)


# Folds and what critics see of them -----------------------------------------------


def deal_rows(
    key: Key[Array, ""], num_rows: int, *, is_series: bool = False
) -> np.ndarray:
    """Deals rows to folds.

    The folds of a series are made of stretches of about sqrt(N) steps, so that few rows
    have neighbors in time among those that their critics were trained on. Stretches of
    all folds alternate, for a single long one would have marginals of its own. Rows are
    then shuffled, so that those of a product pair are seldom neighbors either.

    Source: Bergmeir and Benitez, "On the use of cross-validation for time series
        predictor evaluation", Information Sciences 191, 2012, for folds of a series.

    Args:
        key: random key.
        num_rows: N.
        is_series: whether rows are in the order of time and depend on each other.

    Returns:
        Row numbers, fold after fold, each at most once: a few are left out.

    Raises:
        ValueError: where there are too few rows.
    """
    if num_rows < FEWEST_ROWS:
        raise ValueError(
            f"x and y have {num_rows} rows; the default estimate needs at least "
            f"{FEWEST_ROWS}"
        )
    if not is_series:
        order = np.asarray(jax.random.permutation(key, num_rows))
        return order[: num_rows // NUM_FOLDS * NUM_FOLDS]
    # Validation rows are half a fold: halves are dealt, so that they are stretches too.
    num_halves = 2 * NUM_FOLDS
    size = num_rows // num_halves
    times = np.arange(size * num_halves).reshape(size, num_halves)
    rounds = np.array_split(times, max(1, round(num_rows**0.5 / num_halves)))
    halves = np.concatenate([r.reshape(num_halves, -1) for r in rounds], axis=1)
    shuffled = jax.random.permutation(key, halves, axis=1, independent=True)
    return np.asarray(shuffled).reshape(-1)


def _make_folds(order: np.ndarray, data: tuple[np.ndarray, np.ndarray]) -> list[_Fold]:
    size = len(order) // NUM_FOLDS
    held = size // 2
    marginals = fit_marginal(data[0]), fit_marginal(data[1])

    def make_fold(fold: int) -> _Fold:
        test, validation, train = np.split(
            np.roll(order, -fold * size), [size, size + held]
        )
        fitted = fit_fold_map(
            (data[0][train], data[1][train]),
            (data[0][validation], data[1][validation]),
            marginals,
        )
        return _Fold(fitted, train, validation, test)

    # NumPy leaves the interpreter free while it sorts and factorizes; threads of its
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
            _for_critic(inputs, kind)
            for kind in _kinds(num_critics)
            for inputs in by_fold
        ]
        sides.append(jnp.asarray(np.stack(by_run), dtype=float))
    return sides[0], sides[1]


def _for_critic(inputs: Inputs, kind: _Kind) -> np.ndarray:
    # All-zero records are those of independence.
    records = inputs.records * kind.corrects_closed_form
    seen = inputs.features * (1.0 if kind.sees_all_features else inputs.leading)
    return np.concatenate([records, seen], axis=1)


def _kinds(num_critics: int) -> list[_Kind]:
    return [KINDS[critic % len(KINDS)] for critic in range(num_critics)]


def _preferred(num_critics: int) -> np.ndarray:
    """Critics that correct the closed form, where any does."""
    corrects = np.array([kind.corrects_closed_form for kind in _kinds(num_critics)])
    return corrects | (not corrects.any())


# Training -------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _corrected_critic(num_recorded: int) -> Critic:
    """T(x, y) = closed form of the records + network of the features, zero at first."""
    network = joint_critic(HIDDEN_SIZES, activation=jax.nn.silu, zero_init=True)

    def init(key: Array, x: Array, y: Array) -> PyTree:
        return network.init(key, x[:, num_recorded:], y[:, num_recorded:])

    def apply(params: PyTree, x: Array, y: Array) -> Array:
        start = log_ratio_of_records(x[:, :num_recorded], y[:, :num_recorded])
        return start + network.apply(params, x[:, num_recorded:], y[:, num_recorded:])

    return Critic(init, apply)


def _layout(layout: Layout) -> Layout:
    # One after the other on a processor, so that none waits for the last to stop.
    if layout != "auto" or jax.default_backend() != "cpu":
        return layout
    return "mesh_map" if jax.device_count() > 1 else "map"


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
        num_negatives=NUM_NEGATIVES,
        eval_every=budget.eval_every,
        patience=patience,
        may_keep_start=True,
        ema_decay=EMA_DECAY,
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
