"""A GAN on disk: going on exactly, and samples with no data at hand."""

import os

import jax
import jax.numpy as jnp

from jaxinfo.adversarial.step import Gan, GanState
from jaxinfo.core.checks import check_key
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.training import read_info, restore_checkpoint, save_checkpoint

__all__ = ["restore_gan", "sample_gan", "save_gan"]

Folder = str | os.PathLike[str]


def save_gan(folder: Folder, gan: Gan, state: GanState) -> None:
    """Writes a game's state, one seed's or many, as the checkpoint of its step.

    Args:
        folder: of this training; made where it is missing.
        gan: the game.
        state: its state; one of many seeds has them on the leading axis.

    Raises:
        ValueError: where the folder holds this step or a later one, or the state has
            more than one leading axis.
    """
    seeds = [*jnp.shape(state.step)]
    if len(seeds) > 1:
        raise ValueError(
            f"state must be of one game or of many seeds, got axes {seeds}"
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
    """Reads the latest state of a game: training goes on from it exactly.

    Args:
        folder: what `save_gan` wrote to.
        gan: the same game.

    Returns:
        The state, of all seeds that were saved.

    Raises:
        ValueError: where there is no checkpoint, or one of another game.
    """
    info = read_info(folder)
    if "sample_shape" not in info:
        raise ValueError(f"folder {folder} holds a checkpoint, but not one of a game")
    example = jnp.zeros((2, *info["sample_shape"]), info["dtype"])

    def init() -> GanState:
        state = gan.init(jax.random.key(0), example)
        return jax.tree.map(
            lambda x: jnp.broadcast_to(x, (*info["seeds"], *x.shape)), state
        )

    return restore_checkpoint(folder, jax.eval_shape(init))


def sample_gan(
    key: Key[Array, ""], folder: Folder, gan: Gan, num_samples: int
) -> Float[Array, "..."]:
    """Samples of the latest checkpoint.

    Args:
        key: random key.
        folder: what `save_gan` wrote to.
        gan: the same game.
        num_samples: N, of every seed.

    Returns:
        The samples, [N, ...], or [S, N, ...] where S seeds were saved.

    Raises:
        ValueError: where there is no checkpoint, or one of another game.
    """
    check_key(0, key=key)
    state = restore_gan(folder, gan)
    if not jnp.ndim(state.step):
        return gan.sample(key, state, num_samples)
    keys = jax.random.split(key, len(state.step))
    return jax.vmap(lambda k, s: gan.sample(k, s, num_samples))(keys, state)
