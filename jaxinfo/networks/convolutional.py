"""Networks of images: generators, discriminators and a classifier.

Images are [N, H, W, C] with H and W multiples of 4.
"""

import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen
from jaxinfo.networks.convolution import convolve
from jaxinfo.networks.layers import BatchStandardization

__all__ = [
    "convolutional_classifier",
    "convolutional_discriminator",
    "convolutional_generator",
]

SLOPE = 0.2


def convolutional_generator(
    image_shape: Sequence[int], *, width: int = 64, normalizes_batch: bool = True
) -> Network:
    """Noise, or a code, to images by two transposed convolutions.

    A dense layer gives H/4 x W/4 x 2 width; transposed convolutions of 4 x 4 and stride
    2 double it twice.

    Source: Radford, Metz and Chintala, "Unsupervised representation learning with deep
        convolutional generative adversarial networks", ICLR 2016, section 3.

    Args:
        image_shape: height, width and channels.
        width: channels before the last layer.
        normalizes_batch: standardize every hidden channel over the batch and places, by
            the batch at hand when sampling too; leave it out for a decoder.

    Returns:
        A network, `apply(params, noise [N, Z]) -> images [N, H, W, C]` in (0, 1).

    Raises:
        ValueError: where height or width is no multiple of 4.
    """
    check_positive(width=width)
    shape = tuple(image_shape)
    if len(shape) != 3 or shape[0] % 4 or shape[1] % 4:
        raise ValueError(
            "image_shape must be height, width and channels, the first two multiples "
            f"of 4, got {shape}"
        )
    network = from_linen(_Generator(shape, width, normalizes_batch))
    return Network(network.init, network.apply)


def convolutional_discriminator(*, width: int = 64) -> Network:
    """Images to scores by two convolutions of stride 2 and a dense layer.

    Source: as `convolutional_generator`, with leaky units of slope 0.2 and nothing
        standardized: a penalty keeps it smooth.

    Args:
        width: channels of the first layer; the second has twice as many.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> scores [N]`.
    """
    check_positive(width=width)
    network = from_linen(_Discriminator(width))
    return Network(network.init, network.apply)


def convolutional_classifier(num_classes: int, *, width: int = 32) -> Network:
    """Images to class scores and to an embedding, by two convolutions of stride 2.

    Args:
        num_classes: K.
        width: channels of the first layer; the second has twice as many, the embedding
            four times.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> (logits [N, K], embedding
        [N, 4 width])`.
    """
    check_positive(num_classes=num_classes, width=width)
    network = from_linen(_Classifier(num_classes, width))
    return Network(network.init, network.apply)


class _Generator(nn.Module):
    image_shape: tuple[int, ...]
    width: int
    normalizes_batch: bool

    @nn.compact
    def __call__(self, noise: Float[Array, "n z"]) -> Float[Array, "n h w c"]:
        dtype = jnp.promote_types(noise.dtype, jnp.float32)
        height, breadth, channels = self.image_shape
        start = height // 4, breadth // 4, 2 * self.width
        x = nn.Dense(start[0] * start[1] * start[2], param_dtype=dtype)(noise)
        x = nn.relu(self._normalize(x.reshape(-1, *start)))
        x = nn.relu(self._normalize(_Doubled(self.width)(x)))
        return nn.sigmoid(_Doubled(channels)(x))

    def _normalize(self, x: Array) -> Array:
        return BatchStandardization()(x) if self.normalizes_batch else x


class _Doubled(nn.Module):
    """A transposed convolution of 4 x 4 and stride 2."""

    channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 d"]:
        shape = 4, 4, x.shape[-1], self.channels
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape, x.dtype)
        bias = self.param("bias", nn.initializers.zeros, shape[-1:], x.dtype)
        return convolve(x, kernel, (1, 1), [(2, 2)] * 2, lhs_dilation=(2, 2)) + bias


class _Discriminator(nn.Module):
    width: int

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, " n"]:
        activation = functools.partial(nn.leaky_relu, negative_slope=SLOPE)
        x = _halved_twice(images, self.width, activation)
        return nn.Dense(1, param_dtype=x.dtype)(x)[:, 0]


class _Classifier(nn.Module):
    num_classes: int
    width: int

    @nn.compact
    def __call__(
        self, images: Float[Array, "n h w c"]
    ) -> tuple[Float[Array, "n k"], Float[Array, "n d"]]:
        x = _halved_twice(images, self.width, nn.relu)
        embedding = nn.relu(nn.Dense(4 * self.width, param_dtype=x.dtype)(x))
        return nn.Dense(self.num_classes, param_dtype=x.dtype)(embedding), embedding


def _halved_twice(
    images: Array, width: int, activation: Callable[[Array], Array]
) -> Float[Array, "n d"]:
    dtype = jnp.promote_types(images.dtype, jnp.float32)
    convolution = functools.partial(
        nn.Conv, strides=2, param_dtype=dtype, conv_general_dilated=convolve
    )
    x = images
    for channels in (width, 2 * width):
        x = activation(convolution(channels, (4, 4))(x))
    return x.reshape(len(x), -1)
