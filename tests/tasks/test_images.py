"""Image tasks: parameters are recovered from the images, and errors."""

import jax
import numpy as np
import pytest

from jaxinfo import tasks as t
from jaxinfo.tasks import images


def test_blobs_have_recoverable_centers():
    centers = np.random.default_rng(0).uniform(4, 12, (20, 2)).astype(np.float32)
    drawn = images.draw_blobs(centers, 16)
    assert drawn.shape == (20, 16, 16, 1)
    np.testing.assert_allclose(images.blob_centers(drawn), centers, atol=1e-3)


def test_rectangles_have_recoverable_edges():
    rng = np.random.default_rng(0)
    edges = (rng.uniform(size=(20, 4)) * 4 + [2, 10, 2, 10]).astype(np.float32)
    drawn = images.draw_rectangles(edges, 16)
    top, bottom, left, right = edges.T
    area = (bottom - top) * (right - left)
    np.testing.assert_allclose(drawn.sum((1, 2, 3)), area, rtol=1e-4)
    np.testing.assert_allclose(images.rectangle_edges(drawn), edges, atol=1e-3)


@pytest.mark.parametrize("mi", [0.05, 1.0, 2.0])
def test_quantized_blobs_have_the_requested_information(mi):
    assert t.quantized_blobs(mi, 8).mi == pytest.approx(mi)


def test_quantized_blobs_lie_on_the_grid():
    x, _ = t.quantized_blobs(1.0, 16, num_levels=2).sample(jax.random.key(0), 50)
    centers = np.unique(np.round(images.blob_centers(x), 2))
    np.testing.assert_array_equal(centers, [6.0, 10.0])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("px", lambda: t.gaussian_blobs(1.0, 4)),
        ("mi", lambda: t.rectangles(-1.0, 8)),
        ("mi", lambda: t.quantized_blobs(3.0, 16)),
        ("num_levels", lambda: t.quantized_blobs(0.0, 16, num_levels=0)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
