"""Sweeps of one run over seeds and settings, as one compiled program."""

import functools
from collections.abc import Callable
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxinfo.core.checks import check_key, check_one_of
from jaxinfo.core.types import Array, Key, PyTree
from jaxinfo.training.nonfinite import nonfinite_allowed

__all__ = ["Layout", "default_layout", "sweep"]

Layout = Literal["auto", "vmap", "map", "mesh", "mesh_map"]
LAYOUTS: tuple[str, ...] = get_args(Layout)

# Number of compiled programs that are kept, the ones used last. A program of an
# estimate takes about 30 MB: without a limit, estimates on 60 shapes held 3 GB.
MAX_PROGRAMS = 8


def default_layout() -> Layout:
    """The layout that `layout="auto"` selects: "mesh" or "vmap".

    "mesh" is used on several devices. On two CPU cores as two host devices it took 0.44
    to 0.59 of the time of "vmap" on one device for a small critic and 2 to 32 seeds,
    and 0.85 to 1 for a large one, for which "mesh_map" was another tenth faster
    (`experiments/bench`). On a single device "vmap" is used: it is much faster on an
    accelerator and hardly slower on a CPU.
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

    Entry [t, s] of the result is `run(keys[s], *data, **settings[t])`. With every
    layout, a seed has the same random numbers as alone.

    Args:
        run: a pure function of a key, the data, and settings as keywords. It must be
            hashable; equal runs on equal shapes share one compilation.
        keys: one key for each seed, [S].
        *data: arrays passed whole to every run.
        settings: a dict of pytrees of arrays with a common leading axis T, such as
            `{"learning_rate": jnp.array([1e-3, 1e-4])}`; None for no settings.
        layout: "vmap" (one batched program), "map" (one run after the other, bit-equal
            to the run alone), "mesh" (split over all devices of all processes, with
            vmap on each), "mesh_map" (the same with map on each), or "auto", see
            `default_layout`.

    Returns:
        The result of `run`, with leading axes [T, S], or [S] if settings is None.

    Raises:
        ValueError: if the layout is unknown, or the settings' leading axes differ.

    Notes:
        With several processes, every process must make the same call and gets the whole
        result. A seed may fail, so `jax_debug_nans` and `jax_debug_infs` do not apply;
        call the run itself to debug it.
    """
    check_one_of(LAYOUTS, layout=layout)
    check_key(1, keys=keys)
    if layout == "auto":
        layout = default_layout()
    settings = jax.tree.map(jnp.asarray, settings or {}, is_leaf=_is_numbers)
    num_settings = _common_length(settings)
    num_seeds = len(keys)
    flat_settings = jax.tree.map(lambda x: jnp.repeat(x, num_seeds, axis=0), settings)
    # Gathered, since `jax_debug_key_reuse` counts `jnp.tile` as a use of the keys.
    flat_keys = keys[jnp.arange(num_settings * num_seeds) % num_seeds]
    with nonfinite_allowed():
        if layout.startswith("mesh"):
            result = _run_on_devices(run, layout, flat_keys, flat_settings, data)
        else:
            result = _call_program(run, layout, None, flat_keys, flat_settings, data)
        if not settings:
            return result
        return jax.tree.map(
            lambda x: x.reshape(num_settings, num_seeds, *x.shape[1:]), result
        )


def _is_numbers(x: Any) -> bool:
    """Whether a list or tuple is to be read as an array rather than as a pytree."""
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


def _run_batch(
    run: Callable[..., PyTree], layout: str, keys: Array, settings: PyTree, data: Any
) -> PyTree:
    def one(key: Array, setting: PyTree) -> PyTree:
        return run(key, *data, **setting)

    if layout.endswith("map") and layout != "vmap":
        return jax.lax.map(lambda pair: one(*pair), (keys, settings))
    return jax.vmap(one)(keys, settings)


def _run_on_mesh(
    run: Callable[..., PyTree],
    layout: str,
    mesh: Mesh,
    keys: Array,
    settings: PyTree,
    data: Any,
) -> PyTree:
    runs, whole = PartitionSpec("runs"), PartitionSpec()
    split = jax.shard_map(
        functools.partial(_run_batch, run, layout),
        mesh=mesh,
        in_specs=(runs, runs, whole),
        out_specs=runs,
        # A user's run may have loops that mix varying and unvarying values.
        check_vma=False,
    )
    # Every device needs the same number of runs: the first ones are repeated.
    rows = jnp.arange(len(keys) + -len(keys) % mesh.size) % len(keys)
    return split(keys[rows], jax.tree.map(lambda x: x[rows], settings), data)


@functools.lru_cache(maxsize=MAX_PROGRAMS)
def _program(
    run: Callable[..., PyTree], layout: str, mesh: Mesh | None, shapes: Any
) -> Callable[..., PyTree]:
    """One compiled program for each run and shape, so that the oldest can be freed."""
    del shapes
    if mesh is None:
        return jax.jit(functools.partial(_run_batch, run, layout))
    return jax.jit(functools.partial(_run_on_mesh, run, layout, mesh))


def _call_program(
    run: Callable[..., PyTree],
    layout: str,
    mesh: Mesh | None,
    keys: Array,
    settings: PyTree,
    data: Any,
) -> PyTree:
    leaves, structure = jax.tree.flatten((keys, settings, data))
    shapes = structure, tuple((jnp.shape(x), jnp.result_type(x)) for x in leaves)
    return _program(run, layout, mesh, shapes)(keys, settings, data)


def _run_on_devices(
    run: Callable[..., PyTree], layout: str, keys: Array, settings: PyTree, data: Any
) -> PyTree:
    num_runs = len(keys)
    devices = jax.devices()
    if jax.process_count() == 1:  # With several processes, all must participate.
        devices = devices[:num_runs]
    mesh = Mesh(np.array(devices), ("runs",))
    result = _call_program(run, layout, mesh, keys, settings, data)
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        result = multihost_utils.process_allgather(result, tiled=True)
    return jax.tree.map(lambda x: x[:num_runs], result)
