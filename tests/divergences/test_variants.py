"""Every public function gives its float64 value with and without jit.

The functions run under JAX's strict settings: no implicit promotion of ranks, and an
error at any infinity. Masks, zero probabilities and limits of settings are included,
because their logarithms are infinite.
"""

import functools
import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from jaxinfo import divergences as d

from .table import BOUNDS, MEMBERS

RNG = np.random.default_rng(0)
P, Q = RNG.normal(0.6, 0.8, 6), RNG.normal(-0.2, 0.9, 8)
WHERE_P, WHERE = np.arange(6) != 2, np.where(np.arange(8) == 3, 0.0, 1 + Q**2)
RATIOS = np.exp(P)
COVARIANCES = np.diag([1.0, 1.2, 0.9]) + 0.1, np.eye(3)
GAUSSIANS = RNG.normal(size=3), COVARIANCES[0], RNG.normal(size=3), COVARIANCES[1]
PROBABILITIES = np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.5, 0.3])
# Makers of f-divergences, whose methods are cases of their own.
MAKERS = {"alpha_divergence", "skewed_jensen_shannon"}


def methods(member, u, v):
    """The public methods of an f-divergence, each on points of its domain."""
    of_v = [member.output_activation, member.conjugate_of_activation]
    if member is not d.TOTAL_VARIATION:
        of_v.append(member.log_ratio)
    return (
        [method(v) for method in of_v],
        [method(u) for method in (member.generator, member.derivative)],
        member.conjugate(-u / 10),
        member.perspective(jnp.log(u), v),
    )


def log_normal_density(x, mean=0.0):
    return -0.5 * (x - mean) ** 2 - 0.5 * jnp.log(2 * jnp.pi)


# "function[details]" -> (function, arguments).
CASES = {
    **{name: (bound, (P, Q)) for name, bound in BOUNDS.items()},
    **{
        f"{name}, masked": (bound, (P, Q, WHERE, WHERE_P))
        for name, bound in BOUNDS.items()
    },
    **{
        f"methods[{member}]": (functools.partial(methods, member), (RATIOS, P))
        for member in MEMBERS
    },
    "mine_init": (functools.partial(d.mine_init, jnp.float32), ()),
    **{
        f"mine_update[{decay}]": (
            functools.partial(d.mine_update, decay=decay),
            (d.MineState(np.array(0.3), np.array(2)), P, Q),
        )
        for decay in (0.0, 0.9)
    },
    "exact_gaussian_renyi": (
        functools.partial(d.exact_gaussian_renyi, order=0.7),
        GAUSSIANS,
    ),
    **{
        name: (getattr(d, name), GAUSSIANS)
        for name in (
            "exact_gaussian_jeffreys",
            "exact_gaussian_kl",
            "exact_gaussian_neyman",
            "exact_gaussian_pearson",
            "exact_gaussian_reverse_kl",
            "exact_gaussian_squared_hellinger",
        )
    },
    "exact_gaussian_mutual_information": (
        functools.partial(d.exact_gaussian_mutual_information, dim_x=1),
        COVARIANCES[:1],
    ),
    "exact_discrete": (functools.partial(d.exact_discrete, d.KL), PROBABILITIES),
    "exact_by_quadrature": (
        lambda low, high: d.exact_by_quadrature(
            d.JEFFREYS,
            functools.partial(log_normal_density, mean=1.0),
            log_normal_density,
            low=low,
            high=high,
        ),
        (np.array(-8.0), np.array(9.0)),
    ),
}


@functools.cache
def float64_values():
    with jax.enable_x64(True):
        run = jax.jit(lambda: {name: f(*given) for name, (f, given) in CASES.items()})
        return jax.device_get(run())


class VariantsTest(chex.TestCase):
    @chex.variants(with_jit=True, without_jit=True)
    @parameterized.named_parameters(*[(f" {name}", name) for name in CASES])
    def test_value(self, name):
        function, arguments = CASES[name]
        single = jax.tree.map(_single_precision, arguments)
        with jax.numpy_rank_promotion("raise"), jax.debug_infs(True):
            got = self.variant(function)(*single)
        expected = jax.tree.map(_single_precision, float64_values()[name])
        chex.assert_trees_all_close(got, expected, rtol=1e-4, atol=1e-5)


def _single_precision(array):
    is_float = np.issubdtype(array.dtype, np.floating)
    return array.astype(np.float32) if is_float else array


def test_gradients_of_bounds_are_finite_under_strict_settings():
    @jax.jit
    def run(*arguments):
        return {
            name: jax.grad(bound, (0, 1))(*arguments) for name, bound in BOUNDS.items()
        }

    arguments = map(_single_precision, (P, Q, WHERE, WHERE_P))
    with jax.numpy_rank_promotion("raise"), jax.debug_infs(True):
        chex.assert_tree_all_finite(run(*arguments))


def test_every_public_function_is_a_case():
    public = {name for name in d.__all__ if inspect.isfunction(getattr(d, name))}
    assert public - MAKERS == {name.split("[")[0] for name in CASES} & public
