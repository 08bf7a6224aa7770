"""The truth, in nats: closed forms of Gaussians, quadrature, finite laws."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences.fdivergence import FDivergence
from jaxinfo.divergences.gaussians import (
    exact_gaussian_jeffreys,
    exact_gaussian_kl,
    exact_gaussian_mutual_information,
    exact_gaussian_neyman,
    exact_gaussian_pearson,
    exact_gaussian_renyi,
    exact_gaussian_reverse_kl,
    exact_gaussian_squared_hellinger,
)

__all__ = [
    "exact_by_quadrature",
    "exact_discrete",
    "exact_gaussian_jeffreys",
    "exact_gaussian_kl",
    "exact_gaussian_mutual_information",
    "exact_gaussian_neyman",
    "exact_gaussian_pearson",
    "exact_gaussian_renyi",
    "exact_gaussian_reverse_kl",
    "exact_gaussian_squared_hellinger",
]

# Nodes of one panel of the quadrature; its rule is exact for polynomials of degree 31.
PANEL = 16


def exact_by_quadrature(
    divergence: FDivergence,
    log_p: Callable[[Float[Array, " k"]], Float[Array, " k"]],
    log_q: Callable[[Float[Array, " k"]], Float[Array, " k"]],
    *,
    low: float | Float[Array, ""],
    high: float | Float[Array, ""],
    num_points: int = 4_000,
) -> Float[Array, ""]:
    """Any f-divergence of two laws on a line, nats, from their log-densities.

    The integral of q f(p / q) over [low, high] by Gauss-Legendre in panels of 16 nodes,
    each term computed in log space, so tails may under- or overflow.

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, eq. 2.

    Args:
        divergence: a member of the family; static.
        log_p: log-density of P in nats, [K] -> [K]; -inf where it is zero.
        log_q: log-density of Q in nats, [K] -> [K]; -inf where it is zero.
        low: where the integral begins; may be traced.
        high: where it ends; may be traced.
        num_points: nodes, rounded up to whole panels.

    Returns:
        The divergence in nats, [].

    Raises:
        ValueError: where num_points is not positive or static limits are not in order.

    Notes:
        Mass outside the limits is left out. Smooth integrands converge to rounding; at
        a kink (total variation) the error is about (high - low)^2 / num_points^2. Take
        float64 for truths: `with jax.enable_x64(True)`.

    Example:
        >>> from jaxinfo.divergences import TOTAL_VARIATION
        >>> flat, ramp = jnp.zeros_like, lambda x: jnp.log(2 * x)
        >>> tv = exact_by_quadrature(TOTAL_VARIATION, flat, ramp, low=0, high=1)
        >>> round(tv.item(), 4)
        0.25
    """
    check_positive(num_points=num_points)
    static = not isinstance(low, jax.Array) and not isinstance(high, jax.Array)
    if static and not low < high:
        raise ValueError(f"low must be below high, got {low} and {high}")
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    num_panels = -(-num_points // PANEL)
    # Nodes of all panels on [0, 1].
    unit = (np.arange(num_panels)[:, None] + (nodes + 1) / 2) / num_panels
    x = low + (high - low) * jnp.asarray(unit.ravel())
    terms = divergence.perspective(log_p(x), log_q(x)).reshape(num_panels, PANEL)
    return (high - low) / (2 * num_panels) * jnp.sum(terms @ jnp.asarray(weights))


def exact_discrete(
    divergence: FDivergence, probs_p: Float[Array, " k"], probs_q: Float[Array, " k"]
) -> Float[Array, ""]:
    """Any f-divergence of two laws on K outcomes, nats.

    sum_k q_k f(p_k / q_k), with q f(0) where p is zero and p f'(inf) where q is.

    Source: Csiszar, "Information-type measures of difference of probability
        distributions", Studia Sci. Math. Hungar. 1967.

    Args:
        divergence: a member of the family; static.
        probs_p: probabilities of P, [K].
        probs_q: probabilities of Q, [K].

    Returns:
        The divergence in nats, []; inf where such a limit is.

    Raises:
        ValueError: where they are not vectors of the same length.

    Example:
        >>> from jaxinfo.divergences import KL
        >>> p, q = jnp.array([1.0, 0.0]), jnp.array([0.5, 0.5])
        >>> round(exact_discrete(KL, p, q).item(), 4)
        0.6931
    """
    check_rank(1, probs_p=probs_p, probs_q=probs_q)
    if jnp.shape(probs_p) != jnp.shape(probs_q):
        raise ValueError(
            f"probs_q must have the shape {jnp.shape(probs_p)} of probs_p, "
            f"got {jnp.shape(probs_q)}"
        )
    return jnp.sum(divergence.perspective(jnp.log(probs_p), jnp.log(probs_q)))
