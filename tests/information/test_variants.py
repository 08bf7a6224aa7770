"""Every public function gives its float64 value with and without jit.

The functions run under JAX's strict settings: no implicit promotion of ranks, and an
error at any infinity. Masks and limits of settings are included, because their
logarithms are infinite.
"""

import functools
import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl.testing import parameterized

from jaxinfo import information
from jaxinfo.core import Critic

from .table import gaussian_rows

RNG = np.random.default_rng(0)
SIZE = 6
SCORES, LOCATIONS = RNG.normal(size=(SIZE, SIZE)), RNG.normal(size=(SIZE, 3, SIZE))
VECTORS = RNG.normal(size=(2, SIZE))
WHERE = {
    "": None,
    "mask": np.arange(SIZE) != 2,
    "weights": np.where(np.arange(SIZE) == 2, 0, 1.5),
}
COLUMNS = np.stack([np.arange(SIZE), np.roll(np.arange(SIZE), 1)], axis=1)
COLUMNS[0, 1] = -1
# Differences of multiples of 1/8 are exact, so nearest neighbors are the same in
# float32 and float64.
X, Y = (np.round(8 * rows) / 8 for rows in gaussian_rows(30, 2, 2))
DOT = Critic(lambda *_: (), lambda _, x, y: jnp.sum(x * y, axis=1))


def _fit_and_log_ratio(x, y):
    return information.gaussian_log_ratio(information.fit_gaussian(x, y), x, y)


def _blocked(x, y, positives, where=None):
    return information.blocked_multi_positive_info_nce_bound(
        DOT, (), x, y, positives, where, block_size=4
    )


# Bounds of scores and a mask: "function[details]" -> (function, arguments).
BOUNDS = {
    "info_nce_bound": (information.info_nce_bound, (SCORES,)),
    "leave_one_out_bound": (information.leave_one_out_bound, (SCORES,)),
    "local_info_nce_bound": (information.local_info_nce_bound, (LOCATIONS,)),
    "club_bound": (information.club_bound, tuple(VECTORS)),
    "difference_of_entropies": (information.difference_of_entropies, tuple(VECTORS)),
    "tuba_bound": (information.tuba_bound, (SCORES, VECTORS[0])),
    "flo_bound": (information.flo_bound, (SCORES, VECTORS[0])),
    **{
        f"interpolated_bound[{alpha}]": (
            functools.partial(information.interpolated_bound, alpha=alpha),
            (SCORES, VECTORS[0]),
        )
        for alpha in (0.0, 0.3, 1.0)
    },
    **{
        f"multi_positive_info_nce_bound[{axis}, {positives.dtype}]": (
            functools.partial(information.multi_positive_info_nce_bound, axis=axis),
            (SCORES, positives),
        )
        for axis in (0, 1)
        for positives in (COLUMNS, np.eye(SIZE) > 0)
    },
    "blocked_multi_positive_info_nce_bound": (_blocked, (X[:SIZE], Y[:SIZE], COLUMNS)),
    **{
        f"{function.__name__}[{name}]": (
            functools.partial(function, name),
            tuple(VECTORS[:number]),
        )
        for name in information.DIME
        for function, number in (
            (information.dime_objective, 2),
            (information.dime_estimate, 1),
        )
    },
}
CASES = {
    **{
        f"{name} {kind}": (bound, (*arguments, where))
        for name, (bound, arguments) in BOUNDS.items()
        for kind, where in WHERE.items()
    },
    **{
        f"dime_log_ratio[{name}]": (
            functools.partial(information.dime_log_ratio, name),
            (VECTORS[0],),
        )
        for name in information.DIME
    },
    **{
        name: (getattr(information, name), (X, Y))
        for name in (
            "fit_gaussian",
            "gaussian_copula_information",
            "gaussian_information",
            "ksg1_information",
            "ksg2_information",
            "mixed_ksg_information",
            "plug_in_information",
        )
    },
    "gaussian_log_ratio": (_fit_and_log_ratio, (X, Y)),
    "normal_scores": (lambda x: information.normal_scores(jnp.asarray(x)), (X,)),
    "pairwise_scores": (
        functools.partial(information.pairwise_scores, DOT, ()),
        (X, Y[:5]),
    ),
    "split_scores": (information.split_scores, (SCORES, COLUMNS)),
    "off_diagonal": (lambda: information.off_diagonal(SIZE), ()),
    "roll": (lambda shift: information.roll(SIZE, shift=shift), (np.array([1, 3]),)),
}
# Their values are whole numbers, and others with the wider integers of float64.
SAMPLERS = {
    "sample_derangement": lambda key: information.sample_derangement(key, SIZE),
    "sample_draws": lambda key: information.sample_draws(key, SIZE, 3),
    **{
        f"sample_negatives[{name}]": functools.partial(
            lambda key, name: information.sample_negatives(key, SIZE, 3, name=name),
            name=name,
        )
        for name in information.NEGATIVE_SAMPLERS
    },
}


@functools.cache
def float64_values():
    with jax.enable_x64(True):
        run = jax.jit(lambda: {name: f(*given) for name, (f, given) in CASES.items()})
        return jax.device_get(run())


def _single_precision(tree):
    def convert(array):
        is_float = np.issubdtype(array.dtype, np.floating)
        return array.astype(np.float32) if is_float else array

    return jax.tree.map(convert, tree)


class VariantsTest(chex.TestCase):
    @chex.variants(with_jit=True, without_jit=True)
    @parameterized.named_parameters(*[(f" {name}", name) for name in CASES])
    def test_value(self, name):
        function, arguments = CASES[name]
        with jax.numpy_rank_promotion("raise"), jax.debug_infs(True):
            got = self.variant(function)(*_single_precision(arguments))
        expected = _single_precision(float64_values()[name])
        chex.assert_trees_all_close(got, expected, rtol=1e-4, atol=1e-5)

    @chex.variants(with_jit=True, without_jit=True)
    @parameterized.named_parameters(*[(f" {name}", name) for name in SAMPLERS])
    def test_samples(self, name):
        key = jax.random.key(0)
        with jax.numpy_rank_promotion("raise"), jax.debug_infs(True):
            got = self.variant(SAMPLERS[name])(key)
        np.testing.assert_array_equal(got, _sampled()[name])


@functools.cache
def _sampled():
    run = jax.jit(lambda key: {name: f(key) for name, f in SAMPLERS.items()})
    return jax.device_get(run(jax.random.key(0)))


@pytest.mark.slow
def test_gradients_of_bounds_are_finite_under_strict_settings():
    @jax.jit
    def run(cases):
        return {
            name: jax.grad(BOUNDS[name][0])(*arguments)
            for name, arguments in cases.items()
        }

    with jax.numpy_rank_promotion("raise"), jax.debug_infs(True):
        for where in WHERE.values():
            cases = {name: (*given, where) for name, (_, given) in BOUNDS.items()}
            chex.assert_tree_all_finite(run(_single_precision(cases)))


def test_every_public_function_is_a_case():
    exported = {name: getattr(information, name) for name in information.__all__}
    public = {name for name, value in exported.items() if inspect.isfunction(value)}
    covered = {name.split("[")[0].split()[0] for name in {**CASES, **SAMPLERS}}
    assert public == covered
