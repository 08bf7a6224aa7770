"""Losses and terms that predict where in an image a local feature lies."""

import dataclasses

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_rank
from jaxinfo.core.types import Array, Float, Int, Key, Network, PyTree, as_network
from jaxinfo.infomax.terms import LossAndMetrics

__all__ = [
    "CoordinateTerm",
    "DisplacementTerm",
    "coordinate_loss",
    "displacement_loss",
]


def coordinate_loss(
    network: Network,
    params: PyTree,
    features: Float[Array, "n h w c"],
    representations: Float[Array, "n d"],
) -> Float[Array, ""]:
    """Cross-entropy of predicting a location's row and column, nats.

    -E[log p(row | c_ij, y) + log p(column | c_ij, y)] with the feature c_ij at row i
    and column j, and the representation y of the same image.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.3, "predicting the location".

    Args:
        network: `apply(params, [M, C + D]) -> [M, H + W]`, unnormalized log-odds of
            the rows, then of the columns.
        params: the network's parameters.
        features: local features on a grid, [N, H, W, C].
        representations: [N, D].

    Returns:
        The mean over locations and images, [].

    Raises:
        ValueError: if features are not [N, H, W, C], or the network's output does not
            have the shape above.
    """
    check_rank(4, features=features)
    height, width = features.shape[1:3]
    rows, columns = _grid(height, width)
    inputs = _join(features, representations)
    return _two_cross_entropies(network, params, inputs, (height, width), rows, columns)


def displacement_loss(
    key: Key[Array, ""],
    network: Network,
    params: PyTree,
    features: Float[Array, "n h w c"],
    representations: Float[Array, "n d"],
) -> Float[Array, ""]:
    """Cross-entropy of predicting the displacement between two locations, nats.

    -E[log p(row - row' | c, c', y) + log p(column - column' | c, c', y)] with the
    features c and c' of two locations of an image and its representation y. A random
    permutation of the grid, the same for all images, gives each location its partner.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.3, "relative coordinates".

    Args:
        key: random key.
        network: `apply(params, [M, 2 C + D]) -> [M, 2 H - 1 + 2 W - 1]`, unnormalized
            log-odds of the row displacements from -(H - 1) to H - 1, then of the column
            displacements.
        params: the network's parameters.
        features: local features on a grid, [N, H, W, C].
        representations: [N, D].

    Returns:
        The mean over locations and images, [].

    Raises:
        ValueError: if features are not [N, H, W, C], or the network's output does not
            have the shape above.
    """
    check_rank(4, features=features)
    n, height, width, channels = features.shape
    partner = jax.random.permutation(key, height * width)
    flat = features.reshape(n, -1, channels)
    both = jnp.concatenate([flat, flat[:, partner]], axis=2)
    rows, columns = (
        index - index[partner] + size - 1
        for index, size in zip(_grid(height, width), (height, width), strict=True)
    )
    inputs = _join(both, representations)
    sizes = (2 * height - 1, 2 * width - 1)
    return _two_cross_entropies(network, params, inputs, sizes, rows, columns)


def _join(
    features: Float[Array, "n ... c"], representations: Float[Array, "n d"]
) -> Float[Array, "n l k"]:
    """Appends the representation of its input to every local feature."""
    flat = features.reshape(len(features), -1, features.shape[-1])
    shape = (*flat.shape[:2], representations.shape[1])
    return jnp.concatenate(
        [flat, jnp.broadcast_to(representations[:, None], shape)], axis=2
    )


def _grid(height: int, width: int) -> tuple[Int[Array, " l"], Int[Array, " l"]]:
    """The row and the column of each location of a flattened grid."""
    rows, columns = jnp.indices((height, width))
    return rows.ravel(), columns.ravel()


def _two_cross_entropies(
    network: Network,
    params: PyTree,
    inputs: Float[Array, "n l k"],
    sizes: tuple[int, int],
    rows: Int[Array, " l"],
    columns: Int[Array, " l"],
) -> Float[Array, ""]:
    logits = network.apply(params, inputs.reshape(-1, inputs.shape[2]))
    expected = (inputs.shape[0] * inputs.shape[1], sum(sizes))
    if jnp.shape(logits) != expected:
        raise ValueError(
            f"network must return {sizes[0]} + {sizes[1]} log-odds for each location, "
            f"shape {expected}; got {jnp.shape(logits)}"
        )
    logits = logits.reshape(*inputs.shape[:2], -1)
    parts = jnp.split(logits, [sizes[0]], axis=2)
    losses = [
        optax.softmax_cross_entropy_with_integer_labels(
            part, jnp.broadcast_to(labels, part.shape[:2])
        )
        for part, labels in zip(parts, (rows, columns), strict=True)
    ]
    return jnp.mean(losses[0] + losses[1])


# Terms -----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class CoordinateTerm:
    """Predicts a location's row and column from its feature and the representation.

    loss: see `coordinate_loss`.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.3.

    Attributes:
        network: [M, C + D] -> log-odds [M, H + W], see `coordinate_loss`.
        weight: factor of the loss.
        name: key of the parameters and metrics.

    Raises:
        ValueError: if `network` is not a network.
    """

    network: Network = dataclasses.field(repr=False)
    _: dataclasses.KW_ONLY
    weight: float | Array = 1.0
    name: str = "coordinate"

    def __post_init__(self) -> None:
        network = as_network(self.network, name="network")
        object.__setattr__(self, "network", network)

    def init(self, key: Array, features: Array, representations: Array) -> PyTree:
        """Returns the network's initial parameters, see `Term.init`."""
        joined = _join(features, representations)
        return self.network.init(key, joined[:, 0])

    def loss(
        self, key: Array, params: PyTree, features: Array, representations: Array
    ) -> LossAndMetrics:
        """Returns the cross-entropy, see `Term.loss`."""
        del key
        return coordinate_loss(self.network, params, features, representations), {}


@dataclasses.dataclass(frozen=True)
class DisplacementTerm:
    """Predicts the displacement between two locations of the same image.

    loss: see `displacement_loss`.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.3.

    Attributes:
        network: [M, 2 C + D] -> log-odds [M, 2 H - 1 + 2 W - 1], see
            `displacement_loss`.
        weight: factor of the loss.
        name: key of the parameters and metrics.

    Raises:
        ValueError: if `network` is not a network.
    """

    network: Network = dataclasses.field(repr=False)
    _: dataclasses.KW_ONLY
    weight: float | Array = 1.0
    name: str = "displacement"

    def __post_init__(self) -> None:
        network = as_network(self.network, name="network")
        object.__setattr__(self, "network", network)

    def init(self, key: Array, features: Array, representations: Array) -> PyTree:
        """Returns the network's initial parameters, see `Term.init`."""
        both = jnp.concatenate([features, features], axis=-1)
        joined = _join(both, representations)
        return self.network.init(key, joined[:, 0])

    def loss(
        self, key: Array, params: PyTree, features: Array, representations: Array
    ) -> LossAndMetrics:
        """Returns the cross-entropy, see `Term.loss`."""
        value = displacement_loss(key, self.network, params, features, representations)
        return value, {}
