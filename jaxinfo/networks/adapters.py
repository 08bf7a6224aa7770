"""Flax modules as plain functions: the library's other rooms never see Flax."""

import functools
from collections.abc import Callable, Hashable
from typing import Any, cast

import jax
from flax import linen, nnx

from jaxinfo.core.types import Critic, Network, PyTree

__all__ = ["from_linen", "from_linen_in_training", "from_nnx"]


def from_linen(module: linen.Module) -> Network | Critic:
    """Turns a Linen module into a network, or a critic where it scores all pairs.

    Equal modules give the same object, so calling this twice does not retrace.

    Args:
        module: a module whose variables are parameters only. One with a method
            `pairwise(x, y) -> [N, M]` becomes a `Critic`.

    Returns:
        A `Network`, or a `Critic` where the module has `pairwise`.

    Raises:
        ValueError: at init, where the module keeps state beside its parameters.
    """
    return _from_linen(cast(Hashable, module))


@functools.lru_cache(maxsize=256)
def _from_linen(hashable: Hashable) -> Network | Critic:
    module = cast(linen.Module, hashable)

    @jax.jit  # Called outside of `jit`: one program, not one for each operation.
    def init(key: jax.Array, *inputs: Any) -> Any:
        variables = module.init(key, *inputs)
        _check_collections(module, variables, {"params"})
        return variables.get("params", {})

    def apply(params: Any, *inputs: Any) -> Any:
        return module.apply({"params": params}, *inputs)

    if not hasattr(module, "pairwise"):
        return Network(init, apply)

    def pairwise(params: Any, x: jax.Array, y: jax.Array) -> Any:
        return module.apply({"params": params}, x, y, method="pairwise")

    return Critic(init, apply, pairwise)


def from_linen_in_training(module: linen.Module) -> Network:
    """Turns a Linen module that behaves otherwise in training into a network.

    Its `__call__` takes a keyword `is_training`. Dropout draws from the key of
    `apply_train`; running statistics of batch normalization are the entry
    "batch_stats" of the parameters, see `Network`.

    Args:
        module: a module whose variables are parameters and batch statistics only.

    Returns:
        A `Network` with `apply_train`. Equal modules give the same object.

    Raises:
        ValueError: at init, where the module keeps other state.
    """
    return _from_linen_in_training(cast(Hashable, module))


@functools.lru_cache(maxsize=256)
def _from_linen_in_training(hashable: Hashable) -> Network:
    module = cast(linen.Module, hashable)

    @jax.jit
    def init(key: jax.Array, *inputs: Any) -> PyTree:
        variables = dict(module.init(key, *inputs, is_training=False))
        _check_collections(module, variables, {"params", "batch_stats"})
        return variables

    def apply(params: PyTree, *inputs: Any) -> Any:
        return module.apply(params, *inputs, is_training=False)

    def apply_train(
        key: jax.Array, params: PyTree, state: PyTree, *inputs: Any
    ) -> tuple[Any, PyTree]:
        del state
        output, statistics = module.apply(
            params,
            *inputs,
            is_training=True,
            mutable=["batch_stats"],
            rngs={"dropout": key},
        )
        return output, dict(statistics)

    return Network(init, apply, apply_train)


def _check_collections(
    module: linen.Module, variables: PyTree, known: set[str]
) -> None:
    others = sorted(set(variables) - known)
    if others:
        raise ValueError(
            f"module {type(module).__name__} keeps state beside its parameters "
            f"({', '.join(others)}); give a stateless module"
        )


@functools.lru_cache(maxsize=256)
def from_nnx(make_module: Callable[[nnx.Rngs], nnx.Module]) -> Network | Critic:
    """Turns a maker of NNX modules into a network, through split and merge.

    Args:
        make_module: `make_module(rngs) -> module`; the module's `__call__` is applied.

    Returns:
        A `Network` whose parameters are the module's `nnx.Param` state, or a `Critic`
        where the module has `pairwise(x, y) -> [N, M]`.

    Raises:
        ValueError: where the module keeps state beside its parameters, such as batch
            statistics or the random stream of dropout.

    Example:
        >>> network = from_nnx(lambda rngs: nnx.Linear(2, 1, rngs=rngs))
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((3, 2))).shape
        (3, 1)
    """
    abstract = nnx.eval_shape(lambda: make_module(nnx.Rngs(0)))
    graph, _, others = nnx.split(abstract, nnx.Param, ...)
    if jax.tree.leaves(others):
        kinds = sorted({type(leaf).__name__ for _, leaf in nnx.to_flat_state(others)})
        raise ValueError(
            f"module {type(abstract).__name__} keeps state beside its parameters "
            f"({', '.join(kinds)}); give a stateless module"
        )

    def init(key: jax.Array, *inputs: Any) -> Any:
        del inputs  # An NNX module knows its shapes already.
        return nnx.state(make_module(nnx.Rngs(key)), nnx.Param)

    def apply(params: Any, *inputs: Any) -> Any:
        return nnx.merge(graph, params)(*inputs)

    if not hasattr(abstract, "pairwise"):
        return Network(init, apply)

    def pairwise(params: Any, x: jax.Array, y: jax.Array) -> Any:
        return cast(Any, nnx.merge(graph, params)).pairwise(x, y)

    return Critic(init, apply, pairwise)
