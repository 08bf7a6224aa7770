"""HeCo on a small graph: the loss by NumPy, blocks, views, seeds, bad input."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import data, networks
from jaxinfo.core.types import Network
from jaxinfo.infomax import (
    HecoGraph,
    cosine_critic,
    make_heco,
    make_heco_graph,
    train_heco,
)

RNG = np.random.default_rng(0)
NUM = {"paper": 60, "author": 20, "subject": 3}
TOPIC = np.arange(60) % 3
# Every paper has the subject of its topic and three authors, mostly of its topic.
AUTHORS = [
    (paper, author)
    for paper in range(60)
    for author in RNG.choice(
        20,
        3,
        replace=False,
        p=np.where(np.arange(20) % 3 == TOPIC[paper], 0.125, 1e-2)
        / np.sum(np.where(np.arange(20) % 3 == TOPIC[paper], 0.125, 1e-2)),
    )
]
GRAPH = data.make_heterogeneous_graph(
    NUM,
    {
        ("paper", "author"): AUTHORS,
        ("paper", "subject"): list(enumerate(TOPIC.tolist())),
    },
)
PATHS = {
    "PAP": ("paper", "author", "paper"),
    "PSP": ("paper", "subject", "paper"),
}
INPUTS = make_heco_graph(GRAPH, "paper", PATHS, {}, num_positives=4)
ENCODER = networks.heco_encoder("paper", size=8)
HEAD = networks.projection_head(size=8)
SAMPLES = {"author": 2, "subject": 1}
# A constant, because two calls of `optax.adam` return objects that are not equal.
ADAM = optax.adam(1e-2)


def _make(**settings):
    given = {"head": HEAD, "optimizer": ADAM, "num_samples": SAMPLES} | settings
    return make_heco(ENCODER, **given)


HECO = _make()
INIT, ENCODE = jax.jit(HECO.init), jax.jit(HECO.encode)


def _expected_loss(a, b, positives, temperature):
    """The loss of the paper with view a against view b, float64."""
    a, b = (np.asarray(x, float) for x in (a, b))
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    e = np.exp(a @ b.T / temperature)
    rows = [
        np.log(e[i, row[row >= 0]].sum() / e[i].sum())
        for i, row in enumerate(np.asarray(positives))
    ]
    return -np.mean(rows)


class _Views(NamedTuple):
    meta_path: jax.Array
    schema: jax.Array


@pytest.mark.parametrize("views", [("meta_path", "schema"), ("schema", "schema")])
def test_the_loss_matches_the_paper(views):
    fixed = {name: RNG.normal(size=(60, 4)) for name in ("meta_path", "schema")}

    def views_of(params, *inputs):
        return _Views(*(jnp.float32(x) for x in fixed.values()))

    encoder = Network(lambda key, *inputs: (), views_of)
    head = Network(lambda key, x: jnp.ones(()), lambda scale, x: scale * x)
    heco = make_heco(
        encoder,
        head=head,
        optimizer=ADAM,
        num_samples=SAMPLES,
        temperature=0.5,
        balance=0.3,
        views=views,
    )
    state = heco.init(jax.random.key(0), INPUTS)
    _, info = jax.jit(heco.step)(jax.random.key(1), state, INPUTS)
    a, b = (fixed[name] for name in views)
    expected = 0.3 * _expected_loss(a, b, INPUTS.positives, 0.5)
    expected += 0.7 * _expected_loss(b, a, INPUTS.positives, 0.5)
    np.testing.assert_allclose(info.loss, expected, rtol=1e-5)


# Two tables of vectors instead of an encoder compile quickly.
TABLES = Network(
    lambda key, *inputs: _Views(*jax.random.normal(key, (2, 60, 4))),
    lambda params, *inputs: params,
)
IDENTITY = Network(lambda key, x: (), lambda params, x: x)


@pytest.mark.parametrize("block_size", [7, 100])
def test_blocks_give_the_loss_and_gradients_of_the_whole(block_size):
    def advance(**settings):
        heco = make_heco(
            TABLES,
            head=IDENTITY,
            optimizer=optax.sgd(1.0),
            num_samples=SAMPLES,
            **settings,
        )
        key = jax.random.key(0)
        return jax.jit(lambda: heco.step(key, heco.init(key, INPUTS), INPUTS))()

    whole, info = advance()
    blocked, same = advance(block_size=block_size)
    np.testing.assert_allclose(same.loss, info.loss, rtol=1e-6)
    moved = zip(*(jax.tree.leaves(x.params) for x in (whole, blocked)), strict=True)
    for a, b in moved:
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_the_cosine_critic_matches_numpy():
    critic = cosine_critic(0.5)
    x, y = RNG.normal(size=(2, 5, 3)).astype(np.float32)
    norms = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)
    expected = x @ y.T / norms / 0.5
    np.testing.assert_allclose(critic.pairwise((), x, y), expected, atol=1e-6)
    np.testing.assert_allclose(critic.apply((), x, y), np.diag(expected), atol=1e-6)
    gradient = jax.grad(lambda x: critic.pairwise((), x, y).sum())(jnp.zeros((5, 3)))
    # A row of zeros is divided by the smallest norm 1e-6, so the gradient is linear.
    direction = (y / np.linalg.norm(y, axis=1, keepdims=True)).sum(axis=0)
    np.testing.assert_allclose(
        gradient, np.tile(1e6 * direction / 0.5, (5, 1)), rtol=1e-4
    )


def test_each_key_samples_other_neighbors():
    state = INIT(jax.random.key(0), INPUTS)
    one, same, other = (ENCODE(jax.random.key(i), state, INPUTS) for i in (1, 1, 2))
    np.testing.assert_array_equal(one.schema, same.schema)
    assert np.any(one.schema != other.schema)
    # The view of the meta-paths does not use neighbors.
    np.testing.assert_array_equal(one.meta_path, other.meta_path)


@pytest.mark.slow
def test_representations_of_one_topic_become_similar():
    train = jax.jit(
        lambda key: train_heco(key, HECO, INPUTS, max_steps=60, patience=20)
    )
    run = train(jax.random.key(0))
    steps = int(run.num_steps)
    losses = np.asarray(run.history.loss[:steps])
    assert losses[int(run.best_step)] == losses.min() < losses[0] - 0.3
    rows = np.asarray(ENCODE(jax.random.key(1), run.state, INPUTS).meta_path)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    similar = rows @ rows.T
    same = TOPIC[:, None] == TOPIC
    assert np.mean(similar, where=same) > np.mean(similar, where=~same) + 0.2


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["map", "vmap"])
def test_a_seed_of_several_matches_the_seed_alone(layout):
    def run(key):
        return train_heco(key, HECO, INPUTS, max_steps=5, patience=5)

    keys = jax.random.split(jax.random.key(0), 2)
    if layout == "map":
        together = jax.jit(lambda keys: jax.lax.map(run, keys))(keys)
    else:
        together = jax.jit(jax.vmap(run))(keys)
    alone = jax.jit(run)(keys[1])
    np.testing.assert_allclose(together.history.loss[1], alone.history.loss, rtol=1e-4)


@pytest.mark.slow
def test_a_node_without_edges_is_encoded_and_logged(caplog):
    lonely = data.make_heterogeneous_graph(NUM | {"paper": 61}, GRAPH.edges)
    inputs = make_heco_graph(lonely, "paper", PATHS, {}, num_positives=4)
    assert "1 of 61 nodes have no PAP" in caplog.text
    assert inputs.positives[60].tolist() == [60, -1, -1, -1]

    @jax.jit
    def encode(key):
        return HECO.encode(key, HECO.init(key, inputs), inputs)

    views = encode(jax.random.key(0))
    assert np.isfinite(views.meta_path).all()
    assert np.any(views.meta_path[60])
    assert not np.any(views.schema[60])


@pytest.mark.slow
@pytest.mark.parametrize("block_size", [None, 512])
def test_training_on_a_graph_like_dblp_needs_less_than_four_gigabytes(
    block_size,
):
    # Sizes of DBLP, where two of three meta-paths join most authors.
    size, sizes = 4_057, {"author": 334, "paper": 14_328}
    inputs = HecoGraph(
        {
            "author": jax.ShapeDtypeStruct((size, sizes["author"]), jnp.float32),
            "paper": jax.ShapeDtypeStruct((sizes["paper"],), jnp.int32),
        },
        {
            "paper": data.Neighbors(
                *(jax.ShapeDtypeStruct((n,), jnp.int32) for n in (size, size, 19_645))
            )
        },
        {
            name: jax.ShapeDtypeStruct((size, size), jnp.float32)
            for name in ("APA", "APCPA", "APTPA")
        },
        jax.ShapeDtypeStruct((size, 1_000), jnp.int32),
    )
    heco = make_heco(
        networks.heco_encoder("author"),
        head=networks.projection_head(),
        optimizer=ADAM,
        num_samples={"paper": 6},
        block_size=block_size,
    )

    def two_updates(key, inputs):
        return train_heco(key, heco, inputs, max_steps=2, patience=2)

    program = jax.jit(two_updates).lower(jax.random.key(0), inputs).compile()
    memory = program.memory_analysis()
    needed = memory.temp_size_in_bytes + memory.argument_size_in_bytes
    assert needed < 4e9
    if block_size:
        assert memory.temp_size_in_bytes < 1e9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature must lie in"),
        ({"balance": 1.5}, r"balance must lie in \[0, 1\], got 1.5"),
        ({"views": ("schema", "picture")}, "views must be two of meta_path, schema"),
        ({"num_samples": {"author": 0}}, r"num_samples\['author'\] must be a positive"),
        ({"block_size": 0}, "block_size must be a positive"),
    ],
)
def test_errors_of_settings_name_the_argument(settings, message):
    with pytest.raises(ValueError, match=message):
        _make(**settings)


def test_networks_and_samples_must_match_the_graph():
    with pytest.raises(ValueError, match=r"num_samples must have .* missing subject"):
        _make(num_samples={"author": 2}).init(jax.random.key(0), INPUTS)
    plain = Network(lambda key, *inputs: (), lambda params, *inputs: jnp.zeros((60, 4)))
    heco = make_heco(plain, head=HEAD, optimizer=ADAM, num_samples=SAMPLES)
    with pytest.raises(ValueError, match="attribute 'meta_path' of the shape"):
        heco.init(jax.random.key(0), INPUTS)


def test_it_has_a_short_repr_and_documented_methods():
    assert repr(HECO).startswith("Heco(num_samples={'author': 2, 'subject': 1}, temp")
    assert "Args:" in HECO.step.__doc__


@pytest.mark.slow
def test_arrays_are_broadcast_explicitly():
    heco = make_heco(TABLES, head=IDENTITY, optimizer=ADAM, num_samples=SAMPLES)
    graph = INPUTS._replace(neighbors={})
    with jax.numpy_rank_promotion("raise"):
        state = heco.init(jax.random.key(0), graph)
        heco.step(jax.random.key(1), state, graph)
