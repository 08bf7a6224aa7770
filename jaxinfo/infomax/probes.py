"""Data and results of probes, which evaluate frozen features of an encoder.

Every probe returns a `Probe`. Features are [N, ...] and are flattened; each coordinate
is standardized by the training rows. Accuracies are in percent of the test rows.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.checks import check_rank
from jaxinfo.core.types import Array, Float

__all__ = [
    "DEFAULT_OPTIMIZER",
    "LabeledData",
    "Probe",
    "check_labeled",
    "make_probe",
    "sizes_of",
    "standardize",
]

# Coordinates with a smaller standard deviation are not rescaled.
SMALLEST_SD = 1e-6
# A constant, because two calls of `optax.adam` return objects that are not equal.
DEFAULT_OPTIMIZER = optax.adam(1e-3)


class LabeledData(NamedTuple):
    """Features with the class of each row.

    Attributes:
        features: [N, ...].
        labels: classes, integers from 0, [N].
    """

    features: Any
    labels: Any


class Probe(NamedTuple):
    """The result of a probe.

    Attributes:
        value: the mean over the probe's seeds.
        spread: their standard deviation; NaN for one seed.
        per_seed: the value of each seed, [S].
        protocol: settings of the probe and sizes of the data.
    """

    value: float
    spread: float
    per_seed: Float[np.ndarray, " s"]
    protocol: Mapping[str, Any]


def make_probe(per_seed: Any, **protocol: Any) -> Probe:
    """Makes a `Probe` from the value of each seed, [S], and the protocol."""
    values = np.asarray(per_seed, float)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return Probe(float(np.mean(values)), spread, values, protocol)


def check_labeled(**sets: LabeledData) -> list[LabeledData]:
    """Checks named sets and flattens features; ValueError if they do not match."""
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
                f"{name} labels must be integers, got {jnp.asarray(labels).dtype}"
            )
        flat = jnp.reshape(features, (len(features), -1))
        widths.append(flat.shape[1])
        checked.append(LabeledData(flat, jnp.asarray(labels)))
    if len(set(widths)) > 1:
        raise ValueError(
            "train and test must have the same number of features, got "
            f"{' and '.join(map(str, widths))}"
        )
    return checked


def standardize(train: Array, *others: Array) -> list[Array]:
    """Standardizes each coordinate by the mean and deviation of the training rows."""
    mean = jnp.mean(train, axis=0, keepdims=True)
    sd = jnp.std(train, axis=0, keepdims=True)
    scale = jnp.where(sd > SMALLEST_SD, sd, 1)
    return [(x - mean) / scale for x in (train, *others)]


def sizes_of(train: LabeledData, test: LabeledData) -> dict[str, int]:
    """Returns the entries of a protocol that hold the sizes of the data."""
    return {
        "num_train": len(train.labels),
        "num_test": len(test.labels),
        "num_features": train.features.shape[1],
    }
