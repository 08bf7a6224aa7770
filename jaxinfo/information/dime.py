"""f-DIME: train on the bound of a divergence, estimate mutual information from it.

The paper's discriminators D are functions of a raw score v. Each corresponds to an
f-divergence of `jaxinfo.divergences`, whose equations are used here.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from jaxinfo.core.checks import check_one_of
from jaxinfo.core.display import short_repr
from jaxinfo.core.numerics import Where, log_softplus, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences import family
from jaxinfo.divergences.bounds import f_divergence_bound
from jaxinfo.divergences.f_divergence import FDivergence
from jaxinfo.divergences.scores import (
    ScoresP,
    ScoresQ,
    validate_scores,
    validate_vector,
)

__all__ = ["DIME", "Dime", "dime_estimate", "dime_log_ratio", "dime_objective"]


class Dime(NamedTuple):
    """One of the paper's three estimators.

    Attributes:
        divergence: the f-divergence whose bound is the objective.
        raw: maps the paper's raw score to the raw critic output of `divergence`.
    """

    divergence: FDivergence
    raw: Callable[[Array], Array]

    __repr__ = short_repr


DIME: dict[str, Dime] = {
    "kl_dime": Dime(family.KL, lambda v: 1 + log_softplus(v)),
    "hd_dime": Dime(family.SQUARED_HELLINGER, lambda v: -log_softplus(v)),
    "gan_dime": Dime(family.JENSEN_SHANNON, jnp.negative),
}


def dime_objective(
    name: str,
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
) -> Float[Array, ""]:
    """The objective of f-DIME to maximize, a lower bound of a divergence in nats.

    kl_dime    E_p[log D] - E_q[D] + 1                  D = softplus(v)
    hd_dime    2 - E_p[D] - E_q[1 / D]                  D = softplus(v)
    gan_dime   E_p[log(1 - D)] + E_q[log D] + log 4     D = sigmoid(v)

    Source: Letizia et al., "Mutual information estimation via f-divergence and data
        derangements", NeurIPS 2024, section 4.

    Args:
        name: one of `DIME`; static.
        scores_p: raw critic outputs v on joint pairs, [N].
        scores_q: the same on negatives, [M]; from `sample_derangement` and not from a
            plain permutation, which may contain joint pairs.
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The objective in nats; `dime_estimate` estimates the information.

    Raises:
        ValueError: if the name is unknown, scores are not vectors, or a mask has
            another shape.

    Notes:
        Unbiased for a fixed critic. The objective of kl_dime is NWJ at T = 1 + log D.
        In hd_dime, 1 / D overflows for v below -log(max).
    """
    check_one_of(DIME, name=name)
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    divergence, raw = DIME[name]
    return f_divergence_bound(divergence, raw(scores_p), raw(scores_q), where, where_p)


def dime_log_ratio(name: str, scores: Float[Array, " n"]) -> Float[Array, " n"]:
    """The pointwise information that raw f-DIME scores imply, nats.

    kl_dime    log D
    hd_dime    log 1 / D^2
    gan_dime   log (1 - D) / D

    Source: Letizia et al., NeurIPS 2024, section 4: log (f*)'(T).

    Args:
        name: one of `DIME`; static.
        scores: raw critic outputs v, [N].

    Returns:
        log p(x, y) / (p(x) p(y)) in nats, [N].

    Raises:
        ValueError: if the name is unknown.
    """
    check_one_of(DIME, name=name)
    divergence, raw = DIME[name]
    return divergence.log_ratio(raw(scores))


def dime_estimate(
    name: str, scores_p: ScoresP, where_p: Where = None
) -> Float[Array, ""]:
    """f-DIME's estimate of mutual information in nats.

    E_p[log (f*)'(T)]: the mean of `dime_log_ratio` on joint pairs.

    Source: Letizia et al., NeurIPS 2024, section 4.

    Args:
        name: one of `DIME`; static.
        scores_p: raw critic outputs v on joint pairs, [N].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The estimate in nats.

    Raises:
        ValueError: if the name is unknown, scores are not a vector, or the mask has
            another shape.

    Notes:
        Neither a lower nor an upper bound. It averages no exponentials, so its variance
        is low. It uses no negatives, so a wrong critic may give a value above the
        information: train on `dime_objective`.

    Example:
        >>> float(dime_estimate("gan_dime", jnp.zeros(3)))
        0.0
    """
    scores_p = validate_vector("scores_p", scores_p, "where_p", where_p)
    return weighted_mean(dime_log_ratio(name, scores_p), where_p)
