"""The plain step: an optimizer down a loss of networks that are trained together."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import Array, Float, Int, Key, PyTree, with_statistics
from jaxinfo.training.blocks import next_state

__all__ = ["DescentState", "make_descent"]

Loss = Callable[[Array, Any, Any], tuple[Array, Mapping[str, PyTree]]]
Start = Callable[[dict[str, PyTree]], "DescentState"]
Step = Callable[
    [Key[Array, ""], "DescentState", Any], tuple["DescentState", Float[Array, ""]]
]


class DescentState(NamedTuple):
    """What one update hands to the next.

    Attributes:
        step: updates done, [].
        params: of every network, by name.
        optimizer: the optimizer's state.
        stopped_at: the update that was not finite, at which this training stopped; -1.
    """

    step: Int[Array, ""]
    params: dict[str, PyTree]
    optimizer: PyTree
    stopped_at: Int[Array, ""]


def make_descent(
    loss: Loss, optimizer: optax.GradientTransformation
) -> tuple[Start, Step]:
    """Makes a training, for `train_in_blocks`, of networks whose params are in a dict.

    Args:
        loss: `loss(key, params, batch) -> (loss [], statistics)`: by name of a network,
            the state that `apply_in_training` gave; networks without may be left out.
        optimizer: an Optax optimizer.

    Returns:
        `start(params) -> DescentState` and `step(key, state, batch) -> (state, loss)`.
        A training that meets a number that is not finite stops there for good.
    """

    def start(params: dict[str, PyTree]) -> DescentState:
        zero = jnp.zeros((), int)
        return DescentState(zero, params, optimizer.init(params), zero - 1)

    def step(
        key: Array, state: DescentState, batch: PyTree
    ) -> tuple[DescentState, Array]:
        def of_params(params: dict[str, PyTree]):
            return loss(key, params, batch)

        (value, statistics), slope = jax.value_and_grad(of_params, has_aux=True)(
            state.params
        )
        updates, moved = optimizer.update(slope, state.optimizer, state.params)
        params: Any = optax.apply_updates(state.params, updates)
        params = {
            name: with_statistics(own, statistics.get(name, ()))
            for name, own in params.items()
        }
        finite = all_finite((value, params))
        return next_state(state, finite, params=params, optimizer=moved), value

    return start, step
