"""Deep Graph InfoMax: nodes that keep information of their graph's summary."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_finite_rows, check_key, check_scores
from jaxinfo.core.types import (
    Array,
    Critic,
    Float,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_network,
)
from jaxinfo.divergences import FDivergence
from jaxinfo.infomax.bounds import PairBound, find_pair_bound
from jaxinfo.training import (
    DescentState,
    PatientRun,
    make_descent,
    train_with_patience,
)

__all__ = [
    "DeepGraphInfomax",
    "make_deep_graph_infomax",
    "mean_summary",
    "shuffle_nodes",
    "train_deep_graph_infomax",
]


class DeepGraphInfomax(NamedTuple):
    """A training as pure functions.

    Attributes:
        init: `init(key, features, adjacency) -> DescentState`, for features [N, D], or
            the nodes' numbers [N], and an adjacency that the encoder takes.
        step: `step(key, state, features, adjacency) -> (DescentState, loss)`.
        encode: `encode(state, features, adjacency) -> [N, K]`.
    """

    init: Callable[..., DescentState]
    step: Callable[..., tuple[DescentState, Array]]
    encode: Callable[..., Array]


class _Plan(NamedTuple):
    encoder: Network
    critic: Critic
    bound: PairBound
    corrupt: Callable[[Array, Array], Array]
    summarize: Callable[[Array], Array]


def shuffle_nodes(
    key: Key[Array, ""], features: Float[Array, "n ..."]
) -> Float[Array, "n ..."]:
    """The corruption of Deep Graph InfoMax: features dealt anew to the nodes.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, section 4.2.

    Args:
        key: random key.
        features: of the nodes, [N, ...].

    Returns:
        The same rows in a random order.
    """
    return jax.random.permutation(key, features)


def mean_summary(codes: Float[Array, "n k"]) -> Float[Array, " k"]:
    """The summary of a graph: its nodes' mean code through a sigmoid.

    Source: Velickovic et al., ICLR 2019, equation 3.

    Args:
        codes: of the nodes, [N, K].

    Returns:
        [K].
    """
    return jax.nn.sigmoid(jnp.mean(codes, axis=0))


def make_deep_graph_infomax(
    encoder: Network,
    *,
    critic: Critic,
    optimizer: optax.GradientTransformation,
    bound: str | FDivergence | PairBound = "jensen_shannon",
    corrupt: Callable[[Array, Array], Array] = shuffle_nodes,
    summarize: Callable[[Array], Array] = mean_summary,
) -> DeepGraphInfomax:
    """Makes the training of an encoder of a graph by Deep Graph InfoMax.

    It climbs a bound of the divergence between nodes of the graph and nodes of its
    corruption, both beside the graph's summary: Deep InfoMax whose locations are nodes
    and whose code is the summary.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, equation 1.

    Args:
        encoder: `apply(params, features [N, D], adjacency) -> codes [N, K]`, such as
            `networks.graph_encoder`. Its `apply_train` serves training.
        critic: of codes [N, K] and the summary on every row, [N, K], such as
            `networks.bilinear_critic(use_bias=False)`.
        optimizer: an Optax optimizer of both.
        bound: "jensen_shannon", the paper's up to a factor and a constant, another name
            of `PAIR_BOUNDS`, a member of the f-family, or a function of scores of P [N]
            and of Q [N].
        corrupt: `corrupt(key, features) -> features`.
        summarize: `summarize(codes) -> [K]`.

    Returns:
        The `DeepGraphInfomax`.

    Raises:
        ValueError: where the bound is not known; from init, where encoder and critic
            do not fit the graph.
    """
    plan = _Plan(
        as_network(encoder, name="encoder"),
        critic,
        find_pair_bound(bound),
        corrupt,
        summarize,
    )
    start, step = make_descent(functools.partial(_loss, plan), optimizer)

    def init(key: Array, features: Array, adjacency: Any) -> DescentState:
        return start(_init(plan, key, features, adjacency))

    def advance(
        key: Array, state: DescentState, features: Array, adjacency: Any
    ) -> tuple[DescentState, Array]:
        return step(key, state, (features, adjacency))

    def encode(state: DescentState, features: Array, adjacency: Any) -> Array:
        return plan.encoder.apply(state.params["encoder"], features, adjacency)

    return DeepGraphInfomax(init, advance, encode)


def _init(
    plan: _Plan, key: Array, features: Array, adjacency: Any
) -> dict[str, PyTree]:
    check_key(0, key=key)
    if jnp.ndim(features) != 1:
        check_finite_rows(features=features)
    if tuple(adjacency.shape) != (len(features),) * 2:
        raise ValueError(
            f"adjacency must have the shape {(len(features),) * 2} of the rows of "
            f"features, got {tuple(adjacency.shape)}"
        )
    for_encoder, for_critic = jax.random.split(key)
    params = plan.encoder.init(for_encoder, features, adjacency)
    codes = jax.eval_shape(plan.encoder.apply, params, features, adjacency)
    if len(codes.shape) != 2 or codes.shape[0] != len(features):
        raise ValueError(
            f"encoder must return codes [N, K] of {len(features)} nodes, got shape "
            f"{codes.shape}"
        )
    two = jnp.zeros((2, codes.shape[1]), codes.dtype)
    judge = plan.critic.init(for_critic, two, two)
    check_scores("critic", plan.critic.apply, judge, two, two)
    return {"encoder": params, "critic": judge}


def _loss(
    plan: _Plan, key: Array, params: dict[str, PyTree], graph: tuple[Array, Any]
) -> tuple[Array, dict[str, PyTree]]:
    features, adjacency = graph
    for_corruption, for_codes, for_corrupted = jax.random.split(key, 3)
    codes, statistics = apply_in_training(
        plan.encoder, for_codes, params["encoder"], features, adjacency
    )
    corrupted, _ = apply_in_training(
        plan.encoder,
        for_corrupted,
        params["encoder"],
        plan.corrupt(for_corruption, features),
        adjacency,
    )
    summary = jnp.broadcast_to(plan.summarize(codes), codes.shape)
    scores_p, scores_q = (
        plan.critic.apply(params["critic"], nodes, summary)
        for nodes in (codes, corrupted)
    )
    return -plan.bound(scores_p, scores_q), {"encoder": statistics}


def train_deep_graph_infomax(
    key: Key[Array, ""],
    infomax: DeepGraphInfomax,
    features: Float[Array, "n d"],
    adjacency: Any,
    *,
    max_steps: int = 10_000,
    patience: int = 20,
) -> PatientRun:
    """Trains until the loss stops falling: legal under `jit`, `vmap` and `lax.map`.

    Source: Velickovic et al., ICLR 2019, section 4.2: early stopping by the training
        loss with a patience of 20.

    Args:
        key: random key.
        infomax: from `make_deep_graph_infomax`.
        features: of the nodes, [N, D].
        adjacency: [N, N], such as `data.normalize_adjacency` gives.
        max_steps: the most updates.
        patience: updates in a row without a lower loss after which it ends.

    Returns:
        A `PatientRun` whose state is a `DescentState`.
    """
    for_init, for_steps = jax.random.split(key)
    return train_with_patience(
        for_steps,
        infomax.init(for_init, features, adjacency),
        step=lambda key, state: infomax.step(key, state, features, adjacency),
        max_steps=max_steps,
        patience=patience,
    )
