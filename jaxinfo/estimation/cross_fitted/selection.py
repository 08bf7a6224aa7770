"""Selection of the base density: the one with the best score on validation rows.

Its correlations are those of validation rows alone, which no fit of directions favors,
or of training rows too, corrected for that fit.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows
from jaxinfo.estimation.cross_fitted.base_densities import (
    CopulaDensityRatio,
    TableDensityRatio,
    fit_tables,
    log_ratio_of_statistics,
    student_scores,
)
from jaxinfo.estimation.cross_fitted.canonical import CanonicalVariates
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.logistic import logistic_bound

__all__ = [
    "Selection",
    "is_clearly_better",
    "rotate",
    "select_copula",
    "select_gaussian",
    "select_table",
]


class Selection(NamedTuple):
    """The best base density of one kind.

    Attributes:
        base: the base density.
        scores: logistic bound of each validation row, nats, [N].
        score: their mean, less the cost of what was fitted to them, nats.
        correlations: of validation rows alone, 0 if they are within noise, [m].
    """

    base: CopulaDensityRatio
    scores: np.ndarray
    score: float
    correlations: np.ndarray


class _Pairs(NamedTuple):
    """Paired variates of some rows of x and y, [N, m], and squared lengths, [N]."""

    x: np.ndarray
    y: np.ndarray
    squares: tuple[np.ndarray, np.ndarray]


def is_clearly_better(scores: np.ndarray, others: np.ndarray) -> bool:
    """Whether scores are larger than others by more than a standard error."""
    gain = scores - others
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def select_copula(
    rotation: CanonicalVariates,
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    config: CrossFittedConfig,
) -> Selection:
    """The best Gaussian or Student copula of normal scores.

    Its correlations are selected by validation rows, its degrees of freedom by training
    rows too: one number that was fitted to many rows is hardly biased, and validation
    rows alone are too few to tell one tail from the next.

    Args:
        rotation: canonical variates of the normal scores.
        train: normal scores of training rows of x and of y.
        validation: the same of validation rows.
        config: settings.

    Returns:
        The `Selection`.
    """
    sizes = len(rotation.weights[0]), len(rotation.weights[1])
    length = max(config.max_expanded_variates, min(sizes))

    def best_with(freedom: float) -> tuple[Selection, float]:
        like = CopulaDensityRatio(np.zeros(length), freedom, sizes)
        parts = []
        for rows in (train, validation):
            (x, of_x), (y, of_y) = (
                rotate(rotation, side, normal, freedom)
                for side, normal in enumerate(rows)
            )
            parts.append(_Pairs(x, y, (of_x, of_y)))
        selection = _select(like, *parts, sum(sizes) - 2, config)
        everything = _concatenate(*parts)
        return selection, _score_rows(selection.base, everything, config).mean()

    found = [best_with(freedom) for freedom in config.degrees_of_freedom]
    best, _ = max(found, key=lambda pair: pair[1])
    return best._replace(correlations=found[0][0].correlations)


def select_gaussian(
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    like: CopulaDensityRatio,
    num_fitted: int,
    config: CrossFittedConfig,
) -> Selection:
    """The best Gaussian of paired variates.

    Args:
        train: variates of training rows of x and of y, [N, m] each.
        validation: the same of validation rows.
        like: a base density with the length and the sizes.
        num_fitted: directions that were free when the variates were fitted.
        config: settings.

    Returns:
        The `Selection`.
    """
    like = dataclasses.replace(like, degrees_of_freedom=np.inf)
    parts = []
    for x, y in (train, validation):
        unused = np.zeros(len(x))
        parts.append(_Pairs(x, y, (unused, unused)))
    return _select(like, *parts, num_fitted, config)


def select_table(
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    config: CrossFittedConfig,
) -> tuple[TableDensityRatio, float]:
    """The best contingency table of two labels, and its mean score in nats.

    Args:
        train: one-hot levels of training rows of x and of y.
        validation: the same of validation rows.
        config: settings.

    Returns:
        The table, and its mean logistic bound on validation rows, nats.
    """
    x, y = validation

    def score(table: TableDensityRatio) -> float:
        statistics = table.statistics(0, x), table.statistics(1, y)
        return _score_statistics(*statistics, config).mean()

    best = max(fit_tables(*train, config.table_strengths), key=score)
    return best, score(best)


def rotate(
    rotation: CanonicalVariates, side: int, normal: Rows, degrees_of_freedom: float
) -> tuple[Rows, Rows]:
    """Paired variates of Student scores, and the squared length of all variates.

    Args:
        rotation: canonical variates of the normal scores.
        side: 0 for x, 1 for y.
        normal: normal scores, [N, D].
        degrees_of_freedom: inf for normal scores.

    Returns:
        The paired variates, [N, m], and squared lengths, [N].
    """
    variates = rotation.apply(side, student_scores(normal, degrees_of_freedom))
    num_pairs = min(weights.shape[1] for weights in rotation.weights)
    return variates[:, :num_pairs], (variates**2).sum(axis=1)


def _select(
    like: CopulaDensityRatio,
    train: _Pairs,
    validation: _Pairs,
    num_fitted: int,
    config: CrossFittedConfig,
) -> Selection:
    """Correlations of validation rows, or of all rows and corrected; and how many."""
    num_rows, freedom = len(validation.x), like.degrees_of_freedom
    alone = _correlations(validation, like, 0, config)
    alone = np.where(alone > 2 / np.sqrt(num_rows), alone, 0)
    pooled = _correlations(_concatenate(train, validation), like, num_fitted, config)

    def select(rho: np.ndarray, cost: float) -> Selection:
        padded = np.pad(rho, (0, len(like.correlations) - len(rho)))
        base = dataclasses.replace(like, correlations=padded)
        scores = _score_rows(base, validation, config)
        costs = 0.5 * np.isfinite(freedom) + cost * np.count_nonzero(rho)
        return Selection(base, scores, scores.mean() - costs / num_rows, alone)

    candidates = [
        select(kept, cost)
        for rho, cost in (
            (alone, config.correlation_cost),
            (pooled, config.pooled_correlation_cost),
        )
        for kept in _largest(rho, config.nums_of_correlations)
    ]
    return max(candidates, key=lambda selection: selection.score)


def _correlations(
    pairs: _Pairs, like: CopulaDensityRatio, num_fitted: int, config: CrossFittedConfig
) -> np.ndarray:
    """The correlation of each pair under a Student distribution, at least 0, [m].

    Rows far out count less, as in the likelihood equation. Directions that were fitted
    to the rows raise the correlation, which Wherry's formula corrects.

    Source: Lange, Little and Taylor, "Robust statistical modeling using the t
        distribution", JASA 1989; Wherry, Ann. Math. Statist. 1931.
    """
    freedom, size = like.degrees_of_freedom, sum(like.sizes)
    weights, rho = np.ones((len(pairs.x), 1)), np.zeros(pairs.x.shape[1])
    for _ in range(1 if np.isinf(freedom) else config.num_reweightings):
        if np.isfinite(freedom):
            excess = rho**2 * (pairs.x**2 + pairs.y**2) - 2 * rho * pairs.x * pairs.y
            form = sum(pairs.squares) + np.sum(excess / (1 - rho**2), axis=1)
            weights = ((freedom + size) / (freedom + form))[:, None]
        spread = np.sqrt(
            np.mean(weights * pairs.x**2, axis=0)
            * np.mean(weights * pairs.y**2, axis=0)
        )
        across = np.mean(weights * pairs.x * pairs.y, axis=0)
        rho = np.clip(across / np.where(spread > 0, spread, 1), 0, 0.99999)
    rest = (len(weights) - 1) / max(len(weights) - 1 - num_fitted, 1)
    return np.sqrt(np.maximum(1 - (1 - rho**2) * rest, 0))


def _largest(rho: np.ndarray, numbers: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The correlations with fewer and fewer of the largest kept."""
    rank = np.argsort(np.argsort(-rho))
    for number in sorted({*numbers, len(rho)}):
        if number <= np.count_nonzero(rho):
            yield np.where(rank < number, rho, 0.0)


