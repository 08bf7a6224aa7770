"""Encoders of homogeneous graphs, and HeCo's two views of heterogeneous ones."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Int, Network
from jaxinfo.networks.adapters import from_linen_in_training, linen_network
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
    """Embeddings of a graph's nodes in HeCo's two views.

    Attributes:
        meta_path: embeddings in the meta-path view, [N, D].
        schema: embeddings in the network schema view, [N, D].
        meta_path_weights: attention of each meta-path, sorted by name, [P].
        type_weights: attention of each type of neighbors, sorted by name, [T].
    """

    meta_path: Float[Array, "n d"]
    schema: Float[Array, "n d"]
    meta_path_weights: Float[Array, " p"]
    type_weights: Float[Array, " t"]


def graph_encoder(*, sizes: Sequence[int] = (512,)) -> Network:
    """An encoder of homogeneous graphs: a sequence of graph convolutions.

    Source: Velickovic et al., "Deep graph infomax", ICLR 2019, section 4.2.

    Args:
        sizes: units of each layer.

    Returns:
        A network, `apply(params, features [N, D], adjacency [N, N]) -> [N, K]`.

    Raises:
        ValueError: if sizes is empty or a size is not a positive whole number.
    """
    if not sizes:
        raise ValueError("sizes must hold at least one number, got none")
    check_positive(**{f"sizes[{i}]": size for i, size in enumerate(sizes)})
    return linen_network(_GraphEncoder(tuple(sizes)))


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
    """HeCo's encoder of the nodes of one type in two views.

    The network schema view attends to a node's neighbors of other types. The meta-path
    view convolves over the meta-paths that connect nodes of the same type.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, sections 3.2 to 3.4.

    Args:
        target: the node type to encode.
        size: units of all embeddings.
        feature_dropout: dropout rate of the projected features in training, in [0, 1).
        attention_dropout: dropout rate of the attention vectors in training, in [0, 1).
        masks_views: whether to mask the inputs of one view in the other, as in the
            paper. Otherwise the node itself is one more type of neighbor in the schema
            view, and the mean of its neighbors of every type is added to its features
            in the meta-path view.

    Returns:
        A network, `apply(params, features, neighbors, adjacencies) -> GraphViews`.
        The inputs are dicts: features by node type, [M, D] or the nodes' numbers [M];
        neighbors of the target nodes by node type, [N, K], padded with -1; normalized
        adjacency matrices by meta-path, [N, N].

    Raises:
        ValueError: if a setting is out of its range.
    """
    check_positive(size=size)
    for name, rate in (
        ("feature_dropout", feature_dropout),
        ("attention_dropout", attention_dropout),
    ):
        if rate:
            check_finite_number(0.0, 1.0, **{name: rate})
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
            node_type: NodeEmbedding(
                self.size, self.feature_dropout, name=f"embed_{node_type}"
            )(features[node_type], is_training=is_training)
            for node_type in sorted({self.target, *neighbors})
        }
        targets = nodes[self.target]
        by_type = [
            NeighborAttention(self.attention_dropout, name=f"attend_{node_type}")(
                targets, nodes[node_type], neighbors[node_type], is_training=is_training
            )
            for node_type in sorted(neighbors)
        ]
        of_meta_paths = targets
        if not self.masks_views:
            by_type.append(targets)
            of_meta_paths = targets + sum(
                mean_of_neighbors(nodes[node_type], neighbors[node_type])
                for node_type in sorted(neighbors)
            )
        by_path = [
            GraphConvolution(self.size, name=f"convolve_{name}")(
                adjacency, of_meta_paths
            )
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
    """The two layers that project both of HeCo's views for the contrastive loss.

    Source: Wang et al., KDD 2021, equation 8.

    Args:
        size: units of both layers.

    Returns:
        A network, `apply(params, x [N, D]) -> [N, size]`.

    Raises:
        ValueError: if size is not a positive whole number.
    """
    check_positive(size=size)
    return linen_network(_ProjectionHead(size))


class _ProjectionHead(nn.Module):
    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n k"]:
        x = nn.elu(dense(x, self.size)(x))
        return dense(x, self.size)(x)
