"""Checkpoints of a GAN, from which a training continues exactly."""

import os

import jax
import jax.numpy as jnp

from jaxinfo.adversarial.state import GanState
from jaxinfo.adversarial.step import Gan
from jaxinfo.training import read_info, restore_checkpoint, save_checkpoint

__all__ = ["restore_gan", "save_gan"]

Folder = str | os.PathLike[str]


def save_gan(folder: Folder, gan: Gan, state: GanState) -> None:
    """Writes the state of a game, of one or many seeds, as the checkpoint of its step.

    Args:
        folder: the folder of this training; created if missing.
        gan: the game.
        state: its state; the states of many seeds are stacked on a leading axis.

    Raises:
        ValueError: if the folder holds this step or a later one, or the state has more
            than one leading axis.
    """
    seeds = [*jnp.shape(state.step)]
    if len(seeds) > 1:
        raise ValueError(
            f"state must have no leading axis or one of seeds, got axes {seeds}"
        )
    single = jax.tree.map(lambda x: x[0], state) if seeds else state
    sample = jax.eval_shape(lambda s: gan.sample(jax.random.key(0), s, 1), single)
    info = {
        "seeds": seeds,
        "sample_shape": list(sample.shape[1:]),
        "dtype": sample.dtype.name,
    }
    step = int(jnp.max(state.step))
    save_checkpoint(folder, state, step=step, info=info)


def restore_gan(folder: Folder, gan: Gan) -> GanState:
    """Reads the latest state of a game; `train_gan` continues from it exactly.

    No data are needed, so `gan.sample` can draw from a checkpoint alone.

    Args:
        folder: the folder that `save_gan` wrote to.
        gan: the same game.

    Returns:
        The state, with a leading axis if that of many seeds was saved.

    Raises:
        ValueError: if there is no checkpoint, or one of another game.
    """
    info = read_info(folder)
    if "sample_shape" not in info:
        raise ValueError(f"folder {folder} holds a checkpoint that is not of a GAN")
    example = jnp.zeros((2, *info["sample_shape"]), info["dtype"])

    def init() -> GanState:
        state = gan.init(jax.random.key(0), example)
        return jax.tree.map(
            lambda x: jnp.broadcast_to(x, (*info["seeds"], *x.shape)), state
        )

    return restore_checkpoint(folder, jax.eval_shape(init))
