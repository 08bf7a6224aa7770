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
        state: the one of the lowest loss, or running mean of losses.
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
    mean: Array
    lowest: Array
    history: Array


def train_with_patience(
    key: Key[Array, ""],
    state: PyTree,
    *,
    step: Callable[[Array, PyTree], tuple[PyTree, Float[Array, ""]]],
    max_steps: int,
    patience: int,
    smoothing: float = 0.0,
) -> PatientRun:
    """Runs `step` until its loss has not fallen for `patience` updates.

    Args:
        key: random key; update i draws from it the same numbers however many follow.
        state: where to start.
        step: `step(key, state) -> (state, loss)`, the loss of the state given to it.
        max_steps: the most updates, T.
        patience: updates in a row without a new lowest loss after which it ends. A
            loss that is not finite is none.
        smoothing: decay of a running mean of the losses that stands in their place
            when the lowest is sought: noise of a loss that is drawn anew at every
            update ends a training early. 0 for the losses themselves.

    Returns:
        A `PatientRun`. Legal under `jit`, `vmap` and `lax.map`; by `map` every seed
        ends in its own time.

    Raises:
        ValueError: where counts are not positive or the smoothing not in [0, 1).
    """
    check_positive(max_steps=max_steps, patience=patience)
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must lie in [0, 1), got {smoothing}")
    zero = jnp.zeros((), int)
    loss = jax.eval_shape(step, key, state)[1]
    history = jnp.full(max_steps, jnp.nan, loss.dtype)
    unseen = jnp.full((), jnp.inf, loss.dtype)
    start = _Carry(state, state, zero, zero, unseen, unseen, history)

    def goes_on(carry: _Carry) -> Array:
        return (carry.step < max_steps) & (carry.step - carry.best_step <= patience)

    def advance(carry: _Carry) -> _Carry:
        new, loss = step(jax.random.fold_in(key, carry.step), carry.state)
        mean = smoothing * carry.mean + (1 - smoothing) * loss
        # The first finite loss begins the mean, and one that is not leaves it.
        mean = jnp.where(jnp.isfinite(carry.mean), mean, loss)
        mean = jnp.where(jnp.isfinite(loss), mean, carry.mean)
        is_best = mean < carry.lowest
        best = jax.tree.map(
            lambda a, b: jnp.where(is_best, a, b), carry.state, carry.best
        )
        return _Carry(
            new,
            best,
            jnp.where(is_best, carry.step, carry.best_step),
            carry.step + 1,
            mean,
            jnp.where(is_best, mean, carry.lowest),
            carry.history.at[carry.step].set(loss),
        )

    end = jax.lax.while_loop(goes_on, advance, start)
    return PatientRun(end.best, end.best_step, end.step, end.history)
