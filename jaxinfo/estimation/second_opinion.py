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
# What neighbours smooth over grows with their number, so twice that of a few less that
# of twice as many is nearly free of it.
NUM_NEIGHBOURS = 4
# A difference of so many variances, squared, is noise.
NUM_VARIANCES = 2.0


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
    return SecondOpinion(2 * few - many, float(few.mean() - many.mean()))


def reconcile(
    summary: Summary, influence: np.ndarray, opinion: SecondOpinion
) -> Summary:
    """Moves an estimate towards a second opinion that finds more than noise explains.

    Source: the share of the difference that is kept is that of James and Stein,
        "Estimation with quadratic loss", 1961, as its positive part.

    Args:
        summary: the estimate, nats.
        influence: the influence function of each row, [N].
        opinion: of the same rows.

    Returns:
        The estimate, its error grown as if the truth were anywhere between the two, and
        by as much as the smoothing was worth; as it was where the second opinion finds
        less.
    """
    contributions = opinion.contributions
    difference = contributions.mean() - summary.value
    if difference <= 0:
        return summary
    noise = variance_of_mean(contributions - influence)
    share = max(0.0, 1 - NUM_VARIANCES * noise / difference**2)
    mixed = (1 - share) * influence + share * contributions
    of_rows = variance_of_mean(mixed) - variance_of_mean(influence)
    of_laws = difference**2 / 12 + (share * opinion.correction) ** 2
    variance = summary.standard_error**2 + of_rows + of_laws
    return summary_around(summary.value + share * difference, np.sqrt(variance))


@jax.jit
def _few_and_many(x: jax.Array, y: jax.Array) -> list[jax.Array]:
    return [
        mixed_information(x, y, num_neighbours=number).contributions
        for number in (NUM_NEIGHBOURS, 2 * NUM_NEIGHBOURS)
    ]
