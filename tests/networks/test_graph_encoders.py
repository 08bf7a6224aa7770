"""Encoders of graphs: the order of nodes, view masking, dropout, settings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import networks

RNG = np.random.default_rng(0)
N, M, D, K = 6, 5, 4, 3
NODES = RNG.normal(size=(N, D))
NEIGHBORS = RNG.integers(0, M, (N, K))
NEIGHBORS[1, 1:] = -1  # One neighbor.
NEIGHBORS[2] = -1  # No neighbors.
ADJACENCY = np.triu(RNG.random((N, N)) < 0.5) * RNG.random((N, N))
FEATURES = {"paper": NODES, "author": np.arange(M)}
SAMPLED = {"author": NEIGHBORS}
PATHS = {"PAP": ADJACENCY, "PSP": ADJACENCY.T}


def _float32(tree):
    return jax.tree.map(
        lambda x: jnp.asarray(x, jnp.float32 if x.dtype == float else int), tree
    )


@pytest.mark.parametrize("masks_views", [True, False])
def test_permuting_nodes_permutes_the_embeddings(masks_views):
    encoder = networks.heco_encoder("paper", size=8, masks_views=masks_views)
    inputs = _float32((FEATURES, SAMPLED, PATHS))
    params = encoder.init(jax.random.key(0), *inputs)
    apply = jax.jit(encoder.apply)
    views = apply(params, *inputs)
    order, others = RNG.permutation(N), RNG.permutation(M)
    back = np.argsort(others)
    features, sampled, paths = inputs
    moved = apply(
        params,
        # An author keeps its number, which is its feature, in the new order.
        {"paper": features["paper"][order], "author": features["author"][others]},
        {
            "author": jnp.where(sampled["author"] < 0, -1, back[sampled["author"]])[
                order
            ]
        },
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


def test_the_schema_view_does_not_depend_on_the_target_features():
    inputs = _float32((FEATURES, SAMPLED, PATHS))

    def gradients(masks_views):
        encoder = networks.heco_encoder("paper", size=8, masks_views=masks_views)
        params = encoder.init(jax.random.key(0), *inputs)

        def totals(features, adjacency):
            features = {**inputs[0], "paper": features}
            paths = {**inputs[2], "PAP": adjacency}
            views = encoder.apply(params, features, inputs[1], paths)
            return views.meta_path.sum(), views.schema.sum()

        return jax.jit(jax.jacobian(totals, 1))(inputs[0]["paper"], inputs[2]["PAP"])

    by_path, by_schema = gradients(masks_views=True)
    assert np.any(by_path)
    assert not np.any(by_schema)


def test_the_graph_encoder_is_a_sequence_of_convolutions():
    encoder = networks.graph_encoder(sizes=(5, 3))
    x, adjacency = jnp.float32(NODES), jnp.float32(ADJACENCY)
    params = encoder.init(jax.random.key(0), x, adjacency)
    representations = jax.jit(encoder.apply)(params, x, adjacency)
    expected = NODES
    for layer in ("GraphConvolution_0", "GraphConvolution_1"):
        expected = ADJACENCY @ expected @ np.asarray(params[layer]["Dense_0"]["kernel"])
        expected = np.where(expected > 0, expected, 0.25 * expected)
    np.testing.assert_allclose(representations, expected, rtol=1e-4, atol=1e-6)


def test_dropout_applies_in_training_only():
    encoder = networks.heco_encoder("paper", size=8)
    inputs = _float32((FEATURES, SAMPLED, PATHS))
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
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
