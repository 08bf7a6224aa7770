"""Critics: inputs of any shape, all pairs against one pair at a time, densities."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import networks
from tests.marks import slowly

CRITICS = {
    "joint": networks.joint_critic,
    "separable": networks.separable_critic,
    "bilinear": networks.bilinear_critic,
    "gaussian_conditional": networks.gaussian_conditional_critic,
    "logistic_conditional": networks.logistic_conditional_critic,
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


@pytest.mark.parametrize("name", ["gaussian_conditional", "logistic_conditional"])
def test_the_conditional_critics_are_densities_of_y(name):
    critic = CRITICS[name]((8,))
    x = np.full((4001, 2), 0.3, np.float32)
    grid = np.linspace(-40, 40, 4001, dtype=np.float32)
    scores = jax.jit(lambda x, y: critic.apply(critic.init(KEY, x, y), x, y))(x, grid)
    np.testing.assert_allclose(np.trapezoid(np.exp(scores), grid), 1, rtol=1e-4)


def test_hidden_sizes_are_those_of_the_layers():
    critic = networks.joint_critic([7, 5, 3])
    params = jax.eval_shape(critic.init, KEY, jnp.ones((2, 1)), jnp.ones((2, 1)))
    sizes = sorted(x.shape for x in jax.tree.leaves(params) if x.ndim == 2)
    assert sizes == [(2, 7), (3, 1), (5, 3), (7, 5)]


def test_a_critic_with_zero_init_scores_every_pair_zero():
    critic = networks.joint_critic((4,), zero_init=True)
    x, y = RNG.normal(size=(2, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(critic.apply(critic.init(KEY, x, y), x, y), 0)
