"""Encoders of graphs: of one type of nodes, and HeCo's two views of several."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Int, Network
from jaxinfo.networks.adapters import from_linen, from_linen_in_training
from jaxinfo.networks.graph_layers import (
    GraphConvolution,
    NeighborAttention,
    NodeEmbedding,
    SemanticAttention,
    dense,
    mean_of_neighbors,
)

__all__ = ["GraphViews", "graph_encoder", "heco_encoder", "projection_head"]


class GraphViews(NamedTuple):
    """What both views of a graph make of its nodes.

    Attributes:
        meta_path: by the meta-paths that join nodes of their own type, [N, D].
        schema: by their neighbors of other types, [N, D].
        meta_path_weights: of each meta-path, in the order of names, [P].
        type_weights: of each type of neighbors, in the order of names, [T].
    """

    meta_path: Float[Array, "n d"]
    schema: Float[Array, "n d"]
    meta_path_weights: Float[Array, " p"]
    type_weights: Float[Array, " t"]


def graph_encoder(*, sizes: Sequence[int] = (512,)) -> Network:
    """Graph convolutions one after the other.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, section 4.2.

    Args:
        sizes: units of each.

    Returns:
        A network, `apply(params, features [N, D], adjacency [N, N]) -> [N, K]`.

    Raises:
        ValueError: where there are no sizes or one is not positive.
    """
    if not sizes:
        raise ValueError("sizes must hold at least one number, got none")
    check_positive(**{f"sizes[{i}]": size for i, size in enumerate(sizes)})
    network = from_linen(_GraphEncoder(tuple(sizes)))
    return Network(network.init, network.apply)


class _GraphEncoder(nn.Module):
    sizes: tuple[int, ...]

    @nn.compact
    def __call__(self, features: Array, adjacency: Any) -> Float[Array, "n k"]:
        x = features
        for size in self.sizes:
            x = GraphConvolution(size)(adjacency, x)
        return x


def heco_encoder(
    target: str,
    *,
    size: int = 64,
    feature_dropout: float = 0.3,
    attention_dropout: float = 0.5,
    masks_views: bool = True,
) -> Network:
    """HeCo's encoder: the network schema's view of nodes, and the meta-paths' view.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, sections 3.2 to 3.4.

    Args:
        target: the type of nodes that is encoded.
        size: of all embeddings.
        feature_dropout: share of projected features left out in training.
        attention_dropout: share of an attention vector's numbers left out in training.
        masks_views: whether each view hides what the other sees. Without, the schema's
            view has the node itself as one more type of neighbor, and the meta-paths'
            has the mean of its neighbors of every type added to it.

    Returns:
        A network, `apply(params, features, neighbors, adjacencies) -> GraphViews`:
        features by type, [M, D] or the nodes' numbers [M]; neighbors of the target's
        nodes by type, [N, K] and -1 for none; adjacencies by meta-path, [N, N].

    Raises:
        ValueError: where a setting is out of its range.
    """
    check_positive(size=size)
    for name, share in (
        ("feature_dropout", feature_dropout),
        ("attention_dropout", attention_dropout),
    ):
        if share:
            check_finite_number(0.0, 1.0, **{name: share})
    return from_linen_in_training(
        _HecoEncoder(
            target, size, float(feature_dropout), float(attention_dropout), masks_views
        )
    )


class _HecoEncoder(nn.Module):
    target: str
    size: int
    feature_dropout: float
    attention_dropout: float
    masks_views: bool

    @nn.compact
    def __call__(
        self,
        features: Mapping[str, Array],
        neighbors: Mapping[str, Int[Array, "n k"]],
        adjacencies: Mapping[str, Any],
        *,
        is_training: bool,
    ) -> GraphViews:
        nodes = {
            kind: NodeEmbedding(self.size, self.feature_dropout, name=f"embed_{kind}")(
                features[kind], is_training=is_training
            )
            for kind in sorted({self.target, *neighbors})
        }
        own = nodes[self.target]
        by_type = [
            NeighborAttention(self.attention_dropout, name=f"attend_{kind}")(
                own, nodes[kind], neighbors[kind], is_training=is_training
            )
            for kind in sorted(neighbors)
        ]
        seen = own
        if not self.masks_views:
            by_type.append(own)
            seen = own + sum(
                mean_of_neighbors(nodes[kind], neighbors[kind])
                for kind in sorted(neighbors)
            )
        by_path = [
            GraphConvolution(self.size, name=f"convolve_{name}")(adjacency, seen)
            for name, adjacency in sorted(adjacencies.items())
        ]
        (schema, type_weights), (meta_path, path_weights) = (
            SemanticAttention(self.attention_dropout, name=name)(
                jnp.stack(parts), is_training=is_training
            )
            for name, parts in (("types", by_type), ("meta_paths", by_path))
        )
        return GraphViews(meta_path, schema, path_weights, type_weights)


def projection_head(*, size: int = 64) -> Network:
    """Two layers between a view and its loss, the same for both views.

    Source: Wang et al., KDD 2021, equation 8.

    Args:
        size: units of both.

    Returns:
        A network, `apply(params, x [N, D]) -> [N, size]`.
    """
    check_positive(size=size)
    network = from_linen(_ProjectionHead(size))
    return Network(network.init, network.apply)


class _ProjectionHead(nn.Module):
    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n k"]:
        x = nn.elu(dense(x, self.size)(x))
        return dense(x, self.size)(x)
