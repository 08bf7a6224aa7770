"""Layers of graphs: over adjacencies, over sampled neighbors, over kinds of either.

An adjacency is a JAX array or a `BCOO` matrix, [N, N]; neighbors are numbers of nodes,
[N, K], -1 where there is none. Absent neighbors have no weight.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float, Int
from jaxinfo.networks.layers import symmetric

__all__ = [
    "GraphConvolution",
    "NeighborAttention",
    "NodeEmbedding",
    "SemanticAttention",
    "dense",
    "mean_of_neighbors",
]

# Glorot's normal law times the root of two, as in the authors' code of HeCo.
_normal = nn.initializers.variance_scaling(2.0, "fan_avg", "normal")
# PyTorch's slopes below zero: of LeakyReLU, and where PReLU starts.
LEAK, PARAMETRIC_LEAK = 0.01, 0.25


def dense(x: Float[Array, "n d"], size: int, name: str | None = None) -> nn.Dense:
    """A linear map with the weights and offsets that HeCo starts from."""
    scale = x.shape[-1] ** -0.5
    return nn.Dense(
        size,
        kernel_init=_normal,
        bias_init=symmetric(scale),
        param_dtype=_dtype(x),
        name=name,
    )


class NodeEmbedding(nn.Module):
    """Features of nodes, [N, D] or the nodes' numbers [N], as vectors of one size."""

    size: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, features: Array, *, is_training: bool) -> Float[Array, "n d"]:
        """[N, size], the same whether numbers or one-hot rows tell the nodes."""
        if features.ndim == 1:
            count = len(features)
            table = self.param("table", _normal, (count, self.size))
            offset = self.param("offset", symmetric(count**-0.5), (self.size,))
            x = table[features] + offset
        else:
            x = dense(features, self.size)(features)
        drop = nn.Dropout(self.dropout, deterministic=not is_training)
        return nn.elu(drop(x))


class GraphConvolution(nn.Module):
    """PReLU(A x W + b), for a normalized adjacency A.

    Source: Kipf and Welling, "Semi-supervised classification with graph convolutional
        networks", ICLR 2017, equation 2; the activation of Velickovic et al., "Deep
        graph infomax", ICLR 2019, equation 6.
    """

    size: int

    @nn.compact
    def __call__(self, adjacency: Any, x: Array) -> Float[Array, "n k"]:
        """[N, size], of features [N, D] or the nodes' numbers [N]."""
        if x.ndim == 1:
            x = self.param("table", _normal, (len(x), self.size))[x]
        else:
            x = nn.Dense(
                self.size, use_bias=False, kernel_init=_normal, param_dtype=_dtype(x)
            )(x)
        dtype = _dtype(x)
        offset = self.param("offset", nn.initializers.zeros, (self.size,), dtype)
        return nn.PReLU(dtype, negative_slope_init=PARAMETRIC_LEAK)(
            adjacency @ x + offset
        )


class NeighborAttention(nn.Module):
    """A node's neighbors of one type, weighed by how they go with it.

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
        """ELU of the weighted sum, [N, D]; 0 of a node without neighbors."""
        drop = nn.Dropout(self.dropout, deterministic=not is_training)
        size, dtype = nodes.shape[1], _dtype(nodes)
        vector = drop(self.param("vector", _normal, (2 * size, 1), dtype))[:, 0]
        # The vector's halves meet nodes and others apart: [N] and [M] products, not
        # [N, K] of twice the width.
        own, theirs = nodes @ vector[:size], others @ vector[size:]
        scores = nn.leaky_relu(own[:, None] + theirs[neighbors], LEAK)
        weights = nn.softmax(scores, axis=1, where=neighbors >= 0)
        return nn.elu(jnp.einsum("nk,nkd->nd", weights, others[neighbors]))


def mean_of_neighbors(
    others: Float[Array, "m d"], neighbors: Int[Array, "n k"]
) -> Float[Array, "n d"]:
    """The mean of a node's neighbors; 0 of a node without."""
    there = (neighbors >= 0)[..., None]
    total = jnp.sum(jnp.where(there, others[neighbors], 0), axis=1)
    return total / jnp.maximum(jnp.sum(there, axis=1), 1)


class SemanticAttention(nn.Module):
    """Several embeddings of the same nodes, weighed by what all nodes say of each.

    Source: Wang et al., KDD 2021, equations 4 to 7: types of neighbors, meta-paths.
    """

    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, embeddings: Float[Array, "k n d"], *, is_training: bool
    ) -> tuple[Float[Array, "n d"], Float[Array, " k"]]:
        """The weighted sum, and the weights."""
        drop = nn.Dropout(self.dropout, deterministic=not is_training)
        size, dtype = embeddings.shape[-1], _dtype(embeddings)
        vector = drop(self.param("vector", _normal, (size, 1), dtype))[:, 0]
        hidden = jnp.tanh(dense(embeddings, size)(embeddings))
        weights = nn.softmax(jnp.mean(hidden, axis=1) @ vector)
        return jnp.einsum("k,knd->nd", weights, embeddings), weights


def _dtype(x: Array) -> Any:
    return jnp.promote_types(jnp.result_type(x), jax.numpy.float32)
