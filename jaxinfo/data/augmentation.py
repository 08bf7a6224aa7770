"""Random augmentations of images as pure functions of a key, legal under `jit`.

Images are [N, H, W, C] of any dtype. Each image is augmented independently.
"""

import functools

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.types import Array, Key

__all__ = ["occlude", "random_crop"]


def random_crop(
    key: Key[Array, ""], images: Array, *, size: int, padding: int = 0
) -> Array:
    """Crops a square window at a random position from each image.

    Args:
        key: random key.
        images: [N, H, W, C].
        size: height and width of the window.
        padding: zeros added on every side before cropping.

    Returns:
        Windows, [N, size, size, C].

    Raises:
        ValueError: if the images have the wrong rank or are smaller than the window.

    Example:
        >>> images = jnp.ones((2, 4, 4, 1))
        >>> random_crop(jax.random.key(0), images, size=3).shape
        (2, 3, 3, 1)
    """
    check_rank(4, images=images)
    check_positive(size=size)
    padded = jnp.pad(images, ((0, 0), *((padding, padding),) * 2, (0, 0)))
    if size > min(padded.shape[1:3]):
        raise ValueError(
            f"images must be at least {size} pixels high and wide with their padding, "
            f"got shape {images.shape} and padding {padding}"
        )
    starts = _sample_starts(key, padded, size)
    return jax.vmap(functools.partial(_window, size=size))(padded, starts)


def occlude(key: Key[Array, ""], images: Array, *, size: int) -> Array:
    """Sets a square window at a random position of each image to zero.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.3.

    Args:
        key: random key.
        images: [N, H, W, C].
        size: height and width of the window, which lies inside the image.

    Returns:
        Images of the same shape.

    Raises:
        ValueError: if the images have the wrong rank or are smaller than the window.
    """
    check_rank(4, images=images)
    check_positive(size=size)
    if size > min(images.shape[1:3]):
        raise ValueError(
            f"size must be at most the images' height and width, got {size} for shape "
            f"{images.shape}"
        )
    starts = _sample_starts(key, images, size)
    rows, columns = (
        (jnp.arange(length) >= start[:, None])
        & (jnp.arange(length) < start[:, None] + size)
        for length, start in zip(images.shape[1:3], starts.T, strict=True)
    )
    is_hidden = rows[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(is_hidden, 0, images)


def _sample_starts(key: Array, images: Array, size: int) -> Array:
    """The upper left corner of a window in each image, [N, 2]."""
    last = jnp.array(images.shape[1:3]) - size
    return jax.random.randint(key, (len(images), 2), 0, last + 1)


def _window(image: Array, start: Array, size: int) -> Array:
    return jax.lax.dynamic_slice(image, (*start, 0), (size, size, image.shape[2]))
