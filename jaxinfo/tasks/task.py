"""The kinds of tasks: distributions to sample from, with exact answers in nats."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import jax.numpy as jnp

from jaxinfo.core.display import short_repr
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.divergences import FDivergence

__all__ = [
    "ConditionalTask",
    "DivergenceTask",
    "SeriesTask",
    "Task",
    "monte_carlo_information",
]

Pointwise = Callable[..., Array]


@dataclass(frozen=True)
class Task:
    """A joint distribution of x and y with known mutual information.

    Attributes:
        name: unique within a suite. Benchmarks derive the seeds of samples from it.
        sample: `sample(key, n) -> (x [N, *shape_x], y [N, *shape_y])`; n is static. A
            discrete variable is an array of integers.
        mi: the mutual information in nats.
        pmi: pointwise mutual information, `pmi(x, y) -> [N]`: log p(x, y) / (p(x) p(y))
            in nats, -inf where the joint distribution has no mass; None if there is no
            such density.
        shape_x: shape of one x.
        shape_y: shape of one y.
        mi_se: standard error of `mi`; 0 if `mi` is exact.
        discrete_x: whether x takes integer values.
        discrete_y: whether y takes integer values.

    Notes:
        Tasks hold functions, so a task equals only itself. Reuse one task instead of
        making it again if it is a static argument of `jax.jit`.
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

    __repr__ = short_repr

    @property
    def dim_x(self) -> int:
        """Number of values in one x."""
        return prod(self.shape_x)

    @property
    def dim_y(self) -> int:
        """Number of values in one y."""
        return prod(self.shape_y)


@dataclass(frozen=True)
class ConditionalTask:
    """A joint distribution of x, y and z with known I(X; Y | Z).

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (x [N, *shape_x], y [N, *shape_y], z [N, *shape_z])`.
        cmi: conditional mutual information I(X; Y | Z) in nats.
        mi: I(X; Y) in nats.
        pcmi: pointwise conditional mutual information, `pcmi(x, y, z) -> [N]`:
            log p(x, y | z) / (p(x | z) p(y | z)) in nats.
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

    __repr__ = short_repr


@dataclass(frozen=True)
class SeriesTask:
    """Two stationary time series with known transfer entropies.

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (x [N, 1], y [N, 1])`, rows in time order.
        lag: number of steps by which x leads y.
        windows: the conditional task of x_(t-lag), y_t and y_(t-1). Its rows are
            consecutive windows of one series, so they depend on each other.
        reverse_transfer_entropy: I(X_t; Y_(t-lag) | X_(t-1)) in nats.
    """

    name: str
    sample: Callable[[Key[Array, ""], int], tuple[Array, Array]]
    lag: int
    windows: ConditionalTask
    reverse_transfer_entropy: float = 0.0

    __repr__ = short_repr

    @property
    def transfer_entropy(self) -> float:
        """I(Y_t; X_(t-lag) | Y_(t-1)) in nats."""
        return self.windows.cmi


@dataclass(frozen=True)
class DivergenceTask:
    """Two distributions P and Q with known f-divergences.

    Attributes:
        name: unique within a suite.
        sample: `sample(key, n) -> (p [N, D], q [N, D])`, independent of each other.
        exact: `exact(divergence) -> float` in nats, for an `FDivergence`; inf if the
            divergence is infinite. Raises ValueError if neither a closed form nor an
            integral is known.
        log_ratio: `log_ratio(x) -> [N]`, log p(x) / q(x) in nats.
        dim: D.
        discrete: whether the samples are integers.
    """

    name: str
    sample: Callable[[Key[Array, ""], int], tuple[Array, Array]]
    exact: Callable[[FDivergence], float]
    log_ratio: Pointwise
    dim: int
    discrete: bool = False

    __repr__ = short_repr


def monte_carlo_information(
    key: Key[Array, ""], task: Task, *, num_samples: int = 1_000_000
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Monte Carlo estimate of a task's mutual information, in nats.

    mean_i pmi(x_i, y_i), with standard error sd / sqrt(N).

    Args:
        key: a typed key.
        task: a task with a `pmi`.
        num_samples: N.

    Returns:
        The estimate of the mutual information and its standard error.

    Raises:
        ValueError: if the task has no `pmi`.

    Example:
        >>> import jax
        >>> from jaxinfo.tasks import normal
        >>> key, task = jax.random.key(0), normal(0.75)
        >>> mean, error = monte_carlo_information(key, task, num_samples=10_000)
        >>> abs(mean - task.mi).item() < 4 * error.item()
        True
    """
    if task.pmi is None:
        raise ValueError(f"task must have a pmi; that of {task.name} is None")
    values = task.pmi(*task.sample(key, num_samples))
    return jnp.mean(values), jnp.std(values) / num_samples**0.5
