"""The stage of the demo that trains representations of digits and probes them."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.types import Array, Float, Key
from jaxinfo.infomax import (
    LabeledData,
    LocalTerm,
    PriorTerm,
    Probe,
    make_deep_infomax,
    probe_accuracy,
    train_deep_infomax,
)
from jaxinfo.infomax.probes import make_probe
from jaxinfo.networks import (
    convolutional_encoder,
    discriminator,
    embedding_critic,
    mlp,
)
from jaxinfo.training import sweep

__all__ = ["ProbeResult", "probe_digits"]

NUM_TEST, REPRESENTATION_SIZE = 500, 64
NUM_STEPS, NUM_PROBE_STEPS, BATCH_SIZE = 200, 300, 64
# In the order in which `_run` returns their accuracies.
FEATURES = ("raw pixels", "random encoder", "Deep InfoMax")


class ProbeResult(NamedTuple):
    """Accuracy of a linear probe of frozen features.

    Attributes:
        label: a name of the features.
        probe: accuracy in percent of the test images, over seeds.
        seconds: wall time of the stage.
    """

    label: str
    probe: Probe
    seconds: float


def probe_digits(
    images: Float[np.ndarray, "n h w"], classes: np.ndarray
) -> Callable[[Key[Array, ""], int], Iterator[ProbeResult]]:
    """Makes a stage that compares DIM(L) with raw pixels and an untrained encoder.

    Args:
        images: digits, [N, 8, 8], from 0 to 16.
        classes: classes of the digits, [N].

    Returns:
        `run(key, num_seeds) -> readings`, one for each kind of features.
    """

    def run(key: Array, num_seeds: int) -> Iterator[ProbeResult]:
        started = time.perf_counter()
        for_order, for_seeds = jax.random.split(key)
        order = np.asarray(jax.random.permutation(for_order, len(images)))
        pixels = jnp.asarray(images[order, ..., None] / 16, float)
        labels = jnp.asarray(classes[order])
        keys = jax.random.split(for_seeds, num_seeds)
        # On a CPU, convolutions of many seeds at once take longer to compile.
        layout = "mesh_map" if jax.default_backend() == "cpu" else "auto"
        accuracies = np.asarray(sweep(_run, keys, pixels, labels, layout=layout))
        seconds = time.perf_counter() - started
        for label, per_seed in zip(FEATURES, accuracies.T, strict=True):
            probe = make_probe(per_seed, probe="linear", unit="percent")
            yield ProbeResult(label, probe, seconds)

    return run


def _run(key: Array, pixels: Array, labels: Array) -> Float[Array, " k"]:
    """Accuracies of one seed, in the order of `FEATURES`."""
    for_start, for_training, for_probe = jax.random.split(key, 3)
    infomax = make_deep_infomax(
        convolutional_encoder(
            (8, 8, 1), width=8, hidden_size=64, representation_size=REPRESENTATION_SIZE
        ),
        terms=[
            LocalTerm(embedding_critic(64), bound="info_nce"),
            PriorTerm(discriminator((64, 32))),
        ],
        optimizer=optax.adam(2e-3),
    )
    train = pixels[:-NUM_TEST]
    start = infomax.init(for_start, train)
    trained = train_deep_infomax(
        for_training,
        infomax,
        train,
        num_steps=NUM_STEPS,
        batch_size=BATCH_SIZE,
        state=start,
    ).state

    def probe(features: Array) -> Array:
        return probe_accuracy(
            for_probe,
            mlp((), 10),
            LabeledData(features[:-NUM_TEST], labels[:-NUM_TEST]),
            LabeledData(features[-NUM_TEST:], labels[-NUM_TEST:]),
            optimizer=optax.adam(1e-2),
            num_steps=NUM_PROBE_STEPS,
            batch_size=BATCH_SIZE,
        )

    encoded = [
        infomax.encode(state, pixels).representation for state in (start, trained)
    ]
    # Pixels and representations have the same size: one program probes all three.
    features = [pixels.reshape(encoded[0].shape), *encoded]
    return jax.vmap(probe)(jnp.stack(features))
