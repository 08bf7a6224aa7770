"""Folds of the rows: every row is held out exactly once."""

from typing import NamedTuple

import jax
import numpy as np

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.preprocessing import MIN_ROWS

__all__ = ["Fold", "make_folds", "min_rows", "order_rows"]


class Fold(NamedTuple):
    """Row numbers of one fold.

    Attributes:
        train: rows that its critics are trained on.
        validation: rows that select among its critics.
        test: rows that are held out.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def min_rows(num_folds: int) -> int:
    """The fewest rows; half a fold, its validation rows, needs `MIN_ROWS`."""
    return 2 * num_folds * MIN_ROWS


def order_rows(
    key: Key[Array, ""], num_rows: int, num_folds: int, *, is_series: bool = False
) -> np.ndarray:
    """Shuffles rows into folds.

    The folds of a series consist of stretches of about sqrt(N) steps, so that few rows
    have neighbors in time among those that their critics were trained on. Stretches of
    all folds alternate, because a single long one would have marginals of its own. Rows
    are then shuffled within a fold, so that negatives are seldom neighbors either.

    Source: Bergmeir and Benitez, "On the use of cross-validation for time series
        predictor evaluation", Information Sciences 191, 2012, for folds of a series.

    Args:
        key: random key.
        num_rows: N.
        num_folds: number of folds.
        is_series: whether rows are in the order of time and depend on each other.

    Returns:
        Row numbers, fold after fold, each at most once: a few are left out.

    Raises:
        ValueError: if there are too few rows.
    """
    if num_rows < min_rows(num_folds):
        raise ValueError(
            f"x and y have {num_rows} rows; the default estimator needs at least "
            f"{min_rows(num_folds)}"
        )
    if not is_series:
        order = np.asarray(jax.random.permutation(key, num_rows))
        return order[: num_rows // num_folds * num_folds]
    # Validation rows are half a fold: the halves are stretches too.
    num_halves = 2 * num_folds
    size = num_rows // num_halves
    times = np.arange(size * num_halves).reshape(size, num_halves)
    rounds = np.array_split(times, max(1, round(num_rows**0.5 / num_halves)))
    halves = np.concatenate([r.reshape(num_halves, -1) for r in rounds], axis=1)
    shuffled = jax.random.permutation(key, halves, axis=1, independent=True)
    return np.asarray(shuffled).reshape(-1)


def make_folds(order: np.ndarray, num_folds: int) -> list[Fold]:
    """Splits ordered rows into folds: test rows, half as many for validation, the rest.

    Args:
        order: row numbers from `order_rows`.
        num_folds: number of folds.

    Returns:
        The folds, whose parts have equal sizes.
    """
    size = len(order) // num_folds
    folds = []
    for fold in range(num_folds):
        test, validation, train = np.split(
            np.roll(order, -fold * size), [size, size + size // 2]
        )
        folds.append(Fold(train, validation, test))
    return folds
