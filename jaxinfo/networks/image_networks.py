"""Convolutional networks of images: a generator, a discriminator and a classifier.

Images are [N, H, W, C]; H and W are multiples of 4.
"""

import functools
from collections.abc import Sequence

from flax import linen as nn

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import linen_network
from jaxinfo.networks.convolution import convolve
from jaxinfo.networks.layers import (
    BatchStandardization,
    flatten_rows,
    parameter_dtype,
)
from jaxinfo.networks.mlp import Activation

__all__ = [
    "convolutional_classifier",
    "convolutional_discriminator",
    "convolutional_generator",
]

NEGATIVE_SLOPE = 0.2


def convolutional_generator(
    image_shape: Sequence[int], *, width: int = 64, normalizes_batch: bool = True
) -> Network:
    """Noise, or a representation, to images by two transposed convolutions.

    The output of a dense layer, H/4 x W/4 x 2 width, is upsampled twice by a transposed
    convolution with kernel 4 x 4 and stride 2.

    Source: Radford, Metz and Chintala, "Unsupervised representation learning with deep
        convolutional generative adversarial networks", ICLR 2016, section 3.

    Args:
        image_shape: height, width and channels.
        width: channels before the last layer.
        normalizes_batch: whether to standardize every hidden channel over the batch and
            the pixels, in sampling too; False for a decoder.

    Returns:
        A network, `apply(params, noise [N, Z]) -> images [N, H, W, C]` in (0, 1).

    Raises:
        ValueError: if the height or the width is not a multiple of 4.
    """
    check_positive(width=width)
    shape = tuple(image_shape)
    if len(shape) != 3 or shape[0] % 4 or shape[1] % 4:
        raise ValueError(
            "image_shape must be height, width and channels, the first two multiples "
            f"of 4, got {shape}"
        )
    return linen_network(_Generator(shape, width, normalizes_batch))


def convolutional_discriminator(*, width: int = 64) -> Network:
    """Images to scores by two convolutions of stride 2 and a dense layer.

    Source: as `convolutional_generator`, with leaky ReLUs (factor 0.2) and without
        batch normalization.

    Args:
        width: channels of the first layer; the second has twice as many.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> scores [N]`.
    """
    check_positive(width=width)
    return linen_network(_Discriminator(width))


def convolutional_classifier(num_classes: int, *, width: int = 32) -> Network:
    """Images to class logits and an embedding, by two convolutions of stride 2.

    Args:
        num_classes: K.
        width: channels of the first layer; the second has twice as many, the embedding
            four times as many units.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> (logits [N, K], embedding
        [N, 4 width])`.
    """
    check_positive(num_classes=num_classes, width=width)
    return linen_network(_Classifier(num_classes, width))


class _Generator(nn.Module):
    image_shape: tuple[int, ...]
    width: int
    normalizes_batch: bool

    @nn.compact
    def __call__(self, noise: Float[Array, "n z"]) -> Float[Array, "n h w c"]:
        height, width, channels = self.image_shape
        start = height // 4, width // 4, 2 * self.width
        dense = nn.Dense(
            start[0] * start[1] * start[2], param_dtype=parameter_dtype(noise)
        )
        x = dense(noise)
        x = nn.relu(self._normalize(x.reshape(-1, *start)))
        x = nn.relu(self._normalize(_Doubled(self.width)(x)))
        return nn.sigmoid(_Doubled(channels)(x))

    def _normalize(self, x: Array) -> Array:
        return BatchStandardization()(x) if self.normalizes_batch else x


class _Doubled(nn.Module):
    """A transposed convolution with kernel 4 x 4 and stride 2."""

    channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 d"]:
        shape = 4, 4, x.shape[-1], self.channels
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape, x.dtype)
        bias = self.param("bias", nn.initializers.zeros, shape[-1:], x.dtype)
        doubled = convolve(x, kernel, (1, 1), [(2, 2)] * 2, lhs_dilation=(2, 2))
        return doubled + bias[None, None, None]


class _Discriminator(nn.Module):
    width: int

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, " n"]:
        activation = functools.partial(nn.leaky_relu, negative_slope=NEGATIVE_SLOPE)
        x = _convolve_twice(images, self.width, activation)
        return nn.Dense(1, param_dtype=x.dtype)(x)[:, 0]


class _Classifier(nn.Module):
    num_classes: int
    width: int

    @nn.compact
    def __call__(
        self, images: Float[Array, "n h w c"]
    ) -> tuple[Float[Array, "n k"], Float[Array, "n d"]]:
        x = _convolve_twice(images, self.width, nn.relu)
        embedding = nn.relu(nn.Dense(4 * self.width, param_dtype=x.dtype)(x))
        return nn.Dense(self.num_classes, param_dtype=x.dtype)(embedding), embedding


def _convolve_twice(
    images: Array, width: int, activation: Activation
) -> Float[Array, "n d"]:
    convolution = functools.partial(
        nn.Conv,
        strides=2,
        param_dtype=parameter_dtype(images),
        conv_general_dilated=convolve,
    )
    x = images
    for channels in (width, 2 * width):
        x = activation(convolution(channels, (4, 4))(x))
    return flatten_rows(x)
