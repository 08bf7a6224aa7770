"""Checkpoints of a training, written by Orbax.

A folder holds the latest few checkpoints of one training. Each is written completely
or not at all.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import PyTree

__all__ = [
    "ChunkedTraining",
    "read_info",
    "restore_checkpoint",
    "save_checkpoint",
    "train_in_chunks",
]

Folder = str | os.PathLike[str]


class ChunkedTraining(NamedTuple):
    """The result of `train_in_chunks`.

    Attributes:
        state: the last state.
        reports: the results of `report` on the initial state and after each chunk.
        seconds: duration of each chunk that this call trained; chunks of earlier calls
            are not among them.
    """

    state: PyTree
    reports: list[Any]
    seconds: list[float]


def train_in_chunks(
    folder: Folder,
    train_chunk: Callable[[PyTree], PyTree],
    state: PyTree,
    *,
    num_chunks: int,
    chunk_size: int,
    report: Callable[[PyTree], Any] | None = None,
    config: dict[str, Any] | None = None,
) -> ChunkedTraining:
    """Trains in chunks and saves each; continues from the latest if there is one.

    Args:
        folder: the folder of this training; created if missing.
        train_chunk: `train_chunk(state) -> state`, such as a jitted call of `train`.
        state: the initial state.
        num_chunks: chunks of the whole training.
        chunk_size: updates of a chunk; the checkpoint of chunk i is step
            i * chunk_size.
        report: `report(state) -> value`, a value that JSON can hold, called on the
            initial state and after each chunk; None reports None.
        config: settings, as JSON, that must equal those stored in the folder.

    Returns:
        A `ChunkedTraining`.

    Raises:
        ValueError: if a count is not positive, or the folder holds a training with
            another config or a state of another structure.
    """
    check_positive(num_chunks=num_chunks, chunk_size=chunk_size)
    config = config or {}
    report = report or _report_nothing
    if _has_checkpoint(folder):
        info = read_info(folder)
        if info.get("config") != config:
            raise ValueError(
                f"folder {folder} holds a training with {info.get('config')}, which is "
                f"not the config {config}; name another folder"
            )
        state, reports = restore_checkpoint(folder, state), info["reports"]
    else:
        reports = [report(state)]
    seconds = []
    for chunk in range(len(reports), num_chunks + 1):
        started = time.perf_counter()
        state = jax.block_until_ready(train_chunk(state))
        seconds.append(time.perf_counter() - started)
        reports.append(report(state))
        save_checkpoint(
            folder,
            state,
            step=chunk * chunk_size,
            info={"reports": reports, "config": config},
            num_kept=1,
        )
    return ChunkedTraining(state, reports, seconds)


def _report_nothing(state: PyTree) -> None:
    del state


def save_checkpoint(
    folder: Folder,
    tree: PyTree,
    *,
    step: int,
    info: dict[str, Any] | None = None,
    num_kept: int = 2,
) -> None:
    """Writes arrays as the checkpoint of a step, and deletes the oldest.

    Args:
        folder: the folder of one training; created if missing.
        tree: a pytree of arrays.
        step: number of the checkpoint, larger than those in the folder.
        info: further values that JSON can hold, for `read_info`.
        num_kept: number of checkpoints to keep.

    Raises:
        ValueError: if the folder holds this step or a later one.
    """
    check_positive(num_kept=num_kept)
    path = Path(folder).absolute()
    path.mkdir(parents=True, exist_ok=True)
    with _manager(path, num_kept) as (manager, args):
        latest = manager.latest_step()
        if latest is not None and latest >= step:
            raise ValueError(
                f"folder {folder} holds step {latest} already, so step {step} cannot "
                "be saved: name another folder, or continue from its checkpoint"
            )
        manager.save(
            step,
            args=args.Composite(
                state=args.StandardSave(tree),
                info=args.JsonSave({"info": info or {}, "leaves": _leaves(tree)}),
            ),
        )


def restore_checkpoint(folder: Folder, like: PyTree) -> PyTree:
    """Reads the latest checkpoint of a folder.

    Args:
        folder: the folder of one training.
        like: a pytree of arrays or `jax.ShapeDtypeStruct`s, with the structure that was
            saved.

    Returns:
        The arrays, in the structure of `like`, on the devices of its arrays. Arrays
        whose entry of `like` names no device are placed on the first device.

    Raises:
        ValueError: if there is no checkpoint, or one of another structure.
    """
    path, expected = _existing(folder), _leaves(like)
    saved = _read(path)["leaves"]
    for leaf in [*expected, *saved]:
        if expected.get(leaf) != saved.get(leaf):
            raise ValueError(
                f"folder {folder} holds a checkpoint of another structure: its {leaf} "
                f"is {saved.get(leaf, 'missing')}, expected "
                f"{expected.get(leaf, 'none')}"
            )
    with _manager(path, None) as (manager, args):
        restored = manager.restore(
            manager.latest_step(),
            args=args.Composite(
                state=args.StandardRestore(jax.tree.map(_with_device, like))
            ),
        )
    return restored["state"]


def read_info(folder: Folder) -> dict[str, Any]:
    """Reads the `info` that was saved with the latest checkpoint.

    Args:
        folder: the folder of one training.

    Returns:
        The `info` of `save_checkpoint`.

    Raises:
        ValueError: if there is no checkpoint.
    """
    return _read(_existing(folder))["info"]


def _leaves(tree: PyTree) -> dict[str, str]:
    """Shape and dtype of every array, by its path in the tree."""
    shapes = jax.tree.leaves_with_path(jax.eval_shape(lambda: tree))
    return {
        jax.tree_util.keystr(path): f"{leaf.dtype.name}{list(leaf.shape)}"
        for path, leaf in shapes
    }


def _with_device(leaf: Any) -> jax.ShapeDtypeStruct:
    """Shape and device; by default Orbax requires the devices of the saved arrays."""
    sharding = getattr(leaf, "sharding", None)
    if sharding is None:
        sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    shape = jax.eval_shape(lambda: leaf)
    return jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=sharding)


def _read(path: Path) -> dict[str, Any]:
    with _manager(path, None) as (manager, args):
        restored = manager.restore(
            manager.latest_step(), args=args.Composite(info=args.JsonRestore())
        )
    return restored["info"]


def _has_checkpoint(folder: Folder) -> bool:
    path = Path(folder)
    return path.is_dir() and any(
        entry.is_dir() and entry.name.isdigit() for entry in path.iterdir()
    )


def _existing(folder: Folder) -> Path:
    if not _has_checkpoint(folder):
        raise ValueError(f"folder {folder} holds no checkpoint")
    return Path(folder).absolute()


@contextlib.contextmanager
def _manager(path: Path, num_kept: int | None) -> Iterator[tuple[Any, Any]]:
    """Orbax's checkpoint manager for a folder, and the module of its arguments."""
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(max_to_keep=num_kept, create=False)
    with ocp.CheckpointManager(path, options=options) as manager:
        yield manager, ocp.args
        if num_kept is not None:
            manager.wait_until_finished()
