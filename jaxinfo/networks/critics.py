"""Critics: networks that score pairs (x, y).

Apart from `embedding_critic`, critics take inputs of any trailing shape, which may
differ between x and y, and flatten them.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Critic, Float
from jaxinfo.networks.adapters import linen_critic
from jaxinfo.networks.layers import (
    BatchStandardization,
    flatten_rows,
    parameter_dtype,
)
from jaxinfo.networks.mlp import _MLP, Activation

__all__ = [
    "bilinear_critic",
    "embedding_critic",
    "gaussian_conditional_critic",
    "joint_critic",
    "logistic_conditional_critic",
    "separable_critic",
]


def joint_critic(
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    activation: Activation = nn.relu,
    zero_init: bool = False,
) -> Critic:
    """An MLP of the concatenated pair.

    T(x, y) = MLP([x, y]). It can represent any interaction, at the cost of one forward
    pass for each pair.

    Args:
        hidden_sizes: units of each hidden layer.
        activation: applied after each hidden layer.
        zero_init: whether the output layer starts at zero, so that every pair scores 0
            before training, for a critic that corrects another score.

    Returns:
        A critic without `pairwise`.
    """
    return linen_critic(_Joint(tuple(hidden_sizes), activation, zero_init))


def separable_critic(
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    embedding_size: int = 32,
    activation: Activation = nn.relu,
) -> Critic:
    """The inner product of two MLP embeddings.

    T(x, y) = <g(x), h(y)>. Scoring all pairs of N rows costs N forward passes of either
    MLP and one matrix product.

    Args:
        hidden_sizes: units of each hidden layer of either MLP.
        embedding_size: length of g(x) and h(y).
        activation: applied after each hidden layer.

    Returns:
        A critic with `pairwise`.
    """
    return linen_critic(_Separable(tuple(hidden_sizes), embedding_size, activation))


def bilinear_critic(*, use_bias: bool = True) -> Critic:
    """A bilinear form of the inputs.

    T(x, y) = x' W y + a' x + b' y + c. It is the cheapest critic, and captures no
    dependence beyond such a form.

    Args:
        use_bias: whether to include the terms of x alone, of y alone and the constant.
            Without them it is the critic of Deep Graph InfoMax.

    Returns:
        A critic with `pairwise`.
    """
    return linen_critic(_Bilinear(use_bias))


def gaussian_conditional_critic(
    hidden_sizes: Sequence[int] = (64, 64), *, activation: Activation = nn.relu
) -> Critic:
    """A Gaussian density of y given x, as the critic T(x, y) = log q(y | x).

    q(y | x) = prod_d N(y_d; mu_d(x), exp(s_d(x))), in nats. A scaled tanh keeps the
    log-variance s in (-8, 8). CLUB needs this critic.

    Source: Cheng et al., "CLUB", ICML 2020, section 3.

    Args:
        hidden_sizes: units of each hidden layer.
        activation: applied after each hidden layer.

    Returns:
        A critic with `pairwise`.
    """
    return linen_critic(_GaussianConditional(tuple(hidden_sizes), activation))


def logistic_conditional_critic(
    hidden_sizes: Sequence[int] = (64, 64), *, activation: Activation = nn.relu
) -> Critic:
    """A logistic density of y given x, as the critic T(x, y) = log q(y | x).

    q(y | x) = prod_d Logistic(y_d; mu_d(x), exp(s_d(x) / 2)), in nats, with s limited
    as in `gaussian_conditional_critic`. Its tails are heavier than a Gaussian's.

    Source: McAllester and Stratos, "Formal limitations on the measurement of mutual
        information", AISTATS 2020, section 5.

    Args:
        hidden_sizes: units of each hidden layer.
        activation: applied after each hidden layer.

    Returns:
        A critic without `pairwise`.
    """
    return linen_critic(_LogisticConditional(tuple(hidden_sizes), activation))


def embedding_critic(num_units: int = 2_048) -> Critic:
    """The inner product of two embeddings: Deep InfoMax's encode-and-dot critic.

    Each input goes through a linear layer, which is standardized over the batch and
    rectified, and a second linear layer. A linear shortcut that is initialized near the
    identity is added, and the sum is layer-normalized.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, appendix A.2, and the authors' code.

    Args:
        num_units: units of the embeddings, 2,048 in the paper.

    Returns:
        A critic of local features [N, C] and representations [M, D], with `pairwise`.

    Raises:
        ValueError: if num_units is not a positive whole number.
    """
    check_positive(num_units=num_units)
    return linen_critic(_Embeddings(num_units))


class _Joint(nn.Module):
    hidden_sizes: tuple[int, ...]
    activation: Activation
    zero_init: bool = False

    @nn.compact
    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        pair = jnp.concatenate([flatten_rows(x), flatten_rows(y)], axis=1)
        mlp = _MLP(self.hidden_sizes, 1, self.activation, self.zero_init)
        return mlp(pair)[:, 0]


class _Separable(nn.Module):
    hidden_sizes: tuple[int, ...]
    embedding_size: int
    activation: Activation

    def setup(self) -> None:
        arguments = (self.hidden_sizes, self.embedding_size, self.activation)
        self.tower_x = _MLP(*arguments)
        self.tower_y = _MLP(*arguments)

    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        embedded = self.tower_x(flatten_rows(x)) * self.tower_y(flatten_rows(y))
        return jnp.sum(embedded, axis=1)

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        return self.tower_x(flatten_rows(x)) @ self.tower_y(flatten_rows(y)).T


class _Bilinear(nn.Module):
    use_bias: bool = True

    @nn.compact
    def _terms(self, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
        """W'x, y, a'x + c and b'y."""
        x, y = flatten_rows(x), flatten_rows(y)
        dense = functools.partial(nn.Dense, param_dtype=parameter_dtype(x))
        form = dense(y.shape[1], use_bias=False, name="form")(x)
        if not self.use_bias:
            return form, y, jnp.zeros_like(x[:, :1]), jnp.zeros_like(y[:, :1])
        return form, y, dense(1, name="x")(x), dense(1, name="y")(y)

    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        form, y, of_x, of_y = self._terms(x, y)
        return jnp.sum(form * y, axis=1) + of_x[:, 0] + of_y[:, 0]

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        form, y, of_x, of_y = self._terms(x, y)
        return form @ y.T + of_x + of_y.T


