"""Gradient descent on one loss of networks that are trained together."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.display import short_repr
from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import Array, Bool, Float, Int, PyTree, with_statistics
from jaxinfo.training.nonfinite import stop_at_nonfinite

__all__ = [
    "GradientDescent",
    "GradientDescentInfo",
    "GradientDescentState",
    "make_gradient_descent",
]

Loss = Callable[[Any, Any, Any], tuple[Array, Mapping[str, PyTree]]]


class GradientDescentState(NamedTuple):
    """The state of a training by gradient descent.

    Attributes:
        step: number of updates, [].
        params: parameters of every network, by name.
        optimizer: the optimizer's state.
        stopped_at: number of the update that was not finite, at which this training
            stopped, or -1, [].
    """

    step: Int[Array, ""]
    params: dict[str, PyTree]
    optimizer: PyTree
    stopped_at: Int[Array, ""]


class GradientDescentInfo(NamedTuple):
    """Metrics of one update.

    Attributes:
        loss: the loss of the state before the update, [].
        is_stopped: whether this training has stopped at an update that was not finite.
    """

    loss: Float[Array, ""]
    is_stopped: Bool[Array, ""]


class GradientDescent(NamedTuple):
    """A training by gradient descent as pure functions.

    Attributes:
        init: `init(key, *example) -> GradientDescentState`.
        step: `step(key, state, batch) -> (GradientDescentState,
            GradientDescentInfo)`.
    """

    init: Callable[..., GradientDescentState]
    step: Callable[
        [Any, GradientDescentState, Any],
        tuple[GradientDescentState, GradientDescentInfo],
    ]

    __repr__ = short_repr


def make_gradient_descent(
    init_params: Callable[..., dict[str, PyTree]],
    loss: Loss,
    optimizer: optax.GradientTransformation,
) -> GradientDescent:
    """Makes the training of networks whose parameters lie in one dict.

    Args:
        init_params: `init_params(key, *example) -> params`, parameters by the name of
            their network.
        loss: `loss(key, params, batch) -> (loss [], statistics)`. `statistics` holds,
            by the name of a network, the state that `apply_in_training` returned;
            networks without one may be left out.
        optimizer: an Optax optimizer.

    Returns:
        A `GradientDescent`, whose step fits `jaxinfo.training.train`. It stops for good
        at an update that is not finite, see `stop_at_nonfinite`.
    """

    def init(key: Array, *example: Any) -> GradientDescentState:
        params = init_params(key, *example)
        zero = jnp.zeros((), int)
        return GradientDescentState(zero, params, optimizer.init(params), zero - 1)

    def step(
        key: Array, state: GradientDescentState, batch: Any
    ) -> tuple[GradientDescentState, GradientDescentInfo]:
        def loss_of_params(params: dict[str, PyTree]):
            return loss(key, params, batch)

        (value, statistics), gradient = jax.value_and_grad(
            loss_of_params, has_aux=True
        )(state.params)
        updates, optimizer_state = optimizer.update(
            gradient, state.optimizer, state.params
        )
        params: Any = optax.apply_updates(state.params, updates)
        params = {
            name: with_statistics(own, statistics.get(name, ()))
            for name, own in params.items()
        }
        new_state = stop_at_nonfinite(
            state,
            state._replace(params=params, optimizer=optimizer_state),
            all_finite((value, params)),
        )
        return new_state, GradientDescentInfo(value, new_state.stopped_at >= 0)

    return GradientDescent(init, step)
