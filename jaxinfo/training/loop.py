"""A step function turned into a run: one traced loop with validation and early stop.

The loop knows no method by name. It scans `step` over blocks of `eval_every` updates,
validates between blocks, keeps the best state, and leaves out any update that would
bring in a number that is not finite.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive
from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import Array, Bool, Float, Int, Key, PyTree
from jaxinfo.training import progress

__all__ = ["TrainResult", "guard", "num_validations", "sample_rows", "train"]


class TrainResult(NamedTuple):
    """What a run leaves behind.

    Attributes:
        state: the state with the best validation; the initial one if none was finite.
        best_value: its validation value.
        best_step: updates done when it was reached.
        num_steps: updates tried before the run ended.
        num_nonfinite: updates left out.
        history: validation values, [T]; NaN after the run ended.
    """

    state: PyTree
    best_value: Float[Array, ""]
    best_step: Int[Array, ""]
    num_steps: Int[Array, ""]
    num_nonfinite: Int[Array, ""]
    history: Float[Array, " t"]


class _Carry(NamedTuple):
    block: Array
    state: PyTree
    best_state: PyTree
    best_value: Array
    best_step: Array
    num_nonfinite: Array
    history: Array


def num_validations(num_steps: int, eval_every: int) -> int:
    """How many validations a run of `num_steps` has: T of `TrainResult.history`."""
    return -(-num_steps // eval_every)


def sample_rows(
    key: Key[Array, ""], num_rows: int, batch_size: int
) -> Int[Array, " batch"]:
    """Draws distinct rows, each as likely as any other, without permuting the data.

    One row from each of `batch_size` equal strata of the rows in a random rotation; a
    batch of more than half the rows is a window of them.

    Args:
        key: random key.
        num_rows: rows to draw from; their order should carry no information.
        batch_size: rows to draw, at most `num_rows`.

    Returns:
        Row numbers.
    """
    # One call for all bits compiles much faster than randint does; the remainder
    # favors no row by more than N / 2^32.
    bits = jax.random.bits(key, (batch_size + 1,))
    width = num_rows // batch_size
    start, inside = bits[0] % num_rows, bits[1:] % width
    strata = jnp.arange(batch_size, dtype=bits.dtype) * width
    return ((start + strata + inside) % num_rows).astype(int)


def guard(
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]],
) -> Callable[[PyTree, PyTree], tuple[PyTree, Bool[Array, ""]]]:
    """Makes a step that leaves the state alone where it would stop being finite.

    Args:
        step: `step(state, draws) -> (state, info)`; an info with the gradient's norm
            makes the guard watch the gradient itself.

    Returns:
        `guarded(state, draws) -> (state, finite)`.
    """

    def guarded(state: PyTree, draws: PyTree) -> tuple[PyTree, Array]:
        new_state, info = step(state, draws)
        finite = all_finite((new_state, info))
        return _select(finite, new_state, state), finite

    return guarded


def train(
    key: Key[Array, ""],
    state: PyTree,
    *,
    draw: Callable[[Array], PyTree],
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]],
    validate: Callable[[PyTree], Array],
    num_steps: int,
    eval_every: int = 100,
    patience: int | None = None,
    may_keep_start: bool = False,
    report_progress: bool = False,
) -> TrainResult:
    """Runs `step` and keeps the state with the largest validation value.

    Args:
        key: random key; update number i draws from it the same numbers however the
            run is batched.
        state: the initial state.
        draw: `draw(key) -> draws`, the random numbers of one update (row numbers, say).
            A block's are drawn in one call: many small ones cost more than the updates.
        step: `step(state, draws) -> (state, info)`.
        validate: `validate(state) -> value`, larger is better.
        num_steps: the most updates.
        eval_every: updates between validations.
        patience: stop after this many updates without a better validation; None never.
        may_keep_start: validate the initial state too; keep it where none is better.
        report_progress: tell `jaxinfo.training.progress` after each validation.

    Returns:
        The best state and the history, a `TrainResult`.

    Raises:
        ValueError: where a count is not a positive whole number.
    """
    check_positive(num_steps=num_steps, eval_every=eval_every)
    if patience is not None:
        check_positive(patience=patience)
    num_blocks = num_validations(num_steps, eval_every)
    guarded = guard(step)

    def one(carry: tuple[PyTree, Array], xs: tuple[Array, PyTree]):
        (state, skipped), (index, draws) = carry, xs
        new_state, finite = guarded(state, draws)
        if num_steps % eval_every:  # The last block runs over the end.
            wanted = index < num_steps
            new_state = _select(wanted, new_state, state)
            finite |= ~wanted
        return (new_state, skipped + ~finite), None

    def block(carry: _Carry) -> _Carry:
        index = carry.block * eval_every + jnp.arange(eval_every)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, index)
        (state, skipped), _ = jax.lax.scan(
            one, (carry.state, carry.num_nonfinite), (index, jax.vmap(draw)(keys))
        )
        value = validate(state)
        done = jnp.minimum((carry.block + 1) * eval_every, num_steps)
        if report_progress:
            progress.emit(done, value)
        # A comparison with NaN is false: a state that validates to NaN is never kept.
        better = value > carry.best_value
        return _Carry(
            block=carry.block + 1,
            state=state,
            best_state=_select(better, state, carry.best_state),
            best_value=jnp.where(better, value, carry.best_value),
            best_step=jnp.where(better, done, carry.best_step),
            num_nonfinite=skipped,
            history=carry.history.at[carry.block].set(value),
        )

    def wanted(carry: _Carry) -> Array:
        more = carry.block < num_blocks
        if patience is None:
            return more
        return more & (carry.block * eval_every - carry.best_step < patience)

    value = jax.eval_shape(validate, state)
    start = _Carry(
        block=jnp.zeros((), int),
        state=state,
        best_state=state,
        best_value=(
            validate(state) if may_keep_start else jnp.full((), -jnp.inf, value.dtype)
        ),
        best_step=jnp.zeros((), int),
        num_nonfinite=jnp.zeros((), int),
        history=jnp.full(num_blocks, jnp.nan, value.dtype),
    )
    end = jax.lax.while_loop(wanted, block, start)
    return TrainResult(
        state=end.best_state,
        best_value=end.best_value,
        best_step=end.best_step,
        num_steps=jnp.minimum(end.block * eval_every, num_steps),
        num_nonfinite=end.num_nonfinite,
        history=end.history,
    )


def _select(condition: Array, new: PyTree, old: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
