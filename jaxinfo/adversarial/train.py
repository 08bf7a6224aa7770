"""A whole training of a GAN as one pure function of a key and data."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.adversarial.step import Gan, GanInfo, GanState
from jaxinfo.core.checks import check_finite_rows, check_key, check_positive
from jaxinfo.core.types import Array, Float, Key, PyTree
from jaxinfo.training import sample_rows, train_in_blocks

__all__ = ["GanRun", "train_gan"]

Data = Float[Array, "n ..."] | Callable[[Array, int], Array]


class GanRun(NamedTuple):
    """What a training leaves behind.

    Attributes:
        state: after the last update; goes on by another call of `train_gan`.
        history: a `GanInfo` for each block of `eval_every` updates, [T]: means of its
            numbers, and whether an alarm rang in it.
        observed: what `observe` returned after each block, stacked; None without it.
    """

    state: GanState
    history: GanInfo
    observed: PyTree


def train_gan(
    key: Key[Array, ""],
    gan: Gan,
    data: Data,
    *,
    num_steps: int,
    batch_size: int,
    eval_every: int = 100,
    state: GanState | None = None,
    observe: Callable[[Array, GanState], PyTree] | None = None,
) -> GanRun:
    """Trains a GAN, or trains one further: legal under `jit`, `vmap` and `shard_map`.

    Update number i draws from the key the same numbers whether the training came there
    in one call or in several, alone or among other seeds.

    Args:
        key: random key; the same one in every call of a training.
        gan: from `make_gan`.
        data: samples [N, ...] to draw batches from, in an order without information; or
            `data(key, num_samples)`, which draws fresh ones.
        num_steps: updates of the generator, a multiple of `eval_every`.
        batch_size: samples of each update.
        eval_every: updates between two entries of the history.
        state: where to go on from; None to start anew.
        observe: `observe(key, state) -> arrays` after each block, to look at later.

    Returns:
        A `GanRun`.

    Raises:
        ValueError: where counts do not fit each other, data are not finite, or the
            networks do not fit them.
    """
    check_key(0, key=key)
    check_positive(batch_size=batch_size)
    for_init, for_example, for_steps, for_looks = jax.random.split(key, 4)
    draw = _batches(data, gan.num_discriminator_steps, batch_size)
    if state is None:
        example = data(for_example, 2) if callable(data) else data
        state = gan.init(for_init, example)
    run = train_in_blocks(
        for_steps,
        for_looks,
        state,
        draw=draw,
        step=gan.step,
        num_steps=num_steps,
        eval_every=eval_every,
        observe=observe,
    )
    return GanRun(*run)


def _batches(data: Data, num_batches: int, batch_size: int) -> Callable[[Array], Array]:
    """`draw(key) -> batch [num_batches, batch_size, ...]`."""
    if callable(data):

        def draw_fresh(key: Array) -> Array:
            keys = jax.random.split(key, num_batches)
            return jax.vmap(lambda k: data(k, batch_size))(keys)

        return draw_fresh
    check_finite_rows(samples=data)
    if batch_size > len(data):
        raise ValueError(
            f"batch_size must be at most the {len(data)} samples, got {batch_size}"
        )

    rows_of = jnp.asarray(data)

    def draw_rows(key: Array) -> Array:
        keys = jax.random.split(key, num_batches)
        rows = jax.vmap(lambda k: sample_rows(k, len(data), batch_size))(keys)
        return rows_of[rows]

    return draw_rows
