"""HeCo: two views of the nodes of a graph, each pulled to positives in the other."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_finite_number, check_key, check_positive
from jaxinfo.core.types import (
    Array,
    Critic,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_network,
)
from jaxinfo.data import sample_neighbors
from jaxinfo.infomax.heco_graph import HecoGraph
from jaxinfo.information import (
    blocked_multi_positive_info_nce_bound,
    multi_positive_info_nce_bound,
    pairwise_scores,
)
from jaxinfo.training import (
    GradientDescentInfo,
    GradientDescentState,
    TrainResult,
    make_gradient_descent,
    train,
)

__all__ = [
    "Heco",
    "cosine_critic",
    "make_heco",
    "train_heco",
]

VIEWS = ("meta_path", "schema")


class Heco(NamedTuple):
    """A training as pure functions.

    Attributes:
        init: `init(key, graph) -> GradientDescentState`.
        step: `step(key, state, graph) -> (GradientDescentState,
            GradientDescentInfo)`.
        encode: `encode(key, state, graph)`, what the encoder returns without dropout;
            the key draws neighbors.
    """

    init: Callable[[Array, HecoGraph], GradientDescentState]
    step: Callable[
        [Array, GradientDescentState, HecoGraph],
        tuple[GradientDescentState, GradientDescentInfo],
    ]
    encode: Callable[[Array, GradientDescentState, HecoGraph], Any]


def cosine_critic(temperature: float) -> Critic:
    """Cosine similarity over a temperature, without parameters.

    Args:
        temperature: tau, positive.

    Returns:
        A `Critic` of rows [N, D] and [N, D].

    Raises:
        ValueError: where the temperature is not positive.
    """
    check_finite_number(0.0, temperature=temperature)

    def unit(x: Array) -> Array:
        # A row of zeros has no direction, and must have a slope.
        squares = jnp.sum(x**2, axis=1, keepdims=True)
        return x * jax.lax.rsqrt(jnp.maximum(squares, 1e-12))

    def apply(_: PyTree, x: Array, y: Array) -> Array:
        return jnp.sum(unit(x) * unit(y), axis=1) / temperature

    def pairwise(_: PyTree, x: Array, y: Array) -> Array:
        return unit(x) / temperature @ unit(y).T

    return Critic(lambda key, x, y: (), apply, pairwise)


class _Plan(NamedTuple):
    encoder: Network
    head: Network
    num_samples: Mapping[str, int]
    critic: Critic
    balance: float
    views: tuple[str, str]
    block_size: int | None


def make_heco(
    encoder: Network,
    *,
    head: Network,
    optimizer: optax.GradientTransformation,
    num_samples: Mapping[str, int],
    temperature: float = 0.8,
    balance: float = 0.5,
    views: tuple[str, str] = VIEWS,
    block_size: int | None = None,
) -> Heco:
    """Makes the training of an encoder of a heterogeneous graph by HeCo.

    The loss is balance L(a, b) + (1 - balance) L(b, a) of the two views a and b, with
        L(a, b) = -mean_i log(sum_{j in P_i} exp(s_ij) / sum_j exp(s_ij)),
    s_ij the cosine of node i in view a and node j in view b over the temperature: up
    to a constant, InfoNCE with many positives, both ways.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, equations 8 to 11.

    Args:
        encoder: `apply(params, features, neighbors, adjacencies)` returns the two
            views of the target's nodes, [N, D] each, as attributes `meta_path` and
            `schema`, such as `networks.heco_encoder`. Its `apply_train` serves
            training.
        head: a network between a view and the loss, [N, D] to [N, K], the same for
            both views.
        optimizer: an Optax optimizer.
        num_samples: neighbors of each type that every update draws anew.
        temperature: tau.
        balance: lambda.
        views: which is a and which b; the same twice for one view alone.
        block_size: rows of s at a time, for graphs whose [N, N] would not fit; None
            for all at once.

    Returns:
        The `Heco`.

    Raises:
        ValueError: where a setting is out of its range; from init, where the encoder
            does not return two views or `num_samples` lacks a type.
    """
    check_positive(**{f"num_samples[{k!r}]": n for k, n in num_samples.items()})
    if not 0 <= balance <= 1:
        raise ValueError(f"balance must lie in [0, 1], got {balance}")
    if len(views) != 2 or not set(views) <= set(VIEWS):
        raise ValueError(f"views must be two of {', '.join(VIEWS)}, got {views}")
    if block_size is not None:
        check_positive(block_size=block_size)
    plan = _Plan(
        as_network(encoder, name="encoder"),
        as_network(head, name="head"),
        dict(num_samples),
        cosine_critic(temperature),
        balance,
        views,
        block_size,
    )
    init, step = make_gradient_descent(
        functools.partial(_init, plan), functools.partial(_loss, plan), optimizer
    )

    def encode(key: Array, state: GradientDescentState, graph: HecoGraph) -> Any:
        inputs = _inputs(plan, key, graph)
        return plan.encoder.apply(state.params["encoder"], *inputs)

    return Heco(init, step, encode)


def _inputs(plan: _Plan, key: Array, graph: HecoGraph) -> tuple[Any, Any, Any]:
    """What the encoder sees, with neighbors of this draw."""
    missing = sorted(set(graph.neighbors) - set(plan.num_samples))
    if missing:
        raise ValueError(
            f"num_samples must have a number for each type of neighbor, lacks "
            f"{', '.join(missing)}"
        )
    kinds = sorted(graph.neighbors)
    keys = jax.random.split(key, len(kinds))
    drawn = {
        kind: sample_neighbors(
            own, graph.neighbors[kind], num_samples=plan.num_samples[kind]
        )
        for kind, own in zip(kinds, keys, strict=True)
    }
    return graph.features, drawn, graph.adjacencies


def _init(plan: _Plan, key: Array, graph: HecoGraph) -> dict[str, PyTree]:
    check_key(0, key=key)
    for_encoder, for_head, for_draw = jax.random.split(key, 3)
    inputs = _inputs(plan, for_draw, graph)
    params = plan.encoder.init(for_encoder, *inputs)
    output = jax.eval_shape(plan.encoder.apply, params, *inputs)
    rows = len(graph.positives)
    for name in plan.views:
        shape = tuple(getattr(getattr(output, name, None), "shape", ()))
        if len(shape) != 2 or shape[0] != rows:
            raise ValueError(
                f"encoder must return an attribute {name!r} of the shape [{rows}, D], "
                f"a row for each row of positives; got {shape or 'none'}"
            )
    view = getattr(output, plan.views[0])
    example = jnp.zeros((2, view.shape[1]), view.dtype)
    return {"encoder": params, "head": plan.head.init(for_head, example)}


def _loss(
    plan: _Plan, key: Array, params: dict[str, PyTree], graph: HecoGraph
) -> tuple[Array, dict[str, PyTree]]:
    for_draw, for_encoder, for_a, for_b = jax.random.split(key, 4)
    inputs = _inputs(plan, for_draw, graph)
    output, statistics = apply_in_training(
        plan.encoder, for_encoder, params["encoder"], *inputs
    )
    a, b = (
        apply_in_training(plan.head, own, params["head"], getattr(output, name))[0]
        for own, name in zip((for_a, for_b), plan.views, strict=True)
    )
    there, back = _bounds(plan, a, b, graph.positives)
    value = plan.balance * there + (1 - plan.balance) * back
    return _constant(graph.positives) - value, {"encoder": statistics}


def _bounds(plan: _Plan, a: Array, b: Array, positives: Array) -> tuple[Array, Array]:
    """Of a's rows among those of b, and of b's among those of a."""
    if plan.block_size is None:
        scores = pairwise_scores(plan.critic, (), a, b)
        one = functools.partial(multi_positive_info_nce_bound, scores, positives)
        return one(axis=1), one(axis=0)
    blocked = functools.partial(
        blocked_multi_positive_info_nce_bound,
        positives=positives,
        block_size=plan.block_size,
    )
    return blocked(plan.critic, (), a, b), blocked(plan.critic, (), b, a)


def _constant(positives: Array) -> Array:
    """What the paper's loss and the negative bound differ by."""
    is_there = positives if positives.dtype == bool else positives >= 0
    counts = jnp.sum(is_there, axis=1)
    return jnp.mean(jnp.log(len(positives) / jnp.maximum(counts, 1)))


def train_heco(
    key: Key[Array, ""],
    heco: Heco,
    graph: HecoGraph,
    *,
    max_steps: int = 10_000,
    patience: int = 20,
    smoothing: float = 0.0,
) -> TrainResult:
    """Trains until the loss stops falling: legal under `jit`, `vmap` and `lax.map`.

    Source: Wang et al., KDD 2021, section 4.1 and the authors' code: early stopping by
        the training loss, the state of the lowest kept.

    Args:
        key: random key.
        heco: from `make_heco`.
        graph: from `make_heco_graph`.
        max_steps: the most updates.
        patience: updates in a row without a lower loss after which it ends.
        smoothing: decay of the running mean of losses that is watched; 0 is the paper.
            Neighbors and dropout, drawn anew, make single losses noisy, and with
            little patience a training may end by chance.

    Returns:
        A `TrainResult`: the state of the lowest loss, and `history.loss`, the loss
        before each update.
    """
    for_init, for_steps = jax.random.split(key)
    return train(
        for_steps,
        heco.init(for_init, graph),
        step=lambda key, state, _: heco.step(key, state, graph),
        num_steps=max_steps,
        eval_every=1,
        monitor=lambda metrics: -metrics.loss,
        patience=patience,
        smoothing=smoothing,
    )