class _Conditional(nn.Module):
    hidden_sizes: tuple[int, ...]
    activation: Activation
    log_variance_limit: float = 8.0

    @nn.compact
    def _moments(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The mean and the log-variance of y given x."""
        y_size = flatten_rows(y).shape[1]
        output = _MLP(self.hidden_sizes, 2 * y_size, self.activation)(flatten_rows(x))
        mean, raw = jnp.split(output, 2, axis=1)
        limit = self.log_variance_limit
        return mean, limit * jnp.tanh(raw / limit)


class _LogisticConditional(_Conditional):
    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        location, log_squared_scale = self._moments(x, y)
        return jax.scipy.stats.logistic.logpdf(
            flatten_rows(y), location, jnp.exp(0.5 * log_squared_scale)
        ).sum(axis=1)


class _GaussianConditional(_Conditional):
    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        mean, log_variance = self._moments(x, y)
        return jax.scipy.stats.norm.logpdf(
            flatten_rows(y), mean, jnp.exp(0.5 * log_variance)
        ).sum(axis=1)

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        mean, log_variance = self._moments(x, y)
        precision, y = jnp.exp(-log_variance), flatten_rows(y)
        # (y - mean)^2 / variance, expanded so that all pairs are matrix products.
        squares = (
            precision @ (y**2).T
            - 2 * (precision * mean) @ y.T
            + jnp.sum(precision * mean**2, axis=1, keepdims=True)
        )
        constant = jnp.sum(log_variance + jnp.log(2 * jnp.pi), axis=1, keepdims=True)
        return -0.5 * (squares + constant)


class _Embeddings(nn.Module):
    num_units: int

    def setup(self) -> None:
        self.of_features = _Embedding(self.num_units)
        self.of_codes = _Embedding(self.num_units)

    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        return jnp.sum(self.of_features(x) * self.of_codes(y), axis=1)

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        return self.of_features(x) @ self.of_codes(y).T


class _Embedding(nn.Module):
    num_units: int

    @nn.compact
    def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n e"]:
        dtype = parameter_dtype(x)
        dense = functools.partial(nn.Dense, self.num_units, param_dtype=dtype)
        hidden = nn.relu(BatchStandardization()(dense(use_bias=False)(x)))
        shortcut = dense(kernel_init=_near_identity)(x)
        return nn.LayerNorm(param_dtype=dtype)(dense()(hidden) + shortcut)


def _near_identity(key: Array, shape: Sequence[int], dtype: type) -> Array:
    noise = jax.random.uniform(key, tuple(shape), dtype, -0.01, 0.01)
    return noise + jnp.eye(*shape, dtype=dtype)
