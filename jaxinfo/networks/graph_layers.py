"""Layers of graph neural networks.

An adjacency matrix is a JAX array or a `BCOO` matrix, [N, N]. Neighbors are node
numbers, [N, K], padded with -1; padding has no weight.
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float, Int
from jaxinfo.networks.layers import parameter_dtype, symmetric_uniform

__all__ = [
    "GraphConvolution",
    "NeighborAttention",
    "NodeEmbedding",
    "SemanticAttention",
    "dense",
    "mean_of_neighbors",
]

# Glorot's normal initializer times the square root of 2, as in the authors' code of
# HeCo.
_normal = nn.initializers.variance_scaling(2.0, "fan_avg", "normal")
# PyTorch's factors of negative inputs: LeakyReLU's, and PReLU's initial one.
LEAKY_RELU_SLOPE, PRELU_INITIAL_SLOPE = 0.01, 0.25


def dense(x: Float[Array, "n d"], size: int, name: str | None = None) -> nn.Dense:
    """A linear layer for x with HeCo's initial weights and biases."""
    return nn.Dense(
        size,
        kernel_init=_normal,
        bias_init=symmetric_uniform(x.shape[-1] ** -0.5),
        param_dtype=parameter_dtype(x),
        name=name,
    )


class NodeEmbedding(nn.Module):
    """Projects the features of the nodes of one type to a common size.

    The features are [N, D], or the nodes' numbers [N], which stand for one-hot rows.

    Source: Wang et al., KDD 2021, equation 1.
    """

    size: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, features: Array, *, is_training: bool) -> Float[Array, "n d"]:
        """The projected features, [N, size]."""
        if features.ndim == 1:
            count = len(features)
            table = self.param("table", _normal, (count, self.size))
            offset_init = symmetric_uniform(count**-0.5)
            offset = self.param("offset", offset_init, (self.size,))
            x = table[features] + offset[None]
        else:
            x = dense(features, self.size)(features)
        drop = nn.Dropout(self.dropout, deterministic=not is_training)
        return nn.elu(drop(x))


class GraphConvolution(nn.Module):
    """PReLU(A x W + b), for a normalized adjacency matrix A.

    Source: Kipf and Welling, "Semi-supervised classification with graph convolutional
        networks", ICLR 2017, equation 2; the activation of Velickovic et al., "Deep
        graph infomax", ICLR 2019, equation 6.
    """

    size: int

    @nn.compact
    def __call__(self, adjacency: Any, x: Array) -> Float[Array, "n k"]:
        """The output [N, size], for features [N, D] or the nodes' numbers [N]."""
        if x.ndim == 1:
            x = self.param("table", _normal, (len(x), self.size))[x]
        else:
            x = nn.Dense(
                self.size,
                use_bias=False,
                kernel_init=_normal,
                param_dtype=parameter_dtype(x),
            )(x)
        dtype = parameter_dtype(x)
        offset = self.param("offset", nn.initializers.zeros, (self.size,), dtype)
        activation = nn.PReLU(dtype, negative_slope_init=PRELU_INITIAL_SLOPE)
        return activation(adjacency @ x + offset[None])


class NeighborAttention(nn.Module):
    """Node-level attention: a weighted sum of a node's neighbors of one type.

    Source: Wang et al., KDD 2021, equations 2 and 3.
    """

    dropout: float = 0.0

    @nn.compact
    def __call__(
        self,
        nodes: Float[Array, "n d"],
        others: Float[Array, "m d"],
        neighbors: Int[Array, "n k"],
        *,
        is_training: bool,
    ) -> Float[Array, "n d"]:
        """ELU of the weighted sum, [N, D]; 0 for a node without neighbors."""
        drop = nn.Dropout(self.dropout, deterministic=not is_training)
        size, dtype = nodes.shape[1], parameter_dtype(nodes)
        vector = drop(self.param("vector", _normal, (2 * size, 1), dtype))[:, 0]
        # a' [h_i, h_j] = a_1' h_i + a_2' h_j: [N] and [M] products instead of [N, K].
        of_nodes, of_others = nodes @ vector[:size], others @ vector[size:]
        scores = nn.leaky_relu(
            of_nodes[:, None] + of_others[neighbors], LEAKY_RELU_SLOPE
        )
        weights = nn.softmax(scores, axis=1, where=neighbors >= 0)
        return nn.elu(jnp.einsum("nk,nkd->nd", weights, others[neighbors]))


def mean_of_neighbors(
    others: Float[Array, "m d"], neighbors: Int[Array, "n k"]
) -> Float[Array, "n d"]:
    """The mean of each node's neighbors; 0 for a node without neighbors."""
    is_neighbor = (neighbors >= 0)[..., None]
    total = jnp.sum(jnp.where(is_neighbor, others[neighbors], 0), axis=1)
    return total / jnp.maximum(jnp.sum(is_neighbor, axis=1), 1)


class SemanticAttention(nn.Module):
    """A weighted sum of several embeddings of the same nodes.

    The weights depend on the mean over all nodes. HeCo applies it to the embeddings by
    node types and to those by meta-paths.

    Source: Wang et al., KDD 2021, equations 4 to 7.
    """

    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, embeddings: Float[Array, "k n d"], *, is_training: bool
    ) -> tuple[Float[Array, "n d"], Float[Array, " k"]]:
        """The weighted sum and the weights."""
        drop = nn.Dropout(self.dropout, deterministic=not is_training)
        size, dtype = embeddings.shape[-1], parameter_dtype(embeddings)
        vector = drop(self.param("vector", _normal, (size, 1), dtype))[:, 0]
        hidden = jnp.tanh(dense(embeddings, size)(embeddings))
        weights = nn.softmax(jnp.mean(hidden, axis=1) @ vector)
        return jnp.einsum("k,knd->nd", weights, embeddings), weights
