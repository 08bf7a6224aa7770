"""The known quantities of a task, and the estimators that apply to each of them."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jaxinfo import estimation
from jaxinfo.core.checks import check_one_of
from jaxinfo.divergences import DIVERGENCES, KL
from jaxinfo.estimation.bounds import PAIRS
from jaxinfo.estimation.report import Estimate
from jaxinfo.tasks import ConditionalTask, DivergenceTask, Task

__all__ = ["AnyTask", "Estimator", "Quantity", "choose_estimators", "quantities"]

AnyTask = Task | ConditionalTask | DivergenceTask
Estimator = Callable[..., Estimate]

USUAL_ESTIMATORS = ("default", "gaussian_copula", "ksg1")


class Quantity(NamedTuple):
    """A quantity of a task whose exact value is known.

    Attributes:
        name: name of the task, followed by the name of the divergence if it is one.
        truth: the exact value, nats.
        named: the estimators that apply to it, by name; each is called as
            `estimator(key, *sample, **settings)`.
        arguments: keyword arguments of estimators that are given as objects.
    """

    name: str
    truth: float
    named: dict[str, Estimator]
    arguments: dict[str, Any]

    def estimator(
        self, estimator: str | Estimator, settings: dict[str, Any]
    ) -> Estimator | None:
        """Finds an estimator of this quantity.

        Args:
            estimator: a name, or an object that is called as
                `estimator(key, *sample, **arguments)`.
            settings: keyword arguments of estimators that are given by name.

        Returns:
            A function `(key, *sample) -> Estimate`; None if a named estimator does not
            apply to this quantity.
        """
        if not isinstance(estimator, str):
            return functools.partial(estimator, **self.arguments)
        found = self.named.get(estimator)
        return None if found is None else functools.partial(found, **settings)


# One pair of functions for each type of task ------------------------------------------


def _information_names() -> list[str]:
    bounds, classical = (
        estimation.information_bound_names(),
        estimation.classical_method_names(),
    )
    return ["default", *bounds, *classical]


def _information(task: Task) -> Iterator[Quantity]:
    named: dict[str, Estimator] = {"default": estimation.estimate_mutual_information}
    for method in estimation.classical_method_names():
        named[method] = functools.partial(_estimate_classical, method)
    for bound in estimation.information_bound_names():
        named[bound] = functools.partial(
            estimation.estimate_mutual_information, bound=bound
        )
    yield Quantity(task.name, float(task.mi), named, {})


def _estimate_classical(
    method: str, key: Any, x: Any, y: Any, **training: Any
) -> Estimate:
    del key, training
    return estimation.estimate_classical(x, y, method=method)


def _divergence_names() -> list[str]:
    return ["default", "f_divergence", *PAIRS]


def _divergences(task: DivergenceTask) -> Iterator[Quantity]:
    for name, divergence in DIVERGENCES.items():
        try:
            truth = task.exact(divergence)
        except ValueError:  # It has no closed form.
            continue
        if not math.isfinite(truth):
            continue
        default = functools.partial(
            estimation.estimate_divergence, divergence=divergence
        )
        named: dict[str, Estimator] = {"default": default}
        for bound in ["f_divergence", *(PAIRS if divergence == KL else ())]:
            named[bound] = functools.partial(default, bound=bound)
        yield Quantity(
            f"{task.name} {name}", float(truth), named, {"divergence": divergence}
        )


def _conditional_names() -> list[str]:
    return ["default"]


def _conditional(task: ConditionalTask) -> Iterator[Quantity]:
    default = estimation.estimate_conditional_mutual_information
    yield Quantity(task.name, float(task.cmi), {"default": default}, {})


class _TaskType(NamedTuple):
    names: Callable[[], Sequence[str]]
    quantities: Callable[[Any], Iterator[Quantity]]


_TASK_TYPES: dict[type, _TaskType] = {
    Task: _TaskType(_information_names, _information),
    DivergenceTask: _TaskType(_divergence_names, _divergences),
    ConditionalTask: _TaskType(_conditional_names, _conditional),
}


def quantities(task: AnyTask) -> Iterator[Quantity]:
    """Lists the quantities of a task whose exact values are known.

    Args:
        task: the task.

    Returns:
        The mutual information, the conditional mutual information, or each divergence
        of the f-family whose exact value is known and finite.
    """
    return _TASK_TYPES[type(task)].quantities(task)


def choose_estimators(
    tasks: Sequence[AnyTask],
    *,
    estimators: Sequence[str | Estimator] | Mapping[str, Estimator] | None = None,
) -> dict[str, str | Estimator]:
    """Checks the estimators of a benchmark and gives each a name.

    Args:
        tasks: the tasks.
        estimators: names of estimators, or estimators as objects, or a mapping from
            names to objects. "default" is the default estimator of each type of task;
            the other names are those of bounds and of classical estimators. None
            chooses "default", "gaussian_copula" and "ksg1", where they apply.

    Returns:
        The estimators by name. An object that is not in a mapping is named by its
        `name` or `__name__`, or else by its type.

    Raises:
        ValueError: if there are no estimators, a name does not apply to one of the
            tasks, or two estimators have the same name.
    """
    known = [_TASK_TYPES[kind].names() for kind in dict.fromkeys(map(type, tasks))]
    if estimators is None:
        usual = (e for e in USUAL_ESTIMATORS if all(e in names for names in known))
        return {name: name for name in usual}
    if not estimators:
        raise ValueError("estimators must hold at least one")
    if isinstance(estimators, str):
        raise ValueError(f"estimators must be a list, got the name {estimators!r}")
    if isinstance(estimators, Mapping):
        pairs = list(estimators.items())
    else:
        pairs = [(_name_of(e), e) for e in dict.fromkeys(estimators)]
    chosen: dict[str, str | Estimator] = {}
    for name, estimator in pairs:
        if isinstance(estimator, str):
            for names in known:
                check_one_of(names, estimator=estimator)
        elif not callable(estimator):
            raise ValueError(
                f"estimators must be names or callables, got {type(estimator).__name__}"
            )
        if name in chosen:
            raise ValueError(
                f"two estimators are named {name!r}; pass a mapping from names to "
                "estimators"
            )
        chosen[name] = estimator
    return chosen


def _name_of(estimator: str | Estimator) -> str:
    if isinstance(estimator, str):
        return estimator
    for attribute in ("name", "__name__"):
        name = getattr(estimator, attribute, None)
        if isinstance(name, str):
            return name
    return type(estimator).__name__
