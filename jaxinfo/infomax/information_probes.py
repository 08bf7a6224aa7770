"""Judges of codes that need no labels: what a code keeps, and how it is laid out."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo import training
from jaxinfo.core.checks import check_finite_rows, check_key, check_positive, check_rank
from jaxinfo.core.types import (
    Array,
    Float,
    Key,
    Network,
    PyTree,
    apply_in_training,
)
from jaxinfo.estimation import (
    Estimate,
    estimate_divergence,
    estimate_mutual_information,
)
from jaxinfo.infomax.probes import DEFAULT_OPTIMIZER, Probe, make_probe
from jaxinfo.infomax.similarity import structural_similarity
from jaxinfo.training import make_gradient_descent, sweep

__all__ = [
    "Pictured",
    "dependence_probe",
    "information_probe",
    "reconstruction_probe",
]

# Images whose decodings are compared in one call.
CHUNK = 500


class Pictured(NamedTuple):
    """Codes with the images that they are of.

    Attributes:
        codes: [N, D].
        images: [N, H, W, C] in [0, 1].
    """

    codes: Any
    images: Any


def dependence_probe(
    key: Key[Array, ""], codes: Float[Array, "n d"], **settings: Any
) -> Probe:
    """How far a code's coordinates are from independent: the total correlation, nats.

    A lower bound of KL(p(y) || prod_d p(y_d)), or of another divergence: half of the
    rows against the other half with each column in an order of its own. The "neural
    dependency measure".

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1, who shuffle each batch.

    Args:
        key: random key.
        codes: [N, D], with two coordinates or more.
        **settings: of `estimate_divergence`.

    Returns:
        The bound, a `Probe`; its protocol holds the whole `Estimate`.

    Raises:
        ValueError: where codes have another rank or are not finite, or from the
            estimator.

    Notes:
        Where some coordinates determine others the divergence is infinite, and a bound
        of KL grows as long as it is trained; `saturated` of the protocol says so.
        `divergence="JENSEN_SHANNON"` is at most 2 ln 2.
    """
    check_key(0, key=key)
    check_rank(2, codes=codes)
    check_finite_rows(codes=codes)
    if codes.shape[1] < 2:
        raise ValueError(f"codes must have two columns or more, got {codes.shape}")
    for_rows, for_columns, for_estimate = jax.random.split(key, 3)
    joint, other = jnp.split(
        jax.random.permutation(for_rows, codes)[: len(codes) // 2 * 2], 2
    )
    product = jax.random.permutation(for_columns, other, axis=0, independent=True)
    estimate = estimate_divergence(for_estimate, joint, product, **settings)
    return _of_estimate(estimate, "dependence of coordinates", settings)


def information_probe(
    key: Key[Array, ""],
    inputs: Float[Array, "n ..."],
    codes: Float[Array, "n d"],
    **settings: Any,
) -> Probe:
    """The information that a code keeps of its input, by the library's estimator, nats.

    Source: Hjelm et al., ICLR 2019, section 4.1, by MINE.

    Args:
        key: random key.
        inputs: [N, ...], such as images.
        codes: [N, D].
        **settings: of `estimate_mutual_information`.

    Returns:
        The estimate, a `Probe`; its protocol holds the whole `Estimate`.

    Raises:
        ValueError: from the estimator.

    Notes:
        A code that is a smooth function of a continuous input has infinite information
        with it: what is metrics is how much of it these networks find in these rows, and
        `saturated` and `upper` of the protocol say how little that number bounds.
    """
    check_key(0, key=key)
    estimate = estimate_mutual_information(key, inputs, codes, **settings)
    return _of_estimate(estimate, "information with the input", settings)


def _of_estimate(estimate: Estimate, probe: str, settings: dict[str, Any]) -> Probe:
    found = make_probe(
        estimate.per_seed,
        probe=probe,
        unit="nats",
        settings={name: repr(value) for name, value in settings.items()},
        estimate=estimate.to_dict(),
    )
    # Not the seeds' mean wherever the estimator adds to it.
    return found._replace(value=estimate.value)


def reconstruction_probe(
    key: Key[Array, ""],
    decoder: Network,
    train: Pictured,
    test: Pictured,
    *,
    optimizer: optax.GradientTransformation | None = None,
    num_steps: int = 2_000,
    batch_size: int = 64,
    window_size: int = 11,
    num_seeds: int = 5,
) -> Probe:
    """How alike to the images are those that a decoder makes of codes.

    The decoder descends the squared error; `structural_similarity` judges it.

    Source: Hjelm et al., ICLR 2019, section 4.1 ("MS-SSIM").

    Args:
        key: random key.
        decoder: `apply(params, codes [N, D]) -> images [N, H, W, C]`, such as
            `networks.convolutional_generator(shape, normalizes_batch=False)`.
        train: what it learns from.
        test: what it is judged by.
        optimizer: an Optax optimizer; None for Adam at 0.001.
        num_steps: updates.
        batch_size: rows of each update.
        window_size: of `structural_similarity`.
        num_seeds: starts of the decoder.

    Returns:
        The mean similarity of the test images, a `Probe`: at most 1.

    Raises:
        ValueError: where codes, images and decoder do not fit each other.
    """
    check_positive(num_steps=num_steps, batch_size=batch_size, num_seeds=num_seeds)
    train, test = _check_pictured(train=train, test=test)
    run = _make_run(
        decoder,
        DEFAULT_OPTIMIZER if optimizer is None else optimizer,
        num_steps,
        min(batch_size, len(train.codes)),
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
        num_train=len(train.codes),
        num_test=len(test.codes),
    )


def _check_pictured(**sets: Pictured) -> list[Pictured]:
    """Codes and images of named sets; ValueError unless they fit each other."""
    for name, (codes, images) in sets.items():
        check_rank(2, **{f"{name} codes": codes})
        check_rank(4, **{f"{name} images": images})
        if not len(codes) or len(codes) != len(images):
            raise ValueError(
                f"{name} must have an image for each of its codes, got {len(images)} "
                f"for {len(codes)}"
            )
        if not jnp.issubdtype(jnp.asarray(images).dtype, jnp.floating):
            raise ValueError(
                f"{name} images must be floats in [0, 1], got "
                f"{jnp.asarray(images).dtype}"
            )
    return [Pictured(*map(jnp.asarray, pictured)) for pictured in sets.values()]


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=64)
def _make_run(*settings: Any) -> Callable[[Array, Pictured, Pictured], Array]:
    return functools.partial(_similarity, settings)


def _similarity(
    settings: tuple[Network, optax.GradientTransformation, int, int, int],
    key: Array,
    train: Pictured,
    test: Pictured,
) -> Float[Array, ""]:
    decoder, optimizer, num_steps, batch_size, window_size = settings
    for_init, for_steps, _ = jax.random.split(key, 3)

    def init(key: Array) -> dict[str, PyTree]:
        return {"decoder": decoder.init(key, train.codes[:2])}

    params = jax.eval_shape(init, for_init)["decoder"]
    made = jax.eval_shape(decoder.apply, params, train.codes)
    if made.shape != train.images.shape:
        raise ValueError(
            f"decoder must make images of shape {train.images.shape}, got {made.shape}"
        )

    def loss(key: Array, params: PyTree, rows: Array) -> tuple[Array, PyTree]:
        images, statistics = apply_in_training(
            decoder, key, params["decoder"], train.codes[rows]
        )
        return jnp.mean((images - train.images[rows]) ** 2), {"decoder": statistics}

    descent = make_gradient_descent(init, loss, optimizer)
    run = training.train(
        for_steps,
        descent.init(for_init),
        sample_batch=training.make_row_sampler(len(train.codes), batch_size),
        step=descent.step,
        num_steps=num_steps,
        eval_every=num_steps,
    )
    decode = functools.partial(decoder.apply, run.state.params["decoder"])

    def judge(pair: tuple[Array, Array]) -> Array:
        code, image = pair
        return structural_similarity(
            decode(code[None]), image[None], window_size=window_size
        )[0]

    return jnp.mean(jax.lax.map(judge, tuple(test), batch_size=CHUNK))
