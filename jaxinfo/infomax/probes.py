"""Judges of codes: what a simple reader learns from frozen features.

Every probe returns a `Probe`: the value, its spread over the probe's own seeds, and the
protocol that made it. Features are [N, ...], flattened; each coordinate is standardized
by the training rows. Accuracies are in percent of the test rows.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo import training
from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.types import (
    Array,
    Float,
    Key,
    Network,
    PyTree,
    apply_in_training,
)
from jaxinfo.training import GradientDescentState, make_gradient_descent, sweep

__all__ = [
    "DEFAULT_OPTIMIZER",
    "LabeledData",
    "Probe",
    "check_labeled",
    "make_probe",
    "network_probe",
    "probe_accuracy",
    "sizes_of",
    "standardize",
]

# A coordinate that hardly varies is left as it is.
SMALLEST_SD = 1e-6
# One object, for equal optimizers are not equal to Python.
DEFAULT_OPTIMIZER = optax.adam(1e-3)


class LabeledData(NamedTuple):
    """Features with the class of each row.

    Attributes:
        features: [N, ...].
        labels: whole numbers from 0, [N].
    """

    features: Any
    labels: Any


class Probe(NamedTuple):
    """What a probe found.

    Attributes:
        value: the mean over the probe's seeds.
        spread: their standard deviation; NaN of one.
        per_seed: [S].
        protocol: how it was made: names and numbers.
    """

    value: float
    spread: float
    per_seed: Float[np.ndarray, " s"]
    protocol: Mapping[str, Any]


def make_probe(per_seed: Any, **protocol: Any) -> Probe:
    """A `Probe` of values, one for each seed, and of its protocol."""
    values = np.asarray(per_seed, float)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return Probe(float(np.mean(values)), spread, values, protocol)


def check_labeled(**sets: LabeledData) -> list[LabeledData]:
    """Flat features and labels of named sets; ValueError unless they fit each other."""
    checked, widths = [], []
    for name, (features, labels) in sets.items():
        if jnp.ndim(features) < 2 or not len(features):
            raise ValueError(
                f"{name} must have features with rows, got shape {jnp.shape(features)}"
            )
        check_rank(1, **{f"{name} labels": labels})
        if len(labels) != len(features):
            raise ValueError(
                f"{name} must have a label for each of its {len(features)} rows, got "
                f"{len(labels)}"
            )
        if not jnp.issubdtype(jnp.asarray(labels).dtype, jnp.integer):
            raise ValueError(
                f"{name} labels must be whole numbers, got {jnp.asarray(labels).dtype}"
            )
        flat = jnp.reshape(features, (len(features), -1))
        widths.append(flat.shape[1])
        checked.append(LabeledData(flat, jnp.asarray(labels)))
    if len(set(widths)) > 1:
        raise ValueError(f"train and test must have features of one size, got {widths}")
    return checked


def standardize(train: Array, *others: Array) -> list[Array]:
    """Features, each coordinate in standard deviations of the training rows."""
    mean, sd = jnp.mean(train, axis=0), jnp.std(train, axis=0)
    scale = jnp.where(sd > SMALLEST_SD, sd, 1)
    return [(x - mean) / scale for x in (train, *others)]


# Networks --------------------------------------------------------------------------


def probe_accuracy(
    key: Key[Array, ""],
    network: Network,
    train: LabeledData,
    test: LabeledData,
    *,
    optimizer: optax.GradientTransformation,
    num_steps: int,
    batch_size: int,
    num_looks: int = 20,
) -> Float[Array, ""]:
    """The test accuracy of a classifier of frozen features: legal under `jit`, `vmap`.

    The mean over the last half of the looks at it, as the paper averages over its last
    hundred of two hundred epochs and more.

    Args:
        key: random key.
        network: `apply(params, features [N, D]) -> log-odds [N, K]`, such as
            `networks.probe_classifier(K)`, or with no hidden layers a linear one.
        train: what it learns from.
        test: what it is judged by.
        optimizer: an Optax optimizer.
        num_steps: updates, a multiple of `num_looks`.
        batch_size: rows of each update.
        num_looks: times that the accuracy is taken, at equal distances.

    Returns:
        The accuracy in percent.

    Raises:
        ValueError: where sets or counts do not fit each other.
    """
    train, test = check_labeled(train=train, test=test)
    check_positive(num_steps=num_steps, batch_size=batch_size, num_looks=num_looks)
    if num_steps % num_looks:
        raise ValueError(
            f"num_steps must be a multiple of num_looks {num_looks}, got {num_steps}"
        )
    features, seen = standardize(train.features, test.features)
    for_init, for_steps, _ = jax.random.split(key, 3)

    def init(key: Array) -> dict[str, PyTree]:
        return {"network": network.init(key, features[:2])}

    def loss(key: Array, params: PyTree, rows: Array) -> tuple[Array, PyTree]:
        logits, statistics = apply_in_training(
            network, key, params["network"], features[rows]
        )
        losses = optax.softmax_cross_entropy_with_integer_labels(
            logits, train.labels[rows]
        )
        return jnp.mean(losses), {"network": statistics}

    def look(state: GradientDescentState) -> Array:
        metrics = jnp.argmax(network.apply(state.params["network"], seen), axis=1)
        return 100 * jnp.mean(metrics == test.labels)

    descent = make_gradient_descent(init, loss, optimizer)
    run = training.train(
        for_steps,
        descent.init(for_init),
        sample_batch=training.make_row_sampler(len(features), batch_size),
        step=descent.step,
        num_steps=num_steps,
        eval_every=num_steps // num_looks,
        observe=look,
    )
    return jnp.mean(run.observed[num_looks // 2 :])


def network_probe(
    key: Key[Array, ""],
    network: Network,
    train: LabeledData,
    test: LabeledData,
    *,
    optimizer: optax.GradientTransformation | None = None,
    num_steps: int = 2_000,
    batch_size: int = 64,
    num_looks: int = 20,
    num_seeds: int = 5,
) -> Probe:
    """`probe_accuracy` over several starts of the classifier.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1, with 200 hidden units.

    Args:
        key: random key.
        network: as of `probe_accuracy`.
        train: what it learns from.
        test: what it is judged by.
        optimizer: an Optax optimizer; None for Adam at 0.001.
        num_steps: updates.
        batch_size: rows of each update.
        num_looks: times that the accuracy is taken; the last half counts.
        num_seeds: starts.

    Returns:
        The accuracy in percent, a `Probe`.

    Raises:
        ValueError: where sets or counts do not fit each other.
    """
    check_positive(num_seeds=num_seeds)
    train, test = check_labeled(train=train, test=test)
    run = _make_run(
        network,
        DEFAULT_OPTIMIZER if optimizer is None else optimizer,
        num_steps,
        min(batch_size, len(train.labels)),
        num_looks,
    )
    accuracies = sweep(run, jax.random.split(key, num_seeds), train, test)
    return make_probe(
        jax.device_get(accuracies),
        probe="network",
        unit="percent",
        num_steps=num_steps,
        batch_size=batch_size,
        looks_averaged=num_looks - num_looks // 2,
        optimizer="adam(0.001)" if optimizer is None else "given",
        **sizes_of(train, test),
    )


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=64)
def _make_run(
    network: Network,
    optimizer: optax.GradientTransformation,
    num_steps: int,
    batch_size: int,
    num_looks: int,
) -> Callable[[Array, LabeledData, LabeledData], Array]:
    def run(key: Array, train: LabeledData, test: LabeledData) -> Array:
        return probe_accuracy(
            key,
            network,
            train,
            test,
            optimizer=optimizer,
            num_steps=num_steps,
            batch_size=batch_size,
            num_looks=num_looks,
        )

    return run


def sizes_of(train: LabeledData, test: LabeledData) -> dict[str, int]:
    """The entries of a protocol that tell how large its sets were."""
    return {
        "num_train": len(train.labels),
        "num_test": len(test.labels),
        "num_features": train.features.shape[1],
    }
