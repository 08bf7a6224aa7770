"""Arrays, networks and critics: the words that signatures use.

Shape letters, everywhere: S seeds, N paired samples, M product samples, K product
samples per paired one, L locations, D features.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jaxtyping import Bool, Float, Int, Key

__all__ = [
    "Array",
    "Bool",
    "Critic",
    "Float",
    "Int",
    "Key",
    "Network",
    "PyTree",
    "apply_in_training",
    "as_network",
    "with_statistics",
]

Array = jax.Array
PyTree = Any


class Network(NamedTuple):
    """A network as plain functions with opaque parameters.

    Attributes:
        init: `init(key, *example_inputs) -> params`.
        apply: `apply(params, *inputs) -> output`, deterministic.
        apply_train: `apply_train(key, params, state, *inputs) -> (output, state)` where
            training needs noise or running statistics; None where it is `apply`. The
            state starts as (). Running statistics are entries of params, a dict, that
            `apply` reads and no gradient reaches: the state that comes back holds their
            new values, for `with_statistics` to put in.
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Any]
    apply_train: Callable[..., Any] | None = None


class Critic(NamedTuple):
    """A network that scores pairs, with an optional fast way to score all pairs.

    Attributes:
        init: `init(key, x, y) -> params`, for x [N, ...] and y [N, ...].
        apply: `apply(params, x, y) -> scores [N]`.
        pairwise: `pairwise(params, x [N, ...], y [M, ...]) -> scores [N, M]`; None
            where nothing beats scoring each pair, as for a critic of joined inputs.
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Array]
    pairwise: Callable[..., Array] | None = None


def as_network(network: Any, *, name: str) -> Network:
    """A network from a Network or a pair (init, apply) of plain functions."""
    if isinstance(network, Network):
        return network
    if isinstance(network, tuple) and len(network) == 2 and all(map(callable, network)):
        return Network(*network)
    raise ValueError(
        f"{name} must be a Network or a pair of functions (init, apply), got "
        f"{type(network).__name__}; Flax modules come through jaxinfo.networks"
    )


def apply_in_training(
    network: Network, key: Array, params: PyTree, *inputs: Any
) -> tuple[Any, PyTree]:
    """The network's output in training, and the state that `with_statistics` takes."""
    if network.apply_train is None:
        return network.apply(params, *inputs), ()
    return network.apply_train(key, params, (), *inputs)


def with_statistics(params: PyTree, state: PyTree) -> PyTree:
    """Parameters with the running statistics of a state, see `Network`."""
    return {**params, **state} if isinstance(state, dict) else params
