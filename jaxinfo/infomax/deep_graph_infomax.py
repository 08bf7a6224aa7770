"""Deep Graph InfoMax: representations of nodes that inform about the whole graph."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import (
    check_finite_rows,
    check_key,
    check_optimizer,
    check_scores,
)
from jaxinfo.core.types import (
    Array,
    Critic,
    Float,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_critic,
    as_network,
)
from jaxinfo.divergences import FDivergence
from jaxinfo.infomax.bounds import PairBound, find_pair_bound
from jaxinfo.training import (
    GradientDescent,
    GradientDescentInfo,
    GradientDescentState,
    TrainResult,
    make_gradient_descent,
    train,
)

__all__ = [
    "DeepGraphInfomax",
    "make_deep_graph_infomax",
    "mean_summary",
    "shuffle_nodes",
    "train_deep_graph_infomax",
]


def shuffle_nodes(
    key: Key[Array, ""], features: Float[Array, "n ..."]
) -> Float[Array, "n ..."]:
    """Corrupts a graph by a random permutation of the features over its nodes.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, section 4.2.

    Args:
        key: random key.
        features: features of the nodes, [N, ...].

    Returns:
        The rows in a random order, [N, ...].
    """
    return jax.random.permutation(key, features)


def mean_summary(representations: Float[Array, "n k"]) -> Float[Array, " k"]:
    """Summarizes a graph by the sigmoid of the mean representation of its nodes.

    sigmoid(mean_i h_i).

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, equation 3.

    Args:
        representations: representations h_i of the nodes, [N, K].

    Returns:
        The summary, [K].
    """
    return jax.nn.sigmoid(jnp.mean(representations, axis=0))


@dataclasses.dataclass(frozen=True, eq=False)
class DeepGraphInfomax:
    """A training of an encoder of a graph; made by `make_deep_graph_infomax`.

    Attributes:
        encoder: the network that is trained.
        critic: the critic of representations and the summary.
        optimizer: the optimizer of both.
        bound: the bound that is maximized, or its name.
        corrupt: `corrupt(key, features) -> features`.
        summarize: `summarize(representations) -> [K]`.
    """

    encoder: Network = dataclasses.field(repr=False)
    critic: Critic = dataclasses.field(repr=False)
    optimizer: optax.GradientTransformation = dataclasses.field(repr=False)
    bound: str | FDivergence | PairBound
    corrupt: Callable[[Array, Array], Array] = dataclasses.field(repr=False)
    summarize: Callable[[Array], Array] = dataclasses.field(repr=False)

    def init(
        self, key: Key[Array, ""], features: Float[Array, "n ..."], adjacency: Any
    ) -> GradientDescentState:
        """Initializes the networks and the optimizer.

        Args:
            key: random key.
            features: features of the nodes, [N, D], or their numbers, [N].
            adjacency: adjacency matrix, [N, N], of a kind that the encoder takes.

        Returns:
            The state before the first update.

        Raises:
            ValueError: if the graph is malformed, or the networks do not match it.
        """
        return self._descent.init(key, features, adjacency)

    def step(
        self,
        key: Key[Array, ""],
        state: GradientDescentState,
        features: Float[Array, "n ..."],
        adjacency: Any,
    ) -> tuple[GradientDescentState, GradientDescentInfo]:
        """Updates both networks once.

        Args:
            key: random key.
            state: the state before the update.
            features: as of `init`.
            adjacency: as of `init`.

        Returns:
            The next state, and the metrics: `loss` in nats, before the update.
        """
        return self._descent.step(key, state, (features, adjacency))

    def encode(
        self,
        state: GradientDescentState,
        features: Float[Array, "n ..."],
        adjacency: Any,
    ) -> Float[Array, "n k"]:
        """Applies the trained encoder, without noise.

        Args:
            state: a state of this training.
            features: as of `init`.
            adjacency: as of `init`.

        Returns:
            Representations of the nodes, [N, K].
        """
        return self.encoder.apply(state.params["encoder"], features, adjacency)

    @property
    def _descent(self) -> GradientDescent:
        return make_gradient_descent(self._init_params, self._loss, self.optimizer)

    def _init_params(
        self, key: Array, features: Array, adjacency: Any
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
        encoder = self.encoder.init(for_encoder, features, adjacency)
        encoded = jax.eval_shape(self.encoder.apply, encoder, features, adjacency)
        if len(encoded.shape) != 2 or encoded.shape[0] != len(features):
            raise ValueError(
                f"encoder must return representations [N, K] of {len(features)} nodes, "
                f"got shape {encoded.shape}"
            )
        two = jnp.zeros((2, encoded.shape[1]), encoded.dtype)
        critic = self.critic.init(for_critic, two, two)
        check_scores("critic", self.critic.apply, critic, two, two)
        return {"encoder": encoder, "critic": critic}

    def _loss(
        self, key: Array, params: dict[str, PyTree], graph: tuple[Array, Any]
    ) -> tuple[Float[Array, ""], dict[str, PyTree]]:
        """The negative bound, and the encoder's running statistics."""
        features, adjacency = graph
        for_corruption, for_original, for_corrupted = jax.random.split(key, 3)
        original, statistics = apply_in_training(
            self.encoder, for_original, params["encoder"], features, adjacency
        )
        corrupted, _ = apply_in_training(
            self.encoder,
            for_corrupted,
            params["encoder"],
            self.corrupt(for_corruption, features),
            adjacency,
        )
        summary = jnp.broadcast_to(self.summarize(original)[None], original.shape)
        scores_p, scores_q = (
            self.critic.apply(params["critic"], nodes, summary)
            for nodes in (original, corrupted)
        )
        bound = find_pair_bound(self.bound)(scores_p, scores_q)
        return -bound, {"encoder": statistics}


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

    Encoder and critic maximize a bound of the divergence between P, pairs of a node of
    the graph and the graph's summary, and Q, pairs of a node of a corrupted graph and
    the same summary. This is Deep InfoMax with nodes as locations and the summary as
    the representation.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, equation 1.

    Args:
        encoder: a network, or a pair (init, apply), from features [N, D] and adjacency
            to representations [N, K], such as `networks.graph_encoder`. Its
            `apply_train` serves training.
        critic: of representations [N, K] and the summary, repeated for every row,
            [N, K], such as `networks.bilinear_critic(use_bias=False)`.
        optimizer: an Optax optimizer of both networks.
        bound: "jensen_shannon", the paper's objective up to a factor and a constant,
            another key of `PAIR_BOUNDS`, a member of the f-family, or a function of
            scores of P [N] and of Q [N].
        corrupt: `corrupt(key, features) -> features`.
        summarize: `summarize(representations) -> [K]`.

    Returns:
        A `DeepGraphInfomax` with the methods `init`, `step` and `encode`.

    Raises:
        ValueError: if the bound is unknown; from `init`, if encoder or critic do not
            match the graph.
    """
    find_pair_bound(bound)
    check_optimizer(optimizer=optimizer)
    return DeepGraphInfomax(
        as_network(encoder, name="encoder"),
        as_critic(critic),
        optimizer,
        bound,
        corrupt,
        summarize,
    )


def train_deep_graph_infomax(
    key: Key[Array, ""],
    infomax: DeepGraphInfomax,
    features: Float[Array, "n d"],
    adjacency: Any,
    *,
    max_steps: int = 10_000,
    patience: int = 20,
) -> TrainResult:
    """Trains until the loss stops falling; may be used under `jit`, `vmap` and `map`.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, section 4.2: early
        stopping by the training loss with a patience of 20.

    Args:
        key: random key.
        infomax: made by `make_deep_graph_infomax`.
        features: features of the nodes, [N, D].
        adjacency: [N, N], such as `data.normalize_adjacency` returns.
        max_steps: maximal number of updates.
        patience: number of consecutive updates without a new lowest loss after which
            the training ends.

    Returns:
        A `TrainResult`: the state with the lowest loss, and in `history.loss` the loss
        before each update.
    """
    for_init, for_steps = jax.random.split(key)
    return train(
        for_steps,
        infomax.init(for_init, features, adjacency),
        step=lambda key, state, _: infomax.step(key, state, features, adjacency),
        num_steps=max_steps,
        eval_every=1,
        monitor=lambda metrics: -metrics.loss,
        patience=patience,
    )