def _score_rows(
    base: CopulaDensityRatio, pairs: _Pairs, config: CrossFittedConfig
) -> np.ndarray:
    # Variates without a correlation add nothing to the statistics of a pair.
    used = np.flatnonzero(base.correlations[: pairs.x.shape[1]])
    base = dataclasses.replace(base, correlations=base.correlations[used])
    x, y = (
        base.statistics(side, paired[:, used], pairs.squares[side])
        for side, paired in enumerate((pairs.x, pairs.y))
    )
    return _score_statistics(x, y, config)


def _score_statistics(
    x: np.ndarray, y: np.ndarray, config: CrossFittedConfig
) -> np.ndarray:
    """The logistic bound of a base density on each row, nats, [N]."""
    stride = max(1, len(x) // (config.num_shifts + 1))
    negatives = [
        log_ratio_of_statistics(x, np.roll(y, shift * stride, axis=0))
        for shift in range(1, config.num_shifts + 1)
    ]
    return logistic_bound(log_ratio_of_statistics(x, y), np.stack(negatives, axis=-1))


def _concatenate(a: _Pairs, b: _Pairs) -> _Pairs:
    squares = [np.concatenate(pair) for pair in zip(a.squares, b.squares, strict=True)]
    return _Pairs(np.concatenate([a.x, b.x]), np.concatenate([a.y, b.y]), tuple(squares))
