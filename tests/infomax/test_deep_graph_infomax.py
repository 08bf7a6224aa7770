"""Deep Graph InfoMax: the loss by NumPy, learning, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.core.types import Critic, Network
from jaxinfo.data import normalize_adjacency
from jaxinfo.infomax import (
    make_deep_graph_infomax,
    mean_summary,
    shuffle_nodes,
    train_deep_graph_infomax,
)

RNG = np.random.default_rng(0)
N = 40
GROUP = np.arange(N) % 2
# Two groups of nodes; most edges are within a group.
EDGES = RNG.random((N, N)) < np.where(GROUP[:, None] == GROUP, 0.3, 0.02)
ADJACENCY = normalize_adjacency((EDGES | EDGES.T | np.eye(N, dtype=bool)).astype(float))
FEATURES = jnp.asarray(
    RNG.normal(size=(N, 6)) + 0.5 * (2 * GROUP[:, None] - 1) * np.eye(6)[0], jnp.float32
)
ENCODER = networks.graph_encoder(sizes=(16,))
CRITIC = networks.bilinear_critic(use_bias=False)
ADAM = optax.adam(1e-2)


def _make(**settings):
    given = {"critic": CRITIC, "optimizer": ADAM} | settings
    return make_deep_graph_infomax(ENCODER, **given)


@pytest.mark.parametrize("bound", ["jensen_shannon", "donsker_varadhan"])
def test_the_loss_matches_the_paper(bound):
    representations = RNG.normal(size=(N, 3))
    # The encoder returns its features, and the corruption doubles them.
    encoder = Network(lambda key, x, a: (), lambda params, x, a: x)
    form = RNG.normal(size=(3, 3))
    critic = Critic(
        lambda key, x, y: jnp.asarray(form, jnp.float32),
        lambda form, x, y: jnp.sum(x @ form * y, axis=1),
    )
    infomax = make_deep_graph_infomax(
        encoder,
        critic=critic,
        optimizer=ADAM,
        bound=bound,
        corrupt=lambda key, x: 2 * x,
    )
    features = jnp.asarray(representations, jnp.float32)
    state = infomax.init(jax.random.key(0), features, ADJACENCY)
    _, info = jax.jit(infomax.step)(jax.random.key(1), state, features, ADJACENCY)
    summary = 1 / (1 + np.exp(-representations.mean(axis=0)))
    p, q = representations @ form @ summary, 2 * representations @ form @ summary
    if bound == "jensen_shannon":
        # Twice equation 1 for N nodes of each kind, plus log 4.
        entropy = np.mean(np.log(1 / (1 + np.exp(-p))))
        entropy += np.mean(np.log(1 - 1 / (1 + np.exp(-q))))
        expected = np.log(4) + entropy
    else:
        expected = np.mean(p) - np.log(np.mean(np.exp(q)))
    np.testing.assert_allclose(-info.loss, expected, rtol=1e-4, atol=1e-5)


def test_summary_and_corruption():
    representations = RNG.normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(
        mean_summary(representations),
        1 / (1 + np.exp(-representations.mean(axis=0))),
        rtol=1e-6,
    )
    shuffled = shuffle_nodes(jax.random.key(0), representations)
    assert np.any(shuffled != representations)
    np.testing.assert_array_equal(
        np.sort(shuffled, axis=0), np.sort(representations, axis=0)
    )


@pytest.mark.slow
def test_training_increases_the_bound_on_new_corruptions():
    infomax = _make()
    key, unseen = jax.random.split(jax.random.key(0))
    run = jax.jit(
        lambda key: train_deep_graph_infomax(
            key, infomax, FEATURES, ADJACENCY, max_steps=100, patience=50
        )
    )(key)
    losses = np.asarray(run.history.loss[: int(run.num_steps)])
    assert losses[int(run.best_step)] == losses.min()

    @jax.jit
    def bound(key, state):
        return -infomax.step(key, state, FEATURES, ADJACENCY)[1].loss

    start = infomax.init(key, FEATURES, ADJACENCY)
    before, after = (
        np.mean([bound(one, state) for one in jax.random.split(unseen, 20)])
        for state in (start, run.state)
    )
    assert before < 0.1
    # A quarter of the maximum.
    assert after > np.log(4) / 4
    representations = infomax.encode(run.state, FEATURES, ADJACENCY)
    assert representations.shape == (N, 16)


def test_a_bilinear_critic_without_bias_is_a_bilinear_form():
    x, y = RNG.normal(size=(2, 4, 3)).astype(np.float32)
    params = CRITIC.init(jax.random.key(0), x, y)
    ((_, form),) = params["form"].items()
    np.testing.assert_allclose(
        CRITIC.apply(params, x, y), np.sum(x @ np.asarray(form) * y, axis=1), rtol=1e-5
    )
    assert set(params) == {"form"}


def test_errors_name_the_argument():
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=r"unknown bound 'info'.*jensen_shannon"):
        _make(bound="info")
    with pytest.raises(ValueError, match=r"adjacency must have the shape \(40, 40\)"):
        _make().init(key, FEATURES, jnp.eye(N + 1))
    with pytest.raises(ValueError, match="features must be finite"):
        _make().init(key, FEATURES.at[3].set(jnp.nan), ADJACENCY)
    flat = Network(lambda key, x, a: (), lambda params, x, a: jnp.zeros(3))
    infomax = make_deep_graph_infomax(flat, critic=CRITIC, optimizer=ADAM)
    with pytest.raises(ValueError, match=r"encoder must return representations"):
        infomax.init(key, FEATURES, ADJACENCY)


def test_it_has_a_short_repr_and_documented_methods():
    infomax = _make()
    assert repr(infomax) == "DeepGraphInfomax(bound='jensen_shannon')"
    assert "Args:" in infomax.step.__doc__


@pytest.mark.slow
def test_arrays_are_broadcast_explicitly():
    encoder = Network(lambda key, x, a: jnp.ones((6, 3)), lambda w, x, a: a @ x @ w)
    infomax = make_deep_graph_infomax(encoder, critic=CRITIC, optimizer=ADAM)
    with jax.numpy_rank_promotion("raise"):
        state = infomax.init(jax.random.key(0), FEATURES, ADJACENCY)
        infomax.step(jax.random.key(1), state, FEATURES, ADJACENCY)
