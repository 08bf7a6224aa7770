"""Adapters that turn Flax modules into networks of plain functions."""

import dataclasses
import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import jax
from flax import linen, nnx

from jaxinfo.core.types import Critic, Network, PyTree

__all__ = [
    "from_linen",
    "from_linen_in_training",
    "from_nnx",
    "linen_critic",
    "linen_network",
]


def from_linen(module: linen.Module) -> Network | Critic:
    """Turns a Linen module into a network, or into a critic if it scores all pairs.

    Args:
        module: a module whose only variables are parameters. A module with a method
            `pairwise(x, y) -> [N, M]` becomes a `Critic`.

    Returns:
        A `Network`, or a `Critic` if the module has `pairwise`. Equal modules give
        equal networks.

    Raises:
        ValueError: if `module` is not an instance of a Linen module with hashable
            attributes; from `init`, if it keeps state besides its parameters.
    """
    _check_linen("from_linen", module)
    if hasattr(module, "pairwise"):
        return linen_critic(module)
    return linen_network(module)


def from_linen_in_training(module: linen.Module) -> Network:
    """Turns a Linen module that behaves differently in training into a network.

    The module's `__call__` takes a keyword argument `is_training`. Dropout draws from
    the key of `apply_train`. The running statistics of batch normalization are the
    entry "batch_stats" of the parameters, see `Network`.

    Args:
        module: a module whose only variables are parameters and batch statistics.

    Returns:
        A `Network` with `apply_train`. Equal modules give equal networks.

    Raises:
        ValueError: if `module` is not an instance of a Linen module with hashable
            attributes; from `init`, if it keeps any other state.
    """
    _check_linen("from_linen_in_training", module)
    return Network(_InitVariables(module), _Evaluate(module), _ApplyInTraining(module))


def from_nnx(make_module: Callable[[nnx.Rngs], nnx.Module]) -> Network | Critic:
    """Turns a function that makes an NNX module into a network, by split and merge.

    Args:
        make_module: `make_module(rngs) -> module`; the module's `__call__` is applied.

    Returns:
        A `Network` whose parameters are the module's `nnx.Param` state, or a `Critic`
        if the module has `pairwise(x, y) -> [N, M]`. The same `make_module` gives equal
        networks.

    Raises:
        ValueError: if `make_module` is not a function that returns an NNX module, or
            if the module keeps state besides its parameters, such as batch statistics
            or the random stream of dropout.

    Example:
        >>> network = from_nnx(lambda rngs: nnx.Linear(2, 1, rngs=rngs))
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((3, 2))).shape
        (3, 1)
    """
    _check_nnx(make_module)
    abstract = _abstract_module(make_module)
    others = nnx.to_flat_state(nnx.state(abstract, nnx.Not(nnx.Param)))
    _check_collections(abstract, {type(leaf).__name__ for _, leaf in others})
    init, apply = _InitNnx(make_module), _ApplyNnx(make_module)
    if hasattr(abstract, "pairwise"):
        return Critic(init, apply, _ApplyNnx(make_module, "pairwise"))
    return Network(init, apply)


def linen_network(module: linen.Module) -> Network:
    """The `Network` of a Linen module whose only variables are parameters."""
    return Network(_InitParameters(module), _Apply(module))


def linen_critic(module: linen.Module) -> Critic:
    """The `Critic` of such a module of two inputs, with `pairwise` if it has one."""
    pairwise = _Apply(module, "pairwise") if hasattr(module, "pairwise") else None
    return Critic(_InitParameters(module), _Apply(module), pairwise)


# The functions of a network --------------------------------------------------------
#
# They are frozen dataclasses rather than closures, so that networks of equal modules
# are equal, `jax.jit` does not trace them again, and they can be pickled.


class _PicklableFields:
    """Pickles a dataclass by its fields, and JAX's functions in them by name."""

    def __reduce__(self) -> tuple[Any, ...]:
        buffer = io.BytesIO()
        fields = dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        _Pickler(buffer).dump([getattr(self, field.name) for field in fields])
        return _restore, (type(self), buffer.getvalue())

    def __deepcopy__(self, memo: dict[int, Any]) -> "_PicklableFields":
        return self  # Immutable; modules with closures can be copied but not pickled.


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        # pickle alone fails on `jax.nn.silu`: it pickles the wrapped Python function,
        # whose name refers to the wrapper.
        if isinstance(obj, jax.custom_jvp | jax.custom_vjp | jax.stages.Wrapped):
            return getattr(obj, "__qualname__", NotImplemented)
        return NotImplemented


def _restore(function: type, fields: bytes) -> Any:
    return function(*pickle.loads(fields))


@dataclasses.dataclass(frozen=True)
class _InitParameters(_PicklableFields):
    module: linen.Module

    def __call__(self, key: jax.Array, *inputs: Any) -> PyTree:
        return _init_parameters(self.module, key, *inputs)


