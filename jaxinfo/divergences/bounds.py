"""Bounds of divergences from a critic's scores of samples of P and Q, in nats.

Every bound is a pure function of raw critic outputs on samples of P, [N], and of Q,
[M]. The last arguments are masks or weights, `where` for the scores of Q and `where_p`
for those of P. A masked entry may be NaN, and a weight of 2 counts a sample twice.
"""

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number
from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences import family
from jaxinfo.divergences.f_divergence import FDivergence
from jaxinfo.divergences.scores import (
    ScoresP,
    ScoresQ,
    validate_scores,
    validate_vector,
)

__all__ = [
    "SHIFT_OPTIMIZED",
    "donsker_varadhan_bound",
    "effective_sample_size",
    "f_divergence_bound",
    "logistic_bound",
    "nwj_bound",
    "renyi_donsker_varadhan_bound",
    "shift_optimized_bound",
    "smile_bound",
]

SHIFT_OPTIMIZED: tuple[FDivergence, ...] = (
    family.KL,
    family.REVERSE_KL,
    family.PEARSON,
    family.NEYMAN,
    family.SQUARED_HELLINGER,
    family.JEFFREYS,
)


def f_divergence_bound(
    divergence: FDivergence,
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """The f-GAN lower bound of an f-divergence in nats.

    E_p[g_f(v)] - E_q[f*(g_f(v))].

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, section 2.4.

    Args:
        divergence: an f-divergence; static.
        scores_p: raw critic outputs v on samples of P, [N].
        scores_q: the same on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats, [].

    Raises:
        ValueError: if scores are not vectors, or a mask has another shape.

    Notes:
        Unbiased for a fixed critic. Divergences with an exponential overflow at extreme
        scores; `shift_optimized_bound` is their bound in log space.

    Example:
        >>> zeros = jnp.zeros(3)
        >>> f_divergence_bound(family.JENSEN_SHANNON, zeros, zeros).item()
        0.0
    """
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    activated = weighted_mean(divergence.output_activation(scores_p), where_p)
    return activated - weighted_mean(
        divergence.conjugate_of_activation(scores_q), where
    )


def logistic_bound(
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """The bound of `JENSEN_SHANNON` in nats: 2 log 2 minus the logistic loss.

    2 log 2 - E_p[softplus(-v)] - E_q[softplus(v)], the value of the original GAN game
    plus log 4.

    Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, equation 1
        and theorem 1.

    Args:
        scores_p: raw critic outputs v, the logits of "from P", on samples of P, [N].
        scores_q: the same on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats, [], at most 2 log 2; tight if v = log(p / q).

    Raises:
        ValueError: if scores are not vectors, or a mask has another shape.

    Notes:
        `f_divergence_bound` of `JENSEN_SHANNON`, which is twice the usual
        Jensen-Shannon divergence. Finite for all finite scores. Each sample
        contributes a logarithm, so no single one can dominate the gradient.

    Example:
        >>> logistic_bound(jnp.zeros(3), jnp.zeros(3)).item()
        0.0
    """
    return f_divergence_bound(family.JENSEN_SHANNON, scores_p, scores_q, where, where_p)


def shift_optimized_bound(
    divergence: FDivergence,
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """The f-GAN bound at the best shift of the critic in nats, computed in log space.

    The supremum over c of the bound at v + c:
        KL                 E_p[v] - log E_q[e^v]                (Donsker-Varadhan)
        REVERSE_KL        -E_q[v] - log E_p[e^-v]
        SQUARED_HELLINGER  2 - 2 sqrt(E_p[e^-v] E_q[e^v])
        NEYMAN             E_q[e^(-v/2)]^2 / E_p[e^-v] - 1
        PEARSON            (E_p[v] - E_q[v])^2 / Var_q[v]       (over scales as well)
        JEFFREYS           those of KL and REVERSE_KL at L = log_ratio(v), added

    Source: Donsker and Varadhan, 1975 (KL); Hammersley, 1950, and Chapman and Robbins,
        1951 (Pearson); Birrell et al., "Optimizing variational representations of
        divergences", IEEE Trans. Inf. Theory 2022, for the principle.

    Args:
        divergence: one of `SHIFT_OPTIMIZED`; static.
        scores_p: raw critic outputs v on samples of P, [N].
        scores_q: the same on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats, []; at least `f_divergence_bound` on the same sample.

    Raises:
        ValueError: if the divergence has no such form, scores are not vectors, or a
            mask has another shape.

    Notes:
        Biased up on a finite sample, because the shift is fitted to it. For PEARSON
        the sign of v does not matter, the value is 0 if v does not vary under Q, and
        the supremum ignores the flat branch of f*: if v < -2 for some samples of Q,
        `f_divergence_bound` may be higher.
    """
    if divergence not in SHIFT_OPTIMIZED:
        known = ", ".join(member.name for member in SHIFT_OPTIMIZED)
        raise ValueError(
            f"divergence must be one with a shift-optimized form ({known}), "
            f"got {divergence.name}"
        )
    p, q = validate_scores(scores_p, scores_q, where, where_p)
    if divergence == family.PEARSON:
        return _hammersley_chapman_robbins(p, q, where, where_p)
    if divergence == family.SQUARED_HELLINGER:
        log_affinity = (log_mean_exp(-p, where_p) + log_mean_exp(q, where)) / 2
        return -2 * jnp.expm1(log_affinity)
    if divergence == family.NEYMAN:
        return jnp.expm1(2 * log_mean_exp(-q / 2, where) - log_mean_exp(-p, where_p))
    if divergence == family.JEFFREYS:
        p, q = divergence.log_ratio(p), divergence.log_ratio(q)
    forward = weighted_mean(p, where_p) - log_mean_exp(q, where)
    reverse = -weighted_mean(q, where) - log_mean_exp(-p, where_p)
    if divergence == family.JEFFREYS:
        return forward + reverse
    return forward if divergence == family.KL else reverse


def _hammersley_chapman_robbins(
    p: Array, q: Array, where: Where, where_p: Where
) -> Array:
    mean = weighted_mean(q, where)
    difference = weighted_mean(p, where_p) - mean
    variance = weighted_mean((q - mean) ** 2, where)
    varies = variance > 0
    return jnp.where(varies, difference**2 / jnp.where(varies, variance, 1), 0)


def donsker_varadhan_bound(
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """The Donsker-Varadhan lower bound of KL(P || Q) in nats.

    E_p[T] - log E_q[exp(T)].

    Source: Donsker and Varadhan, 1975; Belghazi et al., "MINE", ICML 2018, theorem 1.

    Args:
        scores_p: T on samples of P, [N].
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats, []; tight if T = log(p / q) plus any constant.

    Raises:
        ValueError: if scores are not vectors, or a mask has another shape.

    Notes:
        Biased up on a finite sample (Jensen's inequality), strongly if KL is near
        log M.

    Example:
        >>> donsker_varadhan_bound(jnp.ones(2), jnp.zeros(3)).item()
        1.0
    """
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    return weighted_mean(scores_p, where_p) - log_mean_exp(scores_q, where)


def nwj_bound(
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """NWJ (also MINE-f), a lower bound of KL(P || Q) in nats: the f-GAN bound of KL.

    E_p[T] - E_q[exp(T - 1)].

    Source: Nguyen, Wainwright and Jordan, "Estimating divergence functionals and the
        likelihood ratio by convex risk minimization", IEEE Trans. Inf. Theory 2010;
        Belghazi et al., "MINE", ICML 2018, section 2.

    Args:
        scores_p: T on samples of P, [N].
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The bound in nats, []; tight if T = 1 + log(p / q). It is at most
        `donsker_varadhan_bound`.

    Raises:
        ValueError: if scores are not vectors, or a mask has another shape.

    Notes:
        Unbiased for a fixed critic, with a variance of order exp(KL) / M. Overflows for
        T above log(max); `donsker_varadhan_bound` is the bound in log space.
    """
    return f_divergence_bound(family.KL, scores_p, scores_q, where, where_p)


def smile_bound(
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
    *,
    clip: float | Float[Array, ""] = 5.0,
) -> Float[Array, ""]:
    """SMILE, an estimate of KL(P || Q) in nats, neither a lower nor an upper bound.

    E_p[T] - log E_q[clip(exp(T), exp(-clip), exp(clip))].

    Source: Song and Ermon, "Understanding the limitations of variational mutual
        information estimators", ICLR 2020, section 4.

    Args:
        scores_p: T, an estimate of log(p / q), on samples of P, [N].
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].
        clip: the paper's tau, above 0; may be traced. At inf the value is
            `donsker_varadhan_bound`.

    Returns:
        The estimate in nats, [].

    Raises:
        ValueError: if scores are not vectors, a mask has another shape, or a static
            clip is not above 0.

    Notes:
        Only the partition term is clipped, which lowers its variance and biases the
        value up. Train T with `logistic_bound`: the gradient of this value is zero at
        scores of Q beyond the clip.
    """
    if not isinstance(clip, jax.Array) and not clip > 0:
        raise ValueError(f"clip must be positive, got {clip}")
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    clipped = jnp.clip(scores_q, -clip, clip).astype(scores_q.dtype)
    return weighted_mean(scores_p, where_p) - log_mean_exp(clipped, where)


def renyi_donsker_varadhan_bound(
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
    *,
    order: float | Float[Array, ""],
) -> Float[Array, ""]:
    """A lower bound of the Renyi divergence D_order(P || Q) in nats.

    order / (order - 1) log E_p[exp((order - 1) T)] - log E_q[exp(order T)].

    Source: Birrell et al., "Variational representations and neural network estimation
        of Renyi divergences", SIAM J. Math. Data Sci. 2021, multiplied by the order:
        the paper divides the usual Renyi divergence by it.

    Args:
        scores_p: T on samples of P, [N].
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].
        order: above 0, not 1; may be traced.

    Returns:
        The bound in nats, []; tight if T = log(p / q) plus any constant.

    Raises:
        ValueError: if scores are not vectors, a mask has another shape, or a static
            order is not above 0 or is 1.

    Notes:
        The limit at order 1 is `donsker_varadhan_bound`; a traced order of 1 gives NaN.
    """
    if not isinstance(order, jax.Array):
        check_finite_number(0.0, order=order)
        if order == 1:
            raise ValueError("order must not be 1: use donsker_varadhan_bound there")
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    order = jnp.asarray(order, scores_p.dtype)
    moment_p = log_mean_exp((order - 1) * scores_p, where_p)
    return order / (order - 1) * moment_p - log_mean_exp(order * scores_q, where)


def effective_sample_size(scores_q: ScoresQ, where: Where = None) -> Float[Array, ""]:
    """The effective number of samples of Q in the average of exp(T), without unit.

    (sum exp(T))^2 / sum exp(2 T).

    Source: Kong, Liu and Wong, "Sequential imputations and Bayesian missing data
        problems", J. Amer. Statist. Assoc. 1994.

    Args:
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M]; a weight of 2 counts a sample twice.

    Returns:
        A number between 1, if one sample dominates the average, and M, [].

    Raises:
        ValueError: if scores are not a vector, or the mask has another shape.

    Example:
        >>> effective_sample_size(jnp.zeros(4)).item()
        4.0
    """
    scores = validate_vector("scores_q", scores_q, "where", where)
    weights = jnp.ones_like(scores) if where is None else where
    weights = jnp.asarray(weights).astype(scores.dtype)
    # Relative to the largest score, so that no exponential overflows.
    largest = jnp.max(scores, where=weights > 0, initial=-jnp.inf)
    ratios = jnp.exp(jnp.minimum(scores - largest, 0))
    return jnp.sum(weights * ratios) ** 2 / jnp.sum(weights * ratios**2)
