"""What a task is: laws that can be sampled and whose truth is known, in nats."""

import functools
import inspect
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import prod
from typing import Any, ParamSpec, TypeVar

import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array, Float, Key
from jaxinfo.divergences import FDivergence

__all__ = [
    "ConditionalTask",
    "DivergenceTask",
    "SeriesTask",
    "Task",
    "by_value",
    "monte_carlo_information",
]

Pointwise = Callable[..., Array]


@dataclass(frozen=True)
class Task:
    """A joint law of x and y whose mutual information is known.

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (x [N, *shape_x], y [N, *shape_y])`; n is static. A
            discrete variable is an array of integers.
        mi: the mutual information in nats.
        pmi: `pmi(x, y) -> [N]`, log p(x, y) / (p(x) p(y)) in nats; -inf where the
            joint law has no mass. None where there is no such density.
        shape_x: shape of one x.
        shape_y: shape of one y.
        mi_se: standard error of `mi`; 0 where it is exact.
        discrete_x: whether x takes integer values.
        discrete_y: whether y takes integer values.
    """

    name: str
    sample: Callable[[Key[Array, ""], int], tuple[Array, Array]]
    mi: float
    pmi: Pointwise | None
    shape_x: tuple[int, ...]
    shape_y: tuple[int, ...]
    mi_se: float = 0.0
    discrete_x: bool = False
    discrete_y: bool = False

    @property
    def dim_x(self) -> int:
        """How many numbers one x holds."""
        return prod(self.shape_x)

    @property
    def dim_y(self) -> int:
        """How many numbers one y holds."""
        return prod(self.shape_y)


@dataclass(frozen=True)
class ConditionalTask:
    """A joint law of x, y and z whose conditional information I(X; Y | Z) is known.

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (x [N, *shape_x], y [N, *shape_y], z [N, *shape_z])`.
        cmi: I(X; Y | Z) in nats.
        mi: I(X; Y) in nats.
        pcmi: `pcmi(x, y, z) -> [N]`, log p(x, y | z) / (p(x | z) p(y | z)) in nats.
        shape_x: shape of one x.
        shape_y: shape of one y.
        shape_z: shape of one z.
        discrete: whether x, y and z take integer values.
    """

    name: str
    sample: Callable[[Key[Array, ""], int], tuple[Array, Array, Array]]
    cmi: float
    mi: float
    pcmi: Pointwise
    shape_x: tuple[int, ...]
    shape_y: tuple[int, ...]
    shape_z: tuple[int, ...]
    discrete: bool = False

    @property
    def dim_x(self) -> int:
        """How many numbers one x holds."""
        return prod(self.shape_x)

    @property
    def dim_y(self) -> int:
        """How many numbers one y holds."""
        return prod(self.shape_y)

    @property
    def dim_z(self) -> int:
        """How many numbers one z holds."""
        return prod(self.shape_z)


@dataclass(frozen=True)
class SeriesTask:
    """Two stationary series whose transfer entropies are known.

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (x [N, 1], y [N, 1])`, rows in the order of time.
        lag: how many steps x leads y.
        windows: the conditional task of x_(t-lag), y_t and y_(t-1). Its rows are
            consecutive windows of one series, and so depend on each other.
        reverse_transfer_entropy: I(X_t; Y_(t-lag) | X_(t-1)) in nats.
    """

    name: str
    sample: Callable[[Key[Array, ""], int], tuple[Array, Array]]
    lag: int
    windows: ConditionalTask
    reverse_transfer_entropy: float = 0.0

    @property
    def transfer_entropy(self) -> float:
        """I(Y_t; X_(t-lag) | Y_(t-1)) in nats."""
        return self.windows.cmi

    @property
    def mi(self) -> float:
        """I(Y_t; X_(t-lag)) in nats."""
        return self.windows.mi


@dataclass(frozen=True)
class DivergenceTask:
    """Two laws P and Q whose divergences are known.

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (p [N, D], q [N, D])`, independent of each other.
        exact: `exact(divergence) -> float` in nats, for a member of the f-family; inf
            where it is infinite. ValueError where no closed form or integral is known.
        log_ratio: `log_ratio(x) -> [N]`, log p(x) / q(x) in nats.
        dim: D.
        discrete: whether both take integer values.
    """

    name: str
    sample: Callable[[Key[Array, ""], int], tuple[Array, Array]]
    exact: Callable[[FDivergence], float]
    log_ratio: Pointwise
    dim: int
    discrete: bool = False


Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")


def by_value(maker: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Lets a maker give the same value for equal parameters, which does not retrace.

    Args:
        maker: a function of numbers, strings, arrays and hashable values.

    Returns:
        The maker, which remembers what it made.
    """
    signature = inspect.signature(maker)
    made: dict[Hashable, Made] = {}

    @functools.wraps(maker)
    def remembered(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        parameters = _freeze(tuple(bound.arguments.items()))
        if parameters not in made:
            made[parameters] = maker(*args, **kwargs)
        return made[parameters]

    return remembered


def _freeze(value: Any) -> Hashable:
    """Arrays and lists become nested tuples; 1 and 1.0 and True stay apart."""
    if hasattr(value, "tolist"):
        value = np.asarray(value).tolist()
    if isinstance(value, list | tuple):
        return tuple(_freeze(part) for part in value)
    return type(value), value


def monte_carlo_information(
    key: Key[Array, ""], task: Task, *, num_samples: int = 1_000_000
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean and standard error of the pointwise information on samples, nats.

    mean_i pmi(x_i, y_i), and sd / sqrt(N).

    Args:
        key: a typed key.
        task: a task with a density.
        num_samples: N.

    Returns:
        The estimate of the mutual information and its standard error.

    Raises:
        ValueError: where the task has no density.

    Example:
        >>> import jax
        >>> from jaxinfo.tasks import normal
        >>> key, task = jax.random.key(0), normal(0.75)
        >>> mean, error = monte_carlo_information(key, task, num_samples=10_000)
        >>> abs(mean - task.mi).item() < 4 * error.item()
        True
    """
    if task.pmi is None:
        raise ValueError(f"task {task.name} has no density")
    values = task.pmi(*task.sample(key, num_samples))
    return jnp.mean(values), jnp.std(values) / num_samples**0.5
