"""The terms of Deep InfoMax, of local features and codes: images or graphs gave them.

Features are [N, L, C], C numbers at each of L locations of N inputs, and codes [N, D].
Locations of an input are joint samples with its own code, and product samples with the
codes of all other inputs.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_one_of, check_rank
from jaxinfo.core.types import Array, Critic, Float, Int, Key, Network, PyTree
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
    "coordinate_loss",
    "displacement_loss",
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
    codes: Float[Array, "n d"],
) -> Float[Array, "n l n"]:
    """The score of every location of every input with every code.

    Args:
        critic: of a feature and a code; without a fast `pairwise` it is applied to so
            many pairs at a time that memory stays bounded, in the gradient too.
        params: its parameters.
        features: of the locations, [N, L, C].
        codes: [N, D].

    Returns:
        s[i, l, j] = T(location l of input i, code j).

    Raises:
        ValueError: where the shapes do not fit.
    """
    check_rank(3, features=features)
    check_rank(2, codes=codes)
    if len(features) != len(codes):
        raise ValueError(
            f"codes must have the {len(features)} rows of features, got {len(codes)}"
        )
    rows = features.reshape(-1, features.shape[2])
    scores = pairwise_scores(critic, params, rows, codes)
    return scores.reshape(*features.shape[:2], len(codes))


# Bounds ----------------------------------------------------------------------------


def pair_bound(bound: PairBound, scores: Float[Array, "n l n"]) -> Float[Array, ""]:
    """A bound of scores of P and of Q, of all joint and all product pairs, nats.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, equations 4, 6 and 8.

    Args:
        bound: `bound(scores_p [NL], scores_q [M], where=mask [M]) -> []`.
        scores: s[i, l, j] = T(location l of input i, code j), [N, L, N].

    Returns:
        The bound of the information between the code and a location drawn at random.

    Raises:
        ValueError: where the scores are not N x L x N.

    Notes:
        A log-mean-exp is taken over the product pairs of all locations together.
    """
    scores = validate_location_scores(scores, None)
    own = jnp.eye(len(scores), dtype=bool)[:, None]
    scores_p = location_positives(scores)
    others = jnp.broadcast_to(~own, scores.shape)
    return bound(scores_p.ravel(), scores.ravel(), where=others.ravel())


def _of_member(member: FDivergence) -> PairBound:
    return functools.partial(f_divergence_bound, member)


# Of scores of P and of scores of Q, `bound(scores_p, scores_q, where=None)`.
PAIR_BOUNDS: dict[str, PairBound] = {
    "donsker_varadhan": donsker_varadhan_bound,
    "jensen_shannon": _of_member(DIVERGENCES["JENSEN_SHANNON"]),
    "nwj": nwj_bound,
    **{name: _of_member(member) for name, member in DIVERGENCES.items()},
}
BOUNDS: dict[str, LocalBound] = {
    "info_nce": local_info_nce_bound,
    **{
        name: functools.partial(pair_bound, bound)
        for name, bound in PAIR_BOUNDS.items()
    },
}


def find_pair_bound(bound: str | FDivergence | PairBound) -> PairBound:
    """A bound of scores of P and of Q by its name.

    Args:
        bound: a key of `PAIR_BOUNDS`, a member of the f-family, or a function of both
            scores, which is given back.

    Returns:
        `bound(scores_p, scores_q, where=None) -> []`, to be maximized.

    Raises:
        ValueError: where the name is not known.
    """
    if isinstance(bound, FDivergence):
        return _of_member(bound)
    if callable(bound):
        return bound
    check_one_of(PAIR_BOUNDS, bound=bound)
    return PAIR_BOUNDS[bound]


def find_bound(bound: str | FDivergence | LocalBound) -> LocalBound:
    """A bound of scores [N, L, N] by its name.

    Args:
        bound: a key of `BOUNDS`, a member of the f-family, or a function of the scores,
            which is given back.

    Returns:
        `bound(scores) -> []`, to be maximized.

    Raises:
        ValueError: where the name is not known.
    """
    if isinstance(bound, FDivergence):
        return functools.partial(pair_bound, _of_member(bound))
    if callable(bound):
        return bound
    check_one_of(BOUNDS, bound=bound)
    return BOUNDS[bound]


# Tasks of place --------------------------------------------------------------------


def coordinate_loss(
    network: Network,
    params: PyTree,
    features: Float[Array, "n h w c"],
    codes: Float[Array, "n d"],
) -> Float[Array, ""]:
    """Cross-entropy of a location's row and column, metrics from its feature and the code.

    -E[log p(row | c_ij, y) + log p(column | c_ij, y)].

    Source: Hjelm et al., ICLR 2019, section 4.3, "predicting the location".

    Args:
        network: `apply(params, [M, C + D]) -> [M, H + W]`, unnormalized log-odds of
            the rows, then of the columns.
        params: its parameters.
        features: on a grid, [N, H, W, C].
        codes: [N, D].

    Returns:
        The mean over locations and inputs, nats.
    """
    height, width = features.shape[1:3]
    sizes = (height, width)
    rows, columns = _grid(sizes)
    inputs = _beside(features, codes)
    return _two_cross_entropies(network, params, inputs, sizes, rows, columns)


def displacement_loss(
    key: Key[Array, ""],
    network: Network,
    params: PyTree,
    features: Float[Array, "n h w c"],
    codes: Float[Array, "n d"],
) -> Float[Array, ""]:
    """Cross-entropy of the displacement between two locations of the same input.

    -E[log p(row - row' | c, c', y) + log p(column - column' | c, c', y)], the second
    location of each by a random permutation of the grid, one for all inputs.

    Source: Hjelm et al., ICLR 2019, section 4.3, "relative coordinates".

    Args:
        key: random key.
        network: `apply(params, [M, 2 C + D]) -> [M, 2 H - 1 + 2 W - 1]`, unnormalized
            log-odds of the displacements from -(H - 1) to H - 1, then across.
        params: its parameters.
        features: on a grid, [N, H, W, C].
        codes: [N, D].

    Returns:
        The mean over locations and inputs, nats.
    """
    n, height, width, channels = features.shape
    partner = jax.random.permutation(key, height * width)
    flat = features.reshape(n, -1, channels)
    both = jnp.concatenate([flat, flat[:, partner]], axis=2)
    rows, columns = (
        place - place[partner] + size - 1
        for place, size in zip(_grid((height, width)), (height, width), strict=True)
    )
    inputs = _beside(both.reshape(n, height, width, -1), codes)
    sizes = (2 * height - 1, 2 * width - 1)
    return _two_cross_entropies(network, params, inputs, sizes, rows, columns)


def _grid(sizes: tuple[int, int]) -> tuple[Int[Array, " l"], Int[Array, " l"]]:
    rows, columns = jnp.indices(sizes)
    return rows.ravel(), columns.ravel()


def _beside(features: Array, codes: Array) -> Float[Array, "n l k"]:
    """Every location's feature with its input's code behind it."""
    flat = features.reshape(len(features), -1, features.shape[-1])
    tiled = jnp.broadcast_to(codes[:, None], (*flat.shape[:2], codes.shape[1]))
    return jnp.concatenate([flat, tiled], axis=2)


def _two_cross_entropies(
    network: Network,
    params: PyTree,
    inputs: Float[Array, "n l k"],
    sizes: tuple[int, int],
    rows: Int[Array, " l"],
    columns: Int[Array, " l"],
) -> Float[Array, ""]:
    logits = network.apply(params, inputs.reshape(-1, inputs.shape[2]))
    wanted = (inputs.shape[0] * inputs.shape[1], sum(sizes))
    if jnp.shape(logits) != wanted:
        raise ValueError(
            f"network must return {sizes[0]} + {sizes[1]} log-odds for each location, "
            f"shape {wanted}; got {jnp.shape(logits)}"
        )
    logits = logits.reshape(*inputs.shape[:2], -1)
    parts = jnp.split(logits, [sizes[0]], axis=2)
    losses = [
        optax.softmax_cross_entropy_with_integer_labels(
            part, jnp.broadcast_to(place, part.shape[:2])
        )
        for part, place in zip(parts, (rows, columns), strict=True)
    ]
    return jnp.mean(losses[0] + losses[1])
