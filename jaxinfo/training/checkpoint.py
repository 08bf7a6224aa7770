"""Saving a training and going on from it exactly, by Orbax.

A folder holds the latest few checkpoints of one training, each whole or not there.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import PyTree

__all__ = ["read_info", "restore_checkpoint", "save_checkpoint"]

Folder = str | os.PathLike[str]


def save_checkpoint(
    folder: Folder,
    tree: PyTree,
    *,
    step: int,
    info: dict[str, Any] | None = None,
    num_kept: int = 2,
) -> None:
    """Writes arrays as the checkpoint of a step, and lets go of the oldest.

    Args:
        folder: of one training; made where it is missing.
        tree: a pytree of arrays.
        step: a number larger than those that are there.
        info: what else is needed to read it again, as JSON.
        num_kept: checkpoints to keep.

    Raises:
        ValueError: where the folder holds this step or a later one.
    """
    check_positive(num_kept=num_kept)
    path = Path(folder).absolute()
    path.mkdir(parents=True, exist_ok=True)
    with _manager(path, num_kept) as (manager, args):
        latest = manager.latest_step()
        if latest is not None and latest >= step:
            raise ValueError(
                f"folder {folder} holds step {latest} already, and cannot take step "
                f"{step}: name another folder, or go on from what is there"
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
        folder: of one training.
        like: a pytree of arrays or of their shapes, as was saved.

    Returns:
        The arrays, in the structure of `like`, placed as its arrays are; where it has
        shapes alone, on the first device, wherever they were saved.

    Raises:
        ValueError: where there is no checkpoint, or one of other shapes.
    """
    path, wanted = _existing(folder), _leaves(like)
    there = _read(path)["leaves"]
    for leaf in [*wanted, *there]:
        if wanted.get(leaf) != there.get(leaf):
            raise ValueError(
                f"folder {folder} holds a checkpoint of another structure: its {leaf} "
                f"is {there.get(leaf, 'missing')}, wanted {wanted.get(leaf, 'none')}"
            )
    with _manager(path, None) as (manager, args):
        found = manager.restore(
            manager.latest_step(),
            args=args.Composite(
                state=args.StandardRestore(jax.tree.map(_placed, like))
            ),
        )
    return found["state"]


def read_info(folder: Folder) -> dict[str, Any]:
    """What was saved beside the arrays of the latest checkpoint.

    Args:
        folder: of one training.

    Returns:
        The `info` of `save_checkpoint`.

    Raises:
        ValueError: where there is no checkpoint.
    """
    return _read(_existing(folder))["info"]


def _leaves(tree: PyTree) -> dict[str, str]:
    """Shape and dtype of every array, by its place in the tree."""
    shapes = jax.tree.leaves_with_path(jax.eval_shape(lambda: tree))
    return {
        jax.tree_util.keystr(place): f"{leaf.dtype.name}{list(leaf.shape)}"
        for place, leaf in shapes
    }


def _placed(leaf: Any) -> jax.ShapeDtypeStruct:
    """Orbax would look for the devices that the arrays were saved from."""
    sharding = getattr(leaf, "sharding", None)
    if sharding is None:
        sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    shape = jax.eval_shape(lambda: leaf)
    return jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=sharding)


def _read(path: Path) -> dict[str, Any]:
    with _manager(path, None) as (manager, args):
        found = manager.restore(
            manager.latest_step(), args=args.Composite(info=args.JsonRestore())
        )
    return found["info"]


def _existing(folder: Folder) -> Path:
    path = Path(folder).absolute()
    if not path.is_dir() or not any(
        entry.is_dir() and entry.name.isdigit() for entry in path.iterdir()
    ):
        raise ValueError(f"folder {folder} holds no checkpoint")
    return path


@contextlib.contextmanager
def _manager(path: Path, num_kept: int | None) -> Iterator[tuple[Any, Any]]:
    """Orbax's manager of a folder, and its kinds of argument."""
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(max_to_keep=num_kept, create=False)
    with ocp.CheckpointManager(path, options=options) as manager:
        yield manager, ocp.args
        if num_kept is not None:
            manager.wait_until_finished()
