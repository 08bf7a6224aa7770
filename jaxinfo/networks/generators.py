"""Generators: networks from noise to samples."""

import functools
import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen
from jaxinfo.networks.layers import BatchStandardization, symmetric

__all__ = ["gaussian_generator", "generator"]

Activation = Callable[[Array], Array]


def generator(
    hidden_sizes: Sequence[int],
    sample_shape: Sequence[int],
    *,
    activation: Activation = nn.relu,
    output_activation: Activation | None = None,
    normalizes_batch: bool = False,
    init_scale: float | None = None,
) -> Network:
    """A multilayer mlp from noise to samples of any shape.

    Args:
        hidden_sizes: widths of the hidden layers.
        sample_shape: of one sample.
        activation: applied after each hidden layer.
        output_activation: applied to the samples, such as a sigmoid for pixels in
            (0, 1); None for none.
        normalizes_batch: standardize every hidden unit over the batch before it is
            activated, by the batch at hand when sampling too: draw many samples in a
            call, for one alone is the same whatever its noise.
        init_scale: weights are uniform in (-init_scale, init_scale); None for Flax's
            own start.

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
    network = from_linen(module)
    return Network(network.init, network.apply)


def gaussian_generator(size: int = 1) -> Network:
    """The generator of a Gaussian with independent coordinates: mean + sd z.

    Args:
        size: coordinates of a sample, and of the noise, which is to be standard normal.

    Returns:
        A network whose parameters are "mean" [D] and "log_sd" [D], at first 0.

    Raises:
        ValueError: from init and apply, where the noise has another size.
    """
    network = from_linen(_Gaussian(size))
    return Network(network.init, network.apply)


class _Generator(nn.Module):
    hidden_sizes: tuple[int, ...]
    sample_shape: tuple[int, ...]
    activation: Activation
    output_activation: Activation | None
    normalizes_batch: bool
    init_scale: float | None

    @nn.compact
    def __call__(self, noise: Float[Array, "n z"]) -> Float[Array, "n ..."]:
        dtype = jnp.promote_types(noise.dtype, jnp.float32)
        dense = functools.partial(nn.Dense, param_dtype=dtype)
        if self.init_scale is not None:
            dense = functools.partial(dense, kernel_init=symmetric(self.init_scale))
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
        dtype = jnp.promote_types(noise.dtype, jnp.float32)
        mean, log_sd = (
            self.param(name, nn.initializers.zeros, (self.size,), dtype)
            for name in ("mean", "log_sd")
        )
        return mean + jnp.exp(log_sd) * noise
