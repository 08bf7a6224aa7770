"""Random crops and occlusion: windows, all positions, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.data import occlude, random_crop

KEY = jax.random.key(0)
# Every pixel has its own number; none is zero.
IMAGES = jnp.arange(1, 1 + 300 * 4 * 5 * 2).reshape(300, 4, 5, 2)


def test_crops_are_windows_at_every_position():
    crops = np.asarray(
        jax.jit(random_crop, static_argnames="size")(KEY, IMAGES, size=3)
    )
    corners = set()
    for image, crop in zip(np.asarray(IMAGES), crops, strict=True):
        row, column, _ = np.argwhere(image == crop[0, 0, 0])[0]
        np.testing.assert_array_equal(crop, image[row : row + 3, column : column + 3])
        corners.add((int(row), int(column)))
    assert corners == {(row, column) for row in range(2) for column in range(3)}


def test_padding_is_zeros():
    crops = random_crop(KEY, IMAGES.astype(jnp.uint8) | 1, size=5, padding=1)
    assert crops.dtype == jnp.uint8
    # Five of the six padded rows: either crop has one row of zeros.
    assert np.all(np.any(np.all(crops == 0, axis=(2, 3)), axis=1))


def test_occlusion_sets_a_square_to_zero():
    hidden = np.asarray(occlude(KEY, IMAGES, size=2)) == 0
    assert np.all(hidden.sum(axis=(1, 2, 3)) == 2 * 2 * 2)
    assert np.all(hidden.any(axis=(2, 3)).sum(axis=1) == 2)
    assert np.all(hidden.any(axis=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_crop(KEY, IMAGES[0], size=2), "images must have 4 axes"),
        (lambda: random_crop(KEY, IMAGES, size=5), "images must be at least 5 pixels"),
        (lambda: random_crop(KEY, IMAGES, size=0), "size must be a positive"),
        (lambda: occlude(KEY, IMAGES, size=5), "size must be at most"),
        (lambda: occlude(KEY, IMAGES[0], size=1), "images must have 4 axes"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
