"""Flax modules as networks: values, equality, pickling, modules that are refused."""

import copy
import functools
import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from jaxinfo import networks
from jaxinfo.core.types import Critic, Network

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def _normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


class _Activated(linen.Module):
    """Has JAX's functions among its attributes."""

    activations: tuple = (jax.nn.relu, jax.nn.silu, jnp.tanh, jax.nn.gelu)

    @linen.compact
    def __call__(self, x):
        for activation in self.activations:
            x = activation(linen.Dense(2)(x))
        return x


class _WithPairwise(linen.Module):
    @linen.compact
    def __call__(self, x, y):
        return (linen.Dense(y.shape[1], name="form")(x) * y).sum(1)

    @linen.compact
    def pairwise(self, x, y):
        return linen.Dense(y.shape[1], name="form")(x) @ y.T


class _NnxTowers(nnx.Module):
    def __init__(self, rngs):
        self.tower = nnx.Linear(3, 2, rngs=rngs)

    def __call__(self, x, y):
        return (self.tower(x) * y).sum(1)

    def pairwise(self, x, y):
        return self.tower(x) @ y.T


def test_from_linen_is_the_module_itself():
    x, module = _normal(4, 3), _Activated()
    network = networks.from_linen(module)
    params = network.init(KEY, x)
    chex.assert_trees_all_equal(params, jax.jit(module.init)(KEY, x)["params"])
    np.testing.assert_array_equal(
        network.apply(params, x), module.apply({"params": params}, x)
    )


def test_init_outside_of_jit_is_one_program():
    network = networks.from_linen(_Activated())
    assert len(jax.make_jaxpr(network.init)(KEY, _normal(4, 3)).eqns) == 1


@pytest.mark.parametrize(
    "critic", [networks.from_linen(_WithPairwise()), networks.from_nnx(_NnxTowers)]
)
def test_a_module_with_pairwise_becomes_a_critic(critic):
    assert isinstance(critic, Critic)
    x, y = _normal(4, 3), _normal(4, 2)
    params = critic.init(KEY, x, y)
    matrix, each = jax.jit(critic.pairwise)(params, x, y), critic.apply(params, x, y)
    np.testing.assert_allclose(np.diagonal(matrix), each, rtol=1e-5)


def test_other_modules_become_networks():
    assert isinstance(networks.from_linen(linen.Dense(1)), Network)


@pytest.mark.parametrize(
    "make",
    [
        lambda: networks.from_linen(_Activated()),
        lambda: networks.from_linen(_WithPairwise()),
        lambda: networks.from_linen_in_training(_Activated()),
        lambda: networks.from_nnx(_NnxTowers),
    ],
)
def test_networks_are_equal_by_value_and_can_be_pickled(make):
    network = make()
    for same in (make(), pickle.loads(pickle.dumps(network))):
        assert same == network
        assert hash(same) == hash(network)


def test_networks_of_equal_modules_are_traced_once():
    @functools.partial(jax.jit, static_argnums=0)
    @chex.assert_max_traces(1)
    def run(network, x):
        return network.apply(network.init(KEY, x), x)

    first, second = (
        run(networks.from_linen(_Activated()), _normal(4, 3)) for _ in range(2)
    )
    assert first.shape == second.shape


def test_networks_of_other_modules_are_not_equal():
    first, second = (networks.from_linen(linen.Dense(size)) for size in (1, 2))
    assert first != second
    assert networks.from_linen(linen.Dense(1)) == copy.deepcopy(first) == first


def test_from_nnx_is_the_module_itself():
    network = networks.from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs))
    params = network.init(KEY)
    module = nnx.Linear(3, 2, rngs=nnx.Rngs(KEY))
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(network.apply(params, rows), module(rows))
    gradient = jax.grad(lambda p: network.apply(p, rows).sum())(params)
    chex.assert_trees_all_equal_shapes_and_dtypes(gradient, params)


# Bad input -------------------------------------------------------------------------


class _Counter(linen.Module):
    """Keeps a variable of its own."""

    @linen.compact
    def __call__(self, x, *, is_training):
        self.variable("counter", "n", lambda: jnp.zeros(()))
        return x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: networks.from_linen(linen.BatchNorm(False)).init(
                KEY, _normal(2, 2)
            ),
            r"BatchNorm keeps state besides its parameters \(batch_stats",
        ),
        (
            lambda: networks.from_linen_in_training(_Counter()).init(
                KEY, _normal(2, 2)
            ),
            r"_Counter keeps state besides its parameters \(counter",
        ),
        (
            lambda: networks.from_nnx(lambda rngs: nnx.BatchNorm(2, rngs=rngs)),
            r"BatchNorm keeps state besides its parameters \(BatchStat",
        ),
        (lambda: networks.from_linen(linen.Dense), r"call from_linen\(Dense\(\.\.\."),
        (
            lambda: networks.from_linen_in_training(_Counter),
            r"call from_linen_in_training\(_Counter\(\.\.\.",
        ),
        (
            lambda: networks.from_linen(_NnxTowers(nnx.Rngs(0))),
            r"call from_nnx\(lambda rngs: _NnxTowers\(",
        ),
        (lambda: networks.from_linen(_NnxTowers), "needs from_nnx"),
        (
            lambda: networks.from_linen(_Activated(np.ones(2))),
            "_Activated must have hashable attributes",
        ),
        (lambda: networks.from_linen(3), "must be a Linen module, got 3"),
        (
            lambda: networks.from_nnx(_NnxTowers(nnx.Rngs(0))),
            r"call from_nnx\(lambda rngs: _NnxTowers\(",
        ),
        (lambda: networks.from_nnx(linen.Dense(1)), r"call from_linen\(Dense\("),
        (lambda: networks.from_nnx(linen.Dense), r"call from_linen\(Dense\("),
        (lambda: networks.from_nnx(3), "must be a function rngs -> module, got 3"),
        (
            lambda: networks.from_nnx(lambda rngs: linen.Dense(1)),
            "must return an NNX module, got Dense",
        ),
    ],
)
def test_a_wrong_argument_gets_an_error_that_names_the_right_call(call, message):
    with pytest.raises(ValueError, match=message):
        call()
