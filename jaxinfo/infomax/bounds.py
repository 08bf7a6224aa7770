"""Bounds of the information between local features and representations.

Features are [N, L, C]: C numbers at each of L locations of N inputs. Representations
are [N, D]. A location and the representation of its own input are a positive pair; a
location and the representation of another input are a negative pair.
"""

import functools
from collections.abc import Callable

import jax.numpy as jnp

from jaxinfo.core.checks import check_one_of, check_rank
from jaxinfo.core.types import Array, Critic, Float, PyTree
from jaxinfo.divergences import (
    DIVERGENCES,
    FDivergence,
    donsker_varadhan_bound,
    f_divergence_bound,
    nwj_bound,
)
from jaxinfo.information import local_info_nce_bound, pairwise_scores
from jaxinfo.information.score_matrices import (
    location_positives,
    validate_location_scores,
)

__all__ = [
    "BOUNDS",
    "PAIR_BOUNDS",
    "LocalBound",
    "PairBound",
    "find_bound",
    "find_pair_bound",
    "local_scores",
    "pair_bound",
]

LocalBound = Callable[[Float[Array, "n l n"]], Float[Array, ""]]
PairBound = Callable[..., Float[Array, ""]]


def local_scores(
    critic: Critic,
    params: PyTree,
    features: Float[Array, "n l c"],
    representations: Float[Array, "n d"],
) -> Float[Array, "n l n"]:
    """Scores every location of every input with every representation.

    Args:
        critic: a critic of features and representations. Without a fast `pairwise`, it
            is applied to a few pairs at a time, so that memory stays bounded, in the
            gradient too.
        params: the critic's parameters.
        features: local features, [N, L, C].
        representations: [N, D].

    Returns:
        s[i, l, j] = T(location l of input i, representation j), [N, L, N].

    Raises:
        ValueError: if the shapes do not match.
    """
    check_rank(3, features=features)
    check_rank(2, representations=representations)
    if len(features) != len(representations):
        raise ValueError(
            f"representations must have the {len(features)} rows of features, got "
            f"{len(representations)}"
        )
    rows = features.reshape(-1, features.shape[2])
    scores = pairwise_scores(critic, params, rows, representations)
    return scores.reshape(*features.shape[:2], len(representations))


def pair_bound(bound: PairBound, scores: Float[Array, "n l n"]) -> Float[Array, ""]:
    """Applies a bound of scores of P and Q to all positive and negative pairs, nats.

    The result is a bound of the information between the representation and a location
    drawn at random.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, equations 4, 6 and 8.

    Args:
        bound: `bound(scores_p [NL], scores_q [M], where=mask [M]) -> []`.
        scores: s[i, l, j] = T(location l of input i, representation j), [N, L, N].

    Returns:
        The bound, [].

    Raises:
        ValueError: if the shape of the scores is not [N, L, N].

    Notes:
        A log-mean-exp is taken over the negative pairs of all locations together.
    """
    scores = validate_location_scores(scores, None)
    is_positive = jnp.eye(len(scores), dtype=bool)[:, None]
    scores_p = location_positives(scores)
    is_negative = jnp.broadcast_to(~is_positive, scores.shape)
    return bound(scores_p.ravel(), scores.ravel(), where=is_negative.ravel())


def _f_divergence_bound(divergence: FDivergence) -> PairBound:
    return functools.partial(f_divergence_bound, divergence)


# `bound(scores_p, scores_q, where=None)` of the scores of P and of Q.
PAIR_BOUNDS: dict[str, PairBound] = {
    "donsker_varadhan": donsker_varadhan_bound,
    "jensen_shannon": _f_divergence_bound(DIVERGENCES["JENSEN_SHANNON"]),
    "nwj": nwj_bound,
    **{name: _f_divergence_bound(each) for name, each in DIVERGENCES.items()},
}
# `bound(scores)` of scores [N, L, N].
BOUNDS: dict[str, LocalBound] = {
    "info_nce": local_info_nce_bound,
    **{
        name: functools.partial(pair_bound, bound)
        for name, bound in PAIR_BOUNDS.items()
    },
}


def find_pair_bound(bound: str | FDivergence | PairBound) -> PairBound:
    """Returns a bound of scores of P and Q from its name.

    Args:
        bound: a key of `PAIR_BOUNDS`, a member of the f-family, or a function of both
            scores, which is returned unchanged.

    Returns:
        `bound(scores_p, scores_q, where=None) -> []`, to be maximized.

    Raises:
        ValueError: if the name is unknown.
    """
    if isinstance(bound, FDivergence):
        return _f_divergence_bound(bound)
    if callable(bound):
        return bound
    check_one_of(PAIR_BOUNDS, bound=bound)
    return PAIR_BOUNDS[bound]


def find_bound(bound: str | FDivergence | LocalBound) -> LocalBound:
    """Returns a bound of scores [N, L, N] from its name.

    Args:
        bound: a key of `BOUNDS`, a member of the f-family, or a function of the scores,
            which is returned unchanged.

    Returns:
        `bound(scores) -> []`, to be maximized.

    Raises:
        ValueError: if the name is unknown.
    """
    if isinstance(bound, FDivergence):
        return functools.partial(pair_bound, _f_divergence_bound(bound))
    if callable(bound):
        return bound
    check_one_of(BOUNDS, bound=bound)
    return BOUNDS[bound]
