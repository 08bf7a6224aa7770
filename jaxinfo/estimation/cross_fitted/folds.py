"""Folds of the rows: every row is held out exactly once."""

from typing import NamedTuple

import jax
import numpy as np

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.preprocessing import MIN_ROWS

__all__ = ["Fold", "make_folds", "order_rows"]


class Fold(NamedTuple):
    """Row numbers of one fold: training, validation and held-out rows."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def order_rows(
    key: Key[Array, ""], num_rows: int, num_folds: int, *, is_series: bool = False
) -> np.ndarray:
    """Shuffles row numbers, ordered by fold; drops rows so that folds have equal size.

    The folds of a series consist of stretches of about sqrt(N) steps, so that few rows
    have neighbors in time among the training rows. The stretches of the folds
    alternate, because the marginals of one long stretch can differ from those of the
    series. Rows are then shuffled within each half of a fold, so that negatives are
    rarely neighbors in time.

    Source: Bergmeir and Benitez, "On the use of cross-validation for time series
        predictor evaluation", Information Sciences 191, 2012, for folds of a series.

    Raises:
        ValueError: if there are too few rows.
    """
    # Validation rows are half a fold, so a series is split into half folds.
    num_halves = 2 * num_folds
    if num_rows < num_halves * MIN_ROWS:
        raise ValueError(
            f"x and y have {num_rows} rows; the default estimator needs at least "
            f"{num_halves * MIN_ROWS}"
        )
    if not is_series:
        order = np.asarray(jax.random.permutation(key, num_rows))
        return order[: num_rows // num_folds * num_folds]
    size = num_rows // num_halves
    times = np.arange(size * num_halves).reshape(size, num_halves)
    rounds = np.array_split(times, max(1, round(num_rows**0.5 / num_halves)))
    halves = np.concatenate([r.reshape(num_halves, -1) for r in rounds], axis=1)
    shuffled = jax.random.permutation(key, halves, axis=1, independent=True)
    return np.asarray(shuffled).reshape(-1)


def make_folds(order: np.ndarray, num_folds: int) -> list[Fold]:
    """Splits rows from `order_rows` into folds of equal sizes."""
    size = len(order) // num_folds
    folds = []
    for fold in range(num_folds):
        rows = np.roll(order, -fold * size)
        test, validation, train = np.split(rows, [size, size + size // 2])
        folds.append(Fold(train, validation, test))
    return folds
