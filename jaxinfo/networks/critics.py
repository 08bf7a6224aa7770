"""Critics of pairs, networks of single samples and conditional densities.

Inputs may have any trailing shape, and x and y unequal ones: they are flattened.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Critic, Float, Network
from jaxinfo.networks.adapters import from_linen

__all__ = [
    "bilinear_critic",
    "discriminator",
    "gaussian_conditional_critic",
    "joint_critic",
    "logistic_conditional_critic",
    "mlp",
    "separable_critic",
]

Activation = Callable[[Array], Array]


def joint_critic(
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    activation: Activation = nn.relu,
    zero_init: bool = False,
) -> Critic:
    """A multilayer mlp on the concatenated pair.

    T(x, y) = MLP([x, y]); sees every interaction, and costs one pass for each pair.

    Args:
        hidden_sizes: widths of the hidden layers.
        activation: applied after each hidden layer.
        zero_init: score every pair 0 at first, to correct what is added to it.

    Returns:
        A critic without a fast `pairwise`.
    """
    network = from_linen(_Joint(tuple(hidden_sizes), activation, zero_init))
    return Critic(network.init, network.apply)


def separable_critic(
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    embedding_size: int = 32,
    activation: Activation = nn.relu,
) -> Critic:
    """Two towers and an inner product.

    T(x, y) = <g(x), h(y)>; all pairs of N rows cost N passes and a matrix product.

    Args:
        hidden_sizes: widths of the hidden layers of either tower.
        embedding_size: length of g(x) and h(y).
        activation: applied after each hidden layer.

    Returns:
        A critic with a fast `pairwise`.
    """
    return _critic(_Separable(tuple(hidden_sizes), embedding_size, activation))


def bilinear_critic(*, use_bias: bool = True) -> Critic:
    """The inputs' own bilinear form.

    T(x, y) = x' W y + a' x + b' y + c; exact for nothing but a first-order look, and
    the fastest there is.

    Args:
        use_bias: whether the terms of x and of y alone are there. Without them it
            is Deep Graph InfoMax's critic.

    Returns:
        A critic with a fast `pairwise`.
    """
    return _critic(_Bilinear(use_bias))


def gaussian_conditional_critic(
    hidden_sizes: Sequence[int] = (64, 64), *, activation: Activation = nn.relu
) -> Critic:
    """A Gaussian density of y given x, as the critic T(x, y) = log q(y | x).

    q(y | x) = prod_d N(y_d; mu_d(x), exp(s_d(x))), in nats; the log-variance is kept
    in (-8, 8) by a scaled tanh. The critic that CLUB needs.

    Source: Cheng et al., "CLUB", ICML 2020, section 3.

    Args:
        hidden_sizes: widths of the hidden layers.
        activation: applied after each hidden layer.

    Returns:
        A critic with a fast `pairwise`.
    """
    return _critic(_GaussianConditional(tuple(hidden_sizes), activation))


def logistic_conditional_critic(
    hidden_sizes: Sequence[int] = (64, 64), *, activation: Activation = nn.relu
) -> Critic:
    """A logistic density of y given x, as the critic T(x, y) = log q(y | x).

    q(y | x) = prod_d Logistic(y_d; mu_d(x), exp(s_d(x) / 2)), in nats, with s kept as
    in `gaussian_conditional_critic`. Its tails are heavier than a Gaussian's.

    Source: McAllester and Stratos, "Formal limitations on the measurement of mutual
        information", AISTATS 2020, section 5.

    Args:
        hidden_sizes: widths of the hidden layers.
        activation: applied after each hidden layer.

    Returns:
        A critic without a fast `pairwise`.
    """
    network = from_linen(_LogisticConditional(tuple(hidden_sizes), activation))
    return Critic(network.init, network.apply)


def discriminator(
    hidden_sizes: Sequence[int] = (64, 64), *, activation: Activation = nn.relu
) -> Network:
    """A multilayer mlp from one sample to one score.

    Args:
        hidden_sizes: widths of the hidden layers.
        activation: applied after each hidden layer.

    Returns:
        A network, `apply(params, x [N, ...]) -> scores [N]`.
    """
    network = from_linen(_Discriminator(tuple(hidden_sizes), activation))
    return Network(network.init, network.apply)


def mlp(
    hidden_sizes: Sequence[int],
    output_size: int,
    *,
    activation: Activation = nn.relu,
) -> Network:
    """A multilayer mlp from rows to rows, such as one that tells coordinates.

    Args:
        hidden_sizes: widths of the hidden layers.
        output_size: numbers of each row of the output.
        activation: applied after each hidden layer.

    Returns:
        A network, `apply(params, x [N, D]) -> [N, output_size]`.
    """
    check_positive(output_size=output_size)
    module = _MLP(tuple(hidden_sizes), output_size, activation)
    network = from_linen(module)
    return Network(network.init, network.apply)


def _critic(module: nn.Module) -> Critic:
    critic = from_linen(module)
    assert isinstance(critic, Critic)
    return critic


def _flat(x: Array) -> Float[Array, "n d"]:
    return x.reshape(x.shape[0], -1)


def _parameter_dtype(x: Array) -> Any:
    # Flax would keep float32 parameters, and its rounding, under float64 inputs.
    return jnp.promote_types(jnp.asarray(x).dtype, jnp.float32)


class _MLP(nn.Module):
    hidden_sizes: tuple[int, ...]
    output_size: int
    activation: Activation
    zero_init: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        dtype = _parameter_dtype(x)
        for size in self.hidden_sizes:
            x = self.activation(nn.Dense(size, param_dtype=dtype)(x))
        output = functools.partial(nn.Dense, self.output_size, param_dtype=dtype)
        if self.zero_init:
            return output(kernel_init=nn.initializers.zeros)(x)
        return output()(x)


class _Discriminator(nn.Module):
    hidden_sizes: tuple[int, ...]
    activation: Activation

    @nn.compact
    def __call__(self, x: Array) -> Float[Array, " n"]:
        return _MLP(self.hidden_sizes, 1, self.activation)(_flat(x))[:, 0]


class _Joint(nn.Module):
    hidden_sizes: tuple[int, ...]
    activation: Activation
    zero_init: bool = False

    @nn.compact
    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        pair = jnp.concatenate([_flat(x), _flat(y)], axis=1)
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
        return jnp.sum(self.tower_x(_flat(x)) * self.tower_y(_flat(y)), axis=1)

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        return self.tower_x(_flat(x)) @ self.tower_y(_flat(y)).T


class _Bilinear(nn.Module):
    use_bias: bool = True

    @nn.compact
    def _embed(self, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
        x, y = _flat(x), _flat(y)
        dense = functools.partial(nn.Dense, param_dtype=_parameter_dtype(x))
        form = dense(y.shape[1], use_bias=False, name="form")(x)
        if not self.use_bias:
            return form, y, jnp.zeros_like(x[:, :1]), jnp.zeros_like(y[:, :1])
        return form, y, dense(1, name="x")(x), dense(1, name="y")(y)

    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        form, y, own_x, own_y = self._embed(x, y)
        return jnp.sum(form * y, axis=1) + own_x[:, 0] + own_y[:, 0]

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        form, y, own_x, own_y = self._embed(x, y)
        return form @ y.T + own_x + own_y.T


class _Conditional(nn.Module):
    hidden_sizes: tuple[int, ...]
    activation: Activation
    log_variance_limit: float = 8.0

    @nn.compact
    def _moments(self, x: Array, y: Array) -> tuple[Array, Array]:
        y_size = _flat(y).shape[1]
        output = _MLP(self.hidden_sizes, 2 * y_size, self.activation)(_flat(x))
        mean, raw = jnp.split(output, 2, axis=1)
        limit = self.log_variance_limit
        return mean, limit * jnp.tanh(raw / limit)


class _LogisticConditional(_Conditional):
    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        location, log_square = self._moments(x, y)
        return jax.scipy.stats.logistic.logpdf(
            _flat(y), location, jnp.exp(0.5 * log_square)
        ).sum(axis=1)


class _GaussianConditional(_Conditional):
    def __call__(self, x: Array, y: Array) -> Float[Array, " n"]:
        mean, log_variance = self._moments(x, y)
        return jax.scipy.stats.norm.logpdf(
            _flat(y), mean, jnp.exp(0.5 * log_variance)
        ).sum(axis=1)

    def pairwise(self, x: Array, y: Array) -> Float[Array, "n m"]:
        mean, log_variance = self._moments(x, y)
        precision, y = jnp.exp(-log_variance), _flat(y)
        # (y - mean)^2 / variance, expanded so that all pairs are matrix products.
        squares = (
            precision @ (y**2).T
            - 2 * (precision * mean) @ y.T
            + jnp.sum(precision * mean**2, axis=1, keepdims=True)
        )
        constant = jnp.sum(log_variance + jnp.log(2 * jnp.pi), axis=1, keepdims=True)
        return -0.5 * (squares + constant)
