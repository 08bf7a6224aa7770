"""The stopwatch counts compiling once, and running never."""

import time

import jax
import jax.numpy as jnp

from jaxinfo.training.compile_time import _union, compile_stopwatch


def test_overlapping_intervals_are_counted_once():
    assert _union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0), (0.5, 1.5)]) == 4
    assert _union([]) == 0


def test_compiling_is_counted_and_running_is_not():
    program = jax.jit(lambda x: jnp.sin(x).sum())
    rows = jnp.ones(7)
    start = time.perf_counter()
    with compile_stopwatch() as first:
        program(rows).block_until_ready()
    elapsed = time.perf_counter() - start
    with compile_stopwatch() as second:
        program(rows).block_until_ready()
    assert 0 < first[0] <= elapsed
    assert second == [0]


def test_an_inner_stopwatch_does_not_stop_the_outer_one():
    rows = jnp.ones(5)
    with compile_stopwatch() as outer:
        with compile_stopwatch() as inner:
            jax.jit(lambda x: x + 3)(rows)
        before = inner[0]
        jax.jit(lambda x: jnp.cos(x) + 3)(rows)
    assert inner == [before]
    assert outer[0] > 0
