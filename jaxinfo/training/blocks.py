"""A step scanned in blocks that can go on later: for games, where no state is best."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Bool, Key, PyTree

__all__ = ["BlockRun", "next_state", "train_in_blocks"]


class BlockRun(NamedTuple):
    """What a training in blocks leaves behind.

    Attributes:
        state: after the last update.
        history: what the step tells, for each block, [T]: means of its numbers, and
            whether a truth value rang in it.
        observed: what `observe` returned after each block, stacked; None without it.
    """

    state: Any
    history: Any
    observed: PyTree


def train_in_blocks(
    key: Key[Array, ""],
    key_of_looks: Key[Array, ""],
    state: PyTree,
    *,
    draw: Callable[[Array], PyTree],
    step: Callable[[Array, PyTree, PyTree], tuple[PyTree, PyTree]],
    num_steps: int,
    eval_every: int = 100,
    observe: Callable[[Array, PyTree], PyTree] | None = None,
) -> BlockRun:
    """Runs `step` to the end, and goes on exactly from the state that it leaves.

    Update number i draws from the key the same numbers whether the training came there
    in one call or in several, alone or among other seeds.

    Args:
        key: random key of the updates; the same one in every call of a training.
        key_of_looks: random key of `observe`, likewise.
        state: where to start or go on from, with `state.step` updates done.
        draw: `draw(key) -> batch`.
        step: `step(key, state, batch) -> (state, info)`, which counts `state.step` up.
        num_steps: updates, a multiple of `eval_every`.
        eval_every: updates between two entries of the history, at most `num_steps`.
        observe: `observe(key, state) -> arrays` after each block, to look at later.

    Returns:
        A `BlockRun`.

    Raises:
        ValueError: where counts do not fit each other.
    """
    check_positive(num_steps=num_steps, eval_every=eval_every)
    eval_every = min(eval_every, num_steps)
    if num_steps % eval_every:
        raise ValueError(
            f"num_steps must be a multiple of eval_every {eval_every}, got {num_steps}"
        )

    def one(state: PyTree, key: Array) -> tuple[PyTree, PyTree]:
        for_batch, for_step = jax.random.split(key)
        return step(for_step, state, draw(for_batch))

    def block(state: Any, _) -> tuple[PyTree, tuple[PyTree, PyTree]]:
        index = state.step + jnp.arange(eval_every)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, index)
        state, infos = jax.lax.scan(one, state, keys)
        look = jax.random.fold_in(key_of_looks, state.step)
        seen = None if observe is None else observe(look, state)
        return state, (jax.tree.map(_summarize, infos), seen)

    state, (history, observed) = jax.lax.scan(
        block, state, length=num_steps // eval_every
    )
    return BlockRun(state, history, observed)


def next_state(state: Any, finite: Bool[Array, ""], **new: PyTree) -> Any:
    """The state after an update, or the old one from the first that is not finite on.

    Args:
        state: a NamedTuple with `step` and `stopped_at`, -1 while it goes on.
        finite: whether the update is.
        **new: what the update makes of the state's other entries.

    Returns:
        The state, one step on; others in the same vmap are not touched.
    """
    goes_on = finite & (state.stopped_at < 0)
    kept = {
        name: jax.tree.map(
            lambda a, b: jnp.where(goes_on, a, b), value, getattr(state, name)
        )
        for name, value in new.items()
    }
    return state._replace(
        step=state.step + 1,  # Never from `where`: under vmap it stays one number.
        stopped_at=jnp.where(
            finite | (state.stopped_at >= 0), state.stopped_at, state.step
        ),
        **kept,
    )


def _summarize(values: Array) -> Array:
    return jnp.any(values) if values.dtype == bool else jnp.mean(values)
