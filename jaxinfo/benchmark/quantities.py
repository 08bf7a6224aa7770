"""The known quantities of a task, and the estimators that apply to each of them."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jaxinfo.core.checks import check_one_of
from jaxinfo.divergences import DIVERGENCES, KL, FDivergence
from jaxinfo.estimation import (
    Estimate,
    TrainConfig,
    VariationalDivergence,
    estimate_conditional_mutual_information,
    estimator_names,
    find_estimator,
)
from jaxinfo.estimation.estimators import name_of
from jaxinfo.estimation.variational.registry import DIVERGENCE_BOUNDS
from jaxinfo.tasks import ConditionalTask, DivergenceTask, Task

__all__ = [
    "AnyEstimator",
    "AnyTask",
    "Quantity",
    "choose_estimators",
    "known_quantities",
    "with_training",
]

AnyTask = Task | ConditionalTask | DivergenceTask
# Called as (key, x, y), or as (key, samples_p, samples_q, divergence).
AnyEstimator = Callable[..., Estimate]

USUAL_ESTIMATORS = ("default", "gaussian_copula", "ksg1")


class Quantity(NamedTuple):
    """A quantity of a task whose exact value is known.

    Attributes:
        name: name of the task, followed by the name of the divergence if it is one.
        truth: the exact value, nats.
        prepare: `prepare(estimator, **training)` returns a function
            `(key, *sample) -> Estimate`, or None if the named estimator does not apply
            to this quantity. `training` changes the `TrainConfig` of named estimators.
    """

    name: str
    truth: float
    prepare: Callable[..., Callable[..., Estimate] | None]


def with_training(estimator: AnyEstimator, **changes: Any) -> AnyEstimator:
    """Returns a copy of an estimator with other settings of training.

    Args:
        estimator: the estimator. One without a `TrainConfig` is returned as it is.
        **changes: fields of `TrainConfig`, such as `num_seeds`.

    Returns:
        The estimator with these settings.

    Raises:
        ValueError: if a setting is invalid.

    Example:
        >>> with_training(find_estimator("mine"), num_seeds=3).train.num_seeds
        3
    """
    train = getattr(estimator, "train", None)
    if not changes or not isinstance(train, TrainConfig):
        return estimator
    changed: Any = estimator
    return dataclasses.replace(changed, train=dataclasses.replace(train, **changes))


# A list of names, and a function that lists quantities, for each type of task ---------


def _prepare_information(
    estimator: str | AnyEstimator, **training: Any
) -> AnyEstimator:
    if not isinstance(estimator, str):
        return estimator
    return with_training(find_estimator(estimator), **training)


def _information(task: Task) -> Iterator[Quantity]:
    yield Quantity(task.name, float(task.mi), _prepare_information)


def _prepare_conditional(
    estimator: str | AnyEstimator, **training: Any
) -> AnyEstimator:
    return functools.partial(
        estimate_conditional_mutual_information,
        estimator=_prepare_information(estimator, **training),
    )


def _conditional_information(task: ConditionalTask) -> Iterator[Quantity]:
    yield Quantity(task.name, float(task.cmi), _prepare_conditional)


def _divergence_names() -> tuple[str, ...]:
    return ("default", "f_divergence", *DIVERGENCE_BOUNDS)


def _prepare_divergence(
    divergence: FDivergence, estimator: str | AnyEstimator, **training: Any
) -> AnyEstimator | None:
    if isinstance(estimator, str):
        if estimator in DIVERGENCE_BOUNDS and divergence != KL:
            return None
        bound = None if estimator == "default" else estimator
        estimator = with_training(VariationalDivergence(bound), **training)
    return functools.partial(estimator, divergence=divergence)


def _divergences(task: DivergenceTask) -> Iterator[Quantity]:
    for name, divergence in DIVERGENCES.items():
        try:
            truth = task.exact(divergence)
        except ValueError:  # It has no closed form.
            continue
        if math.isfinite(truth):
            prepare = functools.partial(_prepare_divergence, divergence)
            yield Quantity(f"{task.name} {name}", float(truth), prepare)


class _TaskType(NamedTuple):
    names: Callable[[], Sequence[str]]
    quantities: Callable[[Any], Iterator[Quantity]]


_TASK_TYPES: dict[type, _TaskType] = {
    Task: _TaskType(estimator_names, _information),
    ConditionalTask: _TaskType(estimator_names, _conditional_information),
    DivergenceTask: _TaskType(_divergence_names, _divergences),
}


def known_quantities(task: AnyTask) -> Iterator[Quantity]:
    """Lists the quantities of a task whose exact values are known.

    Args:
        task: the task.

    Returns:
        The mutual information, the conditional mutual information, or each divergence
        of the f-family whose exact value is known and finite.
    """
    return _TASK_TYPES[type(task)].quantities(task)


def _check_tasks(tasks: Any) -> None:
    if isinstance(tasks, str):
        raise ValueError(
            f"tasks must be a list of tasks, got {tasks!r}: give "
            f"jaxinfo.tasks.suite({tasks!r})"
        )
    if isinstance(tasks, tuple(_TASK_TYPES)):
        raise ValueError("tasks must be a list of tasks, got one task: give [task]")
    for task in tasks:
        if type(task) not in _TASK_TYPES:
            raise ValueError(f"tasks must be a list of tasks, got {task!r} in it")


def choose_estimators(
    tasks: Sequence[AnyTask],
    *,
    estimators: Sequence[str | AnyEstimator]
    | Mapping[str, str | AnyEstimator]
    | None = None,
) -> dict[str, str | AnyEstimator]:
    """Checks the estimators of a benchmark and gives each a name.

    Args:
        tasks: the tasks.
        estimators: names, or estimators, or a mapping from names to either. "default"
            is the default estimator of each type of task. The other names are those of
            `jaxinfo.estimation.estimator_names()` for information, and "f_divergence",
            "donsker_varadhan", "mine", "nwj" and "smile" for divergences. None chooses
            "default", "gaussian_copula" and "ksg1", where they apply.

    Returns:
        The estimators by name. An object that is not in a mapping is named by its
        `name` or `__name__`, or else by its type.

    Raises:
        ValueError: if `tasks` is not a list of tasks, there are no estimators, a name
            does not apply to one of the tasks, an object is not callable, or two
            estimators have the same name.
    """
    _check_tasks(tasks)
    known = [_TASK_TYPES[kind].names() for kind in dict.fromkeys(map(type, tasks))]
    if estimators is None:
        usual = (e for e in USUAL_ESTIMATORS if all(e in names for names in known))
        return {name: name for name in usual}
    if isinstance(estimators, str):
        raise ValueError(f"estimators must be a list, got the name {estimators!r}")
    if not estimators:
        raise ValueError("estimators must hold at least one")
    if isinstance(estimators, Mapping):
        pairs = list(estimators.items())
    else:
        pairs = [(name_of(e), e) for e in dict.fromkeys(estimators)]
    chosen: dict[str, str | AnyEstimator] = {}
    for name, estimator in pairs:
        if isinstance(estimator, str):
            for names in known:
                check_one_of(names, estimator=estimator)
        elif isinstance(estimator, type):
            raise ValueError(
                "estimators must be names or instances, got the class: give "
                f"{estimator.__name__}()"
            )
        elif not callable(estimator):
            raise ValueError(
                f"estimators must be names or callables, got {estimator!r}"
            )
        if name in chosen:
            raise ValueError(
                f"two estimators are named {name!r}; pass a mapping from names to "
                "estimators"
            )
        chosen[name] = estimator
    return chosen
