"""Layers of graph neural networks against NumPy, and nodes without neighbors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

from jaxinfo.networks.graph_layers import (
    GraphConvolution,
    NeighborAttention,
    NodeEmbedding,
    SemanticAttention,
    mean_of_neighbors,
)

RNG = np.random.default_rng(0)
N, M, D, K = 6, 5, 4, 3
NODES, OTHERS = RNG.normal(size=(N, D)), RNG.normal(size=(M, D))
NEIGHBORS = RNG.integers(0, M, (N, K))
NEIGHBORS[1, 1:] = -1  # One neighbor.
NEIGHBORS[2] = -1  # No neighbors.
ADJACENCY = np.triu(RNG.random((N, N)) < 0.5) * RNG.random((N, N))


def _elu(x):
    return np.where(x > 0, x, np.expm1(x))


def _softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def _random(params):
    """Parameters without zeros, so that each one changes the output."""
    leaves, tree = jax.tree.flatten(params)
    return jax.tree.unflatten(tree, [RNG.normal(size=leaf.shape) for leaf in leaves])


def _apply(module, *inputs, **settings):
    """Random parameters of the module, and its output with them, in float64."""
    with jax.enable_x64(True):

        @jax.jit
        def both(key, params, *inputs):
            start = module.init(key, *inputs, **settings)["params"]
            if params is None:
                return start
            return module.apply({"params": params}, *inputs, **settings)

        key = jax.random.key(0)
        params = _random(both(key, None, *inputs))
        return params, both(key, params, *inputs)


def test_node_embedding_of_features_and_of_node_numbers():
    module = NodeEmbedding(D)
    params, output = _apply(module, OTHERS, is_training=False)
    dense = params["Dense_0"]
    np.testing.assert_allclose(output, _elu(OTHERS @ dense["kernel"] + dense["bias"]))
    params, output = _apply(module, np.arange(M), is_training=False)
    expected = _elu(np.eye(M) @ params["table"] + params["offset"])
    np.testing.assert_allclose(output, expected, rtol=1e-6)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_graph_convolution(is_sparse):
    matrix = ADJACENCY
    if is_sparse:
        with jax.enable_x64(True):
            matrix = sparse.BCOO.fromdense(jnp.asarray(ADJACENCY))
    params, output = _apply(GraphConvolution(3), matrix, NODES)
    x = ADJACENCY @ NODES @ params["Dense_0"]["kernel"] + params["offset"]
    negative_slope = params["PReLU_0"]["negative_slope"]
    np.testing.assert_allclose(
        output, np.where(x > 0, x, negative_slope * x), rtol=1e-10
    )


def test_graph_convolution_of_node_numbers_is_that_of_one_hot_rows():
    params, output = _apply(GraphConvolution(3), ADJACENCY, np.arange(N))
    x = ADJACENCY @ params["table"] + params["offset"]
    negative_slope = params["PReLU_0"]["negative_slope"]
    np.testing.assert_allclose(
        output, np.where(x > 0, x, negative_slope * x), rtol=1e-6
    )


def test_neighbor_attention():
    module = NeighborAttention()
    params, output = _apply(module, NODES, OTHERS, NEIGHBORS, is_training=False)
    vector = params["vector"][:, 0]
    expected = np.zeros((N, D))
    for i, row in enumerate(NEIGHBORS):
        near = OTHERS[row[row >= 0]]
        if not len(near):
            continue
        scores = np.array([np.concatenate([NODES[i], h]) @ vector for h in near])
        weights = _softmax(np.where(scores > 0, scores, 0.01 * scores))
        expected[i] = _elu(weights @ near)
    np.testing.assert_allclose(output, expected, rtol=1e-10)


def test_mean_of_neighbors():
    expected = [
        OTHERS[row[row >= 0]].mean(axis=0) if (row >= 0).any() else np.zeros(D)
        for row in NEIGHBORS
    ]
    with jax.enable_x64(True):
        mean = jax.jit(mean_of_neighbors)(OTHERS, NEIGHBORS)
    np.testing.assert_allclose(mean, expected, rtol=1e-12)


def test_semantic_attention():
    several = RNG.normal(size=(3, N, D))
    params, (output, weights) = _apply(SemanticAttention(), several, is_training=False)
    dense, vector = params["Dense_0"], params["vector"][:, 0]
    scores = [np.tanh(x @ dense["kernel"] + dense["bias"]) @ vector for x in several]
    expected = _softmax(np.mean(scores, axis=1))
    np.testing.assert_allclose(weights, expected, rtol=1e-10)
    np.testing.assert_allclose(
        output, np.tensordot(expected, several, axes=1), rtol=1e-10
    )


def test_gradients_are_finite_for_a_node_without_neighbors():
    module = NeighborAttention()

    @jax.jit
    def gradients(key, nodes, others):
        params = module.init(key, nodes, others, NEIGHBORS, is_training=False)
        return jax.grad(
            lambda p, n, o: module.apply(p, n, o, NEIGHBORS, is_training=False).sum(),
            (0, 1, 2),
        )(params, nodes, others)

    found = gradients(jax.random.key(0), jnp.float32(NODES), jnp.float32(OTHERS))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(found))
