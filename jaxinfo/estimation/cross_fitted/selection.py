"""Selection of the base density with the best logistic bound on validation rows.

The directions are fitted to training rows. Their correlations are estimated on
validation rows, where they are unbiased, or on all rows with a correction for the fit.
"""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxinfo.core.types import Float
from jaxinfo.estimation.cross_fitted.arrays import Rows
from jaxinfo.estimation.cross_fitted.base_densities import (
    CopulaDensityRatio,
    TableDensityRatio,
    density_ratio_of_mixture,
    fit_tables,
    log_ratio_of_statistics,
    student_scores,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.mixtures import fit_mixture
from jaxinfo.estimation.cross_fitted.variates import CanonicalVariates

__all__ = [
    "Candidates",
    "Selection",
    "best_candidate",
    "fit_and_score_tables",
    "fit_copulas",
    "fit_gaussians",
    "fit_mixtures",
    "is_clearly_better",
    "mean_score",
    "rotate",
    "rowwise_logistic_bound",
    "score_copula",
]


class Selection(NamedTuple):
    """A base density that was fitted to one fold."""

    base: Any
    scores: np.ndarray  # Logistic bound of each validation row, nats, [N].
    score: float  # Mean of `scores` minus a penalty for fitted numbers, nats.
    correlations: np.ndarray  # On validation rows; 0 if not significant, [m].


Candidates = dict[Hashable, Selection]  # Base densities of one kind and one fold.


class _Pairs(NamedTuple):
    """Paired variates of rows of x and y, [N, m], and their squared norms, [N]."""

    x: np.ndarray
    y: np.ndarray
    squares_x: np.ndarray
    squares_y: np.ndarray


def rowwise_logistic_bound(
    joint: Float[np.ndarray, " *n"], negatives: Float[np.ndarray, "*n k"]
) -> Float[np.ndarray, " *n"]:
    """log s(T_i) + mean_k log(1 - s(T_ik)) of each row, in nats.

    The mean over rows plus log 4 is `divergences.logistic_bound`, which critics are
    trained on. The values of single rows are needed because `is_clearly_better`
    compares a gain with its spread over rows.

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, table 1.
    """
    return -np.logaddexp(0, -joint) - np.logaddexp(0, negatives).mean(axis=-1)


def is_clearly_better(scores: np.ndarray, others: np.ndarray) -> bool:
    """Whether scores are larger than others by more than a standard error."""
    gain = scores - others
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def best_candidate(folds: Sequence[Candidates]) -> Hashable:
    """The key of the candidate with the highest mean score over all folds."""
    return max(folds[0], key=lambda key: mean_score([found[key] for found in folds]))


def mean_score(folds: Sequence[Selection]) -> float:
    """The mean score of the selections of all folds, nats."""
    return float(np.mean([found.score for found in folds]))


def fit_copulas(
    rotation: CanonicalVariates,
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    config: CrossFittedConfig,
) -> dict[float, Candidates]:
    """Fits Gaussian and Student copulas of normal scores, by degrees of freedom."""
    sizes = len(rotation.weights[0]), len(rotation.weights[1])
    none = np.zeros(max(config.max_expanded_variates, min(sizes)))

    def fit(freedom: float) -> Candidates:
        like = CopulaDensityRatio(none, freedom, sizes)
        parts = [
            _rotated_pairs(rotation, rows, freedom) for rows in (train, validation)
        ]
        return _fit(like, parts[0], parts[1], sum(sizes) - 2, config)

    return {freedom: fit(freedom) for freedom in config.degrees_of_freedom}


def score_copula(
    base: CopulaDensityRatio,
    rotation: CanonicalVariates,
    parts: Sequence[Sequence[np.ndarray]],
    config: CrossFittedConfig,
) -> float:
    """The logistic bound of a copula on training and validation rows together, nats.

    It compares degrees of freedom: validation rows alone are too few to distinguish
    tails, and one number fitted to many rows hardly overfits.
    """
    train, validation = (
        _rotated_pairs(rotation, rows, base.degrees_of_freedom) for rows in parts
    )
    return float(_score_rows(base, _concatenate(train, validation), config).mean())


def fit_gaussians(
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    length: int,
    num_fitted: int,
    config: CrossFittedConfig,
) -> Candidates:
    """Fits Gaussians of paired variates, padded to `length` correlations.

    `num_fitted` is the number of directions that were fitted to training rows.
    """
    like = CopulaDensityRatio(np.zeros(length), np.inf, (length, length))
    fitted, others = (
        _Pairs(x, y, np.zeros(len(x)), np.zeros(len(x))) for x, y in (train, validation)
    )
    return _fit(like, fitted, others, num_fitted, config)


def fit_and_score_tables(
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    num_levels: tuple[int, int],
    config: CrossFittedConfig,
) -> Candidates:
    """Fits contingency tables of level numbers of x and y, [N, 1], by strength."""
    x, y = validation

    def score(table: TableDensityRatio) -> Selection:
        scores = _score(table.statistics(0, x), table.statistics(1, y), config)
        return Selection(table, scores, scores.mean(), np.empty(0))

    tables = fit_tables(train[0], train[1], num_levels, config)
    return dict(zip(config.table_strengths, map(score, tables), strict=True))


def fit_mixtures(
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    config: CrossFittedConfig,
) -> Candidates:
    """Fits mixtures of Gaussians to coordinates of x and y, by number of components."""
    rows, size = np.concatenate(train, axis=1), train[0].shape[1]
    most = max(config.nums_of_components)

    def fit(num_components: int) -> Selection:
        mixture = fit_mixture(rows, num_components, config)
        base = density_ratio_of_mixture(mixture, size, most)
        x, y = (base.statistics(side, part) for side, part in enumerate(validation))
        scores = _score(x, y, config, most)
        return Selection(base, scores, scores.mean(), np.empty(0))

    return {number: fit(number) for number in config.nums_of_components}


def rotate(
    rotation: CanonicalVariates, side: int, normal: Rows, degrees_of_freedom: float
) -> tuple[Rows, Rows]:
    """Paired variates of Student scores, [N, m], and squared norms of all, [N]."""
    variates = rotation.apply(side, student_scores(normal, degrees_of_freedom))
    num_pairs = min(weights.shape[1] for weights in rotation.weights)
    return variates[:, :num_pairs], (variates**2).sum(axis=1)


def _rotated_pairs(
    rotation: CanonicalVariates, rows: Sequence[np.ndarray], freedom: float
) -> _Pairs:
    (x, squares_x), (y, squares_y) = (
        rotate(rotation, side, normal, freedom) for side, normal in enumerate(rows)
    )
    return _Pairs(x, y, squares_x, squares_y)


def _fit(
    like: CopulaDensityRatio,
    train: _Pairs,
    validation: _Pairs,
    num_fitted: int,
    config: CrossFittedConfig,
) -> Candidates:
    """Candidates by where correlations are estimated and how many of them are kept."""
    num_rows, freedom = len(validation.x), like.degrees_of_freedom
    alone = _correlations(validation, like, 0, config)
    alone = np.where(alone > 2 / np.sqrt(num_rows), alone, 0)
    pooled = _correlations(_concatenate(train, validation), like, num_fitted, config)

    def score(rho: np.ndarray, cost: float) -> Selection:
        padded = np.pad(rho, (0, len(like.correlations) - len(rho)))
        base = dataclasses.replace(like, correlations=padded)
        scores = _score_rows(base, validation, config)
        costs = 0.5 * np.isfinite(freedom) + cost * np.count_nonzero(rho)
        return Selection(base, scores, scores.mean() - costs / num_rows, alone)

    candidates = {}
    for source, rho, cost in (
        ("validation", alone, config.correlation_cost),
        ("pooled", pooled, config.pooled_correlation_cost),
    ):
        rank, num_nonzero = np.argsort(np.argsort(-rho)), np.count_nonzero(rho)
        # All folds have the same keys, whatever correlations are zero in one of them.
        numbers = {n for n in config.nums_of_correlations if n <= len(rho)} | {len(rho)}
        scored = {
            kept: score(np.where(rank < kept, rho, 0.0), cost)
            for kept in sorted({min(number, num_nonzero) for number in numbers})
        }
        for number in sorted(numbers):
            candidates[source, number] = scored[min(number, num_nonzero)]
    return candidates


def _correlations(
    pairs: _Pairs, like: CopulaDensityRatio, num_fitted: int, config: CrossFittedConfig
) -> np.ndarray:
    """The correlation of each pair under a Student distribution, at least 0, [m].

    Outlying rows get less weight, as in the likelihood equation. Fitting directions to
    the rows raises the correlations, which Wherry's formula corrects.

    Source: Lange, Little and Taylor, "Robust statistical modeling using the t
        distribution", JASA 1989; Wherry, Ann. Math. Statist. 1931.
    """
    x, y, freedom = pairs.x, pairs.y, like.degrees_of_freedom
    weights, rho = np.ones((len(x), 1)), np.zeros(x.shape[1])
    for _ in range(1 if np.isinf(freedom) else config.num_reweightings):
        if np.isfinite(freedom):
            excess = rho**2 * (x**2 + y**2) - 2 * rho * x * y
            squares = pairs.squares_x + pairs.squares_y
            form = squares + np.sum(excess / (1 - rho**2), axis=1)
            weights = ((freedom + sum(like.sizes)) / (freedom + form))[:, None]
        spread = np.sqrt(
            np.mean(weights * x**2, axis=0) * np.mean(weights * y**2, axis=0)
        )
        across = np.mean(weights * x * y, axis=0)
        rho = np.clip(across / np.where(spread > 0, spread, 1), 0, 0.99999)
    rest = (len(x) - 1) / max(len(x) - 1 - num_fitted, 1)
    return np.sqrt(np.maximum(1 - (1 - rho**2) * rest, 0))


def _score_rows(
    base: CopulaDensityRatio, pairs: _Pairs, config: CrossFittedConfig
) -> np.ndarray:
    # A variate with zero correlation does not change the log ratio.
    used = np.flatnonzero(base.correlations[: pairs.x.shape[1]])
    base = dataclasses.replace(base, correlations=base.correlations[used])
    x = base.statistics(0, pairs.x[:, used], pairs.squares_x)
    y = base.statistics(1, pairs.y[:, used], pairs.squares_y)
    return _score(x, y, config)


def _score(
    x: np.ndarray, y: np.ndarray, config: CrossFittedConfig, num_components: int = 0
) -> np.ndarray:
    """The logistic bound of a base density on each row, nats, [N]."""
    stride = max(1, len(x) // (config.num_shifts + 1))
    negatives = [
        log_ratio_of_statistics(x, np.roll(y, shift * stride, axis=0), num_components)
        for shift in range(1, config.num_shifts + 1)
    ]
    return rowwise_logistic_bound(
        log_ratio_of_statistics(x, y, num_components), np.stack(negatives, axis=-1)
    )


def _concatenate(first: _Pairs, second: _Pairs) -> _Pairs:
    return _Pairs(*map(np.concatenate, zip(first, second, strict=True)))
