"""Convolutional networks of images: shapes, and sizes that are refused."""

import jax
import pytest

from jaxinfo import networks

KEY = jax.random.key(0)


@pytest.mark.slow
def test_generator_discriminator_and_classifier_have_the_shapes_of_the_images():
    generator = networks.convolutional_generator((8, 12, 3), width=4)
    noise = jax.random.normal(KEY, (5, 6))
    images = generator.apply(generator.init(KEY, noise), noise)
    assert images.shape == (5, 8, 12, 3)
    assert ((images > 0) & (images < 1)).all()
    critic = networks.convolutional_discriminator(width=4)
    assert critic.apply(critic.init(KEY, images), images).shape == (5,)
    classifier = networks.convolutional_classifier(7, width=4)
    logits, embedding = classifier.apply(classifier.init(KEY, images), images)
    assert (logits.shape, embedding.shape) == ((5, 7), (5, 16))


def test_images_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"image_shape .* got \(10, 12, 3\)"):
        networks.convolutional_generator((10, 12, 3))
