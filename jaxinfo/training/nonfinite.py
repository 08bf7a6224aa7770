"""Two policies for an update that would bring a NaN or an infinity into the state.

- "skip" (`skip_nonfinite`): the update is dropped and the training goes on. Estimates
  use it, because their next batch may be harmless.
- "stop" (`stop_at_nonfinite`): the training stays at its last finite state for good.
  Games use it, because a skipped move of one player would change the game.

Both are a `where` over the whole state, so other seeds of a `vmap` are not affected.
`optax.apply_if_finite` does not do this: it protects only the optimizer's updates, and
after a number of errors in a row it lets a bad update through.
"""

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.types import Array, Bool, PyTree

__all__ = ["nonfinite_allowed", "skip_nonfinite", "stop_at_nonfinite"]


def nonfinite_allowed() -> contextlib.AbstractContextManager[Any]:
    """Turns off `jax_debug_nans` and `jax_debug_infs` where results may hold them.

    The history of a training holds NaN after an early stop, and the effective sample
    size of a bound without exponentials is inf. Neither is an error.
    """
    stack = contextlib.ExitStack()
    # Only if they are on: setting them to what they are would compile programs again.
    if jax.config.jax_debug_nans:  # pyright: ignore[reportAttributeAccessIssue]
        stack.enter_context(jax.debug_nans(False))
    if jax.config.jax_debug_infs:  # pyright: ignore[reportAttributeAccessIssue]
        stack.enter_context(jax.debug_infs(False))
    return stack


def skip_nonfinite(
    state: PyTree, new_state: PyTree, is_finite: Bool[Array, ""]
) -> PyTree:
    """Takes an update that is finite, and drops one that is not.

    Args:
        state: the state before the update.
        new_state: the state after it.
        is_finite: whether the update is finite, such as `all_finite` of the loss, its
            gradient and the new state.

    Returns:
        `new_state` or `state`.
    """
    return optax.tree.where(is_finite, new_state, state)


def stop_at_nonfinite(state: Any, new_state: Any, is_finite: Bool[Array, ""]) -> Any:
    """Takes updates up to the first that is not finite, and none from there on.

    Args:
        state: the state before the update: a NamedTuple with the entries `step`, the
            number of updates, and `stopped_at`, the number of the update that was not
            finite or -1.
        new_state: the state after it; its `step` and `stopped_at` are ignored.
        is_finite: whether the update is finite.

    Returns:
        The next state. `step` counts every update, also those after the stop.
    """
    is_running = state.stopped_at < 0
    accepted = optax.tree.where(is_finite & is_running, new_state, state)
    return accepted._replace(
        # Not selected with `where`: under vmap the count stays one unbatched number.
        step=state.step + 1,
        stopped_at=jnp.where(is_finite | ~is_running, state.stopped_at, state.step),
    )
