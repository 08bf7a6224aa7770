"""Generators: networks from noise to samples."""

import functools
import math
from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import linen_network
from jaxinfo.networks.layers import (
    BatchStandardization,
    parameter_dtype,
    symmetric_uniform,
)
from jaxinfo.networks.mlp import Activation

__all__ = ["gaussian_generator", "generator"]


def generator(
    hidden_sizes: Sequence[int],
    sample_shape: Sequence[int],
    *,
    activation: Activation = nn.relu,
    output_activation: Activation | None = None,
    normalizes_batch: bool = False,
    init_scale: float | None = None,
) -> Network:
    """An MLP from noise to samples of any shape.

    Args:
        hidden_sizes: units of each hidden layer.
        sample_shape: shape of one sample.
        activation: applied after each hidden layer.
        output_activation: applied to the samples, such as a sigmoid for pixels in
            (0, 1); None for no activation.
        normalizes_batch: whether to standardize every hidden unit over the batch before
            its activation, in sampling too. Samples then depend on their batch, and a
            batch of one sample does not depend on its noise: draw many at a time.
        init_scale: initial weights are uniform in (-init_scale, init_scale); None for
            Flax's default initializer.

    Returns:
        A network, `apply(params, noise [N, Z]) -> samples [N, *sample_shape]`.
    """
    module = _Generator(
        tuple(hidden_sizes),
        tuple(sample_shape),
        activation,
        output_activation,
        normalizes_batch,
        init_scale,
    )
    return linen_network(module)


def gaussian_generator(size: int = 1) -> Network:
    """The generator of a Gaussian with independent coordinates: mean + sd * noise.

    Args:
        size: coordinates of a sample and of the noise, which is standard normal.

    Returns:
        A network with parameters "mean" [D] and "log_sd" [D], initially 0.

    Raises:
        ValueError: from `init` and `apply`, if the noise has a different size.
    """
    return linen_network(_Gaussian(size))


class _Generator(nn.Module):
    hidden_sizes: tuple[int, ...]
    sample_shape: tuple[int, ...]
    activation: Activation
    output_activation: Activation | None
    normalizes_batch: bool
    init_scale: float | None

    @nn.compact
    def __call__(self, noise: Float[Array, "n z"]) -> Float[Array, "n ..."]:
        dense = functools.partial(nn.Dense, param_dtype=parameter_dtype(noise))
        if self.init_scale is not None:
            initializer = symmetric_uniform(self.init_scale)
            dense = functools.partial(dense, kernel_init=initializer)
        x = noise
        for size in self.hidden_sizes:
            x = dense(size)(x)
            if self.normalizes_batch:
                x = BatchStandardization()(x)
            x = self.activation(x)
        x = dense(math.prod(self.sample_shape))(x)
        samples = x.reshape(len(x), *self.sample_shape)
        if self.output_activation is None:
            return samples
        return self.output_activation(samples)


class _Gaussian(nn.Module):
    size: int

    @nn.compact
    def __call__(self, noise: Float[Array, "n d"]) -> Float[Array, "n d"]:
        if noise.shape[-1] != self.size:
            raise ValueError(
                f"noise must have the Gaussian's {self.size} coordinates, got "
                f"{noise.shape[-1]}: set noise_size={self.size}"
            )
        mean, log_sd = (
            self.param(
                name, nn.initializers.zeros, (self.size,), parameter_dtype(noise)
            )
            for name in ("mean", "log_sd")
        )
        return mean[None] + jnp.exp(log_sd)[None] * noise
