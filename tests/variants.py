"""The same function with jit, without jit and in float64."""

import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any

import chex
import jax
import numpy as np
from absl.testing import parameterized

KEY = jax.random.key(0)


def single_precision(tree: Any) -> Any:
    """Floating-point arrays in float32, other leaves unchanged."""

    def convert(leaf: Any) -> Any:
        is_float = np.issubdtype(getattr(leaf, "dtype", np.int32), np.floating)
        return np.asarray(leaf).astype(np.float32) if is_float else leaf

    return jax.tree.map(convert, tree)


def make_variants_test(
    cases: Mapping[str, tuple[Callable, Any]],
    sampled: Mapping[str, Callable] | None = None,
    *,
    rank_promotion: str = "raise",
    debug_infs: bool = True,
    rtol: float = 1e-4,
    atol: float = 1e-5,
) -> type[chex.TestCase]:
    """Makes tests of functions with and without jit, under JAX's strict settings.

    Implicit promotion of ranks is an error, and so is any infinity.

    Args:
        cases: (function, arguments); the arguments are float64 arrays, or a function
            without arguments that returns them. Results in float32 must be near those
            in float64.
        sampled: functions of a key, whose random numbers depend on the precision; the
            results with and without jit must be near each other.
        rank_promotion: "raise", or "allow" implicit promotion of ranks.
        debug_infs: whether an infinity inside of a function is an error.
        rtol: relative tolerance.
        atol: absolute tolerance.
    """
    sampled = sampled or {}

    def given(name: str) -> tuple:
        arguments = cases[name][1]
        return arguments() if callable(arguments) else arguments

    @functools.cache
    def float64_values() -> dict[str, Any]:
        arguments = {name: given(name) for name in cases}
        with jax.enable_x64(True):
            run = jax.jit(
                lambda arguments: {
                    name: function(*arguments[name])
                    for name, (function, _) in cases.items()
                }
            )
            return jax.device_get(run(arguments))

    @functools.cache
    def jitted_samples() -> dict[str, Any]:
        run = jax.jit(lambda key: {name: f(key) for name, f in sampled.items()})
        return jax.device_get(run(KEY))

    def check(found: Any, expected: Any) -> None:
        chex.assert_trees_all_close(
            found, single_precision(expected), rtol=rtol, atol=atol
        )

    def strict() -> Any:
        stack = contextlib.ExitStack()
        stack.enter_context(jax.numpy_rank_promotion(rank_promotion))
        stack.enter_context(jax.debug_infs(debug_infs))
        return stack

    class VariantsTest(chex.TestCase):
        @chex.variants(with_jit=True, without_jit=True)
        @parameterized.named_parameters(*[(f" {name}", name) for name in cases])
        def test_value(self, name):
            function, _ = cases[name]
            with strict():
                found = self.variant(function)(*single_precision(given(name)))
            check(found, float64_values()[name])

        if sampled:

            @chex.variants(with_jit=True, without_jit=True)
            @parameterized.named_parameters(*[(f" {name}", name) for name in sampled])
            def test_samples(self, name):
                with strict():
                    found = self.variant(sampled[name])(KEY)
                check(found, jitted_samples()[name])

    return VariantsTest


def covered(*tables: Mapping[str, Any]) -> set[str]:
    """Names of the functions in tables whose keys are "function[details] details"."""
    names = (name for table in tables for name in table)
    return {name.split("[")[0].split(",")[0].split()[0] for name in names}
