"""HeCo: two views of the nodes of a heterogeneous graph, contrasted with each other."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import (
    check_finite_number,
    check_key,
    check_optimizer,
    check_positive,
)
from jaxinfo.core.types import (
    Array,
    Bool,
    Critic,
    Float,
    Int,
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
    GradientDescent,
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


def cosine_critic(temperature: float) -> Critic:
    """Makes a critic without parameters: cosine similarity divided by a temperature.

    T(x, y) = x . y / (|x| |y| tau).

    Args:
        temperature: tau, positive.

    Returns:
        A `Critic` of rows [N, D] and [N, D].

    Raises:
        ValueError: if the temperature is not positive.
    """
    check_finite_number(0.0, temperature=temperature)

    def unit(x: Array) -> Array:
        # A row of zeros has no direction, but its gradient must be finite.
        squares = jnp.sum(x**2, axis=1, keepdims=True)
        return x * jax.lax.rsqrt(jnp.maximum(squares, 1e-12))

    def apply(_: PyTree, x: Array, y: Array) -> Array:
        return jnp.sum(unit(x) * unit(y), axis=1) / temperature

    def pairwise(_: PyTree, x: Array, y: Array) -> Array:
        return unit(x) / temperature @ unit(y).T

    return Critic(lambda key, x, y: (), apply, pairwise)


@dataclasses.dataclass(frozen=True, eq=False)
class Heco:
    """A training of an encoder of a heterogeneous graph; made by `make_heco`.

    Attributes:
        encoder: the network that is trained.
        head: the network between a view and the loss.
        optimizer: the optimizer of both.
        num_samples: number of neighbors of each type per update.
        temperature: tau.
        balance: lambda.
        views: the two views a and b.
        block_size: rows of the score matrix at a time, or None.
    """

    encoder: Network = dataclasses.field(repr=False)
    head: Network = dataclasses.field(repr=False)
    optimizer: optax.GradientTransformation = dataclasses.field(repr=False)
    num_samples: Mapping[str, int]
    temperature: float
    balance: float
    views: tuple[str, str]
    block_size: int | None

    def init(self, key: Key[Array, ""], graph: HecoGraph) -> GradientDescentState:
        """Initializes the networks and the optimizer.

        Args:
            key: random key.
            graph: made by `make_heco_graph`.

        Returns:
            The state before the first update.

        Raises:
            ValueError: if the encoder does not return two views, or `num_samples` lacks
                a type of neighbors.
        """
        return self._descent.init(key, graph)

    def step(
        self, key: Key[Array, ""], state: GradientDescentState, graph: HecoGraph
    ) -> tuple[GradientDescentState, GradientDescentInfo]:
        """Updates both networks once, with newly sampled neighbors.

        Args:
            key: random key.
            state: the state before the update.
            graph: made by `make_heco_graph`.

        Returns:
            The next state, and the metrics: `loss` in nats, before the update.
        """
        return self._descent.step(key, state, graph)

    def encode(
        self, key: Key[Array, ""], state: GradientDescentState, graph: HecoGraph
    ) -> Any:
        """Applies the trained encoder, without dropout.

        Args:
            key: random key that samples neighbors.
            state: a state of this training.
            graph: made by `make_heco_graph`.

        Returns:
            What the encoder returns: the views `meta_path` and `schema`, [N, D] each.
        """
        inputs = self._encoder_inputs(key, graph)
        return self.encoder.apply(state.params["encoder"], *inputs)

    @property
    def _descent(self) -> GradientDescent:
        return make_gradient_descent(self._init_params, self._loss, self.optimizer)

    def _encoder_inputs(self, key: Array, graph: HecoGraph) -> tuple[Any, Any, Any]:
        """Features, sampled neighbors and adjacencies."""
        missing = sorted(set(graph.neighbors) - set(self.num_samples))
        if missing:
            raise ValueError(
                "num_samples must have a number for each type of neighbors, missing "
                f"{', '.join(missing)}"
            )
        kinds = sorted(graph.neighbors)
        keys = jax.random.split(key, len(kinds))
        sampled = {
            kind: sample_neighbors(
                own, graph.neighbors[kind], num_samples=self.num_samples[kind]
            )
            for kind, own in zip(kinds, keys, strict=True)
        }
        return graph.features, sampled, graph.adjacencies

    def _init_params(self, key: Array, graph: HecoGraph) -> dict[str, PyTree]:
        check_key(0, key=key)
        for_encoder, for_head, for_neighbors = jax.random.split(key, 3)
        inputs = self._encoder_inputs(for_neighbors, graph)
        encoder = self.encoder.init(for_encoder, *inputs)
        output = jax.eval_shape(self.encoder.apply, encoder, *inputs)
        num_rows = len(graph.positives)
        for name in self.views:
            shape = tuple(getattr(getattr(output, name, None), "shape", ()))
            if len(shape) != 2 or shape[0] != num_rows:
                raise ValueError(
                    f"encoder must return an attribute {name!r} of the shape "
                    f"[{num_rows}, D], a row for each row of positives; got "
                    f"{shape or 'none'}"
                )
        view = getattr(output, self.views[0])
        example = jnp.zeros((2, view.shape[1]), view.dtype)
        return {"encoder": encoder, "head": self.head.init(for_head, example)}

    def _loss(
        self, key: Array, params: dict[str, PyTree], graph: HecoGraph
    ) -> tuple[Float[Array, ""], dict[str, PyTree]]:
        """The loss of `make_heco`, and the encoder's running statistics."""
        for_neighbors, for_encoder, for_a, for_b = jax.random.split(key, 4)
        inputs = self._encoder_inputs(for_neighbors, graph)
        output, statistics = apply_in_training(
            self.encoder, for_encoder, params["encoder"], *inputs
        )
        a, b = (
            apply_in_training(self.head, own, params["head"], getattr(output, name))[0]
            for own, name in zip((for_a, for_b), self.views, strict=True)
        )
        a_to_b, b_to_a = self._bounds(a, b, graph.positives)
        bound = self.balance * a_to_b + (1 - self.balance) * b_to_a
        return _loss_plus_bound(graph.positives) - bound, {"encoder": statistics}

    def _bounds(self, a: Array, b: Array, positives: Array) -> tuple[Array, Array]:
        """InfoNCE with rows of a against all rows of b, and the other way round."""
        critic = cosine_critic(self.temperature)
        if self.block_size is None:
            scores = pairwise_scores(critic, (), a, b)
            along = functools.partial(multi_positive_info_nce_bound, scores, positives)
            return along(axis=1), along(axis=0)
        blocked = functools.partial(
            blocked_multi_positive_info_nce_bound,
            positives=positives,
            block_size=self.block_size,
        )
        return blocked(critic, (), a, b), blocked(critic, (), b, a)


