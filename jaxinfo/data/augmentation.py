"""Random changes of images as pure functions of a key, for use inside a traced step.

Images are [N, H, W, C] of any type; every image is changed by draws of its own.
"""

import functools

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.types import Array, Key

__all__ = ["occlude", "random_crop", "random_flip"]


def random_crop(
    key: Key[Array, ""], images: Array, *, size: int, padding: int = 0
) -> Array:
    """A square window of each image, at a random place.

    Args:
        key: random key.
        images: [N, H, W, C].
        size: height and width of the window.
        padding: zeros on every side before it is cut.

    Returns:
        Windows, [N, size, size, C].

    Raises:
        ValueError: where images have another rank or are smaller than the window.

    Example:
        >>> images = jnp.ones((2, 4, 4, 1))
        >>> random_crop(jax.random.key(0), images, size=3).shape
        (2, 3, 3, 1)
    """
    check_rank(4, images=images)
    check_positive(size=size)
    wide = jnp.pad(images, ((0, 0), *((padding, padding),) * 2, (0, 0)))
    if size > min(wide.shape[1:3]):
        raise ValueError(
            f"images must be at least {size} pixels high and wide with their padding, "
            f"got shape {images.shape} and padding {padding}"
        )
    room = jnp.array(wide.shape[1:3]) - size
    starts = jax.random.randint(key, (len(images), 2), 0, room + 1)
    cut = functools.partial(_window, size=size)
    return jax.vmap(cut)(wide, starts)


def random_flip(key: Key[Array, ""], images: Array) -> Array:
    """Each image, mirrored left to right with probability one half.

    Args:
        key: random key.
        images: [N, H, W, C].

    Returns:
        Images of the same shape.

    Raises:
        ValueError: where images have another rank.
    """
    check_rank(4, images=images)
    mirrored = jax.random.bernoulli(key, shape=(len(images), 1, 1, 1))
    return jnp.where(mirrored, images[:, :, ::-1], images)


def occlude(key: Key[Array, ""], images: Array, *, size: int) -> Array:
    """Each image with a square window at a random place set to zero.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.3.

    Args:
        key: random key.
        images: [N, H, W, C].
        size: height and width of the window, which lies wholly inside.

    Returns:
        Images of the same shape.

    Raises:
        ValueError: where images have another rank or are smaller than the window.
    """
    check_rank(4, images=images)
    check_positive(size=size)
    if size > min(images.shape[1:3]):
        raise ValueError(
            f"size must be at most the images' height and width, got {size} for shape "
            f"{images.shape}"
        )
    room = jnp.array(images.shape[1:3]) - size
    starts = jax.random.randint(key, (len(images), 2), 0, room + 1)
    rows, columns = (
        (jnp.arange(length) >= start[:, None])
        & (jnp.arange(length) < start[:, None] + size)
        for length, start in zip(images.shape[1:3], starts.T, strict=True)
    )
    hidden = rows[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(hidden, 0, images)


def _window(image: Array, start: Array, size: int) -> Array:
    return jax.lax.dynamic_slice(image, (*start, 0), (size, size, image.shape[2]))
