"""Tasks of pairs of small images that depend on each other through latent parameters.

Each image is an injective function of its parameters, so the images have the mutual
information of the parameters.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.tasks.discrete import (
    discrete_joint,
    symmetric_table,
    table_information,
)
from jaxinfo.tasks.gaussian import normal_target
from jaxinfo.tasks.task import Task
from jaxinfo.tasks.transforms import normal_cdf
from jaxinfo.tasks.uniform import solve

__all__ = ["gaussian_blobs", "quantized_blobs", "rectangles"]

Images = Float[Array, "n px px 1"]
# Standard deviation of a blob, as a fraction of the width of the image.
BLOB = 0.125


def draw_blobs(centers: Float[Array, "n 2"], px: int) -> Images:
    """exp(-|pixel - center|^2 / (2 s^2)) with s = px / 8; all lengths in pixels."""
    distance = jnp.arange(px) + 0.5 - centers[..., None]
    rows, columns = jnp.moveaxis(jnp.exp(-((distance / (BLOB * px)) ** 2) / 2), -2, 0)
    return (rows[:, :, None] * columns[:, None, :])[..., None]


def blob_centers(images: Images) -> Float[Array, "n 2"]:
    """Centers, from the log ratio of the two neighbors of the brightest pixel."""
    px, sums = images.shape[1], (images.sum((2, 3)), images.sum((1, 3)))

    def center(profile: Array) -> Array:
        i = jnp.clip(jnp.argmax(profile, axis=1), 1, px - 2)[:, None]
        left, right = (jnp.take_along_axis(profile, i + d, axis=1) for d in (-1, 1))
        log_ratio = jnp.log(right) - jnp.log(left)
        return (i + 0.5 + log_ratio * (BLOB * px) ** 2 / 2)[:, 0]

    return jnp.stack([center(profile) for profile in sums], axis=-1)


def draw_rectangles(edges: Float[Array, "n 4"], px: int) -> Images:
    """Fraction of each pixel inside [top, bottom] x [left, right], edges in pixels."""
    pixel = jnp.arange(px)

    def cover(low: Array, high: Array) -> Array:
        inner = jnp.minimum(high, pixel + 1) - jnp.maximum(low, pixel)
        return jnp.clip(inner, 0, 1)

    top, bottom, left, right = jnp.moveaxis(edges[..., None], 1, 0)
    return (cover(top, bottom)[:, :, None] * cover(left, right)[:, None, :])[..., None]


def rectangle_edges(images: Images) -> Float[Array, "n 4"]:
    """Edges, from the first covered pixel, its fraction and the sum of a profile."""

    def ends(profile: Array) -> tuple[Array, Array]:
        first = jnp.argmax(profile > 0, axis=1)
        fraction = jnp.take_along_axis(profile, first[:, None], axis=1)[:, 0]
        low = first + 1 - fraction
        return low, low + profile.sum(axis=1)

    return jnp.stack([*ends(images.max((2, 3))), *ends(images.max((1, 3)))], axis=-1)


def _image_task(
    name: str,
    latent: Task,
    px: int,
    draw: Callable[[Array], Array],
    read: Callable[[Array], Array],
) -> Task:
    """Task of images drawn from the latent x and y; `read` inverts `draw`."""
    latent_pmi, shape = latent.pmi, (px, px, 1)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        x, y = latent.sample(key, n)
        return draw(x), draw(y)

    def pmi(x: Array, y: Array) -> Array:
        assert latent_pmi is not None
        return latent_pmi(read(x), read(y))

    return Task(name, sample, latent.mi, pmi, shape, shape)


def _check_size(px: int) -> None:
    check_positive(px=px)
    if px < 8:
        raise ValueError(f"px must be at least 8, got {px}")


def gaussian_blobs(mi: float, px: int) -> Task:
    """Makes a task of two images with one blob each, whose centers are dependent.

    Each coordinate of a center is uniform on the middle half of the image. A Gaussian
    copula with mi / 2 nats links it to the same coordinate in the other image.

    Args:
        mi: mutual information in nats, at least 0.
        px: width and height in pixels, at least 8.

    Returns:
        The task; x and y are [N, px, px, 1] with values in [0, 1].

    Raises:
        ValueError: if mi is negative or not finite, or px is below 8.
    """
    _check_size(px)
    return _image_task(
        f"gaussian_blobs-{px}-{mi}",
        normal_cdf(normal_target(mi, 2, 2)),
        px,
        lambda u: draw_blobs(px * (0.25 + u / 2), px),
        lambda images: 2 * (blob_centers(images) / px - 0.25),
    )


def rectangles(mi: float, px: int) -> Task:
    """Makes a task of two images with one rectangle each, whose edges are dependent.

    The top and left edges are uniform on px (1, 3) / 8, bottom and right edges on
    px (5, 7) / 8. A Gaussian copula with mi / 4 nats links each edge to the same edge
    in the other image. The value of a pixel is the fraction that the rectangle covers.

    Args:
        mi: mutual information in nats, at least 0.
        px: width and height in pixels, at least 8.

    Returns:
        The task; x and y are [N, px, px, 1] with values in [0, 1].

    Raises:
        ValueError: if mi is negative or not finite, or px is below 8.
    """
    _check_size(px)
    low = np.array([1, 5, 1, 5]) / 8
    return _image_task(
        f"rectangles-{px}-{mi}",
        normal_cdf(normal_target(mi, 4, 4)),
        px,
        lambda u: draw_rectangles(px * (jnp.asarray(low, u.dtype) + u / 4), px),
        lambda images: (
            4 * (rectangle_edges(images) / px - jnp.asarray(low, images.dtype))
        ),
    )


def quantized_blobs(mi: float, px: int, *, num_levels: int = 4) -> Task:
    """Makes a task of two images with one blob each, placed on a grid.

    The place in x is uniform on a grid of m = num_levels^2 places. The place in y is
    the same or, with a certain probability, a fresh uniform one; it is the output of
    the `symmetric_channel` with mi nats.

    Args:
        mi: mutual information in nats, in [0, 2 ln(num_levels)].
        px: width and height in pixels, at least 8.
        num_levels: number of places along a side.

    Returns:
        The task; x and y are [N, px, px, 1] with values in [0, 1].

    Raises:
        ValueError: if mi is out of range, px is below 8, or num_levels is not a
            positive integer.
    """
    _check_size(px)
    check_positive(num_levels=num_levels)
    num_labels = num_levels**2
    max_mi = float(np.log(num_labels))
    check_finite_number(-1e-9, max_mi + 1e-9, mi=mi)

    def table(t: float) -> np.ndarray:
        return symmetric_table(num_labels, 1 / (1 + np.exp(t)))

    t = solve(lambda t: table_information(table(t)), min(mi, max_mi - 1e-12))

    def draw(place: Array) -> Array:
        cell = jnp.concatenate([place // num_levels, place % num_levels], axis=-1)
        return draw_blobs(px * (0.25 + (cell + 0.5) / (2 * num_levels)), px)

    def read(images: Array) -> Array:
        cell = (blob_centers(images) / px - 0.25) * 2 * num_levels
        row, column = jnp.floor(cell).astype(jnp.int32).T
        return (row * num_levels + column)[:, None]

    name = f"quantized_blobs-{px}-{num_levels}-{mi}"
    return _image_task(name, discrete_joint(table(t)), px, draw, read)
