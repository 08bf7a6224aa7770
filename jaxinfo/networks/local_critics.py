"""Critics of a local feature and a code, as Deep InfoMax scores them."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Critic, Float, PyTree
from jaxinfo.networks.adapters import from_linen
from jaxinfo.networks.critics import _MLP
from jaxinfo.networks.layers import BatchStandardization

__all__ = ["concatenated_critic", "embedding_critic"]

# Hidden units of pairs held at once.
UNITS_AT_ONCE = 2**24


def embedding_critic(num_units: int = 2_048) -> Critic:
    """The inner product of two embeddings: the encode-and-dot critic.

    Each input goes through a layer of its own, standardized over its rows by the batch
    at hand and rectified, and a linear layer; a linear shortcut that starts near the
    identity is added, and the sum is normalized over its units.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, appendix A.2, and the authors' code.

    Args:
        num_units: of the embeddings, 2,048 in the paper.

    Returns:
        A critic of features [N, C] and codes [M, D] with a fast `pairwise`.
    """
    check_positive(num_units=num_units)
    critic = from_linen(_Embeddings(num_units))
    assert isinstance(critic, Critic)
    return critic


def concatenated_critic(hidden_sizes: Sequence[int] = (512, 512)) -> Critic:
    """A mlp of both inputs together: the concat-and-convolve critic.

    Source: as `embedding_critic`, appendix A.2; the global critic there is of the same
        form.

    Args:
        hidden_sizes: of the layers, 512 and 512 in the paper.

    Returns:
        A critic of features [N, C] and codes [M, D]. Its `pairwise` shares the first
        layer's two halves among pairs, and holds hidden units of few pairs at a time,
        in the gradient too.

    Raises:
        ValueError: where there is no hidden layer.
    """
    if not hidden_sizes:
        raise ValueError("hidden_sizes must name at least one layer, got none")
    return _concatenated(tuple(hidden_sizes))


def _near_identity(key: Array, shape: Sequence[int], dtype: type) -> Array:
    noise = jax.random.uniform(key, tuple(shape), dtype, -0.01, 0.01)
    return noise + jnp.eye(*shape, dtype=dtype)


class _Embedding(nn.Module):
    num_units: int

    @nn.compact
    def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n e"]:
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        dense = functools.partial(nn.Dense, self.num_units, param_dtype=dtype)
        hidden = nn.relu(BatchStandardization()(dense(use_bias=False)(x)))
        shortcut = dense(kernel_init=_near_identity)(x)
        return nn.LayerNorm(param_dtype=dtype)(dense()(hidden) + shortcut)


class _Embeddings(nn.Module):
    num_units: int

    def setup(self) -> None:
        self.of_features = _Embedding(self.num_units)
        self.of_codes = _Embedding(self.num_units)

    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        return jnp.sum(self.of_features(x) * self.of_codes(y), axis=1)

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        return self.of_features(x) @ self.of_codes(y).T


class _Concatenated(nn.Module):
    sizes: tuple[int, ...]

    def setup(self) -> None:
        self.of_features = nn.Dense(self.sizes[0])
        self.of_codes = nn.Dense(self.sizes[0], use_bias=False)
        self.rest = _MLP(self.sizes[1:], 1, nn.relu)

    def halves(self, x: Array, y: Array) -> tuple[Array, Array]:
        return self.of_features(x), self.of_codes(y)

    def head(self, summed: Array) -> Array:
        return self.rest(nn.relu(summed))[..., 0]

    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        first, second = self.halves(x, y)
        return self.head(first + second)


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=256)
def _concatenated(sizes: tuple[int, ...]) -> Critic:
    module = _Concatenated(sizes)
    network = from_linen(module)

    def pairwise(params: PyTree, x: Array, y: Array) -> Float[Array, "n m"]:
        def call(method: str, *inputs: Array) -> Any:
            return module.apply({"params": params}, *inputs, method=method)

        first, second = call("halves", x, y)

        def with_all(row: Array) -> Array:
            return call("head", row + second)

        at_once = max(1, UNITS_AT_ONCE // (len(y) * max(sizes)))
        if len(x) <= at_once:
            return jax.vmap(with_all)(first)
        # A gradient computes each chunk once more, or the units of all would stay.
        return jax.lax.map(jax.checkpoint(with_all), first, batch_size=at_once)

    return Critic(network.init, network.apply, pairwise)
