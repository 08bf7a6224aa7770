"""Decoding images from representations: kept and lost information, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.infomax import RepresentedImages, reconstruction_probe
from jaxinfo.networks import convolutional_generator

KEY = jax.random.key(0)
IMAGES = jnp.zeros((4, 8, 8, 1))


@pytest.mark.slow
def test_images_are_decoded_only_from_representations_that_determine_them():
    representations = np.array(jax.random.normal(KEY, (1_200, 3)))
    weights = jax.random.normal(jax.random.key(1), (3, 64))
    images = jax.nn.sigmoid(representations @ weights).reshape(-1, 8, 8, 1)
    decoder = convolutional_generator((8, 8, 1), width=4, normalizes_batch=False)

    def similarity(representations):
        return reconstruction_probe(
            KEY,
            decoder,
            RepresentedImages(representations[:1_000], images[:1_000]),
            RepresentedImages(representations[1_000:], images[1_000:]),
            num_steps=500,
            num_seeds=2,
            window_size=7,
        )

    kept, lost = similarity(representations), similarity(0 * representations)
    assert kept.value > 0.9
    assert lost.value < 0.5
    assert kept.protocol["num_test"] == 200
    assert kept.spread == np.std(kept.per_seed, ddof=1)


@pytest.mark.parametrize(
    ("representations", "images", "message"),
    [
        (
            jnp.zeros((3, 2)),
            IMAGES,
            "an image for each representation, got 4",
        ),
        (jnp.zeros((4, 2, 1)), IMAGES, "train representations must have 2 axes"),
        (jnp.zeros((4, 2)), IMAGES[..., 0], "train images must have 4 axes"),
        (
            jnp.zeros((4, 2)),
            IMAGES.astype(jnp.uint8),
            "train images must be floats in .0, 1., got uint8",
        ),
        (
            jnp.zeros((4, 2)),
            jnp.zeros((4, 12, 12, 1)),
            "decoder must return images of shape",
        ),
    ],
)
def test_errors_name_the_argument(representations, images, message):
    decoder = convolutional_generator((8, 8, 1), width=4, normalizes_batch=False)
    train = RepresentedImages(representations, images)
    with pytest.raises(ValueError, match=message):
        reconstruction_probe(KEY, decoder, train, train, num_steps=10)
