"""Closed-form log density ratios that training starts from, chosen by held-out rows.

A Gaussian or Student copula has its log ratio in closed form once its canonical
correlations are known. Written for one row of x and one of y as a few numbers of either
(a record), it costs an inner product per pair, so a critic adds it to a network.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy import stats
from scipy.special import gammaln

from jaxinfo.core.types import Array, Float

__all__ = ["NUM_SCALARS", "CopulaLaw", "log_ratio_of_records", "student_scores"]

# Own part, quadratic form, 1 / degrees of freedom, exponent: before the variates.
NUM_SCALARS = 4
# Scores beyond this are beyond the extremes of a hundred million rows.
LARGEST_SCORE = 6.0


class CopulaLaw(NamedTuple):
    """A Gaussian or Student copula in canonical variates.

    Attributes:
        correlations: of each pair of variates, [m]; 0 where there is none.
        freedom: degrees of freedom; inf for the Gaussian.
        sizes: how many coordinates x and y have.
    """

    correlations: np.ndarray
    freedom: float
    sizes: tuple[int, int]

    def records(self, side: int, variates: np.ndarray, squares: np.ndarray):
        """The numbers of each row of x (side 0) or y (side 1) that pairs need.

        Args:
            side: 0 for x, 1 for y.
            variates: paired variates of the rows, [N, m].
            squares: squared length of all of a row's variates, [N].

        Returns:
            Records, [N, 4 + m].
        """
        rho, nu, (d, e) = self.correlations, self.freedom, self.sizes
        own = np.sum(rho**2 * variates**2 / (1 - rho**2), axis=1)
        constant = -0.25 * np.sum(np.log1p(-(rho**2)))
        scaled = variates * np.sqrt(rho / (1 - rho**2))
        if np.isinf(nu):
            scalars = [constant - own / 2, 0 * own, 0 * own, 0 * own]
        else:
            size = self.sizes[side]
            constant += 0.5 * (
                gammaln((nu + d + e) / 2)
                + gammaln(nu / 2)
                - gammaln((nu + d) / 2)
                - gammaln((nu + e) / 2)
            )
            alone = constant + (nu + size) / 2 * np.log1p(squares / nu)
            ones = np.ones_like(own)
            scalars = [alone, own + squares, ones / nu, (nu + d + e) / 2 * ones]
        return np.concatenate([np.stack(scalars, axis=1), scaled], axis=1)


def log_ratio_of_records(
    x: Float[Array, "n r"], y: Float[Array, "n r"]
) -> Float[Array, " n"]:
    """log p(x, y) / (p(x) p(y)) of a copula, from records of x and y, nats.

    With Q the joint quadratic form: own_x + own_y + <a, b> for the Gaussian, and
    own_x + own_y - (nu + d + e) / 2 log(1 + Q / nu) for the Student law.

    Args:
        x: records of x from `CopulaLaw.records`, [N, 4 + m].
        y: records of y, [N, 4 + m].

    Returns:
        The log ratio of each pair, nats, [N].
    """
    inner = jnp.sum(x[:, NUM_SCALARS:] * y[:, NUM_SCALARS:], axis=1)
    own, square = x[:, 0] + y[:, 0], x[:, 1] + y[:, 1]
    inverse_freedom, exponent = x[:, 2], x[:, 3]
    form = jnp.maximum(square - 2 * inner, 0) * inverse_freedom
    student = -exponent * jnp.log1p(form)
    return own + jnp.where(inverse_freedom > 0, student, inner)


def student_scores(normal_scores: np.ndarray, freedom: float) -> np.ndarray:
    """Normal scores as quantiles of a Student law with these degrees of freedom."""
    if np.isinf(freedom):
        return normal_scores
    knots = np.linspace(0, LARGEST_SCORE, 601)
    quantiles = stats.t.isf(stats.norm.sf(knots), freedom)
    size = np.interp(np.abs(normal_scores), knots, quantiles)
    return np.sign(normal_scores) * size
