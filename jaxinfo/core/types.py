"""Types of arrays, networks and critics that the library's signatures use.

Letters in shapes: S seeds, N paired samples, M samples of the product distribution,
K negatives for each paired sample, L locations, D features.
"""

import types
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jaxtyping import Bool, Float, Int, Key

from jaxinfo.core.display import short_repr

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
    "as_critic",
    "as_network",
    "describe",
    "shown",
    "with_statistics",
]

Array = jax.Array
PyTree = Any


class Network(NamedTuple):
    """A network as plain functions with opaque parameters.

    Attributes:
        init: `init(key, *example_inputs) -> params`.
        apply: `apply(params, *inputs) -> output`, deterministic.
        apply_train: `apply_train(key, params, state, *inputs) -> (output, state)` if
            training needs noise or running statistics; None if training uses `apply`.
            The state passed in is (). If the network keeps running statistics, params
            is a dict and they are entries of it: `apply` reads them, no gradient
            reaches them, and the returned state holds their new values, which
            `jaxinfo.core.types.with_statistics` puts back into params.
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Any]
    apply_train: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"Network({_module_of(self.init)})"


class Critic(NamedTuple):
    """A network that scores pairs, with an optional fast way to score all pairs.

    Attributes:
        init: `init(key, x, y) -> params`, for x [N, ...] and y [N, ...].
        apply: `apply(params, x, y) -> scores [N]`.
        pairwise: `pairwise(params, x [N, ...], y [M, ...]) -> scores [N, M]`; None if
            scoring pair by pair is just as fast, as for a critic of concatenated
            inputs.
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Array]
    pairwise: Callable[..., Array] | None = None

    def __repr__(self) -> str:
        return f"Critic({_module_of(self.init)})"


def _module_of(init: Callable[..., PyTree]) -> str:
    """The Flax module behind a network, or the name of its function `init`."""
    module = getattr(init, "module", None)
    if module is not None:
        return short_repr(module)
    made = getattr(init, "make_module", init)
    return getattr(made, "__name__", type(made).__name__)


def as_network(network: Any, *, name: str) -> Network:
    """Converts a pair (init, apply) of plain functions to a `Network`.

    Args:
        network: a `Network`, which is returned as it is, or a pair of functions.
        name: the argument's name in an error.

    Returns:
        The `Network`.

    Raises:
        ValueError: if it is neither. For a Flax module the message names the adapter
            that converts it.
    """
    if isinstance(network, Network):
        return network
    if isinstance(network, tuple) and len(network) == 2 and all(map(callable, network)):
        return Network(*network)
    raise ValueError(
        f"{name} must be a Network or a pair of functions (init, apply), got "
        f"{describe(network)}"
    )


def as_critic(critic: Any, *, name: str = "critic") -> Critic:
    """Converts a `Network` of two inputs or a pair (init, apply) to a `Critic`.

    Args:
        critic: a `Critic`, which is returned as it is, or what `as_network` takes.
        name: the argument's name in an error.

    Returns:
        The `Critic`.

    Raises:
        ValueError: if it is neither, or a network that needs noise in training.
    """
    if isinstance(critic, Critic):
        return critic
    network = as_network(critic, name=name)
    if network.apply_train is not None:
        raise ValueError(f"{name} must be deterministic: apply_train is not used")
    return Critic(network.init, network.apply)


def shown(value: Any) -> str:
    """What an error shows of a wrong argument: its text if short, else its type."""
    text = repr(value)
    is_short = len(text) <= 60 and "\n" not in text and " at 0x" not in text
    return text if is_short and not isinstance(value, type) else describe(value)


def describe(network: Any) -> str:
    """The type of a value and, for a Flax module, the adapter that converts it."""
    is_class = isinstance(network, type)
    kind = network if is_class else type(network)
    described = f"the class {kind.__name__}" if is_class else kind.__name__
    if kind is types.FunctionType:
        return f"the function {network.__name__}; call it if it makes the argument"
    # By the names of modules, since this package does not import Flax.
    origins = {".".join(base.__module__.split(".")[:2]) for base in kind.__mro__}
    if "flax.linen" in origins:
        module = f"{kind.__name__}(...)" if is_class else "module"
        return (
            f"{described}, a Flax Linen module; convert it with "
            f"jaxinfo.networks.from_linen({module})"
        )
    if "flax.nnx" in origins:
        return (
            f"{described}, a Flax NNX module; convert a function that builds it with "
            "jaxinfo.networks.from_nnx(lambda rngs: "
            f"{kind.__name__}(..., rngs=rngs)), or pass from_nnx a class that takes "
            "only rngs"
        )
    return described


def apply_in_training(
    network: Network, key: Array, params: PyTree, *inputs: Any
) -> tuple[Any, PyTree]:
    """The network's output in training, and the state that `with_statistics` takes."""
    if network.apply_train is None:
        return network.apply(params, *inputs), ()
    return network.apply_train(key, params, (), *inputs)


def with_statistics(params: PyTree, state: PyTree) -> PyTree:
    """Parameters updated with the running statistics in a state; see `Network`."""
    return {**params, **state} if isinstance(state, dict) else params
