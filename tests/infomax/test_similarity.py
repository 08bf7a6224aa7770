"""Structural similarity: the formula by SciPy's filters, scales, gradient, input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import correlate

from jaxinfo import infomax

structural_similarity = jax.jit(
    infomax.structural_similarity, static_argnames=("num_scales", "window_size")
)
POWERS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def _pair(size, channels=1, noise=0.2):
    rng = np.random.default_rng(size)
    smooth = np.cumsum(rng.normal(size=(3, size, size, channels)), axis=1)
    x = (smooth - smooth.min()) / np.ptp(smooth)
    return x, np.clip(x + noise * rng.normal(size=x.shape), 0, 1)


def _one_scale(x, y, size):
    """Luminance and contrast-structure of one channel, [H, W], float64."""
    positions = np.arange(size) - size // 2
    window = np.exp(-(positions[:, None] ** 2 + positions**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(a):
        edge = size // 2
        return correlate(a, window)[edge:-edge, edge:-edge]

    mx, my = mean(x), mean(y)
    vx, vy = mean(x * x) - mx**2, mean(y * y) - my**2
    luminance = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
    return luminance, (2 * (mean(x * y) - mx * my) + 9e-4) / (vx + vy + 9e-4)


def _expected(x, y, num_scales, size):
    powers = POWERS[:num_scales] / POWERS[:num_scales].sum()
    product = 1.0
    for scale in range(num_scales):
        if scale:
            x, y = (
                (a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4
                for a in (x, y)
            )
        luminance, structure = _one_scale(x, y, size)
        last = scale == num_scales - 1
        product *= (
            np.mean(luminance * structure if last else structure) ** powers[scale]
        )
    return product


@pytest.mark.parametrize(
    ("size", "num_scales", "window"), [(28, 1, 11), (32, 2, 11), (64, 3, 7)]
)
def test_values_match_the_published_formula(size, num_scales, window):
    x, y = _pair(size, channels=2)
    found = structural_similarity(
        jnp.asarray(x), jnp.asarray(y), num_scales=num_scales, window_size=window
    )
    expected = [
        np.mean([_expected(a[..., c], b[..., c], num_scales, window) for c in (0, 1)])
        for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-4)


def test_similarity_is_1_for_equal_images_and_decreases_with_noise():
    x, near = _pair(44)
    far = np.random.default_rng(1).uniform(size=x.shape)
    same, less, least = (
        structural_similarity(jnp.asarray(x), jnp.asarray(y)) for y in (x, near, far)
    )
    np.testing.assert_allclose(same, 1, atol=1e-5)
    assert np.all(same > less)
    assert np.all(less > least)


def test_the_default_is_as_many_scales_as_fit():
    x, y = map(jnp.asarray, _pair(44))
    found = structural_similarity(x, y)
    np.testing.assert_array_equal(found, structural_similarity(x, y, num_scales=3))


def test_the_gradient_is_the_rate_of_change_along_its_direction():
    x, y = map(jnp.asarray, _pair(32))

    def total(x):
        return jnp.sum(structural_similarity(x, y))

    gradient = jax.grad(total)(x)
    unit = gradient / jnp.sqrt(jnp.sum(gradient**2))
    rate = (total(x + 1e-2 * unit) - total(x - 1e-2 * unit)) / 2e-2
    np.testing.assert_allclose(rate, jnp.sum(gradient * unit), rtol=0.05)


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((2, 8, 8, 1), {}, "images of 8 pixels fit windows of 11 at 0 scales"),
        ((2, 28, 28, 1), {"num_scales": 3}, "at 2 scales, got num_scales=3"),
        ((2, 28, 28), {}, "images must have 4 axes"),
        ((2, 28, 28, 1), {"window_size": 0}, "window_size must be a positive"),
    ],
)
def test_errors_name_the_argument(shape, settings, message):
    with pytest.raises(ValueError, match=message):
        structural_similarity(jnp.zeros(shape), jnp.zeros(shape), **settings)


def test_different_shapes_are_an_error():
    with pytest.raises(ValueError, match="others must have the shape"):
        structural_similarity(jnp.zeros((2, 28, 28, 1)), jnp.zeros((1, 28, 28, 1)))


@pytest.mark.slow
def test_arrays_are_broadcast_explicitly():
    x = jnp.ones((2, 28, 28, 1))
    with jax.numpy_rank_promotion("raise"):
        assert infomax.structural_similarity(x, x).shape == (2,)
