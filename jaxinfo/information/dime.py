"""f-DIME: trained on the bound of one divergence, read out as information.

The paper's discriminators D are maps of a raw score v; they stand for members of the
f-family, whose conjugates this module borrows.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from jaxinfo.core.checks import check_one_of
from jaxinfo.core.numerics import Where, log_softplus, weighted_mean
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences import family
from jaxinfo.divergences.bounds import f_divergence_bound
from jaxinfo.divergences.fdivergence import FDivergence
from jaxinfo.divergences.scores import ScoresP, ScoresQ, admit, admit_both

__all__ = ["DIME", "Dime", "dime_log_ratio", "dime_objective", "dime_read_out"]


class Dime(NamedTuple):
    """One of the paper's three.

    Attributes:
        divergence: the member of the f-family that it trains on.
        raw: the member's own raw critic output, from the paper's.
    """

    divergence: FDivergence
    raw: Callable[[Array], Array]


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
    """What f-DIME maximizes: a lower bound of the member's divergence, nats.

    kl_dime    E_p[log D] - E_q[D] + 1                  D = softplus(v)
    hd_dime    2 - E_p[D] - E_q[1 / D]                  D = softplus(v)
    gan_dime   E_p[log(1 - D)] + E_q[log D] + log 4     D = sigmoid(v)

    Source: Letizia et al., "Mutual information estimation via f-divergence and data
        derangements", NeurIPS 2024, section 4.

    Args:
        name: one of `DIME`; static.
        scores_p: raw critic outputs v on joint pairs, [N].
        scores_q: the same on product pairs, [M]; a derangement, see
            `sample_derangement`, never a plain permutation.
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The objective in nats; the information is `dime_read_out`.

    Raises:
        ValueError: where the name is unknown, scores are not vectors or masks not of
            their shape.

    Notes:
        Unbiased for a fixed critic. kl_dime's is NWJ at T = 1 + log D; 1 / D of hd_dime
        overflows for v below -log(max).
    """
    check_one_of(DIME, name=name)
    scores_p, scores_q = admit_both(scores_p, scores_q, where, where_p)
    divergence, raw = DIME[name]
    return f_divergence_bound(divergence, raw(scores_p), raw(scores_q), where, where_p)


def dime_log_ratio(name: str, scores: Float[Array, " n"]) -> Float[Array, " n"]:
    """The pointwise information that raw f-DIME scores stand for, nats.

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
        ValueError: where the name is unknown.
    """
    check_one_of(DIME, name=name)
    divergence, raw = DIME[name]
    return divergence.log_ratio(raw(scores))


def dime_read_out(
    name: str, scores_p: ScoresP, where_p: Where = None
) -> Float[Array, ""]:
    """f-DIME's estimate of mutual information in nats, a bound in neither direction.

    E_p[log (f*)'(T)]: the mean of `dime_log_ratio` on joint pairs.

    Source: Letizia et al., NeurIPS 2024, section 4.

    Args:
        name: one of `DIME`; static.
        scores_p: raw critic outputs v on joint pairs, [N].
        where_p: mask or weights of scores_p, [N].

    Returns:
        The estimate in nats.

    Raises:
        ValueError: where the name is unknown, scores are not a vector or the mask not
            of its shape.

    Notes:
        No average of exponentials, so low variance; nothing holds down a critic that
        errs, so it may lie above the information. Maximizing it teaches nothing.

    Example:
        >>> float(dime_read_out("gan_dime", jnp.zeros(3)))
        0.0
    """
    scores_p = admit("scores_p", scores_p, "where_p", where_p)
    return weighted_mean(dime_log_ratio(name, scores_p), where_p)
