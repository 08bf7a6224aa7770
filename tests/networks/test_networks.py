"""Bundled critics take any shapes, agree with themselves, and are equal by value."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from jaxinfo import networks
from jaxinfo.core.types import Critic, Network
from tests.marks import slowly

CRITICS = {
    "joint": networks.joint_critic,
    "separable": networks.separable_critic,
    "bilinear": networks.bilinear_critic,
    "gaussian_conditional": networks.gaussian_conditional_critic,
    "logistic_conditional": networks.logistic_conditional_critic,
}
DENSITIES = {
    "gaussian": networks.gaussian_density,
    "logistic": networks.logistic_density,
}
KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
SHAPES = [((3,), (5,)), ((), (2, 2)), slowly(((4, 3, 1), ()))]


@pytest.mark.parametrize("make", CRITICS.values(), ids=CRITICS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_critics_take_inputs_of_any_and_unequal_shape(make, shapes):
    critic = make()
    x, y = (RNG.normal(size=(6, *shape)).astype(np.float32) for shape in shapes)
    scores = jax.jit(lambda x, y: critic.apply(critic.init(KEY, x, y), x, y))(x, y)
    chex.assert_shape(scores, (6,))
    chex.assert_tree_all_finite(scores)


@pytest.mark.parametrize("name", ["separable", "bilinear", "gaussian_conditional"])
def test_pairwise_is_apply_on_every_pair(name):
    critic = CRITICS[name]()
    x, y = (RNG.normal(size=size).astype(np.float32) for size in ((4, 3), (5, 2)))
    params = jax.jit(critic.init)(KEY, x, y[:4])
    matrix = jax.jit(critic.pairwise)(params, x, y)
    one = jax.jit(critic.apply)
    each = [[one(params, a[None], b[None])[0] for b in y] for a in x]
    np.testing.assert_allclose(matrix, np.array(each), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("make", DENSITIES.values(), ids=DENSITIES)
def test_densities_integrate_to_one_and_take_any_shape(make):
    network = make()
    grid = np.linspace(-40, 40, 4001, dtype=np.float32)
    pairs = np.stack([grid[:5]] * 4, axis=1).reshape(5, 2, 2)

    @jax.jit
    def compute(grid, pairs):
        params = network.init(KEY, grid)
        moved = jax.tree.map(lambda leaf: leaf + 0.5, params)
        of_pairs = network.apply(network.init(KEY, pairs), pairs)
        return network.apply(moved, grid), network.apply(params, grid[:5]), of_pairs

    log_density, each, of_pairs = map(np.asarray, compute(grid, pairs))
    np.testing.assert_allclose(np.trapezoid(np.exp(log_density), grid), 1, rtol=1e-4)
    np.testing.assert_allclose(of_pairs, 4 * each, rtol=1e-5)


@pytest.mark.parametrize("name", ["gaussian_conditional", "logistic_conditional"])
def test_the_conditional_critics_are_densities_of_y(name):
    critic = CRITICS[name]((8,))
    x = np.full((4001, 2), 0.3, np.float32)
    grid = np.linspace(-40, 40, 4001, dtype=np.float32)
    scores = jax.jit(lambda x, y: critic.apply(critic.init(KEY, x, y), x, y))(x, grid)
    np.testing.assert_allclose(np.trapezoid(np.exp(scores), grid), 1, rtol=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        *CRITICS.values(),
        *DENSITIES.values(),
        networks.discriminator,
        networks.gaussian_generator,
        networks.maxout_discriminator,
        lambda: networks.generator((4,), (2,)),
        lambda: networks.convolutional_generator((4, 4, 1)),
        lambda: networks.spectrally_normalized(networks.discriminator((4,))),
    ],
)
def test_equal_arguments_give_equal_networks(make):
    assert make() == make()
    assert hash(make()) == hash(make())


def test_widths_reach_the_network():
    critic = networks.joint_critic([7, 5, 3])
    params = jax.eval_shape(critic.init, KEY, jnp.ones((2, 1)), jnp.ones((2, 1)))
    sizes = sorted(x.shape for x in jax.tree.leaves(params) if x.ndim == 2)
    assert sizes == [(2, 7), (3, 1), (5, 3), (7, 5)]


def test_the_discriminator_scores_rows_of_any_shape():
    network = networks.discriminator((4,))
    rows = jnp.ones((3, 2, 2))
    scores = jax.eval_shape(
        lambda rows: network.apply(network.init(KEY, rows), rows), rows
    )
    assert scores.shape == (3,)


class _WithPairwise(linen.Module):
    @linen.compact
    def __call__(self, x, y):
        return (linen.Dense(y.shape[1])(x) * y).sum(1)

    def pairwise(self, x, y):
        raise AssertionError("only its presence matters here")


def test_from_linen_tells_critics_from_networks():
    assert isinstance(networks.from_linen(linen.Dense(1)), Network)
    assert isinstance(networks.from_linen(_WithPairwise()), Critic)
    assert networks.from_linen(linen.Dense(1)) is networks.from_linen(linen.Dense(1))


def test_from_linen_refuses_hidden_state():
    network = networks.from_linen(linen.BatchNorm(use_running_average=False))
    with pytest.raises(ValueError, match="batch_stats"):
        network.init(KEY, jnp.ones((2, 2)))


def test_from_nnx_is_the_module_itself():
    network = networks.from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs))
    params = network.init(KEY)
    module = nnx.Linear(3, 2, rngs=nnx.Rngs(KEY))
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(network.apply(params, rows), module(rows))
    slope = jax.grad(lambda p: network.apply(p, rows).sum())(params)
    chex.assert_trees_all_equal_shapes_and_dtypes(slope, params)


class _NnxTowers(nnx.Module):
    def __init__(self, rngs):
        self.tower = nnx.Linear(3, 2, rngs=rngs)

    def __call__(self, x, y):
        return (self.tower(x) * y).sum(1)

    def pairwise(self, x, y):
        return self.tower(x) @ y.T


def test_from_nnx_takes_pairwise_along():
    critic = networks.from_nnx(_NnxTowers)
    assert isinstance(critic, Critic)
    x, y = (RNG.normal(size=size).astype(np.float32) for size in ((4, 3), (4, 2)))
    params = critic.init(KEY, x, y)
    matrix, each = jax.jit(critic.pairwise)(params, x, y), critic.apply(params, x, y)
    np.testing.assert_allclose(np.diagonal(matrix), each, rtol=1e-5)


def test_from_nnx_refuses_hidden_state():
    with pytest.raises(ValueError, match=r"BatchNorm.*BatchStat"):
        networks.from_nnx(lambda rngs: nnx.BatchNorm(2, rngs=rngs))
