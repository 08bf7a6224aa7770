"""Layers of graphs against NumPy, the order of nodes, absent neighbors, dropout."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

from jaxinfo import networks
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
NEIGHBORS[1, 1:] = -1  # One neighbor alone,
NEIGHBORS[2] = -1  # and none.
ADJACENCY = np.triu(RNG.random((N, N)) < 0.5) * RNG.random((N, N))


def _elu(x):
    return np.where(x > 0, x, np.expm1(x))


def _softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def _random(params):
    """Parameters without zeros, so that every one of them tells."""
    leaves, tree = jax.tree.flatten(params)
    return jax.tree.unflatten(tree, [RNG.normal(size=leaf.shape) for leaf in leaves])


def _apply(module, *inputs, **settings):
    """The module's random parameters, and what it makes of the inputs, in float64."""
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


def test_embedding_of_rows_and_of_numbers():
    module = NodeEmbedding(D)
    params, output = _apply(module, OTHERS, is_training=False)
    dense = params["Dense_0"]
    np.testing.assert_allclose(output, _elu(OTHERS @ dense["kernel"] + dense["bias"]))
    params, output = _apply(module, np.arange(M), is_training=False)
    expected = _elu(np.eye(M) @ params["table"] + params["offset"])
    np.testing.assert_allclose(output, expected, rtol=1e-6)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_convolution(is_sparse):
    matrix = ADJACENCY
    if is_sparse:
        with jax.enable_x64(True):
            matrix = sparse.BCOO.fromdense(jnp.asarray(ADJACENCY))
    params, output = _apply(GraphConvolution(3), matrix, NODES)
    x = ADJACENCY @ NODES @ params["Dense_0"]["kernel"] + params["offset"]
    slope = params["PReLU_0"]["negative_slope"]
    np.testing.assert_allclose(output, np.where(x > 0, x, slope * x), rtol=1e-10)


def test_convolution_of_numbers_is_that_of_one_hot_rows():
    params, output = _apply(GraphConvolution(3), ADJACENCY, np.arange(N))
    x = ADJACENCY @ params["table"] + params["offset"]
    slope = params["PReLU_0"]["negative_slope"]
    np.testing.assert_allclose(output, np.where(x > 0, x, slope * x), rtol=1e-6)


def test_attention_over_neighbors():
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


def test_attention_over_kinds():
    several = RNG.normal(size=(3, N, D))
    params, (output, weights) = _apply(SemanticAttention(), several, is_training=False)
    dense, vector = params["Dense_0"], params["vector"][:, 0]
    scores = [np.tanh(x @ dense["kernel"] + dense["bias"]) @ vector for x in several]
    expected = _softmax(np.mean(scores, axis=1))
    np.testing.assert_allclose(weights, expected, rtol=1e-10)
    np.testing.assert_allclose(
        output, np.tensordot(expected, several, axes=1), rtol=1e-10
    )


def test_slopes_are_finite_where_a_node_has_no_neighbors():
    module = NeighborAttention()

    @jax.jit
    def slope(key, nodes, others):
        params = module.init(key, nodes, others, NEIGHBORS, is_training=False)
        return jax.grad(
            lambda p, n, o: module.apply(p, n, o, NEIGHBORS, is_training=False).sum(),
            (0, 1, 2),
        )(params, nodes, others)

    slopes = slope(jax.random.key(0), jnp.float32(NODES), jnp.float32(OTHERS))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(slopes))


# Encoders --------------------------------------------------------------------------


FEATURES = {"paper": NODES, "author": np.arange(M)}
DRAWN = {"author": NEIGHBORS}
PATHS = {"PAP": ADJACENCY, "PSP": ADJACENCY.T}


def _float32(tree):
    return jax.tree.map(
        lambda x: jnp.asarray(x, jnp.float32 if x.dtype == float else int), tree
    )


@pytest.mark.parametrize("masks_views", [True, False])
def test_permuting_nodes_permutes_what_comes_out(masks_views):
    encoder = networks.heco_encoder("paper", size=8, masks_views=masks_views)
    inputs = _float32((FEATURES, DRAWN, PATHS))
    params = encoder.init(jax.random.key(0), *inputs)
    apply = jax.jit(encoder.apply)
    views = apply(params, *inputs)
    order, others = RNG.permutation(N), RNG.permutation(M)
    back = np.argsort(others)
    features, drawn, paths = inputs
    moved = apply(
        params,
        # The numbers of authors stay theirs, wherever they stand.
        {"paper": features["paper"][order], "author": features["author"][others]},
        {"author": jnp.where(drawn["author"] < 0, -1, back[drawn["author"]])[order]},
        {name: path[order][:, order] for name, path in paths.items()},
    )
    for name in ("meta_path", "schema"):
        np.testing.assert_allclose(
            getattr(moved, name), getattr(views, name)[order], rtol=1e-4, atol=1e-6
        )
    for name in ("meta_path_weights", "type_weights"):
        np.testing.assert_allclose(
            getattr(moved, name), getattr(views, name), rtol=1e-4
        )


def test_each_view_hides_what_the_other_sees():
    inputs = _float32((FEATURES, DRAWN, PATHS))

    def slopes(masks_views):
        encoder = networks.heco_encoder("paper", size=8, masks_views=masks_views)
        params = encoder.init(jax.random.key(0), *inputs)

        def totals(features, adjacency):
            features = {**inputs[0], "paper": features}
            paths = {**inputs[2], "PAP": adjacency}
            views = encoder.apply(params, features, inputs[1], paths)
            return views.meta_path.sum(), views.schema.sum()

        return jax.jit(jax.jacobian(totals, 1))(inputs[0]["paper"], inputs[2]["PAP"])

    by_path, by_schema = slopes(masks_views=True)
    assert np.any(by_path)
    assert not np.any(by_schema)


def test_the_homogeneous_encoder_is_its_layers():
    encoder = networks.graph_encoder(sizes=(5, 3))
    x, adjacency = jnp.float32(NODES), jnp.float32(ADJACENCY)
    params = encoder.init(jax.random.key(0), x, adjacency)
    codes = jax.jit(encoder.apply)(params, x, adjacency)
    expected = NODES
    for layer in ("GraphConvolution_0", "GraphConvolution_1"):
        expected = ADJACENCY @ expected @ np.asarray(params[layer]["Dense_0"]["kernel"])
        expected = np.where(expected > 0, expected, 0.25 * expected)
    np.testing.assert_allclose(codes, expected, rtol=1e-4, atol=1e-6)


def test_dropout_is_of_training_alone():
    encoder = networks.heco_encoder("paper", size=8)
    inputs = _float32((FEATURES, DRAWN, PATHS))
    params = encoder.init(jax.random.key(0), *inputs)
    train = jax.jit(lambda key: encoder.apply_train(key, params, (), *inputs)[0])
    one, same, other = (train(jax.random.key(i)) for i in (1, 1, 2))
    np.testing.assert_array_equal(one.meta_path, same.meta_path)
    assert np.any(one.meta_path != other.meta_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: networks.graph_encoder(sizes=()), "sizes must hold at least one"),
        (lambda: networks.graph_encoder(sizes=(8, 0)), r"sizes\[1\] must be a pos"),
        (lambda: networks.heco_encoder("paper", size=0), "size must be a positive"),
        (
            lambda: networks.heco_encoder("paper", feature_dropout=1.0),
            "feature_dropout must lie in",
        ),
        (
            lambda: networks.heco_encoder("paper", attention_dropout=-0.1),
            "attention_dropout must lie in",
        ),
        (lambda: networks.projection_head(size=-1), "size must be a positive"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
