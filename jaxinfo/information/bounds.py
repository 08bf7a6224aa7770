"""Bounds of mutual information that are not bounds of a general divergence.

Donsker-Varadhan, NWJ, MINE, SMILE and the bounds of f-divergences apply to any two
distributions and are in `jaxinfo.divergences`. For mutual information, call them with
`split_scores(scores, negatives)`.
"""

import functools

import jax
import jax.numpy as jnp

from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences.scores import validate_scores, validate_vector
from jaxinfo.information.score_matrices import (
    location_positives,
    other_rows,
    row_weights,
    validate_location_scores,
    validate_matrix,
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

    mean_i [ s_ii - log mean_j exp(s_ij) ]; the N candidates include the positive.

    Source: van den Oord et al., "Representation learning with contrastive predictive
        coding", 2018, eq. 4; Poole et al., ICML 2019, eq. 12.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N], positives on the diagonal.
        where: mask or weights of rows, [N]; a masked row is no candidate either.

    Returns:
        The bound in nats, at most log N.

    Raises:
        ValueError: if the scores are not a square matrix, or the mask is not [N].

    Notes:
        Low variance, but biased down if the information is near log N.

    Example:
        >>> float(info_nce_bound(jnp.zeros((4, 4))))
        0.0
    """
    scores = validate_matrix(scores, where)
    log_means = log_mean_exp(scores, where, axis=1)
    return weighted_mean(jnp.diagonal(scores) - log_means, where)


def local_info_nce_bound(
    scores: Float[Array, "n l n"], where: Where = None
) -> Float[Array, ""]:
    """InfoNCE between the locations of x and a whole y, a lower bound in nats.

    mean_{i, l} [ s_ili - log mean exp(c) ], where the inner mean is over the candidates
    c of y_i: s_ili itself, and s_kmi for every location m of every other row k.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, equations 5 and 8.

    Args:
        scores: s[i, l, j] = T(location l of x_i, y_j), [N, L, N].
        where: mask or weights of rows, [N]; a masked row is no candidate either.

    Returns:
        The bound of the information between y and a random location of x in nats, at
        most log(1 + (N - 1) L).

    Raises:
        ValueError: if the scores are not [N, L, N], or the mask is not [N].

    Notes:
        The other locations of a row are no candidates, because they are samples of the
        joint distribution. With one location the value is `info_nce_bound` of the
        transposed matrix.

    Example:
        >>> float(local_info_nce_bound(jnp.zeros((4, 9, 4))))
        0.0
    """
    scores = validate_location_scores(scores, where)
    weights = row_weights(scores, where)
    positives = location_positives(scores)
    others = jnp.broadcast_to(other_rows(weights).T[:, None], scores.shape)
    totals = _log_weighted_sum_exp(scores, others)
    own = jnp.where(weights > 0, weights, 1)  # Any positive number for a masked row.
    log_sums = jnp.logaddexp(positives + jnp.log(own)[:, None], totals[:, None])
    log_counts = jnp.log(own + jnp.sum(others, axis=(0, 1)))
    return weighted_mean(positives - log_sums + log_counts[:, None], weights[:, None])


# Compiled as one operation: `jax_debug_infs` would stop at the -inf of absent terms.
@functools.partial(jax.jit, inline=True)
def _log_weighted_sum_exp(
    scores: Float[Array, "n l n"], weights: Float[Array, "n l n"]
) -> Float[Array, " n"]:
    return jax.nn.logsumexp(scores, axis=(0, 1), b=weights, where=weights > 0)


def leave_one_out_bound(
    scores: Float[Array, "n n"], where: Where = None
) -> Float[Array, ""]:
    """Leave-one-out, an upper bound of mutual information in nats if q is p(y | x).

    mean_i [ s_ii - log mean_{j != i} exp(s_ji) ], where s_ij = log q(y_j | x_i). The
    conditionals of the other rows approximate the marginal of y.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019,
        section 2.2, the Monte Carlo form of the upper bound.

    Args:
        scores: s[i, j] = log q(y_j | x_i) in nats, [N, N].
        where: mask or weights of rows, [N]; a masked row is no candidate either.

    Returns:
        The bound in nats.

    Raises:
        ValueError: if the scores are not a square matrix, or the mask is not [N].

    Notes:
        Exceeds the information by about half the relative variance of the mean over
        N - 1 rows. A fitted q makes it an approximate bound, only as good as the fit:
        train q by maximum likelihood, not by this value. InfoNCE of the transposed
        scores is at most 1 - 1 / N times this value.

    Example:
        >>> float(leave_one_out_bound(jnp.zeros((4, 4))))
        0.0
    """
    scores = validate_matrix(scores, where)
    others = other_rows(row_weights(scores, where))
    log_marginal = log_mean_exp(scores.T, others, axis=1)
    return weighted_mean(jnp.diagonal(scores) - log_marginal, where)


def club_bound(
    scores_p: Float[Array, " n"],
    scores_q: Float[Array, " m"],
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """CLUB, an upper bound of mutual information in nats if q is p(y | x).

    E_p[log q(y | x)] - E_q[log q(y | x)]; the scores are log-densities of y given x.

    Source: Cheng et al., "CLUB: a contrastive log-ratio upper bound of mutual
        information", ICML 2020, eq. 5 and section 3.2.

    Args:
        scores_p: log q(y | x) in nats on joint pairs, [N].
        scores_q: the same on negatives, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats.

    Raises:
        ValueError: if scores are not vectors, or a mask has another shape.

    Notes:
        With a fitted q it is an upper bound only if q(y | x) p(x) is closer to p(x, y)
        than to p(x) p(y). Train q by maximum likelihood, not by this value.

    Example:
        >>> float(club_bound(jnp.array([-1.0]), jnp.array([-1.5])))
        0.5
    """
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    return weighted_mean(scores_p, where_p) - weighted_mean(scores_q, where)


def difference_of_entropies(
    log_conditional: Float[Array, " n"],
    log_marginal: Float[Array, " n"],
    where: Where = None,
) -> Float[Array, ""]:
    """The difference of entropies, an estimate of mutual information in nats.

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
        ValueError: if either is not a vector, or shapes differ.

    Notes:
        Neither a lower nor an upper bound: each cross entropy bounds its entropy from
        above, so the error may have either sign. It need not grow with the
        information. Train both densities by maximum likelihood, because maximizing
        this value would make q(y) worse.

    Example:
        >>> float(difference_of_entropies(jnp.array([-1.0]), jnp.array([-1.5])))
        0.5
    """
    log_conditional = validate_vector(
        "log_conditional", log_conditional, "where", where
    )
    log_marginal = validate_vector("log_marginal", log_marginal, "where", where)
    if log_conditional.shape != log_marginal.shape:
        raise ValueError(
            f"log_marginal must have the shape {log_conditional.shape} of "
            f"log_conditional, got {log_marginal.shape}"
        )
    return weighted_mean(log_conditional - log_marginal, where)
