"""Selection of the best state of a training, for early stopping."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.types import Array, Float, Int, PyTree

__all__ = ["Selection", "init_selection", "select_best"]


class Selection(NamedTuple):
    """The best state so far.

    Attributes:
        best_state: the state with the best value.
        best_value: its value, smoothed if smoothing is used, [].
        best_step: updates that it has seen, [].
        num_waited: updates between the best and the latest evaluated state, [].
        running_mean: running mean of the finite values, [].
        evaluations: the values of all blocks, [T], NaN for those to come.
    """

    best_state: PyTree
    best_value: Float[Array, ""]
    best_step: Int[Array, ""]
    num_waited: Int[Array, ""]
    running_mean: Float[Array, ""]
    evaluations: Float[Array, " t"]


def init_selection(
    state: PyTree, initial: Array | jax.ShapeDtypeStruct, num_blocks: int
) -> Selection:
    """The selection before the first block.

    Args:
        state: the initial state.
        initial: its value [], or the shape of a value if it is not evaluated.
        num_blocks: T.

    Returns:
        The `Selection`.
    """
    lowest = jnp.full((), -jnp.inf, initial.dtype)
    value = lowest if isinstance(initial, jax.ShapeDtypeStruct) else initial
    zero = jnp.zeros((), int)
    return Selection(
        best_state=state,
        best_value=value,
        best_step=zero,
        num_waited=zero,
        running_mean=value,
        evaluations=jnp.full(num_blocks, jnp.nan, initial.dtype),
    )


def select_best(
    selection: Selection,
    state: PyTree,
    value: Float[Array, ""],
    at_step: Int[Array, ""],
    block: Int[Array, ""],
    smoothing: float,
) -> Selection:
    """The selection after one more evaluated state.

    Args:
        selection: the selection before.
        state: the evaluated state.
        value: its value, larger is better.
        at_step: updates that it has seen.
        block: number of the block.
        smoothing: decay of the running mean, in [0, 1).

    Returns:
        The next `Selection`.
    """
    criterion = value
    if smoothing:
        old = selection.running_mean
        criterion = smoothing * old + (1 - smoothing) * value
        # The mean starts at the first finite value; others leave it unchanged.
        criterion = jnp.where(jnp.isfinite(old), criterion, value)
        criterion = jnp.where(jnp.isfinite(value), criterion, old)
    # Comparing with NaN gives False: a state whose value is NaN is never the best.
    is_better = criterion > selection.best_value
    best_state, best_value, best_step = optax.tree.where(
        is_better,
        (state, criterion, at_step),
        (selection.best_state, selection.best_value, selection.best_step),
    )
    return Selection(
        best_state=best_state,
        best_value=best_value,
        best_step=best_step,
        num_waited=at_step - best_step,
        running_mean=criterion,
        evaluations=selection.evaluations.at[block].set(value),
    )