def _loss_plus_bound(positives: Bool[Array, "n n"] | Int[Array, "n p"]) -> Array:
    """The constant sum of the paper's loss and the InfoNCE bound."""
    is_positive = positives if positives.dtype == bool else positives >= 0
    counts = jnp.sum(is_positive, axis=1)
    return jnp.mean(jnp.log(len(positives) / jnp.maximum(counts, 1)))


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

    The loss is balance L(a, b) + (1 - balance) L(b, a) of two views a and b, with
        L(a, b) = -mean_i log(sum_{j in P_i} exp(s_ij) / sum_j exp(s_ij)),
    where s_ij is the cosine of node i in view a and node j in view b over the
    temperature, and P_i are the positives of node i. Up to a constant, L is the
    negative InfoNCE bound with several positives.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, equations 8 to 11.

    Args:
        encoder: a network, or a pair (init, apply): `apply(params, features, neighbors,
            adjacencies)` returns the two views of the target's nodes, [N, D] each, as
            attributes `meta_path` and `schema`, such as `networks.heco_encoder`. Its
            `apply_train` serves training.
        head: a network between a view and the loss, [N, D] to [N, K], shared by both
            views.
        optimizer: an Optax optimizer.
        num_samples: number of neighbors of each type, sampled anew for every update.
        temperature: tau, positive.
        balance: lambda, from 0 to 1.
        views: the views a and b; the same twice to contrast one view with itself.
        block_size: rows of s at a time, for graphs whose matrix [N, N] does not fit
            into memory; None for all at once.

    Returns:
        A `Heco` with the methods `init`, `step` and `encode`.

    Raises:
        ValueError: if a setting is out of range; from `init`, if the encoder does not
            return two views or `num_samples` lacks a type.
    """
    check_positive(**{f"num_samples[{k!r}]": n for k, n in num_samples.items()})
    check_finite_number(0.0, temperature=temperature)
    check_optimizer(optimizer=optimizer)
    if not 0 <= balance <= 1:
        raise ValueError(f"balance must lie in [0, 1], got {balance}")
    if len(views) != 2 or not set(views) <= set(VIEWS):
        raise ValueError(f"views must be two of {', '.join(VIEWS)}, got {views}")
    if block_size is not None:
        check_positive(block_size=block_size)
    return Heco(
        as_network(encoder, name="encoder"),
        as_network(head, name="head"),
        optimizer,
        dict(num_samples),
        temperature,
        balance,
        views,
        block_size,
    )


def train_heco(
    key: Key[Array, ""],
    heco: Heco,
    graph: HecoGraph,
    *,
    max_steps: int = 10_000,
    patience: int = 20,
    smoothing: float = 0.0,
) -> TrainResult:
    """Trains until the loss stops falling; may be used under `jit`, `vmap` and `map`.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, section 4.1 and the authors' code: early
        stopping by the training loss, with the state of the lowest loss.

    Args:
        key: random key.
        heco: made by `make_heco`.
        graph: made by `make_heco_graph`.
        max_steps: maximal number of updates.
        patience: number of consecutive updates without a new lowest loss after which
            the training ends.
        smoothing: decay of an exponential moving average of the losses, which then
            replaces the loss in the stopping rule; 0 for the paper's rule. Sampled
            neighbors and dropout make single losses noisy, so that a training with
            little patience may end by chance.

    Returns:
        A `TrainResult`: the state with the lowest loss, or average of losses, and in
        `history.loss` the loss before each update.
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
