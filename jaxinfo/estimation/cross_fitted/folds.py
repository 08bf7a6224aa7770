"""Folds of the rows: every row is held out exactly once."""

from typing import NamedTuple

import jax
import numpy as np

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.preprocessing import MIN_ROWS
from jaxinfo.estimation.samples import Samples
from jaxinfo.information.scoring import LARGEST_BLOCK

__all__ = ["Fold", "Order", "make_folds", "order_rows"]


class Fold(NamedTuple):
    """Row numbers of one fold: training, validation and held-out rows."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


class Order(NamedTuple):
    """Row numbers in the order of their folds, and the largest block of negatives."""

    rows: np.ndarray
    max_block: int = LARGEST_BLOCK


def order_rows(key: Key[Array, ""], samples: Samples, num_folds: int) -> Order:
    """Shuffles row numbers, ordered by fold; drops rows so that folds have equal size.

    The folds of a series consist of stretches of about sqrt(N) steps, so that few rows
    have neighbors in time among the training rows. The stretches of the folds
    alternate, because the marginals of one long stretch can differ from those of the
    series. Rows are then shuffled within each half of a fold, so that negatives are
    rarely neighbors in time.

    Rows of one group are in one half of a fold. They are placed far from each other in
    it, and blocks have at most as many rows as there are groups, so that negatives are
    mostly rows of different groups.

    Source: Bergmeir and Benitez, "On the use of cross-validation for time series
        predictor evaluation", Information Sciences 191, 2012, for folds of a series.

    Raises:
        ValueError: if there are too few rows or groups.
    """
    # Validation rows are half a fold, so other rows are split into half folds as well.
    num_halves, num_rows = 2 * num_folds, len(samples)
    if num_rows < num_halves * MIN_ROWS:
        raise ValueError(
            f"x and y have {num_rows} rows; the default estimator needs at least "
            f"{num_halves * MIN_ROWS}: with fewer, give estimator="
            '"gaussian_copula", or "mixed_ksg", whose intervals are wide then'
        )
    if samples.groups is not None:
        return _order_groups(key, samples.groups, num_halves)
    if not samples.is_series:
        order = np.asarray(jax.random.permutation(key, num_rows))
        return Order(order[: num_rows // num_folds * num_folds])
    size = num_rows // num_halves
    times = np.arange(size * num_halves).reshape(size, num_halves)
    rounds = np.array_split(times, max(1, round(num_rows**0.5 / num_halves)))
    halves = np.concatenate([r.reshape(num_halves, -1) for r in rounds], axis=1)
    shuffled = jax.random.permutation(key, halves, axis=1, independent=True)
    return Order(np.asarray(shuffled).reshape(-1))


def _order_groups(key: Key[Array, ""], groups: np.ndarray, num_halves: int) -> Order:
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    num_groups = int(groups.max()) + 1
    if num_groups < 2 * num_halves:
        raise ValueError(
            f"groups must be at least {2 * num_halves} for the default estimator, got "
            f"{num_groups}"
        )
    # The largest groups are placed first, each in the half that has the fewest rows.
    sizes = np.bincount(groups)
    shuffled = generator.permutation(num_groups)
    half_of = np.empty(num_groups, int)
    filled = np.zeros(num_halves, int)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        half_of[group] = np.argmin(filled)
        filled[half_of[group]] += sizes[group]
    size = int(filled.min())
    if size < MIN_ROWS:
        raise ValueError(
            f"groups are too unequal: {num_halves} parts of whole groups leave "
            f"{size} rows for the smallest part, and each needs {MIN_ROWS}"
        )
    order = generator.permutation(len(groups))
    # The how-manieth row of its group each row is, in the shuffled order.
    turn = np.empty(len(groups), int)
    by_group = order[np.argsort(groups[order], kind="stable")]
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    turn[by_group] = np.arange(len(groups)) - starts
    halves = []
    for half in range(num_halves):
        own = order[half_of[groups[order]] == half]
        halves.append(own[np.argsort(turn[own], kind="stable")][:size])
    fewest = min(len(np.unique(groups[rows])) for rows in halves)
    return Order(np.concatenate(halves), fewest)


def make_folds(order: Order, num_folds: int) -> list[Fold]:
    """Splits rows from `order_rows` into folds of equal sizes."""
    size = len(order.rows) // num_folds
    folds = []
    for fold in range(num_folds):
        rows = np.roll(order.rows, -fold * size)
        test, validation, train = np.split(rows, [size, size + size // 2])
        folds.append(Fold(train, validation, test))
    return folds
