"""Bounds of mutual information that train a second network besides the critic.

For TUBA and I_alpha the second network is a baseline: the logarithm of a function a(y).
For FLO it is an auxiliary network of x and y, an estimate of the pointwise information.
"""

import functools

import jax
import jax.numpy as jnp

from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.information.score_matrices import (
    other_rows,
    row_weights,
    validate_matrix_and_rows,
)

__all__ = ["flo_bound", "interpolated_bound", "tuba_bound"]


def tuba_bound(
    scores: Float[Array, "n n"],
    log_baseline: Float[Array, " n"],
    where: Where = None,
) -> Float[Array, ""]:
    """TUBA, a lower bound of mutual information in nats.

    1 + mean_i [ s_ii - log a_i ] - mean_{i != j} exp(s_ij - log a_j).

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019,
        section 2.2 (TUBA, the tractable form of Barber and Agakov's unnormalized
        bound).

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        log_baseline: log a(y_i), for any positive function a of y alone, [N].
        where: mask or weights of rows, [N].

    Returns:
        The bound in nats; tight if T - log a = log p(x, y) / (p(x) p(y)).

    Raises:
        ValueError: if the scores are not a square matrix, or log_baseline or the mask
            is not [N].

    Notes:
        Unbiased for fixed networks. With a = e it is NWJ, whose high variance it
        shares. Overflows if T - log a exceeds log(max) off the diagonal.

    Example:
        >>> float(tuba_bound(jnp.zeros((3, 3)), jnp.zeros(3)))
        0.0
    """
    scores, log_baseline = validate_matrix_and_rows(
        scores, where, log_baseline=log_baseline
    )
    weights = row_weights(scores, where)
    log_ratios = scores - log_baseline[None]
    pairs = weights[:, None] * other_rows(weights)
    joint = weighted_mean(jnp.diagonal(log_ratios), where)
    return 1 + joint - jnp.exp(log_mean_exp(log_ratios, pairs))


def interpolated_bound(
    scores: Float[Array, "n n"],
    log_baseline: Float[Array, " n"],
    where: Where = None,
    *,
    alpha: float | Float[Array, ""] = 0.01,
) -> Float[Array, ""]:
    """I_alpha, between TUBA and InfoNCE: a lower bound of mutual information in nats.

    1 + mean_{i != j} [ s_ii - log a_ij ] - mean_{i != j} exp(s_ji - log a_ii), where
    a_ij = alpha mean_{k != j} exp(s_ki) + (1 - alpha) q(y_i)
    is the baseline of y_i without row j.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019,
        section 2.3, I_alpha.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        log_baseline: log q(y_i), for any positive function q of y alone, [N].
        where: mask or weights of rows, [N]; a masked row is no candidate either.
        alpha: weight of the candidates' mean in the baseline, in [0, 1]; may be traced.

    Returns:
        The bound in nats. At alpha 0 it is TUBA. At alpha 1 it is InfoNCE with N - 1
        rows of x as candidates, averaged over the row that is left out.

    Raises:
        ValueError: if the scores are not a square matrix, log_baseline or the mask is
            not [N], or a static alpha is not in [0, 1].

    Notes:
        A small alpha means a high variance and a high ceiling. The mean of s_ii - log a
        is at most log(N / alpha), the ceiling that the paper names, near which the
        bound saturates. The value itself can be at most 1 above that ceiling.

    Example:
        >>> value = interpolated_bound(jnp.zeros((3, 3)), jnp.zeros(3), alpha=0.5)
        >>> bool(abs(value) < 1e-6)
        True
    """
    if not isinstance(alpha, jax.Array) and not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in [0, 1], got {alpha}")
    scores, log_baseline = validate_matrix_and_rows(
        scores, where, log_baseline=log_baseline
    )
    weights = row_weights(scores, where)
    alpha = jnp.asarray(alpha, scores.dtype)
    of_y = scores.T  # Row i holds every x as a candidate for y_i.
    log_a = _interpolate(
        _log_mean_exp_without_each(of_y, weights), log_baseline[:, None], alpha
    )
    pairs = weights[:, None] * other_rows(weights)
    joint = weighted_mean(jnp.diagonal(of_y)[:, None] - log_a, pairs)
    product = log_mean_exp(of_y - jnp.diagonal(log_a)[:, None], pairs)
    return 1 + joint - jnp.exp(product)


def flo_bound(
    scores: Float[Array, "n n"],
    log_inverse_ratio: Float[Array, " n"],
    where: Where = None,
) -> Float[Array, ""]:
    """FLO (Fenchel-Legendre), a lower bound of mutual information in nats.

    1 - mean_i [ u_i + exp(-u_i) mean_{j != i} exp(s_ij - s_ii) ].

    Source: Guo et al., "Tight mutual information estimation with contrastive
        Fenchel-Legendre optimization", NeurIPS 2022.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        log_inverse_ratio: u(x_i, y_i), the outputs of the auxiliary network, [N].
        where: mask or weights of rows, [N]; a masked row is no candidate either.

    Returns:
        The bound in nats; tight if T is the log ratio up to a function of x, and
        u = -log p(x, y) / (p(x) p(y)).

    Raises:
        ValueError: if the scores are not a square matrix, or log_inverse_ratio or the
            mask is not [N].

    Notes:
        Unbiased for fixed networks and any N. On a given batch the best u is
        log mean_{j != i} exp(s_ij - s_ii), which gives the value
        mean_i [ s_ii - log mean_{j != i} exp(s_ij) ]. Overflows if u is more than
        log(max) below that.

    Example:
        >>> float(flo_bound(jnp.zeros((3, 3)), jnp.zeros(3)))
        0.0
    """
    scores, u = validate_matrix_and_rows(
        scores, where, log_inverse_ratio=log_inverse_ratio
    )
    log_ratios = scores - jnp.diagonal(scores)[:, None]
    others = other_rows(row_weights(scores, where))
    log_mean_ratio = log_mean_exp(log_ratios, others, axis=1)
    return 1 - weighted_mean(u + jnp.exp(log_mean_ratio - u), where)


# Compiled as one operation: `jax_debug_infs` would stop at the -inf of absent terms.
@functools.partial(jax.jit, inline=True)
def _log_mean_exp_without_each(
    values: Float[Array, "n k"], weights: Float[Array, " k"]
) -> Float[Array, "n k"]:
    """For every k, the log of the mean of exp(values) over a row without entry k."""
    present = weights > 0
    log_weights = jnp.where(present, jnp.log(jnp.where(present, weights, 1)), -jnp.inf)
    terms = values + log_weights[None]
    total = jax.nn.logsumexp(terms, axis=1, keepdims=True)
    # Subtracting the largest term from the total would cancel, so sum the others.
    top = jnp.arange(terms.shape[1])[None] == jnp.argmax(terms, axis=1, keepdims=True)
    rest = jax.nn.logsumexp(jnp.where(top, -jnp.inf, terms), axis=1, keepdims=True)
    share = jnp.exp(jnp.where(top, -jnp.inf, terms - total))
    log_sums = jnp.where(top, rest, total + jnp.log1p(-share))
    return log_sums - jnp.log(jnp.sum(weights) - weights)[None]


# Compiled as one operation: at alpha 0 and 1 the logarithm of one weight is -inf.
@functools.partial(jax.jit, inline=True)
def _interpolate(log_a: Array, log_b: Array, alpha: Array) -> Array:
    """The log of alpha a + (1 - alpha) b."""
    return jnp.logaddexp(jnp.log(alpha) + log_a, jnp.log1p(-alpha) + log_b)
