"""Encoders of images, which output local features and a representation.

An encoder's running statistics, if it has any, are an entry of its parameters that
`apply` reads and `apply_train` returns, see `Network`.
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

from flax import linen as nn

from jaxinfo.core.checks import check_one_of, check_positive
from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen_in_training
from jaxinfo.networks.convolution import convolve
from jaxinfo.networks.layers import flatten_rows, parameter_dtype

__all__ = ["Encoding", "convolutional_encoder"]

NORMALIZATIONS = ("batch", "group", "none")
# As in PyTorch's default and the authors' code.
MOMENTUM = 0.9
NUM_GROUPS = 8


class Encoding(NamedTuple):
    """The output of an encoder of images.

    Attributes:
        features: local features, [N, H, W, C].
        representation: [N, D].
        conv: the flattened output of the last convolution, [N, K].
        hidden: the hidden layer before the representation, [N, F].
    """

    features: Float[Array, "n h w c"]
    representation: Float[Array, "n d"]
    conv: Float[Array, "n k"]
    hidden: Float[Array, "n f"]


def convolutional_encoder(
    image_shape: Sequence[int],
    *,
    width: int = 64,
    hidden_size: int = 1_024,
    representation_size: int = 64,
    normalization: str = "batch",
) -> Network:
    """Deep InfoMax's encoder: convolutions, a hidden layer and a linear output layer.

    The convolutions depend on the height of the images in pixels:

    - 8 (scikit-learn's digits): 3 x 3, of width and 2 width channels, strides 1 and 2;
    - 28: 5 x 5, of width and 2 width channels, stride 2;
    - 32: 4 x 4, of width, 2 width and 4 width channels, stride 2;
    - 64: 4 x 4, of width, 2 width, 4 width and 8 width channels, stride 2.

    The local features are the output of the last convolution for 8 and 28 pixels, and
    of the last but one for 32 and 64.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, appendix A.2, tables 6 and 7, with
        width 64, and the authors' code for 28 pixels.

    Args:
        image_shape: height, width and channels; 8, 28, 32 or 64 pixels high and wide.
        width: channels of the first convolution.
        hidden_size: units of the hidden layer.
        representation_size: units of the representation.
        normalization: of the hidden units: "batch" (with running statistics among the
            parameters), "group" (within each image), or "none".

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> Encoding`.

    Raises:
        ValueError: if a setting is out of its range; from `init` and `apply`, if the
            images have a different shape.
    """
    check_positive(
        width=width, hidden_size=hidden_size, representation_size=representation_size
    )
    check_one_of(NORMALIZATIONS, normalization=normalization)
    shape = tuple(image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be height, width and channels, got {shape}")
    layers_by_height = {
        8: [_ConvolutionSpec(width, 3, 1, 1), _ConvolutionSpec(2 * width, 3, 2, 1)],
        28: [_ConvolutionSpec(width * 2**i, 5, 2, 2) for i in range(2)],
        32: [_ConvolutionSpec(width * 2**i, 4, 2, 1) for i in range(3)],
        64: [_ConvolutionSpec(width * 2**i, 4, 2, 1) for i in range(4)],
    }
    if shape[0] != shape[1] or shape[0] not in layers_by_height:
        raise ValueError(
            f"image_shape must be 8, 28, 32 or 64 pixels high and wide, got {shape}"
        )
    layers = tuple(layers_by_height[shape[0]])
    feature_layer = len(layers) - (1 if shape[0] < 32 else 2)
    return from_linen_in_training(
        PlainEncoder(
            shape,
            layers,
            feature_layer,
            hidden_size,
            representation_size,
            normalization,
        )
    )


class _ConvolutionSpec(NamedTuple):
    channels: int
    kernel: int
    stride: int
    padding: int


class PlainEncoder(nn.Module):
    """Convolutions, a hidden layer and a linear output layer."""

    image_shape: tuple[int, ...]
    layers: tuple[_ConvolutionSpec, ...]
    feature_layer: int
    hidden_size: int
    representation_size: int
    normalization: str

    @nn.compact
    def __call__(self, images: Array, *, is_training: bool) -> Encoding:
        """The encoding of images [N, H, W, C]."""
        if images.ndim != 4 or images.shape[1:] != self.image_shape:
            raise ValueError(
                f"images must have the encoder's shape "
                f"[N, {', '.join(map(str, self.image_shape))}], got {images.shape}"
            )
        dtype = parameter_dtype(images)
        normalize = functools.partial(_Normalization, self.normalization, is_training)
        outputs, x = [], images
        for layer in self.layers:
            x = nn.Conv(
                layer.channels,
                (layer.kernel, layer.kernel),
                (layer.stride, layer.stride),
                padding=((layer.padding, layer.padding),) * 2,
                param_dtype=dtype,
                conv_general_dilated=convolve,
            )(x)
            x = nn.relu(normalize()(x))
            outputs.append(x)
        conv = flatten_rows(x)
        dense = functools.partial(nn.Dense, param_dtype=conv.dtype)
        hidden = nn.relu(normalize()(dense(self.hidden_size)(conv)))
        representation = dense(self.representation_size)(hidden)
        return Encoding(outputs[self.feature_layer], representation, conv, hidden)


class _Normalization(nn.Module):
    """Batch, group or no normalization of the last axis."""

    kind: str
    is_training: bool

    @nn.compact
    def __call__(self, x: Array) -> Array:
        dtype = parameter_dtype(x)
        if self.kind == "none":
            return x
        if self.kind == "group":
            groups = math.gcd(NUM_GROUPS, x.shape[-1])
            return nn.GroupNorm(num_groups=groups, param_dtype=dtype)(x)
        return nn.BatchNorm(
            not self.is_training, momentum=MOMENTUM, epsilon=1e-5, param_dtype=dtype
        )(x)
