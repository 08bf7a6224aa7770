"""What cross-fitted critics say of rows that they never saw, and of those they did."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxinfo.core.types import Array, Critic, PyTree
from jaxinfo.estimation.combine import (
    Combination,
    Report,
    fit_combination,
    report_blocks,
)
from jaxinfo.estimation.host import FEWEST_EFFECTIVE_SCORES
from jaxinfo.estimation.permutation import shifted_scores
from jaxinfo.estimation.uncertainty import Summary, summary_around
from jaxinfo.information.scoring import equal_blocks, score_blocks

__all__ = ["Outcome", "extrapolate", "halfway", "report_cross_fit"]


# Of what networks find beyond a closed form, what is left to find.
SHARE_UNSEEN = 0.25


class Outcome(NamedTuple):
    """The critics of every fold, combined, and what they report.

    Attributes:
        combinations: of the critics of each fold.
        held_out: each fold's bound on rows that its critics never saw.
        training: the same on as many training rows; over the folds, every row once.
        preferred: the bound on held-out rows of the preferred critics alone.
        shifted: each fold's `shifted_scores` of the held-out rows.
    """

    combinations: list[Combination]
    held_out: list[Report]
    training: list[Report]
    preferred: list[Report]
    shifted: list[np.ndarray]

    @property
    def is_measured(self) -> bool:
        """Whether enough product pairs carry the normalizer of every fold."""
        sizes = [report.effective_sample_size for report in self.held_out]
        return min(sizes) >= FEWEST_EFFECTIVE_SCORES

    @property
    def held_out_values(self) -> np.ndarray:
        """What each fold's critics report of rows that they never saw, nats, [K].

        Where too few product pairs carry the normalizer, the critics' own, which is
        zero, is more certain.
        """
        return self._values(self.held_out)

    @property
    def training_values(self) -> np.ndarray:
        """The same of training rows, nats, [K].

        At least that of held-out rows where too few product pairs carry a normalizer
        that those carry well: critics cannot know less of the rows they saw.
        """
        values = self._values(self.training)
        sizes = np.array([report.effective_sample_size for report in self.training])
        is_ruled = self.is_measured & (sizes < FEWEST_EFFECTIVE_SCORES)
        return np.where(is_ruled, np.maximum(values, self.held_out_values), values)

    @property
    def gain(self) -> float:
        """What other critics than the preferred add to the held-out bound, nats."""
        gains = self.held_out_values - self._values(self.preferred)
        return max(float(gains.mean()), 0.0)

    def _values(self, reports: list[Report]) -> np.ndarray:
        free = 0.0 if self.is_measured else 1.0
        return np.array([r.value + free * r.log_normalizer for r in reports])


def halfway(held_out: float, training: float, variance: float) -> Summary:
    """Value, error and interval of what lies between two bounds, nats.

    The value is halfway between the held-out and the training bound: a fit of k numbers
    to n rows moves the first down by k / 2n and the second up by as much. The truth is
    taken to lie anywhere between them, so half their distance over the root of 3 adds
    to the error.

    Source: Efron, "Estimating the error rate of a prediction rule", JASA 78, 1983, for
        the optimism of training rows.

    Args:
        held_out: bound of held-out rows, nats.
        training: bound of training rows, nats.
        variance: of the mean over rows, squared nats.

    Returns:
        The `Summary`.
    """
    gap = (training - held_out) / 2
    return summary_around(held_out + gap, np.sqrt(variance + gap**2 / 3))


def extrapolate(summary: Summary, gain: float) -> Summary:
    """Adds a quarter of what networks found beyond the closed form, nats.

    Where a law is like no closed form, networks find a part of it that grows with the
    rows, and some is left. The share is set by hand, and low: it centers laws with hard
    edges, and leaves others below the truth (`experiments/ablation`). What is left is
    taken to lie anywhere between nothing and twice that, so it over the root of 3 adds
    to the error.

    Args:
        summary: the estimate, nats.
        gain: what other critics than those that correct the closed form add, nats.

    Returns:
        The estimate with its error.
    """
    unseen = SHARE_UNSEEN * gain
    error = np.sqrt(summary.standard_error**2 + unseen**2 / 3)
    return summary_around(summary.value + unseen, error)


def report_cross_fit(
    critic: Critic,
    params: PyTree,
    inputs: tuple[Array, Array],
    parts: tuple[int, ...],
    preferred: np.ndarray,
) -> Outcome:
    """Combines the critics of each fold by its validation rows, and reports the others.

    Args:
        critic: the critic.
        params: of every run, critic by critic and fold by fold, [C K, ...].
        inputs: of x and of y for every run, training rows first, then validation and
            test rows, [C K, N, ...].
        parts: how many rows each part has.
        preferred: whether a critic is to be trusted until another shows a gain, [C].

    Returns:
        The `Outcome`.
    """
    train, validation, test = parts
    counts = min(train, test), validation, test
    starts = 0, train, train + validation
    score = _score_runs(critic)
    matrices = [
        np.asarray(
            score(params, *(rows[:, start : start + count] for rows in inputs)), float
        )
        for start, count in zip(starts, counts, strict=True)
    ]
    trained, chosen, tested = (
        part.reshape(len(preferred), -1, *part.shape[1:]).swapaxes(0, 1)
        for part in matrices
    )
    combinations = [fit_combination(own, preferred) for own in chosen]
    first = [c._replace(weights=preferred / preferred.sum()) for c in combinations]
    combined, trained, alone = (
        [c.apply(s) for c, s in zip(chosen_by, part, strict=True)]
        for chosen_by, part in (
            (combinations, tested),
            (combinations, trained),
            (first, tested),
        )
    )
    return Outcome(
        combinations,
        held_out=list(map(report_blocks, combined)),
        training=list(map(report_blocks, trained)),
        preferred=list(map(report_blocks, alone)),
        shifted=list(map(shifted_scores, combined)),
    )


@functools.lru_cache(maxsize=64)
def _score_runs(critic: Critic) -> Callable[..., Array]:
    @jax.jit
    def score(params: PyTree, x: Array, y: Array) -> Array:
        blocks = equal_blocks(x.shape[1])

        def one(run: tuple[PyTree, Array, Array]) -> Array:
            own, rows_x, rows_y = run
            return score_blocks(critic, own, rows_x, rows_y, blocks)

        return jax.lax.map(one, (params, x, y))

    return score
