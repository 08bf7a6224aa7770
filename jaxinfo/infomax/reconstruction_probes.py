"""A probe that decodes images from their representations."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo import training
from jaxinfo.core.checks import check_key, check_positive, check_rank
from jaxinfo.core.types import (
    Array,
    Float,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_network,
)
from jaxinfo.infomax.probes import DEFAULT_OPTIMIZER, Probe, make_probe
from jaxinfo.infomax.similarity import structural_similarity
from jaxinfo.training import make_gradient_descent, sweep

__all__ = ["RepresentedImages", "reconstruction_probe"]

# Number of images decoded and compared in one call.
CHUNK = 500


class RepresentedImages(NamedTuple):
    """Images with their representations.

    Attributes:
        representations: [N, D].
        images: [N, H, W, C] in [0, 1].
    """

    representations: Any
    images: Any


def reconstruction_probe(
    key: Key[Array, ""],
    decoder: Network,
    train: RepresentedImages,
    test: RepresentedImages,
    *,
    optimizer: optax.GradientTransformation | None = None,
    num_steps: int = 2_000,
    batch_size: int = 64,
    window_size: int = 11,
    num_seeds: int = 5,
) -> Probe:
    """Evaluates how similar images decoded from representations are to the originals.

    A decoder is trained on the mean squared error and evaluated by
    `structural_similarity`.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1 ("MS-SSIM").

    Args:
        key: random key.
        decoder: `apply(params, representations [N, D]) -> images [N, H, W, C]`, such as
            `networks.convolutional_generator(shape, normalizes_batch=False)`.
        train: training data.
        test: test data.
        optimizer: an Optax optimizer; None for Adam at 0.001.
        num_steps: number of updates.
        batch_size: rows per update, at most all training rows.
        window_size: window of `structural_similarity`, in pixels.
        num_seeds: number of trainings of the decoder.

    Returns:
        A `Probe` of the mean similarity over the test images, at most 1.

    Raises:
        ValueError: if representations, images and decoder do not match.
    """
    check_key(0, key=key)
    check_positive(num_steps=num_steps, batch_size=batch_size, num_seeds=num_seeds)
    decoder = as_network(decoder, name="decoder")
    train, test = _check_represented(train=train, test=test)
    run = _Run(
        decoder,
        DEFAULT_OPTIMIZER if optimizer is None else optimizer,
        num_steps,
        min(batch_size, len(train.images)),
        window_size,
    )
    similarities = sweep(run, jax.random.split(key, num_seeds), train, test)
    return make_probe(
        jax.device_get(similarities),
        probe="multi-scale structural similarity",
        unit="share",
        num_steps=num_steps,
        batch_size=batch_size,
        window_size=window_size,
        optimizer="adam(0.001)" if optimizer is None else "given",
        num_train=len(train.images),
        num_test=len(test.images),
    )


def _check_represented(**sets: RepresentedImages) -> list[RepresentedImages]:
    """Checks named sets; ValueError if images and representations do not match."""
    for name, (representations, images) in sets.items():
        check_rank(2, **{f"{name} representations": representations})
        check_rank(4, **{f"{name} images": images})
        if not len(images) or len(representations) != len(images):
            raise ValueError(
                f"{name} must have an image for each representation, got "
                f"{len(images)} images for {len(representations)}"
            )
        if not jnp.issubdtype(jnp.asarray(images).dtype, jnp.floating):
            raise ValueError(
                f"{name} images must be floats in [0, 1], got "
                f"{jnp.asarray(images).dtype}"
            )
    return [RepresentedImages(*map(jnp.asarray, each)) for each in sets.values()]


@dataclasses.dataclass(frozen=True)
class _Run:
    """One decoder, for a sweep; equal settings share one compiled program."""

    decoder: Network
    optimizer: optax.GradientTransformation
    num_steps: int
    batch_size: int
    window_size: int

    def __call__(
        self, key: Array, train: RepresentedImages, test: RepresentedImages
    ) -> Float[Array, ""]:
        for_init, for_steps, _ = jax.random.split(key, 3)

        def init_params(key: Array) -> dict[str, PyTree]:
            return {"decoder": self.decoder.init(key, train.representations[:2])}

        params = jax.eval_shape(init_params, for_init)["decoder"]
        decoded = jax.eval_shape(self.decoder.apply, params, train.representations)
        if decoded.shape != train.images.shape:
            raise ValueError(
                f"decoder must return images of shape {train.images.shape}, got "
                f"{decoded.shape}"
            )

        def loss(key: Array, params: PyTree, rows: Array) -> tuple[Array, PyTree]:
            images, statistics = apply_in_training(
                self.decoder, key, params["decoder"], train.representations[rows]
            )
            error = jnp.mean((images - train.images[rows]) ** 2)
            return error, {"decoder": statistics}

        descent = make_gradient_descent(init_params, loss, self.optimizer)
        run = training.train(
            for_steps,
            descent.init(for_init),
            sample_batch=training.make_row_sampler(len(train.images), self.batch_size),
            step=descent.step,
            num_steps=self.num_steps,
            eval_every=self.num_steps,
        )
        decode = functools.partial(self.decoder.apply, run.state.params["decoder"])

        def similarity(pair: RepresentedImages) -> Array:
            return structural_similarity(
                decode(pair.representations[None]),
                pair.images[None],
                window_size=self.window_size,
            )[0]

        return jnp.mean(jax.lax.map(similarity, test, batch_size=CHUNK))
