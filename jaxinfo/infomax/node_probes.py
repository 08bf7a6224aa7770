"""Probes of nodes by logistic regression from few labels."""

import dataclasses
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.checks import (
    check_finite_number,
    check_finite_rows,
    check_key,
    check_positive,
)
from jaxinfo.core.extras import import_extra
from jaxinfo.core.types import Array, Float, Int, Key
from jaxinfo.infomax.probes import LabeledData, Probe, check_labeled, make_probe
from jaxinfo.training import sweep

__all__ = ["f1_scores", "node_probe"]


def f1_scores(
    predicted: Int[Array, " n"], labels: Int[Array, " n"], *, num_classes: int
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Macro-F1 and Micro-F1 of predicted classes.

    F1 = 2 TP / (2 TP + FP + FN). Macro-F1 is the mean over classes, with 0 for a class
    that is neither predicted nor present. Micro-F1 uses sums over classes and equals
    the accuracy.

    Args:
        predicted: predicted classes, integers from 0, [N].
        labels: true classes, [N].
        num_classes: number of classes K.

    Returns:
        Macro-F1 and Micro-F1, from 0 to 1.
    """
    classes = jnp.arange(num_classes)[:, None]
    is_predicted, is_true = predicted[None] == classes, labels[None] == classes
    hits = jnp.sum(is_predicted & is_true, axis=1)
    sizes = jnp.sum(is_predicted, axis=1) + jnp.sum(is_true, axis=1)
    macro = jnp.mean(2 * hits / jnp.maximum(sizes, 1))
    return macro, 2 * jnp.sum(hits) / jnp.sum(sizes)


def node_probe(
    key: Key[Array, ""],
    train: LabeledData,
    validation: LabeledData,
    test: LabeledData,
    *,
    learning_rate: float = 0.01,
    num_steps: int = 200,
    num_seeds: int = 50,
) -> dict[str, Probe]:
    """Evaluates features of nodes by logistic regression from few labels.

    Each seed trains one model and reports it at the update with the best validation
    score.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, section 4.2 and the authors' code.

    Args:
        key: random key.
        train: the few labeled nodes.
        validation: nodes that select the update.
        test: nodes for the reported scores.
        learning_rate: learning rate of Adam; every update uses all of `train`.
        num_steps: number of updates.
        num_seeds: number of models, trained in one program.

    Returns:
        Three `Probe`s in percent of the test nodes: "macro_f1" at the update with the
        best Macro-F1 on validation; "micro_f1" and "auc", the mean over classes of the
        area under the curve of one class versus the rest, at the update with the best
        Micro-F1.

    Raises:
        ValueError: if the sets do not match, or one lacks a class.
        ImportError: if scikit-learn is not installed.
    """
    metrics = import_extra("sklearn.metrics", "cli")
    check_key(0, key=key)
    check_positive(num_steps=num_steps, num_seeds=num_seeds)
    check_finite_number(0.0, learning_rate=learning_rate)
    train, validation, test = check_labeled(
        train=train, validation=validation, test=test
    )
    num_classes = _check_classes(train=train, validation=validation, test=test)
    keys = jax.random.split(key, num_seeds)
    run = _Run(num_classes, num_steps)
    found: _Scores = jax.device_get(
        sweep(run, keys, train, validation, test, learning_rate)
    )
    labels = np.asarray(test.labels)
    several = {"multi_class": "ovr"} if num_classes > 2 else {}
    areas = [
        metrics.roc_auc_score(
            labels, each if num_classes > 2 else each[:, 1], **several
        )
        for each in found.probabilities
    ]
    return {
        name: make_probe(
            100 * np.asarray(values, float),
            probe=f"{name} of logistic regression",
            unit="percent",
            optimizer=f"adam({learning_rate})",
            num_steps=num_steps,
            num_train=len(train.labels),
            num_validation=len(validation.labels),
            num_test=len(test.labels),
            num_features=train.features.shape[1],
        )
        for name, values in (
            ("macro_f1", found.macro_f1),
            ("micro_f1", found.micro_f1),
            ("auc", areas),
        )
    }


def _check_classes(**sets: LabeledData) -> int:
    """The number of classes; ValueError if a set lacks one or is not finite."""
    seen = {name: set(np.unique(part.labels).tolist()) for name, part in sets.items()}
    num_classes = max(map(max, seen.values())) + 1
    for name, part in sets.items():
        if min(seen[name]) < 0:
            raise ValueError(
                f"{name} labels must not be negative, got {min(seen[name])}"
            )
        check_finite_rows(**{f"{name} features": part.features})
        missing = set(range(num_classes)) - seen[name]
        if missing:
            raise ValueError(
                f"{name} labels must have every class below {num_classes}, missing "
                f"{min(missing)}"
            )
    return num_classes


class _Scores(NamedTuple):
    macro_f1: Array
    micro_f1: Array
    probabilities: Array


@dataclasses.dataclass(frozen=True)
class _Run:
    """One model, for a sweep; equal settings share one compiled program."""

    num_classes: int
    num_steps: int

    def __call__(
        self,
        key: Array,
        train: LabeledData,
        validation: LabeledData,
        test: LabeledData,
        learning_rate: Array,
    ) -> _Scores:
        optimizer = optax.adam(learning_rate)
        params = self._init(key, train.features)

        def loss(params: Any) -> Array:
            return jnp.mean(
                optax.softmax_cross_entropy_with_integer_labels(
                    _log_odds(params, train.features), train.labels
                )
            )

        def step(carry, _):
            params, state = carry
            updates, state = optimizer.update(jax.grad(loss)(params), state)
            params = optax.apply_updates(params, updates)
            return (params, state), (params, self._scores(params, validation))

        start = (params, optimizer.init(params))
        _, (history, (macro, micro)) = jax.lax.scan(step, start, length=self.num_steps)
        by_macro, by_micro = (
            jax.tree.map(operator.itemgetter(jnp.argmax(scores)), history)
            for scores in (macro, micro)
        )
        return _Scores(
            self._scores(by_macro, test)[0],
            self._scores(by_micro, test)[1],
            jax.nn.softmax(_log_odds(by_micro, test.features)),
        )

    def _init(self, key: Array, features: Array) -> tuple[Array, Array]:
        """Weights and biases, by Glorot's uniform initialization."""
        width, dtype = features.shape[1], features.dtype
        limit = (6 / (width + self.num_classes)) ** 0.5
        shape = (width, self.num_classes)
        weights = jax.random.uniform(key, shape, dtype, -limit, limit)
        return weights, jnp.zeros(self.num_classes, dtype)

    def _scores(self, params: Any, data: LabeledData) -> tuple[Array, Array]:
        predicted = jnp.argmax(_log_odds(params, data.features), axis=1)
        return f1_scores(predicted, data.labels, num_classes=self.num_classes)


def _log_odds(params: Any, features: Array) -> Float[Array, "n k"]:
    weights, biases = params
    return features @ weights + biases[None]
