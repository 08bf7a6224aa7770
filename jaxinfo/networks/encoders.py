"""Encoders of images: local features on the way, a code at the end.

Running statistics, where a network has them, are an entry of its parameters that
`apply` reads and training hands back, see `Network`.
"""

from collections.abc import Sequence
from typing import cast

from jaxinfo.core.checks import check_one_of, check_positive
from jaxinfo.core.types import Network
from jaxinfo.networks.adapters import from_linen_in_training
from jaxinfo.networks.encoder_modules import (
    NORMALIZATIONS,
    CropEncoder,
    Encoding,
    Layer,
    PlainEncoder,
    ResidualEncoder,
)

__all__ = [
    "Encoding",
    "alexnet_encoder",
    "convolutional_encoder",
    "crop_encoder",
    "residual_encoder",
]


def convolutional_encoder(
    image_shape: Sequence[int],
    *,
    width: int = 64,
    hidden_size: int = 1_024,
    code_size: int = 64,
    normalization: str = "batch",
) -> Network:
    """The paper's plain encoders: convolutions of stride 2, a hidden layer, a code.

    Images of 28 pixels go through 5 x 5 convolutions of width and 2 width channels; 32
    through 4 x 4 of width, 2 and 4 width; 64 through 4 x 4 of width, 2, 4 and 8 width.
    Those of 8, such as scikit-learn's digits, through 3 x 3 of width and 2 width, of
    strides 1 and 2. Local features are the last but one's output, of 8 and of 28 pixels
    the last's.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, appendix A.2, tables 6 and 7, with
        width 64, and the authors' code for 28 pixels.

    Args:
        image_shape: height, width and channels; 8, 28, 32 or 64 pixels high and wide.
        width: channels of the first layer.
        hidden_size: units of the hidden layer.
        code_size: numbers of the code.
        normalization: of hidden units: "batch" (running statistics are kept beside the
            parameters), "group" (of each image alone), or "none".

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> Encoding`.

    Raises:
        ValueError: where a setting is not known; from init and apply, where images have
            another shape.
    """
    shape = _check(image_shape, width=width, hidden_size=hidden_size)
    by_size = {
        8: [Layer(width, 3, 1, 1), Layer(2 * width, 3, 2, 1)],
        28: [Layer(width, 5, 2, 2), Layer(2 * width, 5, 2, 2)],
        32: [Layer(width * 2**i, 4, 2, 1) for i in range(3)],
        64: [Layer(width * 2**i, 4, 2, 1) for i in range(4)],
    }
    if shape[0] != shape[1] or shape[0] not in by_size:
        raise ValueError(
            f"image_shape must be 8, 28, 32 or 64 pixels high and wide, got {shape}"
        )
    layers = by_size[shape[0]]
    local = len(layers) - (1 if shape[0] < 32 else 2)
    return _encoder(
        shape, tuple(layers), local, (hidden_size,), code_size, normalization
    )


def alexnet_encoder(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    width: int = 96,
    hidden_size: int = 4_096,
    code_size: int = 64,
    normalization: str = "batch",
) -> Network:
    """The paper's encoder of 64 pixels for Tiny ImageNet and STL-10.

    3 x 3 convolutions of width, 2, 4, 4 and 2 width channels, with 3 x 3 pooling of
    stride 2 after the first, second and last; two hidden layers, a code. Local features
    are the third convolution's.

    Source: as `convolutional_encoder`, table 8.

    Args:
        image_shape: height, width and channels, at least 16 pixels.
        width: channels of the first layer.
        hidden_size: units of each hidden layer.
        code_size: numbers of the code.
        normalization: as of `convolutional_encoder`.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> Encoding`.

    Raises:
        ValueError: as `convolutional_encoder`.
    """
    shape = _check(image_shape, width=width, hidden_size=hidden_size)
    layers = (
        Layer(width, 3, 1, 1, pool=True),
        Layer(2 * width, 3, 1, 1, pool=True),
        Layer(4 * width, 3, 1, 1),
        Layer(4 * width, 3, 1, 1),
        Layer(2 * width, 3, 1, 1, pool=True),
    )
    return _encoder(
        shape, layers, 2, (hidden_size, hidden_size), code_size, normalization
    )


