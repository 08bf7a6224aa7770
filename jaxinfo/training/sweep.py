"""One run times many seeds and settings, in one compiled call."""

import functools
from collections.abc import Callable
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxinfo.core.checks import check_key, check_one_of
from jaxinfo.core.types import Array, Key, PyTree

__all__ = ["Layout", "default_layout", "sweep"]

Layout = Literal["auto", "vmap", "map", "mesh", "mesh_map"]
LAYOUTS: tuple[str, ...] = get_args(Layout)


def default_layout() -> Layout:
    """The fastest layout measured for this backend and its number of devices.

    Over several devices "mesh": on two CPU cores as two host devices it took 0.44 to
    0.59 of the time of "vmap" on one for a small critic and 2 to 32 seeds, 0.85 to 1
    for a large one, where "mesh_map" saves another tenth (`experiments/bench`). On a
    single device "vmap", which an accelerator needs and a processor hardly minds.
    """
    return "mesh" if jax.device_count() > 1 else "vmap"


def sweep(
    run: Callable[..., PyTree],
    keys: Key[Array, " s"],
    *data: PyTree,
    settings: PyTree = None,
    layout: Layout = "auto",
) -> PyTree:
    """Calls `run` for every setting and every key, as one compiled program.

    Entry [t, s] of the result is `run(keys[s], *data, **settings[t])`: every layout
    gives a seed the random numbers that it has alone.

    Args:
        run: a pure function of a key, the data and settings as keywords; hashable, as
            functions are. Equal runs on equal shapes share one compilation.
        keys: a key for each seed, [S].
        *data: arrays passed whole to every run.
        settings: a dict of pytrees of arrays with a common leading axis T, such as
            `{"learning_rate": jnp.array([1e-3, 1e-4])}`; None for none.
        layout: "vmap" (one batched program), "map" (one after the other; bit-equal to
            the run alone), "mesh" (spread over all devices of all processes, vmap on
            each), "mesh_map" (the same, map on each), or "auto", see `default_layout`.

    Returns:
        What `run` returns, with leading axes [T, S], or [S] where settings is None.

    Raises:
        ValueError: where the layout is unknown, or settings' leading axes differ.

    Notes:
        Over several processes every process must make the same call, and gets the
        whole result.
    """
    check_one_of(LAYOUTS, layout=layout)
    check_key(1, keys=keys)
    if layout == "auto":
        layout = default_layout()
    settings = jax.tree.map(jnp.asarray, settings or {}, is_leaf=_is_numbers)
    num_settings = _common_length(settings)
    num_seeds = len(keys)
    flat_settings = jax.tree.map(lambda x: jnp.repeat(x, num_seeds, axis=0), settings)
    flat_keys = jnp.tile(keys, num_settings)
    if layout.startswith("mesh"):
        result = _over_devices(run, layout, flat_keys, flat_settings, data)
    else:
        result = _compiled(run, layout)(flat_keys, flat_settings, data)
    if not settings:
        return result
    return jax.tree.map(
        lambda x: x.reshape(num_settings, num_seeds, *x.shape[1:]), result
    )


def _is_numbers(x: Any) -> bool:
    """A list or tuple that stands for an array, and not for a part of a pytree."""
    return (
        isinstance(x, list | tuple)
        and bool(x)
        and all(isinstance(each, int | float) for each in x)
    )


def _common_length(settings: PyTree) -> int:
    lengths = {jnp.shape(x)[:1] for x in jax.tree.leaves(settings)}
    if len(lengths) > 1 or () in lengths:
        raise ValueError(
            "settings must be arrays with one common leading axis, got lengths "
            f"{sorted(lengths)}"
        )
    return next(iter(lengths))[0] if lengths else 1


@functools.lru_cache(maxsize=128)
def _compiled(run: Callable[..., PyTree], layout: str) -> Callable[..., PyTree]:
    return jax.jit(functools.partial(_batched, run, layout))


def _batched(
    run: Callable[..., PyTree], layout: str, keys: Array, settings: PyTree, data: Any
) -> PyTree:
    def one(key: Array, setting: PyTree) -> PyTree:
        return run(key, *data, **setting)

    if layout.endswith("map") and layout != "vmap":
        return jax.lax.map(lambda pair: one(*pair), (keys, settings))
    return jax.vmap(one)(keys, settings)


@functools.lru_cache(maxsize=128)
def _compiled_over(
    run: Callable[..., PyTree], layout: str, mesh: Mesh
) -> Callable[..., PyTree]:
    runs, whole = PartitionSpec("runs"), PartitionSpec()
    spread = jax.shard_map(
        functools.partial(_batched, run, layout),
        mesh=mesh,
        in_specs=(runs, runs, whole),
        out_specs=runs,
        # Loops inside mix values that vary over devices with ones that do not.
        check_vma=False,
    )

    def padded(keys: Array, settings: PyTree, data: Any) -> PyTree:
        # Every device must have equally many: the first runs stand in for the missing.
        rows = jnp.arange(len(keys) + -len(keys) % mesh.size) % len(keys)
        return spread(keys[rows], jax.tree.map(lambda x: x[rows], settings), data)

    return jax.jit(padded)


def _over_devices(
    run: Callable[..., PyTree], layout: str, keys: Array, settings: PyTree, data: Any
) -> PyTree:
    num_runs = len(keys)
    devices = jax.devices()
    if jax.process_count() == 1:  # Every process must take part, with work or without.
        devices = devices[:num_runs]
    mesh = Mesh(np.array(devices), ("runs",))
    result = _compiled_over(run, layout, mesh)(keys, settings, data)
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        result = multihost_utils.process_allgather(result, tiled=True)
    return jax.tree.map(lambda x: x[:num_runs], result)
