"""A step repeated until the loss has stopped falling, the best state kept."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Int, Key, PyTree

__all__ = ["PatientRun", "train_with_patience"]


class PatientRun(NamedTuple):
    """What a training with patience leaves behind.

    Attributes:
        state: the one of the lowest loss.
        best_step: updates that it had seen, [].
        num_steps: updates in all, [].
        history: the loss before each update, [T]; NaN of those that did not come.
    """

    state: PyTree
    best_step: Int[Array, ""]
    num_steps: Int[Array, ""]
    history: Float[Array, " t"]


class _Carry(NamedTuple):
    state: PyTree
    best: PyTree
    best_step: Array
    step: Array
    lowest: Array
    history: Array


def train_with_patience(
    key: Key[Array, ""],
    state: PyTree,
    *,
    step: Callable[[Array, PyTree], tuple[PyTree, Float[Array, ""]]],
    max_steps: int,
    patience: int,
) -> PatientRun:
    """Runs `step` until its loss has not fallen for `patience` updates.

    Args:
        key: random key; update i draws from it the same numbers however many follow.
        state: where to start.
        step: `step(key, state) -> (state, loss)`, the loss of the state given to it.
        max_steps: the most updates, T.
        patience: updates in a row without a new lowest loss after which it ends. A
            loss that is not finite is none.

    Returns:
        A `PatientRun`. Legal under `jit`, `vmap` and `lax.map`; by `map` every seed
        ends in its own time.

    Raises:
        ValueError: where counts are not positive.
    """
    check_positive(max_steps=max_steps, patience=patience)
    zero = jnp.zeros((), int)
    loss = jax.eval_shape(step, key, state)[1]
    history = jnp.full(max_steps, jnp.nan, loss.dtype)
    start = _Carry(state, state, zero, zero, jnp.full((), jnp.inf, loss.dtype), history)

    def goes_on(carry: _Carry) -> Array:
        return (carry.step < max_steps) & (carry.step - carry.best_step <= patience)

    def advance(carry: _Carry) -> _Carry:
        new, loss = step(jax.random.fold_in(key, carry.step), carry.state)
        is_best = loss < carry.lowest
        best = jax.tree.map(
            lambda a, b: jnp.where(is_best, a, b), carry.state, carry.best
        )
        return _Carry(
            new,
            best,
            jnp.where(is_best, carry.step, carry.best_step),
            carry.step + 1,
            jnp.where(is_best, loss, carry.lowest),
            carry.history.at[carry.step].set(loss),
        )

    end = jax.lax.while_loop(goes_on, advance, start)
    return PatientRun(end.best, end.best_step, end.step, end.history)
