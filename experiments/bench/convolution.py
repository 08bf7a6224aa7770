"""Steps of a small convolutional network with JAX's or the library's convolution."""

import functools
import os
from collections.abc import Callable
from typing import Any

from experiments.bench.timing import cell, seconds_of, spread

__all__ = ["convolution_summary", "convolution_table", "measure_convolution"]

BATCH_SIZE, NUM_SEEDS = 128, 4
# Kernels of 5 x 5 with stride 2 on images of 28 x 28, then one dense layer.
KERNELS = ((5, 5, 1, 32), (5, 5, 32, 64))


def _contenders(convolution: Callable, num_steps: int) -> dict[str, Callable]:
    """Functions that run `num_steps` steps of each seed, by name."""
    import jax
    import jax.numpy as jnp

    keys = jax.random.split(jax.random.key(0), 3)
    images = jax.random.normal(keys[0], (BATCH_SIZE, 28, 28, 1))
    targets = jax.random.normal(keys[1], (BATCH_SIZE,))
    shapes = (*KERNELS, (7 * 7 * KERNELS[-1][-1],))
    params = [0.05 * jax.random.normal(keys[2], shape) for shape in shapes]

    def loss(params):
        x = images
        for kernel in params[:-1]:
            x = jax.nn.relu(convolution(x, kernel, (2, 2), "SAME"))
        return jnp.mean((x.reshape(BATCH_SIZE, -1) @ params[-1] - targets) ** 2)

    def step(params):
        return jax.tree.map(lambda p, g: p - 1e-3 * g, params, jax.grad(loss)(params))

    def scan(params):
        return jax.lax.scan(lambda p, _: (step(p), None), params, None, num_steps)[0]

    one_step, one_scan, by_vmap = map(jax.jit, (step, scan, jax.vmap(scan)))
    of_seeds = jax.tree.map(lambda p: jnp.stack([p] * NUM_SEEDS), params)

    def each_step(_: int) -> None:
        moved = params
        for _ in range(num_steps):
            moved = one_step(moved)
        jax.block_until_ready(moved)

    return {
        "one jit per step": each_step,
        "one scan": lambda _: jax.block_until_ready(one_scan(params)),
        "seeds by vmap": lambda _: jax.block_until_ready(by_vmap(of_seeds)),
    }


def measure_convolution(config: Any) -> list[dict[str, Any]]:
    """Seconds per step and seed, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from jax import lax

    from jaxinfo.networks.convolution import convolve

    jax_own = functools.partial(
        lax.conv_general_dilated, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    num_steps = 2 if config.smoke else 10
    calls = {
        (name, way): call
        for name, convolution in (("JAX's", jax_own), ("library", convolve))
        for way, call in _contenders(convolution, num_steps).items()
    }
    first = {contender: seconds_of(call, 0) for contender, call in calls.items()}
    seconds = {contender: [] for contender in calls}
    for _ in range(config.repeats):
        for (name, way), call in calls.items():
            seeds = NUM_SEEDS if way == "seeds by vmap" else 1
            per_step = seconds_of(call, 0) / num_steps / seeds
            seconds[name, way].append(per_step)
    records = []
    for (name, way), values in seconds.items():
        ratios = [v / b for v, b in zip(values, seconds["library", way], strict=True)]
        records.append(
            {
                "table": "convolution",
                "way": way,
                "contender": name,
                "seconds_per_step_and_seed": spread(values),
                "ratio": spread(ratios),
                "first_call_seconds": first[name, way],
            }
        )
    return records


def convolution_summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Time of JAX's own convolution relative to the library's."""
    return {
        f"convolution/{r['way']}": {"ratio": r["ratio"]}
        for r in records
        if r["table"] == "convolution" and r["contender"] != "library"
    }


def convolution_table(records: list[dict[str, Any]]) -> Any:
    """The table for the terminal."""
    from rich.table import Table

    table = Table(title="A small convolutional network, one core")
    for column in (
        "way",
        "convolution",
        "ms per step and seed",
        "ratio",
        "first call s",
    ):
        table.add_column(column)
    for r in records:
        if r["table"] != "convolution":
            continue
        seconds = r["seconds_per_step_and_seed"]
        milliseconds = {name: 1_000 * value for name, value in seconds.items()}
        cells = cell(milliseconds, 0), cell(r["ratio"], 1)
        first = f"{r['first_call_seconds']:.1f}"
        table.add_row(r["way"], r["contender"], *cells, first)
    return table
