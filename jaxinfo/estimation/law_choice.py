"""Which closed form to start from: the one with the best score on validation rows."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array
from jaxinfo.divergences.bounds import f_divergence_bound
from jaxinfo.divergences.family import JENSEN_SHANNON
from jaxinfo.estimation.closed_form import (
    CopulaLaw,
    log_ratio_of_records,
    student_scores,
)
from jaxinfo.estimation.labels import Labels, TableLaw, fit_tables
from jaxinfo.estimation.variates import CanonicalVariates

__all__ = ["best_copula", "best_gaussian", "best_table", "pad", "rotate"]

DEGREES_OF_FREEDOM = (np.inf, 30.0, 10.0, 5.0, 3.0, 2.0, 1.0)
NUMS_OF_PAIRS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
NUM_ROLLS = 8


def _held_out_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlation of each pair, 0 where it is within two standard errors of 0."""
    spread = np.sqrt(np.mean(a**2, axis=0) * np.mean(b**2, axis=0))
    rho = np.mean(a * b, axis=0) / np.where(spread > 0, spread, 1)
    return np.where(rho > 2 / np.sqrt(len(a)), np.clip(rho, 0, 0.99999), 0.0)


def best_copula(
    rotation: CanonicalVariates, held_out: list[np.ndarray], length: int
) -> tuple[CopulaLaw, float, np.ndarray]:
    """The Gaussian or Student copula of normal scores that validation rates highest.

    Args:
        rotation: canonical variates of the normal scores.
        held_out: normal scores of validation rows of x and of y.
        length: pad the law to as many pairs at least.

    Returns:
        The law, its score in nats, and the correlations of all pairs, 0 where there is
        none.
    """
    sizes = len(rotation.weights[0]), len(rotation.weights[1])
    rows = [rotate(rotation, side, held_out[side], np.inf)[0] for side in (0, 1)]
    rho = _held_out_correlations(*rows)
    length = max(len(rho), length)
    best, best_rate = CopulaLaw(np.zeros(length), np.inf, sizes), 0.0
    for freedom in DEGREES_OF_FREEDOM:
        sides = [rotate(rotation, side, held_out[side], freedom) for side in (0, 1)]
        for kept in _leading(rho):
            law = CopulaLaw(np.pad(kept, (0, length - len(kept))), freedom, sizes)
            penalty = 0.5 * np.isfinite(freedom) + 0.25 * np.count_nonzero(kept)
            rate = _rate(law, sides) - penalty / len(rows[0])
            if rate > best_rate:
                best, best_rate = law, rate
    return best, best_rate, rho


def best_gaussian(
    pairs: list[np.ndarray], like: CopulaLaw
) -> tuple[CopulaLaw, float, np.ndarray]:
    """The Gaussian law of paired variates that validation rates highest.

    Args:
        pairs: variates of validation rows of x and of y, [N, m] each.
        like: a law for the length and the sizes.

    Returns:
        As `best_copula`.
    """
    rho = _held_out_correlations(*pairs)
    length = len(like.correlations)
    best, best_rate = like, -np.inf
    for kept in _leading(rho):
        law = CopulaLaw(np.pad(kept, (0, length - len(kept))), np.inf, like.sizes)
        sides = [(rows, np.zeros(len(rows))) for rows in pairs]
        penalty = 0.5 + 0.5 * np.count_nonzero(kept)
        rate = _rate(law, sides) - penalty / len(pairs[0])
        if rate > best_rate:
            best, best_rate = law, rate
    return best, best_rate, rho


def best_table(
    labels: tuple[Labels, Labels],
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
        return float(_logistic_score(table.records(0, x), table.records(1, y)))

    best = max(tables, key=rate)
    return best if rate(best) > rate_to_beat else None


def _leading(rho: np.ndarray) -> Iterator[np.ndarray]:
    """The correlations with fewer and fewer of the largest kept."""
    rank = np.argsort(np.argsort(-rho))
    for number in sorted({*NUMS_OF_PAIRS, len(rho)}):
        if number <= np.count_nonzero(rho):
            yield np.where(rank < number, rho, 0.0)


def _rate(law: CopulaLaw, sides: list[tuple[np.ndarray, np.ndarray]]) -> float:
    length = len(law.correlations)
    x, y = (
        law.records(side, pad(paired, length), squares)
        for side, (paired, squares) in enumerate(sides)
    )
    return float(_logistic_score(x, y))


@jax.jit
def _logistic_score(x: Array, y: Array) -> Array:
    """The logistic bound that a closed form reaches on held-out records; 0 for none."""
    shifts = jnp.arange(1, NUM_ROLLS + 1) * max(1, len(x) // (NUM_ROLLS + 1))
    product = jax.vmap(lambda shift: log_ratio_of_records(x, jnp.roll(y, shift, 0)))
    joint = log_ratio_of_records(x, y)
    return f_divergence_bound(JENSEN_SHANNON, joint, product(shifts).reshape(-1))


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
