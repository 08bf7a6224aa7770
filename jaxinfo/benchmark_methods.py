"""What can be asked of a task: the quantities that are known, the names of methods.

A method is a name. What it means, and of which quantities, depends on the kind of task:
a row of `_KINDS`.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from jaxinfo import estimation
from jaxinfo.core.checks import check_one_of
from jaxinfo.divergences import DIVERGENCES, KL
from jaxinfo.estimation.variational.registry import DIVERGENCE_BOUNDS
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.tasks import ConditionalTask, DivergenceTask, Task

__all__ = ["AnyTask", "Quantity", "choose_methods", "quantities"]

AnyTask = Task | ConditionalTask | DivergenceTask
Estimator = Callable[..., Estimate]

USUAL_METHODS = ("default", "gaussian_copula", "ksg1")


class Quantity(NamedTuple):
    """A number of a task that is known, and the methods that estimate it.

    Attributes:
        name: of the task, and of the member where it is a divergence.
        truth: nats.
        estimators: by method, `estimator(key, *sample, **settings) -> Estimate`.
    """

    name: str
    truth: float
    estimators: dict[str, Estimator]


class _Kind(NamedTuple):
    """What a kind of task can be asked: names of methods, and its quantities."""

    methods: Callable[[], Sequence[str]]
    quantities: Callable[[Any], Iterator[Quantity]]


def _information_methods() -> list[str]:
    names = estimation.information_bound_names(), estimation.classical_method_names()
    return ["default", *names[0], *names[1]]


def _information(task: Task) -> Iterator[Quantity]:
    trained = estimation.estimate_mutual_information
    bounds = estimation.information_bound_names()
    estimators: dict[str, Estimator] = {"default": trained}
    for method in estimation.classical_method_names():
        estimators[method] = functools.partial(_estimate_classical, method)
    for bound in bounds:
        estimators[bound] = functools.partial(trained, bound=bound)
    yield Quantity(task.name, float(task.mi), estimators)


def _estimate_classical(
    method: str, key: Any, x: Any, y: Any, **of_training: Any
) -> Estimate:
    del key, of_training
    return estimation.estimate_classical(x, y, method=method)


def _divergence_methods() -> list[str]:
    return ["default", "f_divergence", *PAIRS]


def _divergences(task: DivergenceTask) -> Iterator[Quantity]:
    """Every member whose divergence is known and finite."""
    for name, member in DIVERGENCES.items():
        try:
            truth = task.exact(member)
        except ValueError:  # No closed form.
            continue
        if not math.isfinite(truth):
            continue
        estimator = functools.partial(estimation.estimate_divergence, divergence=member)
        bounds = ["f_divergence", *(PAIRS if member == KL else ())]
        estimators: dict[str, Estimator] = {"default": estimator}
        for bound in bounds:
            estimators[bound] = functools.partial(estimator, bound=bound)
        yield Quantity(f"{task.name} {name}", float(truth), estimators)


def _conditional_methods() -> list[str]:
    return ["default"]


def _conditional(task: ConditionalTask) -> Iterator[Quantity]:
    estimator = estimation.estimate_conditional_mutual_information
    yield Quantity(task.name, float(task.cmi), {"default": estimator})


_KINDS: dict[type, _Kind] = {
    Task: _Kind(_information_methods, _information),
    DivergenceTask: _Kind(_divergence_methods, _divergences),
    ConditionalTask: _Kind(_conditional_methods, _conditional),
}


def quantities(task: AnyTask) -> Iterator[Quantity]:
    """What is known of a task, each with the methods that estimate it.

    Args:
        task: the task.

    Returns:
        Its information, or its divergence for every member of the f-family whose truth
        is known and finite.
    """
    return _KINDS[type(task)].quantities(task)


def choose_methods(
    tasks: Sequence[AnyTask], *, methods: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The methods to run on these tasks.

    Args:
        tasks: the tasks.
        methods: names: "default" for the estimator with nothing else said, a bound's or
            a classical method's; None for those of "default", "gaussian_copula" and "ksg1" that
            the tasks can be asked.

    Returns:
        The names, each once.

    Raises:
        ValueError: where a name is unknown for one of the tasks, none is given, or a
            kind of task is not supported.
    """
    known = [_KINDS[kind].methods() for kind in dict.fromkeys(map(type, tasks))]
    if methods is None:
        return tuple(m for m in USUAL_METHODS if all(m in names for names in known))
    if not methods:
        raise ValueError("methods must name at least one")
    for names in known:
        for method in methods:
            check_one_of(names, method=method)
    return tuple(dict.fromkeys(methods))
