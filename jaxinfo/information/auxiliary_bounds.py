"""Bounds of mutual information that train a second network beside the critic.

The auxiliary gives one number for each joint pair: the log of a baseline a(y), or the
pointwise information itself.
"""

import jax
import jax.numpy as jnp

from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.information.matrices import admit_rows, other_rows, row_weights

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
        log_baseline: log a(y_i), of any positive function of y alone, [N].
        where: mask or weights of rows, [N].

    Returns:
        The bound in nats; tight where T - log a = log p(x, y) / (p(x) p(y)).

    Raises:
        ValueError: where the scores are not a square matrix, or log_baseline or the
            mask not of its rows.

    Notes:
        Unbiased for fixed networks; a = e is NWJ, whose variance it shares. Overflows
        where T - log a passes log(max) off the diagonal.

    Example:
        >>> float(tuba_bound(jnp.zeros((3, 3)), jnp.zeros(3)))
        0.0
    """
    scores, log_baseline = admit_rows(scores, where, log_baseline=log_baseline)
    weights = row_weights(scores, where)
    log_ratios = scores - log_baseline
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

    1 + mean_{i != j} [ s_ii - log a_ij ] - mean_{i != j} exp(s_ji - log a_ii), with
    the baseline of y_i that leaves out row j,
    a_ij = alpha mean_{k != j} exp(s_ki) + (1 - alpha) q(y_i).

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019,
        section 2.3, I_alpha.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        log_baseline: log q(y_i), of any positive function of y alone, [N].
        where: mask or weights of rows, [N]; an absent row is absent as a candidate too.
        alpha: share of the candidates' mean in the baseline, in [0, 1]; may be traced.

    Returns:
        The bound in nats. At alpha 0 it is TUBA; at alpha 1 InfoNCE with the rows of x
        as candidates, N - 1 of them, averaged over which row is left out.

    Raises:
        ValueError: where the scores are not a square matrix, log_baseline or the mask
            not of its rows, or a static alpha not in [0, 1].

    Notes:
        Small alpha: high variance, high ceiling. The mean of s_ii - log a is at most
        log(N / alpha), the paper's ceiling, about which the bound flattens; 1 more is
        the most that any networks can reach.

    Example:
        >>> value = interpolated_bound(jnp.zeros((3, 3)), jnp.zeros(3), alpha=0.5)
        >>> bool(abs(value) < 1e-6)
        True
    """
    if not isinstance(alpha, jax.Array) and not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in [0, 1], got {alpha}")
    scores, log_baseline = admit_rows(scores, where, log_baseline=log_baseline)
    weights = row_weights(scores, where)
    alpha = jnp.asarray(alpha, scores.dtype)
    of_y = scores.T  # Row i: every x as a candidate for y_i.
    log_a = jnp.logaddexp(
        jnp.log(alpha) + _log_mean_exp_without_each(of_y, weights),
        jnp.log1p(-alpha) + log_baseline[:, None],
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
    """FLO, a lower bound of mutual information in nats (Fenchel-Legendre).

    1 - mean_i [ u_i + exp(-u_i) mean_{j != i} exp(s_ij - s_ii) ].

    Source: Guo et al., "Tight mutual information estimation with contrastive
        Fenchel-Legendre optimization", NeurIPS 2022.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        log_inverse_ratio: u(x_i, y_i), free in both, [N].
        where: mask or weights of rows, [N]; an absent row is absent as a candidate too.

    Returns:
        The bound in nats; tight where T is the log ratio up to a function of x and
        u = -log p(x, y) / (p(x) p(y)).

    Raises:
        ValueError: where the scores are not a square matrix, or log_inverse_ratio or
            the mask not of its rows.

    Notes:
        Unbiased for fixed networks, whatever N. The best u for the rows at hand is the
        log of their mean ratio, where the value is mean_i [ s_ii - log mean_{j != i}
        exp(s_ij) ]; it overflows where u is below that log by more than log(max).

    Example:
        >>> float(flo_bound(jnp.zeros((3, 3)), jnp.zeros(3)))
        0.0
    """
    scores, u = admit_rows(scores, where, log_inverse_ratio=log_inverse_ratio)
    ratios = scores - jnp.diagonal(scores)[:, None]
    others = other_rows(row_weights(scores, where))
    log_mean_ratio = log_mean_exp(ratios, others, axis=1)
    return 1 - weighted_mean(u + jnp.exp(log_mean_ratio - u), where)


def _log_mean_exp_without_each(
    values: Float[Array, "n k"], weights: Float[Array, " k"]
) -> Float[Array, "n k"]:
    """log of the mean of exp(values) over each row, entry k left out, for every k."""
    present = weights > 0
    log_weights = jnp.where(present, jnp.log(jnp.where(present, weights, 1)), -jnp.inf)
    terms = values + log_weights
    total = jax.nn.logsumexp(terms, axis=1, keepdims=True)
    # Taking the largest term off the total would cancel: the rest is summed afresh.
    top = jnp.arange(terms.shape[1]) == jnp.argmax(terms, axis=1, keepdims=True)
    rest = jax.nn.logsumexp(jnp.where(top, -jnp.inf, terms), axis=1, keepdims=True)
    share = jnp.exp(jnp.where(top, -jnp.inf, terms - total))
    log_sums = jnp.where(top, rest, total + jnp.log1p(-share))
    return log_sums - jnp.log(jnp.sum(weights) - weights)