def residual_encoder(
    image_shape: Sequence[int] = (32, 32, 3),
    *,
    width: int = 64,
    hidden_size: int = 1_024,
    code_size: int = 64,
    normalization: str = "batch",
) -> Network:
    """A residual network of bottleneck blocks, two at each of three resolutions.

    A 3 x 3 convolution of stride 2, then blocks of width, 2 width and 4 width inner
    channels and four times as many outer ones; a hidden layer, a code. Local features
    are those of the second resolution.

    Source: Hjelm et al., ICLR 2019, appendix A.2, and the authors' code ("resnet19");
        He et al., "Deep residual learning for image recognition", CVPR 2016, for the
        block.

    Args:
        image_shape: height, width and channels, at least 8 pixels.
        width: inner channels of the first blocks.
        hidden_size: units of the hidden layer.
        code_size: numbers of the code.
        normalization: as of `convolutional_encoder`.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> Encoding`.

    Raises:
        ValueError: as `convolutional_encoder`.
    """
    shape = _check(image_shape, width=width, hidden_size=hidden_size)
    return from_linen_in_training(
        ResidualEncoder(shape, width, hidden_size, code_size, _known(normalization))
    )


def crop_encoder(
    image_shape: Sequence[int],
    *,
    crop_size: int = 8,
    stride: int = 4,
    width: int = 64,
    hidden_size: int = 1_024,
    code_size: int = 64,
    normalization: str = "batch",
) -> Network:
    """Overlapping crops, each encoded alone: local features see nothing else.

    Every crop goes through 3 x 3 convolutions of width, 2 and 4 width channels, of
    strides 1, 2 and 2, and is averaged over its pixels to a local feature; a 3 x 3
    convolution over the grid of crops, a hidden layer and a code come after.

    Source: Hjelm et al., ICLR 2019, section 4.3, the comparison with CPC: crops of 8
        pixels at strides of 4 on CIFAR-10, of 16 at strides of 8 on STL-10.

    Args:
        image_shape: height, width and channels.
        crop_size: height and width of a crop.
        stride: pixels between crops.
        width: channels of the first layer.
        hidden_size: units of the hidden layer.
        code_size: numbers of the code.
        normalization: as of `convolutional_encoder`.

    Returns:
        A network, `apply(params, images [N, H, W, C]) -> Encoding`.

    Raises:
        ValueError: as `convolutional_encoder`, or where fewer than 3 x 3 crops fit.
    """
    check_positive(crop_size=crop_size, stride=stride)
    shape = _check(image_shape, width=width, hidden_size=hidden_size)
    if any((size - crop_size) // stride < 2 for size in shape[:2]):
        raise ValueError(
            f"crop_size {crop_size} and stride {stride} must leave at least 3 x 3 "
            f"crops of image_shape {shape}"
        )
    crops = (crop_size, stride)
    return from_linen_in_training(
        CropEncoder(shape, crops, width, hidden_size, code_size, _known(normalization))
    )


# Plumbing --------------------------------------------------------------------------


def _check(image_shape: Sequence[int], **sizes: int) -> tuple[int, int, int]:
    check_positive(**sizes)
    shape = tuple(image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be height, width and channels, got {shape}")
    return cast(tuple[int, int, int], shape)


def _known(normalization: str) -> str:
    check_one_of(NORMALIZATIONS, normalization=normalization)
    return normalization


def _encoder(
    shape: tuple[int, int, int],
    layers: tuple[Layer, ...],
    local: int,
    hidden_sizes: tuple[int, ...],
    code_size: int,
    normalization: str,
) -> Network:
    check_positive(code_size=code_size)
    return from_linen_in_training(
        PlainEncoder(
            shape, layers, local, hidden_sizes, code_size, _known(normalization)
        )
    )
