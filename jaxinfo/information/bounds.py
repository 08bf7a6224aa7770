"""Bounds of mutual information that no split of scores can express.

Donsker-Varadhan, NWJ, MINE, SMILE and the f-family are bounds of any divergence: take
them from `jaxinfo.divergences` and hand them `split_scores(scores, pairing)`.
"""

import jax.numpy as jnp

from jaxinfo.core.checks import check_rank
from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float

__all__ = ["club_bound", "info_nce_bound"]


def info_nce_bound(
    scores: Float[Array, "n n"], where: Where = None
) -> Float[Array, ""]:
    """InfoNCE, a lower bound of mutual information in nats.

    mean_i [ s_ii - log mean_j exp(s_ij) ], with the positive among the N candidates.

    Source: van den Oord et al., "Representation learning with contrastive predictive
        coding", 2018, eq. 4; Poole et al., ICML 2019, eq. 12.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        where: mask or weights of rows, [N]; an absent row is absent as a candidate too.

    Returns:
        The bound in nats, at most log N.

    Raises:
        ValueError: where the scores are not a square matrix.

    Notes:
        Low variance, and biased down once the information nears log N.

    Example:
        >>> float(info_nce_bound(jnp.zeros((4, 4))))
        0.0
    """
    check_rank(2, scores=scores)
    if scores.shape[0] != scores.shape[1]:
        raise ValueError(f"scores must be a square matrix, got shape {scores.shape}")
    if where is not None:  # A masked row may hold NaN, which only a where stops.
        kept = jnp.asarray(where) > 0
        scores = jnp.where(kept[:, None] & kept, scores, 0)
    log_means = log_mean_exp(scores, where, axis=1)
    return weighted_mean(jnp.diagonal(scores) - log_means, where)


def club_bound(
    scores_p: Float[Array, " n"],
    scores_q: Float[Array, " m"],
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """CLUB, an upper bound of mutual information in nats where q is p(y | x).

    E_p[log q(y | x)] - E_q[log q(y | x)], scores being log-densities of y given x.

    Source: Cheng et al., "CLUB: a contrastive log-ratio upper bound of mutual
        information", ICML 2020, eq. 5 and section 3.2.

    Args:
        scores_p: log q(y | x) in nats on joint pairs, [N].
        scores_q: the same on product pairs, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats.

    Raises:
        ValueError: where either is not a vector.

    Notes:
        With a fitted q it bounds from above only as far as q is closer to p(x, y) than
        to the product. Train q by maximum likelihood, never by this value.
    """
    check_rank(1, scores_p=scores_p, scores_q=scores_q)
    return weighted_mean(scores_p, where_p) - weighted_mean(scores_q, where)
