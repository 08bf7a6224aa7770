"""Pairs of small images whose latent parameters, and nothing else, are related.

An image is an injective function of its parameters, so images share what the
parameters share.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.tasks.discrete import discrete_joint, symmetric_table
from jaxinfo.tasks.gaussian import normal_target
from jaxinfo.tasks.task import Task, by_value
from jaxinfo.tasks.transforms import normal_cdf
from jaxinfo.tasks.uniform import solve

__all__ = ["gaussian_blobs", "quantized_blobs", "rectangles"]

Images = Float[Array, "n px px 1"]
# Standard deviation of a blob, as a share of the width of the image.
BLOB = 0.125


def draw_blobs(centers: Float[Array, "n 2"], px: int) -> Images:
    """exp(-|pixel - center|^2 / (2 s^2)), centers and pixels in pixels, s = px / 8."""
    distance = jnp.arange(px) + 0.5 - centers[..., None]
    rows, columns = jnp.moveaxis(jnp.exp(-((distance / (BLOB * px)) ** 2) / 2), -2, 0)
    return (rows[:, :, None] * columns[:, None, :])[..., None]


def blob_centers(images: Images) -> Float[Array, "n 2"]:
    """Centers from the log ratio of the two pixels about the brightest one."""
    px, sums = images.shape[1], (images.sum((2, 3)), images.sum((1, 3)))

    def center(profile: Array) -> Array:
        i = jnp.clip(jnp.argmax(profile, axis=1), 1, px - 2)[:, None]
        left, right = (jnp.take_along_axis(profile, i + d, axis=1) for d in (-1, 1))
        slope = jnp.log(right) - jnp.log(left)
        return (i + 0.5 + slope * (BLOB * px) ** 2 / 2)[:, 0]

    return jnp.stack([center(profile) for profile in sums], axis=-1)


def draw_rectangles(edges: Float[Array, "n 4"], px: int) -> Images:
    """Share of each pixel inside [top, bottom] x [left, right], in pixels."""
    pixel = jnp.arange(px)

    def cover(low: Array, high: Array) -> Array:
        inner = jnp.minimum(high, pixel + 1) - jnp.maximum(low, pixel)
        return jnp.clip(inner, 0, 1)

    top, bottom, left, right = jnp.moveaxis(edges[..., None], 1, 0)
    return (cover(top, bottom)[:, :, None] * cover(left, right)[:, None, :])[..., None]


def rectangle_edges(images: Images) -> Float[Array, "n 4"]:
    """Edges from the first covered pixel, its share and the total of a profile."""

    def ends(profile: Array) -> tuple[Array, Array]:
        first = jnp.argmax(profile > 0, axis=1)
        share = jnp.take_along_axis(profile, first[:, None], axis=1)[:, 0]
        low = first + 1 - share
        return low, low + profile.sum(axis=1)

    return jnp.stack([*ends(images.max((2, 3))), *ends(images.max((1, 3)))], axis=-1)


def _drawn(
    name: str,
    latent: Task,
    px: int,
    draw: Callable[[Array], Array],
    read: Callable[[Array], Array],
) -> Task:
    """The latent task with x and y drawn as images, and read back for the pmi."""
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


@by_value
def gaussian_blobs(mi: float, px: int) -> Task:
    """Images of one blob each; the two centers are related.

    Each coordinate of a center is uniform on the middle half of the image, and a
    Gaussian copula gives it mi / 2 nats about the other image's.

    Args:
        mi: nats, at least 0.
        px: pixels on a side, at least 8.

    Returns:
        The task; x and y are [N, px, px, 1] with values in [0, 1].

    Raises:
        ValueError: where a parameter is out of range.
    """
    _check_size(px)
    return _drawn(
        f"gaussian_blobs-{px}-{mi}",
        normal_cdf(normal_target(mi, 2, 2)),
        px,
        lambda u: draw_blobs(px * (0.25 + u / 2), px),
        lambda images: 2 * (blob_centers(images) / px - 0.25),
    )


@by_value
def rectangles(mi: float, px: int) -> Task:
    """Images of one filled rectangle each, with soft edges; the edges are related.

    Top and left edge are uniform on px (1, 3) / 8, bottom and right on px (5, 7) / 8;
    a Gaussian copula gives each mi / 4 nats about the other image's.

    Args:
        mi: nats, at least 0.
        px: pixels on a side, at least 8.

    Returns:
        The task; x and y are [N, px, px, 1] with values in [0, 1].

    Raises:
        ValueError: where a parameter is out of range.
    """
    _check_size(px)
    low = np.array([1, 5, 1, 5]) / 8
    return _drawn(
        f"rectangles-{px}-{mi}",
        normal_cdf(normal_target(mi, 4, 4)),
        px,
        lambda u: draw_rectangles(px * (jnp.asarray(low, u.dtype) + u / 4), px),
        lambda images: (
            4 * (rectangle_edges(images) / px - jnp.asarray(low, images.dtype))
        ),
    )


@by_value
def quantized_blobs(mi: float, px: int, *, num_levels: int = 4) -> Task:
    """Images of one blob each, on a grid of places that a noisy channel relates.

    The place of x is one of m = num_levels^2; that of y is the same, but a fresh
    uniform one with the probability at which `symmetric_channel` has mi nats.

    Args:
        mi: nats, in [0, 2 ln(num_levels)].
        px: pixels on a side, at least 8.
        num_levels: places along a side.

    Returns:
        The task; x and y are [N, px, px, 1] with values in [0, 1].

    Raises:
        ValueError: where a parameter is out of range.
    """
    _check_size(px)
    check_positive(num_levels=num_levels)
    num_labels = num_levels**2
    most = float(np.log(num_labels))
    check_finite_number(-1e-9, most + 1e-9, mi=mi)

    def table(t: float) -> np.ndarray:
        return symmetric_table(num_labels, 1 / (1 + np.exp(t)))

    t = solve(lambda t: discrete_joint(table(t)).mi, min(mi, most - 1e-12))

    def draw(place: Array) -> Array:
        cell = jnp.concatenate([place // num_levels, place % num_levels], axis=-1)
        return draw_blobs(px * (0.25 + (cell + 0.5) / (2 * num_levels)), px)

    def read(images: Array) -> Array:
        cell = (blob_centers(images) / px - 0.25) * 2 * num_levels
        row, column = jnp.floor(cell).astype(jnp.int32).T
        return (row * num_levels + column)[:, None]

    name = f"quantized_blobs-{px}-{num_levels}-{mi}"
    return _drawn(name, discrete_joint(table(t)), px, draw, read)
