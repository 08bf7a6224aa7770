"""The training loop: one traced program with evaluation and early stopping.

The loop calls `step` in blocks of `eval_every` updates, an inner scan under an outer
while loop, so that under `jax.vmap` a seed that has stopped early stays frozen.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import Array, Bool, Float, Int, Key, PyTree
from jaxinfo.training import progress
from jaxinfo.training.nonfinite import nonfinite_allowed
from jaxinfo.training.selection import Selection, init_selection, select_best

__all__ = ["TrainResult", "make_row_sampler", "sample_rows", "train"]

SampleBatch = Callable[[Array], tuple[PyTree, PyTree]]
Step = Callable[[Any, PyTree, PyTree], tuple[PyTree, PyTree]]


class TrainResult(NamedTuple):
    """The result of a training; T is the number of blocks.

    Attributes:
        state: the best evaluated state, or the last one without evaluation.
        num_steps: updates tried, [].
        history: the step's metrics for each block, [T, ...]: the mean of floats, the
            sum of integers, `any` of booleans. Blocks after an early stop hold NaN, 0
            and False.
        observed: the results of `observe`, [T, ...]; None without it.
        evaluations: the evaluated values, [T], NaN after an early stop; None without
            evaluation.
        best_value: the value of the best state, smoothed if `smoothing` is set, [];
            -inf if no value was a number. None without evaluation.
        best_step: updates that the best state has seen in this call, [], or None.
    """

    state: PyTree
    num_steps: Int[Array, ""]
    history: PyTree
    observed: PyTree
    evaluations: Float[Array, " t"] | None
    best_value: Float[Array, ""] | None
    best_step: Int[Array, ""] | None


class _Carry(NamedTuple):
    block: Array
    state: PyTree
    history: PyTree
    observed: PyTree
    selection: Selection | None


# Batches ---------------------------------------------------------------------------


def sample_rows(
    key: Key[Array, ""], num_rows: int, batch_size: int
) -> Int[Array, " batch"]:
    """Draws distinct rows, each with equal probability, without permuting the data.

    The rows are rotated by a random offset and divided into `batch_size` strata of
    equal width; one row is drawn from each. A batch of more than half the rows is a
    contiguous window of the rotated rows.

    Args:
        key: random key.
        num_rows: rows to draw from; their order should carry no information.
        batch_size: rows to draw, at most `num_rows`.

    Returns:
        Row numbers, [batch_size].

    Raises:
        ValueError: if `batch_size` is not between 1 and `num_rows`.
    """
    check_positive(batch_size=batch_size)
    if batch_size > num_rows:
        raise ValueError(
            f"batch_size must be at most num_rows = {num_rows}, got {batch_size}"
        )
    # One call for all bits compiles much faster than randint; the modulo changes the
    # probability of a row by no more than N / 2^32.
    bits = jax.random.bits(key, (batch_size + 1,))
    width = num_rows // batch_size
    start, inside = bits[0] % num_rows, bits[1:] % width
    strata = jnp.arange(batch_size, dtype=bits.dtype) * width
    return ((start + strata + inside) % num_rows).astype(int)


def make_row_sampler(num_rows: int, batch_size: int) -> SampleBatch:
    """Makes the `sample_batch` of a step that gathers the rows of its batch itself.

    Args:
        num_rows: rows of the data.
        batch_size: rows of a batch, at most `num_rows`.

    Returns:
        `sample_batch(key) -> (step_key, rows)`, see `train` and `sample_rows`.
    """

    def sample_batch(key: Array) -> tuple[Array, Array]:
        batch_key, step_key = jax.random.split(key)
        return step_key, sample_rows(batch_key, num_rows, batch_size)

    return sample_batch


def _sample_no_batch(key: Array) -> tuple[Array, None]:
    return key, None


# The loop --------------------------------------------------------------------------


def train(
    key: Key[Array, ""],
    state: PyTree,
    *,
    step: Step,
    num_steps: int,
    sample_batch: SampleBatch | None = None,
    eval_every: int = 100,
    first_step: int | Int[Array, ""] = 0,
    evaluate: Callable[[PyTree], Float[Array, ""]] | None = None,
    monitor: Callable[[PyTree], Float[Array, ""]] | None = None,
    smoothing: float = 0.0,
    patience: int | None = None,
    keep_initial: bool = False,
    observe: Callable[[PyTree], PyTree] | None = None,
    report_progress: bool = False,
) -> TrainResult:
    """Runs `step` up to `num_steps` times: legal under `jit`, `vmap` and `shard_map`.

    Update number i uses `jax.random.fold_in(key, i)`. Its random numbers are the same
    for every `eval_every`, whether the training ran in one call or in several, and
    whether the seed is trained alone or under `vmap`.

    The best state is chosen either by `evaluate`, computed on the state after each
    block, or by `monitor`, computed from the metrics of an update. The metrics of an
    update describe the state before it, so that is the state which `monitor` keeps.

    Args:
        key: random key of the updates; pass the same one when a training is continued.
        state: the initial state, or the state to continue from.
        step: `step(key, state, batch) -> (state, metrics)`. A step decides itself what
            to do with an update that is not finite, see `jaxinfo.training.nonfinite`.
        num_steps: maximum number of updates.
        sample_batch: `sample_batch(key) -> (step_key, batch)`, the inputs of one
            update. It is vectorized over a block, because many small random calls cost
            more than the updates: return row numbers or a key rather than the data. By
            default the step gets the whole key and None.
        eval_every: updates in a block; each block adds one entry to the history. The
            last block is shorter if `num_steps` is not a multiple of it.
        first_step: updates that `state` has already seen, `state.step` for states that
            count them.
        evaluate: `evaluate(state) -> value`, larger is better.
        monitor: `monitor(metrics) -> value`, larger is better; requires
            `eval_every=1`.
        smoothing: decay in [0, 1) of a running mean of the finite values, which
            replaces the values when the best state is chosen. Noise in a value that is
            drawn anew for every update would otherwise end a training early.
        patience: stop after this many updates without a better state; None to run all.
        keep_initial: whether the initial state is evaluated too, and returned if no
            later one is better.
        observe: `observe(state) -> arrays`, computed after each block and stacked.
        report_progress: whether each value is reported to `jaxinfo.training.progress`.

    Returns:
        A `TrainResult`.

    Raises:
        ValueError: if a count is not a positive whole number, `smoothing` is not in
            [0, 1), both `evaluate` and `monitor` are given, or an argument that needs
            one of them is given without it.

    Notes:
        `history` and `best_step` count from the start of the call. A continued
        training chooses its best state anew. The NaN of an early stop trips
        `jax_debug_nans` if the caller's own `jit` returns the history.
    """
    check_key(0, key=key)
    check_positive(num_steps=num_steps, eval_every=eval_every)
    _check_selection(
        evaluate,
        monitor,
        eval_every,
        smoothing,
        patience,
        keep_initial,
        report_progress,
    )
    sample = _sample_no_batch if sample_batch is None else sample_batch
    eval_every = min(eval_every, num_steps)
    num_blocks = -(-num_steps // eval_every)
    is_even = num_steps % eval_every == 0

    def update(state: PyTree, inputs: tuple[Array, PyTree, PyTree]):
        index, step_key, batch = inputs
        new_state, metrics = step(step_key, state, batch)
        if not is_even:  # The last block runs past the end.
            new_state = optax.tree.where(index < num_steps, new_state, state)
        return new_state, metrics

    def run_block(state: PyTree, block: Array) -> tuple[PyTree, PyTree]:
        index = block * eval_every + jnp.arange(eval_every)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, first_step + index)
        step_keys, batches = jax.vmap(sample)(keys)
        state, metrics = jax.lax.scan(update, state, (index, step_keys, batches))
        return state, _summarize(metrics, None if is_even else index < num_steps)

    def advance(carry: _Carry) -> _Carry:
        state, metrics = run_block(carry.state, carry.block)
        done = jnp.minimum((carry.block + 1) * eval_every, num_steps)
        selection = carry.selection
        if selection is not None:
            if monitor is not None:
                candidate, value, at_step = carry.state, monitor(metrics), carry.block
            else:
                assert evaluate is not None
                candidate, value, at_step = state, evaluate(state), done
            if report_progress:
                progress.emit(done, value)
            selection = select_best(
                selection, candidate, value, at_step, carry.block, smoothing
            )
        observed = None if observe is None else observe(state)
        return _Carry(
            block=carry.block + 1,
            state=state,
            history=_set_entry(carry.history, carry.block, metrics),
            observed=_set_entry(carry.observed, carry.block, observed),
            selection=selection,
        )

    def goes_on(carry: _Carry) -> Array:
        is_unfinished = carry.block < num_blocks
        if patience is None or carry.selection is None:
            return is_unfinished
        return is_unfinished & (carry.selection.num_waited < patience)

    state = _vary_like((key, state), state)
    zero = jnp.zeros((), int)
    _, metrics = jax.eval_shape(run_block, state, zero)
    observed = None if observe is None else jax.eval_shape(observe, state)
    initial = None
    if evaluate is not None:
        initial = evaluate(state) if keep_initial else jax.eval_shape(evaluate, state)
    elif monitor is not None:
        initial = jax.eval_shape(monitor, metrics)
    with nonfinite_allowed():
        start = _Carry(
            block=zero,
            state=state,
            history=_empty_entries(metrics, num_blocks),
            observed=_empty_entries(observed, num_blocks),
            selection=None
            if initial is None
            else init_selection(state, initial, num_blocks),
        )
        end = jax.lax.while_loop(goes_on, advance, _vary_like((key, state), start))
    best = end.selection
    return TrainResult(
        state=end.state if best is None else best.best_state,
        num_steps=jnp.minimum(end.block * eval_every, num_steps),
        history=end.history,
        observed=end.observed,
        evaluations=None if best is None else best.evaluations,
        best_value=None if best is None else best.best_value,
        best_step=None if best is None else best.best_step,
    )


def _check_selection(
    evaluate: Callable[..., Array] | None,
    monitor: Callable[..., Array] | None,
    eval_every: int,
    smoothing: float,
    patience: int | None,
    keep_initial: bool,
    report_progress: bool,
) -> None:
    if patience is not None:
        check_positive(patience=patience)
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must lie in [0, 1), got {smoothing}")
    if evaluate is not None and monitor is not None:
        raise ValueError("evaluate and monitor must not both be given")
    if monitor is not None and eval_every != 1:
        raise ValueError(f"eval_every must be 1 with monitor, got {eval_every}")
    if keep_initial and evaluate is None:
        raise ValueError("keep_initial requires evaluate")
    needs_value = {
        "patience": patience is not None,
        "smoothing": smoothing > 0,
        "report_progress": report_progress,
    }
    if evaluate is None and monitor is None:
        for name, is_given in needs_value.items():
            if is_given:
                raise ValueError(f"{name} requires evaluate or monitor")


# Devices ---------------------------------------------------------------------------


def _vary_like(reference: PyTree, tree: PyTree) -> PyTree:
    """Marks arrays as varying over the mesh axes that the reference varies over.

    Under `shard_map` a loop must start from a carry of the type that it ends with.
    """
    axes = frozenset().union(*map(_varying_axes, jax.tree.leaves(reference)))

    def one(x: Array) -> Array:
        missing = tuple(axes - _varying_axes(x))
        return jax.lax.pcast(x, missing, to="varying") if missing else x

    return jax.tree.map(one, tree)


def _varying_axes(x: Array) -> frozenset[str]:
    aval = jax.typeof(x)
    if hasattr(aval, "manual_axis_type"):
        return aval.manual_axis_type.varying
    return getattr(aval, "vma", frozenset())  # Its name in other versions of JAX.


# Entries for each block ------------------------------------------------------------


def _summarize(metrics: PyTree, is_taken: Bool[Array, " k"] | None) -> PyTree:
    """Metrics [K, ...] of the updates of a block, as one entry of the history."""

    def one(values: Array) -> Array:
        where = None
        if is_taken is not None:
            where = is_taken.reshape(-1, *[1] * (values.ndim - 1))
        if values.dtype == bool:
            return jnp.any(values, axis=0, where=where)
        if jnp.issubdtype(values.dtype, jnp.integer):
            return jnp.sum(values, axis=0, where=where, dtype=values.dtype)
        return jnp.mean(values, axis=0, where=where)

    return jax.tree.map(one, metrics)


def _empty_entries(shapes: PyTree, num_blocks: int) -> PyTree:
    """Arrays for the entries of all blocks: NaN, 0 or False."""

    def one(shape: jax.ShapeDtypeStruct) -> Array:
        fill = jnp.nan if jnp.issubdtype(shape.dtype, jnp.inexact) else 0
        return jnp.full((num_blocks, *shape.shape), fill, shape.dtype)

    return jax.tree.map(one, shapes)


def _set_entry(entries: PyTree, block: Array, values: PyTree) -> PyTree:
    return jax.tree.map(lambda x, value: x.at[block].set(value), entries, values)
