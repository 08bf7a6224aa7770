"""Nearest neighbours as a second opinion where dimensions are few.

In two or three dimensions neighbours see what networks smooth over, such as a density
with hard edges; in more they fall behind. Where the two differ by more than the rows'
noise, the truth is taken to lie between them.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.estimation.uncertainty import Summary, summary_around
from jaxinfo.estimation.variates import fit_normal_scores
from jaxinfo.information.nearest_neighbours import mixed_information

__all__ = ["neighbour_contributions", "reconcile"]

MOST_COORDINATES = 3
# Every row meets every other, so the time grows with the square.
MOST_ROWS = 20_000
# Differences within so many standard errors are noise.
NUM_ERRORS = 2.0


def neighbour_contributions(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """What each row adds to the information by its nearest neighbours, nats.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, on normal scores.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E].

    Returns:
        A number for each row, whose mean is the estimate, [N]; None where coordinates
        or rows are too many.
    """
    if x.shape[1] + y.shape[1] > MOST_COORDINATES or len(x) > MOST_ROWS:
        return None
    scores = (jnp.asarray(fit_normal_scores(rows).apply(rows)) for rows in (x, y))
    return np.asarray(_contributions(*scores), dtype=float)


def reconcile(
    summary: Summary, influence: np.ndarray, contributions: np.ndarray
) -> Summary:
    """Moves an estimate half-way to the second opinion where noise explains too little.

    Args:
        summary: the estimate, nats.
        influence: the influence function of each row, [N].
        contributions: of the same rows, from `neighbour_contributions`, [N].

    Returns:
        The estimate, its error grown as if the truth were anywhere between the two.
    """
    difference = contributions.mean() - summary.value
    variance = (contributions - influence).var(ddof=1) / len(influence)
    excess = np.sqrt(max(difference**2 - NUM_ERRORS**2 * variance, 0.0))
    value = summary.value + np.copysign(excess, difference) / 2
    error = np.sqrt(summary.standard_error**2 + excess**2 / 12)
    return summary_around(value, error)


@functools.partial(jax.jit)
def _contributions(x: jax.Array, y: jax.Array) -> jax.Array:
    return mixed_information(x, y).contributions
