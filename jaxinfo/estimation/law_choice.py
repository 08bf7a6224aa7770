"""Which closed form to start from: the one with the best score on validation rows.

Its correlations are those of validation rows alone, which no fit of directions
flatters, or of training rows too, less what that fit is worth.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array
from jaxinfo.divergences import JENSEN_SHANNON
from jaxinfo.estimation.closed_form import (
    CopulaLaw,
    log_ratio_of_records,
    student_scores,
)
from jaxinfo.estimation.labels import Labels, TableLaw, fit_tables
from jaxinfo.estimation.variates import CanonicalVariates

__all__ = [
    "Choice",
    "best_copula",
    "best_gaussian",
    "best_table",
    "clearly_better",
    "pad",
    "rotate",
]

DEGREES_OF_FREEDOM = (np.inf, 30.0, 10.0, 5.0, 3.0, 2.0, 1.0)
NUMS_OF_PAIRS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
NUM_ROLLS = 8
# Steps towards the weights of rows under a Student law.
NUM_REWEIGHTINGS = 5
# Of a correlation from validation rows, which flatters them, and from all rows, in
# nats times rows.
PRICE, PRICE_OF_POOLED = 0.5, 0.1


class Choice(NamedTuple):
    """The best law of some kind.

    Attributes:
        law: the law.
        scores: logistic score of each validation row, nats, [N].
        rate: their mean, less a price for what was chosen, nats.
        correlations: of held-out rows, 0 where there is none, [m].
    """

    law: CopulaLaw
    scores: np.ndarray
    rate: float
    correlations: np.ndarray


def clearly_better(scores: np.ndarray, others: np.ndarray) -> bool:
    """Whether a law scores more than another by more than a standard error."""
    gain = scores - others
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


class _Pairs(NamedTuple):
    """Paired variates of some rows of x and y, [N, m], and squared lengths, [N]."""

    x: np.ndarray
    y: np.ndarray
    squares: tuple[np.ndarray, np.ndarray]

    def concatenate(self, others: "_Pairs") -> "_Pairs":
        return jax.tree.map(lambda a, b: np.concatenate([a, b]), self, others)


def best_copula(
    rotation: CanonicalVariates,
    train: list[np.ndarray],
    held_out: list[np.ndarray],
    length: int,
) -> Choice:
    """The Gaussian or Student copula of normal scores that rates highest.

    Its correlations by validation rows, its degrees of freedom by training rows too.

    Args:
        rotation: canonical variates of the normal scores.
        train: normal scores of training rows of x and of y.
        held_out: the same of validation rows.
        length: pad the law to as many pairs at least.

    Returns:
        The `Choice`.
    """
    sizes = len(rotation.weights[0]), len(rotation.weights[1])

    def pairs(parts: list[np.ndarray], freedom: float) -> _Pairs:
        (x, of_x), (y, of_y) = (
            rotate(rotation, side, rows, freedom) for side, rows in enumerate(parts)
        )
        return _Pairs(x, y, (of_x, of_y))

    like = CopulaLaw(np.zeros(max(length, min(sizes))), np.inf, sizes)

    def best_with(freedom: float) -> tuple[Choice, float]:
        parts = pairs(train, freedom), pairs(held_out, freedom)
        choice = _best_law(like._replace(freedom=freedom), *parts, sum(sizes) - 2)
        everything = parts[0].concatenate(parts[1])
        return choice, float(_score_rows(choice.law, everything).mean())

    # One number for all pairs: rows that it was fitted to flatter it little, and
    # validation rows alone are too few to tell one tail from the next.
    laws = [best_with(freedom) for freedom in DEGREES_OF_FREEDOM]
    best, _ = max(laws, key=lambda rated: rated[1])
    return best._replace(correlations=laws[0][0].correlations)


def best_gaussian(
    train: list[np.ndarray],
    held_out: list[np.ndarray],
    like: CopulaLaw,
    num_fitted: int,
) -> Choice:
    """The Gaussian law of paired variates that validation rates highest.

    Args:
        train: variates of training rows of x and of y, [N, m] each.
        held_out: the same of validation rows.
        like: a law for the length and the sizes.
        num_fitted: directions that were free when the variates were fitted.

    Returns:
        The `Choice`.
    """

    def pairs(rows: list[np.ndarray]) -> _Pairs:
        unused = np.zeros(len(rows[0]))
        return _Pairs(rows[0], rows[1], (unused, unused))

    like = like._replace(freedom=np.inf)
    return _best_law(like, pairs(train), pairs(held_out), num_fitted)


def _best_law(
    like: CopulaLaw, train: _Pairs, held_out: _Pairs, num_fitted: int
) -> Choice:
    """Correlations of held-out rows, or of all rows and corrected; and how many."""
    size, num_rows = sum(like.sizes), len(held_out.x)
    alone = _correlations(held_out, like.freedom, size, 0)
    alone = np.where(alone > 2 / np.sqrt(num_rows), alone, 0)
    pooled = _correlations(train.concatenate(held_out), like.freedom, size, num_fitted)

    def choice(rho: np.ndarray, price: float) -> Choice:
        padded = np.pad(rho, (0, len(like.correlations) - len(rho)))
        law = like._replace(correlations=padded)
        scores = _score_rows(law, held_out)
        penalty = 0.5 * np.isfinite(like.freedom) + price * np.count_nonzero(rho)
        return Choice(law, scores, scores.mean() - penalty / num_rows, alone)

    candidates = [
        choice(kept, price)
        for rho, price in ((alone, PRICE), (pooled, PRICE_OF_POOLED))
        for kept in _leading(rho)
    ]
    return max(candidates, key=lambda choice: choice.rate)


def _correlations(
    pairs: _Pairs, freedom: float, size: int, num_fitted: int
) -> np.ndarray:
    """The correlation of each pair under a Student law, at least 0, [m].

    Rows far out count less, as in the likelihood equation of the law. Directions that
    were fitted to the rows raise the correlation: Wherry's correction takes it off.

    Source: Lange, Little and Taylor, "Robust statistical modeling using the t
        distribution", JASA 1989; Wherry, Ann. Math. Statist. 1931.
    """
    weights, rho = np.ones((len(pairs.x), 1)), np.zeros(pairs.x.shape[1])
    for _ in range(1 if np.isinf(freedom) else NUM_REWEIGHTINGS):
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


def best_table(
    labels: Sequence[Labels],
    train: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    rate_to_beat: float,
) -> TableLaw | None:
    """The table of two labels that validation rates highest, if above another law.

    Args:
        labels: of x and of y.
        train: training rows of x and of y.
        held_out: validation rows of x and of y.
        rate_to_beat: score of the other law, nats.

    Returns:
        The table; None where it is no better, or x and y are not both one label.
    """
    if not all(one.whole for one in labels):
        return None
    tables = fit_tables(*map(Labels.apply, labels, train))
    x, y = map(Labels.apply, labels, held_out)

    def rate(table: TableLaw) -> float:
        scores = _logistic_score(table.records(0, x), table.records(1, y))
        return float(scores.mean())

    best = max(tables, key=rate)
    return best if rate(best) > rate_to_beat else None


def _leading(rho: np.ndarray) -> Iterator[np.ndarray]:
    """The correlations with fewer and fewer of the largest kept."""
    rank = np.argsort(np.argsort(-rho))
    for number in sorted({*NUMS_OF_PAIRS, len(rho)}):
        if number <= np.count_nonzero(rho):
            yield np.where(rank < number, rho, 0.0)


def _score_rows(law: CopulaLaw, pairs: _Pairs) -> np.ndarray:
    length = len(law.correlations)
    x, y = (
        law.records(side, pad(paired, length), pairs.squares[side])
        for side, paired in enumerate((pairs.x, pairs.y))
    )
    return np.asarray(_logistic_score(x, y), float)


@jax.jit
def _logistic_score(x: Array, y: Array) -> Array:
    """The logistic bound that a closed form reaches on held-out records, row by row."""
    shifts = jnp.arange(1, NUM_ROLLS + 1) * max(1, len(x) // (NUM_ROLLS + 1))
    product = jax.vmap(lambda shift: log_ratio_of_records(x, jnp.roll(y, shift, 0)))
    gained = JENSEN_SHANNON.output_activation(log_ratio_of_records(x, y))
    paid = JENSEN_SHANNON.conjugate_of_activation(product(shifts))
    return gained - paid.mean(axis=0)


def pad(rows: np.ndarray, length: int) -> np.ndarray:
    """Rows with zeros after their columns, [N, length]."""
    return np.pad(rows, ((0, 0), (0, length - rows.shape[1])))


def rotate(
    rotation: CanonicalVariates, side: int, normal: np.ndarray, freedom: float
) -> tuple[np.ndarray, np.ndarray]:
    """Paired variates under a Student law's scores, and the squared length of all.

    Args:
        rotation: canonical variates of the normal scores.
        side: 0 for x, 1 for y.
        normal: normal scores, [N, D].
        freedom: degrees of freedom; inf for the Gaussian.

    Returns:
        The paired variates, [N, m], and squared lengths, [N].
    """
    variates = rotation.apply(side, student_scores(normal, freedom))
    num_pairs = min(weights.shape[1] for weights in rotation.weights)
    return variates[:, :num_pairs], np.sum(variates**2, axis=1)
