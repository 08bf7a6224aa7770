"""The modules behind `encoders`: plain, residual and of crops."""

import functools
import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float
from jaxinfo.networks.convolution import convolve

__all__ = [
    "NORMALIZATIONS",
    "CropEncoder",
    "Encoding",
    "Layer",
    "PlainEncoder",
    "ResidualEncoder",
]

NORMALIZATIONS = ("batch", "group", "none")
# As PyTorch's default and the authors' code.
MOMENTUM = 0.9
NUM_GROUPS = 8


class Encoding(NamedTuple):
    """What an encoder makes of images.

    Attributes:
        features: local features, [N, H, W, C].
        code: [N, D].
        conv: the last convolution's output, flat, [N, K].
        hidden: the hidden layer before the code, [N, F].
    """

    features: Float[Array, "n h w c"]
    code: Float[Array, "n d"]
    conv: Float[Array, "n k"]
    hidden: Float[Array, "n f"]


class Layer(NamedTuple):
    """A convolution: channels, kernel, stride, padding, and the pooling after it."""

    channels: int
    kernel: int
    stride: int
    padding: int
    pool: bool = False


class _Normalization(nn.Module):
    """Batch, group or no normalization of the last axis."""

    kind: str
    is_training: bool

    @nn.compact
    def __call__(self, x: Array) -> Array:
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        if self.kind == "none":
            return x
        if self.kind == "group":
            groups = math.gcd(NUM_GROUPS, x.shape[-1])
            return nn.GroupNorm(num_groups=groups, param_dtype=dtype)(x)
        average = not self.is_training
        norm = nn.BatchNorm(average, momentum=MOMENTUM, epsilon=1e-5, param_dtype=dtype)
        return norm(x)


def _admit(images: Array, shape: tuple[int, int, int]) -> Any:
    """The parameters' type, for images of the right shape."""
    if images.ndim != 4 or images.shape[1:] != shape:
        raise ValueError(
            f"images must have the shape [N, {', '.join(map(str, shape))}] of the "
            f"encoder, got {images.shape}"
        )
    return jnp.promote_types(images.dtype, jnp.float32)


def _finish(
    features: Array,
    x: Array,
    hidden_sizes: tuple[int, ...],
    code_size: int,
    normalize: Any,
) -> Encoding:
    """Hidden layers and the code, behind the last convolution."""
    hidden = conv = x.reshape(len(x), -1)
    dense = functools.partial(nn.Dense, param_dtype=conv.dtype)
    for size in hidden_sizes:
        hidden = nn.relu(normalize()(dense(size)(hidden)))
    return Encoding(features, dense(code_size)(hidden), conv, hidden)


class PlainEncoder(nn.Module):
    """Convolutions one after the other, hidden layers, a code."""

    image_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    local: int
    hidden_sizes: tuple[int, ...]
    code_size: int
    normalization: str

    @nn.compact
    def __call__(self, images: Array, *, is_training: bool) -> Encoding:
        """The encoding of images [N, H, W, C]."""
        dtype = _admit(images, self.image_shape)
        normalize = functools.partial(_Normalization, self.normalization, is_training)
        outputs, x = [], images
        for layer in self.layers:
            x = _conv(layer.channels, layer.kernel, layer.stride, layer.padding, dtype)(
                x
            )
            x = nn.relu(normalize()(x))
            if layer.pool:
                x = nn.max_pool(x, (3, 3), (2, 2))
            outputs.append(x)
        features = outputs[self.local]
        return _finish(features, x, self.hidden_sizes, self.code_size, normalize)


class ResidualEncoder(nn.Module):
    """Two bottleneck blocks at each of three resolutions, a hidden layer, a code."""

    image_shape: tuple[int, int, int]
    width: int
    hidden_size: int
    code_size: int
    normalization: str

    @nn.compact
    def __call__(self, images: Array, *, is_training: bool) -> Encoding:
        """The encoding of images [N, H, W, C]."""
        dtype = _admit(images, self.image_shape)
        normalize = functools.partial(_Normalization, self.normalization, is_training)
        x = _conv(self.width, 3, 2, 1, dtype)(images)
        outputs = []
        for level in range(3):
            for place in range(2):
                stride = 2 if level and not place else 1
                block = _Bottleneck(self.width * 2**level, stride, self.normalization)
                x = block(x, is_training=is_training)
            outputs.append(x)
        x = nn.relu(normalize()(x))
        features = nn.relu(normalize()(outputs[1]))
        return _finish(features, x, (self.hidden_size,), self.code_size, normalize)


class _Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions, normalized and rectified before each."""

    width: int
    stride: int
    normalization: str

    @nn.compact
    def __call__(self, x: Array, *, is_training: bool) -> Array:
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        normalize = functools.partial(_Normalization, self.normalization, is_training)
        outer = 4 * self.width
        start = nn.relu(normalize()(x))
        hidden = _conv(self.width, 1, 1, 0, dtype)(start)
        hidden = nn.relu(normalize()(hidden))
        hidden = _conv(self.width, 3, self.stride, 1, dtype)(hidden)
        hidden = nn.relu(normalize()(hidden))
        hidden = _conv(outer, 1, 1, 0, dtype)(hidden)
        if self.stride > 1 or x.shape[-1] != outer:
            x = _conv(outer, 1, self.stride, 0, dtype)(start)
        return x + hidden


class CropEncoder(nn.Module):
    """Crops encoded alone, a convolution over their grid, a hidden layer, a code."""

    image_shape: tuple[int, int, int]
    crops: tuple[int, int]
    width: int
    hidden_size: int
    code_size: int
    normalization: str

    @nn.compact
    def __call__(self, images: Array, *, is_training: bool) -> Encoding:
        """The encoding of images [N, H, W, C]."""
        dtype = _admit(images, self.image_shape)
        normalize = functools.partial(_Normalization, self.normalization, is_training)
        size, stride = self.crops
        x = _cut(images, size, stride)
        grid = x.shape[:3]
        x = x.reshape(-1, *x.shape[3:])
        for level in range(3):
            step = 2 if level else 1
            x = _conv(self.width * 2**level, 3, step, 1, dtype)(x)
            x = nn.relu(normalize()(x))
        features = jnp.mean(x, axis=(1, 2)).reshape(*grid, -1)
        x = nn.relu(normalize()(_conv(4 * self.width, 3, 1, 0, dtype)(features)))
        return _finish(features, x, (self.hidden_size,), self.code_size, normalize)


def _cut(images: Array, size: int, stride: int) -> Float[Array, "n gh gw s s c"]:
    """All crops at multiples of the stride that fit."""

    def slices(length: int) -> Array:
        starts = jnp.arange(0, length - size + 1, stride)
        return starts[:, None] + jnp.arange(size)

    rows, columns = map(slices, images.shape[1:3])
    return images[:, rows][:, :, :, columns].swapaxes(2, 3)


def _conv(channels: int, kernel: int, stride: int, padding: int, dtype: Any) -> nn.Conv:
    return nn.Conv(
        channels,
        (kernel, kernel),
        (stride, stride),
        padding=((padding, padding),) * 2,
        param_dtype=dtype,
        conv_general_dilated=convolve,
    )
