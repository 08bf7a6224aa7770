"""Nearest neighbours as a second opinion where dimensions are few.

In two or three dimensions neighbours see what networks smooth over, such as a density
with hard edges; in more they fall behind. Both err downwards where a law is hard for
them, so the neighbours are heard where they find more.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.estimation.uncertainty import Summary, summary_around, variance_of_mean
from jaxinfo.estimation.variates import fit_normal_scores
from jaxinfo.information.nearest_neighbours import mixed_information

__all__ = ["SecondOpinion", "ask_neighbours", "reconcile"]

MOST_COORDINATES = 3
# Every row meets every other, so the time grows with the square.
MOST_ROWS = 20_000
# What k neighbours smooth over grows as k where densities are smooth and as its root
# at hard edges, so a third of the difference between 4 and 16 takes it off, or all.
NUM_NEIGHBOURS = 4, 16
SHARE_OF_DIFFERENCE = 2 / 3
# Rows share neighbours: the variance of the mean over that of independent rows, as
# measured on laws of two coordinates.
VARIANCE_OF_SHARED = 1.5
# Odds, before the data are seen, that the critics missed nothing.
ODDS_OF_NOTHING_MISSED = 3.0


class SecondOpinion(NamedTuple):
    """What nearest neighbours say.

    Attributes:
        contributions: a number for each row, whose mean is the estimate, nats, [N].
        correction: what was added for the smoothing of a few neighbours, nats.
    """

    contributions: np.ndarray
    correction: float


def ask_neighbours(x: np.ndarray, y: np.ndarray) -> SecondOpinion | None:
    """Estimates mutual information by nearest neighbours.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, on normal scores.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E].

    Returns:
        The `SecondOpinion`; None where coordinates or rows are too many.
    """
    if x.shape[1] + y.shape[1] > MOST_COORDINATES or len(x) > MOST_ROWS:
        return None
    scores = (jnp.asarray(fit_normal_scores(rows).apply(rows)) for rows in (x, y))
    few, many = (np.asarray(rows, float) for rows in _few_and_many(*scores))
    correction = SHARE_OF_DIFFERENCE * (few - many)
    return SecondOpinion(few + correction, float(correction.mean()))


def reconcile(
    summary: Summary, influence: np.ndarray, opinion: SecondOpinion
) -> Summary:
    """Moves an estimate towards a second opinion that finds more.

    Either the critics missed nothing and the two differ by noise, or they missed
    something and the second opinion is right: the share of the difference that is kept
    is the probability of the latter by Bayes' rule, with odds before the data of 1 to
    3 and the likelihood ratio at its largest. The variance is that of this mixture.

    Args:
        summary: the estimate, nats.
        influence: the influence function of each row, [N].
        opinion: of the same rows.

    Returns:
        The estimate with its error. The second opinion's own error is as if the right
        correction lay anywhere between nothing and twice what was added. As it was
        where the second opinion finds less.
    """
    contributions = opinion.contributions
    difference = contributions.mean() - summary.value
    if difference <= 0:
        return summary
    noise = VARIANCE_OF_SHARED * variance_of_mean(contributions - influence)
    odds = ODDS_OF_NOTHING_MISSED * np.exp(-(difference**2) / (2 * noise))
    share = 1 / (1 + odds)
    of_shared = (VARIANCE_OF_SHARED - 1) * variance_of_mean(contributions)
    of_rows = share**2 * of_shared + variance_of_mean(
        (1 - share) * influence + share * contributions
    )
    of_critics = summary.standard_error**2 - variance_of_mean(influence)
    of_laws = (
        (1 - share) * of_critics
        + share * opinion.correction**2 / 3
        + share * (1 - share) * difference**2
    )
    return summary_around(
        summary.value + share * difference, np.sqrt(of_rows + of_laws)
    )


@jax.jit
def _few_and_many(x: jax.Array, y: jax.Array) -> list[jax.Array]:
    return [
        mixed_information(x, y, num_neighbours=number).contributions
        for number in NUM_NEIGHBOURS
    ]