@dataclasses.dataclass(frozen=True)
class _InitVariables(_PicklableFields):
    module: linen.Module

    def __call__(self, key: jax.Array, *inputs: Any) -> PyTree:
        return _init_variables(self.module, key, *inputs)


# Compiled, so that a call outside of `jit` is one program instead of one for each
# operation.
@functools.partial(jax.jit, static_argnums=0)
def _init_parameters(module: linen.Module, key: jax.Array, *inputs: Any) -> PyTree:
    variables = module.init(key, *inputs)
    _check_collections(module, set(variables) - {"params"})
    return variables.get("params", {})


@functools.partial(jax.jit, static_argnums=0)
def _init_variables(module: linen.Module, key: jax.Array, *inputs: Any) -> PyTree:
    variables = dict(module.init(key, *inputs, is_training=False))
    _check_collections(module, set(variables) - {"params", "batch_stats"})
    return variables


@dataclasses.dataclass(frozen=True)
class _Apply(_PicklableFields):
    module: linen.Module
    method: str | None = None

    def __call__(self, params: PyTree, *inputs: Any) -> Any:
        return self.module.apply({"params": params}, *inputs, method=self.method)


@dataclasses.dataclass(frozen=True)
class _Evaluate(_PicklableFields):
    module: linen.Module

    def __call__(self, params: PyTree, *inputs: Any) -> Any:
        return self.module.apply(params, *inputs, is_training=False)


@dataclasses.dataclass(frozen=True)
class _ApplyInTraining(_PicklableFields):
    module: linen.Module

    def __call__(
        self, key: jax.Array, params: PyTree, state: PyTree, *inputs: Any
    ) -> tuple[Any, PyTree]:
        del state
        output, statistics = self.module.apply(
            params,
            *inputs,
            is_training=True,
            mutable=["batch_stats"],
            rngs={"dropout": key},
        )
        return output, dict(statistics)


@dataclasses.dataclass(frozen=True)
class _InitNnx(_PicklableFields):
    make_module: Callable[[nnx.Rngs], nnx.Module]

    def __call__(self, key: jax.Array, *inputs: Any) -> PyTree:
        del inputs  # An NNX module already knows its shapes.
        return nnx.state(self.make_module(nnx.Rngs(key)), nnx.Param)


@dataclasses.dataclass(frozen=True)
class _ApplyNnx(_PicklableFields):
    make_module: Callable[[nnx.Rngs], nnx.Module]
    method: str = "__call__"

    @functools.cached_property
    def _graph(self) -> Any:
        return nnx.graphdef(_abstract_module(self.make_module))

    def __call__(self, params: PyTree, *inputs: Any) -> Any:
        return getattr(nnx.merge(self._graph, params), self.method)(*inputs)


def _abstract_module(make_module: Callable[[nnx.Rngs], nnx.Module]) -> nnx.Module:
    """The module with shapes in place of arrays."""

    def make() -> nnx.Module:
        module = make_module(nnx.Rngs(0))
        if not isinstance(module, nnx.Module):
            raise ValueError(
                f"make_module must return an NNX module, got {type(module).__name__}"
            )
        return module

    return nnx.eval_shape(make)


# Checks ----------------------------------------------------------------------------


def _check_linen(adapter: str, module: Any) -> None:
    if isinstance(module, linen.Module):
        try:
            hash(module)
        except TypeError as error:
            raise ValueError(
                f"module {type(module).__name__} must have hashable attributes: {error}"
            ) from error
        return
    if isinstance(module, type) and issubclass(module, linen.Module):
        name = module.__name__
        raise ValueError(
            f"module must be an instance of {name}, got the class itself: call "
            f"{adapter}({name}(...))"
        )
    if isinstance(module, nnx.Module):
        name = type(module).__name__
        raise ValueError(
            "module must be a Linen module, got an NNX module: call "
            f"from_nnx(lambda rngs: {name}(..., rngs=rngs))"
        )
    hint = (
        "; a function that makes an NNX module needs from_nnx"
        if callable(module)
        else ""
    )
    raise ValueError(f"module must be a Linen module, got {module!r}{hint}")


def _check_nnx(make_module: Any) -> None:
    if isinstance(make_module, nnx.Module):
        name = type(make_module).__name__
        raise ValueError(
            "make_module must be a function that makes the module, got a module: call "
            f"from_nnx(lambda rngs: {name}(..., rngs=rngs))"
        )
    kind = make_module if isinstance(make_module, type) else type(make_module)
    if issubclass(kind, linen.Module):
        raise ValueError(
            "make_module must make an NNX module, got a Linen module: call "
            f"from_linen({kind.__name__}(...))"
        )
    if not callable(make_module):
        raise ValueError(
            f"make_module must be a function rngs -> module, got {make_module!r}"
        )


def _check_collections(module: Any, others: set[str]) -> None:
    if others:
        raise ValueError(
            f"module {type(module).__name__} keeps state besides its parameters "
            f"({', '.join(sorted(others))}); use a stateless module"
        )
