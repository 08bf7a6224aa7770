"""Judges of codes of nodes: logistic regression from few labels, many restarts."""

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.core.checks import check_finite_number, check_finite_rows, check_positive
from jaxinfo.core.types import Array, Float, Int, Key
from jaxinfo.infomax.probes import LabeledData, Probe, check_labeled, make_probe
from jaxinfo.training import sweep

__all__ = ["f1_scores", "node_probe"]


def f1_scores(
    predicted: Int[Array, " n"], labels: Int[Array, " n"], *, num_classes: int
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Macro-F1 and Micro-F1 of predicted classes.

    Args:
        predicted: classes from 0, [N].
        labels: the true ones, [N].
        num_classes: K.

    Returns:
        The mean over classes of 2 TP / (2 TP + FP + FN), 0 of a class that neither
        has; and the same of the sums over classes, which is the accuracy.
    """
    classes = jnp.arange(num_classes)[:, None]
    metrics, true = predicted == classes, labels == classes
    hits = jnp.sum(metrics & true, axis=1)
    sizes = jnp.sum(metrics, axis=1) + jnp.sum(true, axis=1)
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
    """Logistic regression of frozen codes, judged where it was best on validation.

    Source: Wang et al., KDD 2021, section 4.2 and the authors' code.

    Args:
        key: random key.
        train: the few labeled nodes to learn from.
        validation: nodes that choose the update.
        test: what it is judged by.
        learning_rate: of Adam on all of `train` at a time.
        num_steps: updates.
        num_seeds: restarts, all in one program.

    Returns:
        "macro_f1" of the test nodes at the update of the best Macro-F1 on validation;
        "micro_f1" and "auc", one class against the rest and the mean over classes, at
        that of the best Micro-F1; in percent, each a `Probe`.

    Raises:
        ValueError: where sets do not fit each other, or a class is missing in one.
    """
    check_positive(num_steps=num_steps, num_seeds=num_seeds)
    check_finite_number(0.0, learning_rate=learning_rate)
    train, validation, test = check_labeled(
        train=train, validation=validation, test=test
    )
    num_classes = _check_classes(train=train, validation=validation, test=test)
    run = _make_run(num_classes, num_steps)
    found: _Found = sweep(
        run, jax.random.split(key, num_seeds), train, validation, test, learning_rate
    )
    found = jax.device_get(found)
    from sklearn.metrics import roc_auc_score

    truth = np.asarray(test.labels)
    kind = {"multi_class": "ovr"} if num_classes > 2 else {}
    areas = [
        roc_auc_score(truth, shares if num_classes > 2 else shares[:, 1], **kind)
        for shares in found.shares
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
    """How many classes there are; ValueError where a set lacks one or is not finite."""
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
                f"{name} labels must have every class below {num_classes}, lack "
                f"{min(missing)}"
            )
    return num_classes


class _Found(NamedTuple):
    macro_f1: Array
    micro_f1: Array
    shares: Array


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=64)
def _make_run(num_classes: int, num_steps: int) -> Callable[..., _Found]:
    def run(
        key: Array,
        train: LabeledData,
        validation: LabeledData,
        test: LabeledData,
        learning_rate: Array,
    ) -> _Found:
        width = train.features.shape[1]
        limit = (6 / (width + num_classes)) ** 0.5
        dtype = train.features.dtype
        weights = jax.random.uniform(key, (width, num_classes), dtype, -limit, limit)
        params = (weights, jnp.zeros(num_classes, dtype))
        optimizer = optax.adam(learning_rate)

        def loss(params: Any) -> Array:
            return jnp.mean(
                optax.softmax_cross_entropy_with_integer_labels(
                    _log_odds(params, train.features), train.labels
                )
            )

        def judge(params: Any, part: LabeledData) -> tuple[Array, Array]:
            predicted = jnp.argmax(_log_odds(params, part.features), axis=1)
            return f1_scores(predicted, part.labels, num_classes=num_classes)

        def step(carry, _):
            params, state = carry
            updates, state = optimizer.update(jax.grad(loss)(params), state)
            params = optax.apply_updates(params, updates)
            return (params, state), (params, judge(params, validation))

        start = (params, optimizer.init(params))
        _, (seen, (macro, micro)) = jax.lax.scan(step, start, length=num_steps)
        by_macro, by_micro = (
            jax.tree.map(operator.itemgetter(jnp.argmax(scores)), seen)
            for scores in (macro, micro)
        )
        return _Found(
            judge(by_macro, test)[0],
            judge(by_micro, test)[1],
            jax.nn.softmax(_log_odds(by_micro, test.features)),
        )

    return run


def _log_odds(params: Any, features: Array) -> Array:
    return features @ params[0] + params[1]
