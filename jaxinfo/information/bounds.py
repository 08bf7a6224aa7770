"""Bounds of mutual information that no split of scores can express.

Donsker-Varadhan, NWJ, MINE, SMILE and the f-family are bounds of any divergence: take
them from `jaxinfo.divergences` and hand them `split_scores(scores, negatives)`.
"""

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_rank
from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences.scores import admit
from jaxinfo.information.matrices import (
    admit_matrix,
    check_location_scores,
    location_positives,
    other_rows,
    row_weights,
)

__all__ = [
    "club_bound",
    "difference_of_entropies",
    "info_nce_bound",
    "leave_one_out_bound",
    "local_info_nce_bound",
]


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
    scores = admit_matrix(scores, where)
    log_means = log_mean_exp(scores, where, axis=1)
    return weighted_mean(jnp.diagonal(scores) - log_means, where)


def local_info_nce_bound(
    scores: Float[Array, "n l n"], where: Where = None
) -> Float[Array, ""]:
    """InfoNCE of locations of x against a whole y, a lower bound in nats.

    mean_{i, l} [ s_ili - log mean exp(c) ], the inner mean over the candidates c of
    y_i: s_ili itself and s_kmi of every location m of every other row k.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, equations 5 and 8.

    Args:
        scores: s[i, l, j] = T(location l of x_i, y_j), [N, L, N].
        where: mask or weights of rows, [N]; an absent row is absent as a candidate too.

    Returns:
        The bound of the information between y and a location of x drawn at random, in
        nats, at most log(1 + (N - 1) L).

    Raises:
        ValueError: where the scores are not N x L x N.

    Notes:
        A row's other locations are no candidates: they are samples of the joint law.
        With one location it is `info_nce_bound` of the transposed matrix.

    Example:
        >>> float(local_info_nce_bound(jnp.zeros((4, 9, 4))))
        0.0
    """
    scores = check_location_scores(scores, where)
    weights = row_weights(scores, where)
    positives = location_positives(scores)
    others = jnp.broadcast_to(other_rows(weights).T[:, None], scores.shape)
    totals = jax.nn.logsumexp(scores, axis=(0, 1), b=others, where=others > 0)
    own = jnp.where(weights > 0, weights, 1)  # Of an absent row any number will do.
    log_sums = jnp.logaddexp(positives + jnp.log(own)[:, None], totals[:, None])
    log_counts = jnp.log(own + jnp.sum(others, axis=(0, 1)))
    return weighted_mean(positives - log_sums + log_counts[:, None], weights[:, None])


def leave_one_out_bound(
    scores: Float[Array, "n n"], where: Where = None
) -> Float[Array, ""]:
    """Leave-one-out, an upper bound of mutual information in nats where q is p(y | x).

    mean_i [ s_ii - log mean_{j != i} exp(s_ji) ], scores being log q(y_j | x_i) at
    [i, j]: the other rows' conditionals stand for the marginal of y.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019,
        section 2.2, the Monte Carlo form of the upper bound.

    Args:
        scores: s[i, j] = log q(y_j | x_i) in nats, [N, N].
        where: mask or weights of rows, [N]; an absent row is absent as a candidate too.

    Returns:
        The bound in nats.

    Raises:
        ValueError: where the scores are not a square matrix or the mask not of its
            rows.

    Notes:
        Above the information by half the relative variance of the mean over N - 1
        rows, for few of them; with a fitted q it bounds only as far as q fits. Train q
        by maximum likelihood, never by this value. On the same scores, transposed,
        InfoNCE is at most 1 - 1 / N of it.

    Example:
        >>> float(leave_one_out_bound(jnp.zeros((4, 4))))
        0.0
    """
    scores = admit_matrix(scores, where)
    others = other_rows(row_weights(scores, where))
    log_marginal = log_mean_exp(scores.T, others, axis=1)
    return weighted_mean(jnp.diagonal(scores) - log_marginal, where)


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


def difference_of_entropies(
    log_conditional: Float[Array, " n"],
    log_marginal: Float[Array, " n"],
    where: Where = None,
) -> Float[Array, ""]:
    """Difference of entropies, an estimate of mutual information in nats, no bound.

    H_q(Y) - H_q(Y | X) = E[log q(y | x)] - E[log q(y)], over joint pairs.

    Source: McAllester and Stratos, "Formal limitations on the measurement of mutual
        information", AISTATS 2020, section 5.

    Args:
        log_conditional: log q(y_i | x_i) in nats, [N].
        log_marginal: log q(y_i) in nats, [N].
        where: mask or weights of rows, [N].

    Returns:
        The estimate in nats.

    Raises:
        ValueError: where either is not a vector, or shapes differ.

    Notes:
        Each cross entropy bounds its entropy from above, so the error may have either
        sign, and it need not grow with the information. Train both densities by
        maximum likelihood: maximizing this value would spoil q(y).

    Example:
        >>> float(difference_of_entropies(jnp.array([-1.0]), jnp.array([-1.5])))
        0.5
    """
    log_conditional = admit("log_conditional", log_conditional, "where", where)
    log_marginal = admit("log_marginal", log_marginal, "where", where)
    if log_conditional.shape != log_marginal.shape:
        raise ValueError(
            f"log_marginal must have the shape {log_conditional.shape} of "
            f"log_conditional, got {log_marginal.shape}"
        )
    return weighted_mean(log_conditional - log_marginal, where)
