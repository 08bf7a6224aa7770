"""Discriminators: networks that score single samples of any shape."""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen_in_training, linen_network
from jaxinfo.networks.layers import (
    flatten_rows,
    parameter_dtype,
    symmetric_uniform,
)
from jaxinfo.networks.mlp import _MLP, Activation

__all__ = ["discriminator", "maxout_discriminator"]


def discriminator(
    hidden_sizes: Sequence[int] = (64, 64), *, activation: Activation = nn.relu
) -> Network:
    """An MLP from one sample to one score.

    Args:
        hidden_sizes: units of each hidden layer.
        activation: applied after each hidden layer.

    Returns:
        A network, `apply(params, x [N, ...]) -> scores [N]`.
    """
    return linen_network(_Discriminator(tuple(hidden_sizes), activation))


def maxout_discriminator(
    hidden_sizes: Sequence[int] = (240, 240),
    *,
    num_pieces: int = 5,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    init_scale: float | None = None,
) -> Network:
    """Maxout layers with dropout before each: the discriminator of the first GAN.

    A maxout unit is the maximum of several affine maps of its input.

    Source: Goodfellow et al., "Maxout networks", ICML 2013, for the layer; "Generative
        adversarial nets", NeurIPS 2014, section 5, for its use: two layers of 240 units
        with 5 pieces on MNIST, weights uniform in (-0.005, 0.005).

    Args:
        hidden_sizes: units of each layer.
        num_pieces: affine maps of each unit.
        input_dropout: dropout rate of the input in training, in [0, 1).
        dropout: dropout rate of the hidden units in training, in [0, 1).
        init_scale: initial weights are uniform in (-init_scale, init_scale); None for
            Flax's default initializer.

    Returns:
        A network, `apply(params, x [N, ...]) -> scores [N]`; its `apply_train` applies
        dropout.

    Raises:
        ValueError: if a setting is out of its range.
    """
    check_positive(num_pieces=num_pieces)
    for name, rate in (("input_dropout", input_dropout), ("dropout", dropout)):
        if rate:
            check_finite_number(0.0, 1.0, **{name: rate})
    module = _Maxout(
        tuple(hidden_sizes),
        num_pieces,
        float(input_dropout),
        float(dropout),
        init_scale,
    )
    return from_linen_in_training(module)


class _Discriminator(nn.Module):
    hidden_sizes: tuple[int, ...]
    activation: Activation

    @nn.compact
    def __call__(self, x: Array) -> Float[Array, " n"]:
        return _MLP(self.hidden_sizes, 1, self.activation)(flatten_rows(x))[:, 0]


class _Maxout(nn.Module):
    hidden_sizes: tuple[int, ...]
    num_pieces: int
    input_dropout: float
    dropout: float
    init_scale: float | None

    @nn.compact
    def __call__(
        self, x: Float[Array, "n ..."], is_training: bool = False
    ) -> Float[Array, " n"]:
        dense = functools.partial(nn.Dense, param_dtype=parameter_dtype(x))
        if self.init_scale is not None:
            initializer = symmetric_uniform(self.init_scale)
            dense = functools.partial(dense, kernel_init=initializer)
        x = flatten_rows(x)
        for layer, size in enumerate(self.hidden_sizes):
            rate = self.dropout if layer else self.input_dropout
            x = nn.Dropout(rate, deterministic=not is_training)(x)
            pieces = dense(size * self.num_pieces)(x)
            x = jnp.max(pieces.reshape(len(x), size, self.num_pieces), axis=-1)
        x = nn.Dropout(self.dropout, deterministic=not is_training)(x)
        return dense(1)(x)[:, 0]
