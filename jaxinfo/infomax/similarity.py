"""Multi-scale structural similarity of images."""

import jax.numpy as jnp

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.types import Array, Float

__all__ = ["structural_similarity"]

# The exponents of the five scales, and constants of the two factors.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
K1, K2, WINDOW_SD = 0.01, 0.03, 1.5


def structural_similarity(
    images: Float[Array, "n h w c"],
    others: Float[Array, "n h w c"],
    *,
    num_scales: int | None = None,
    window_size: int = 11,
) -> Float[Array, " n"]:
    """Multi-scale structural similarity of pairs of images, 1 for equal images.

    luminance_M^w_M prod_k (contrast_k structure_k)^w_k over scales k = 1 to M, each at
    half the resolution of the previous one, with Gaussian windows and exponents w that
    sum to 1. Only the coarsest scale M has the luminance.

    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image
        quality assessment", Asilomar 2003; Wang et al., "Image quality assessment",
        IEEE Trans. Image Processing 2004, for one scale.

    Args:
        images: [N, H, W, C] in [0, 1].
        others: images to compare with, of the same shape.
        num_scales: number of scales, 1 to 5; None for as many as the window fits. With
            fewer than five, the published exponents of the finest scales are rescaled
            to sum to 1.
        window_size: width of a window in pixels; its standard deviation is 1.5.

    Returns:
        The mean over windows and channels, [N]. With several scales, a negative factor
        counts as 0.

    Raises:
        ValueError: if the shapes differ or the images are too small.
    """
    check_rank(4, images=images, others=others)
    check_positive(window_size=window_size)
    if images.shape != others.shape:
        raise ValueError(
            f"others must have the shape {images.shape} of images, got {others.shape}"
        )
    smallest = min(images.shape[1:3])
    fitting = sum(smallest >> scale >= window_size for scale in range(len(WEIGHTS)))
    if num_scales is None:
        num_scales = max(fitting, 1)
    if not 1 <= num_scales <= fitting:
        raise ValueError(
            f"images of {smallest} pixels fit windows of {window_size} at {fitting} "
            f"scales, got num_scales={num_scales}"
        )
    powers = jnp.array(WEIGHTS[:num_scales]) / sum(WEIGHTS[:num_scales])
    product = jnp.ones(())
    for scale in range(num_scales):
        if scale:
            images, others = _halve(images), _halve(others)
        luminance, structure = _factors(images, others, window_size)
        factor = structure if scale < num_scales - 1 else luminance * structure
        value = jnp.mean(factor, axis=(1, 2))
        if num_scales > 1:
            value = jnp.maximum(value, 0) ** powers[scale]
        product = product * value
    return jnp.mean(product, axis=-1)


def _factors(x: Array, y: Array, size: int) -> tuple[Array, Array]:
    """Luminance, and contrast times structure, of every window inside the images."""
    mean_x, mean_y = _filtered(x, size), _filtered(y, size)
    variances = _filtered(x * x, size) - mean_x**2 + _filtered(y * y, size) - mean_y**2
    covariance = _filtered(x * y, size) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + K1**2) / (mean_x**2 + mean_y**2 + K1**2)
    return luminance, (2 * covariance + K2**2) / (variances + K2**2)


def _filtered(x: Array, size: int) -> Array:
    """Means under a Gaussian window at every position inside the images."""
    positions = jnp.arange(size) - (size - 1) / 2
    window = jnp.exp(-(positions**2) / (2 * WINDOW_SD**2))
    window = window / jnp.sum(window)

    def band(length: int) -> Array:
        offset = jnp.arange(length)[None] - jnp.arange(length - size + 1)[:, None]
        inside = (offset >= 0) & (offset < size)
        return jnp.where(inside, window[jnp.clip(offset, 0, size - 1)], 0)

    rows, columns = map(band, x.shape[1:3])
    return jnp.einsum("ih,jw,nhwc->nijc", rows, columns, x)


def _halve(x: Array) -> Array:
    """Means of 2 x 2 pixels; an odd last row or column is dropped."""
    height, width = (length // 2 for length in x.shape[1:3])
    x = x[:, : 2 * height, : 2 * width]
    return jnp.mean(x.reshape(len(x), height, 2, width, 2, -1), axis=(2, 4))
