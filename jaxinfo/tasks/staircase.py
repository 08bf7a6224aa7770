"""The staircase: Gaussian pairs whose information rises level by level."""

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.tasks.gaussian import normal_target
from jaxinfo.tasks.task import Task
from jaxinfo.tasks.transforms import CUBE, transformed

__all__ = ["sample_normal_pairs", "staircase"]


def sample_normal_pairs(
    key: Key[Array, ""], n: int, *, mi: float | Float[Array, ""], dim: int
) -> tuple[Float[Array, "n dim"], Float[Array, "n dim"]]:
    """Rows of `staircase` tasks for an information that may be traced.

    y = rho x + sqrt(1 - rho^2) noise with 1 - rho^2 = exp(-2 mi / dim).

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019.

    Args:
        key: a typed key.
        n: N.
        mi: nats; may be traced, as the level of a scan over a schedule.
        dim: coordinates of x, and of y.

    Returns:
        x and y, each [N, dim].

    Raises:
        ValueError: where n or dim is no positive whole number.

    Example:
        >>> levels = jnp.repeat(jnp.array([2.0, 4.0]), 3)
        >>> keys = jax.random.split(jax.random.key(0), 6)
        >>> draw = lambda key, mi: sample_normal_pairs(key, 64, mi=mi, dim=20)
        >>> jax.vmap(draw)(keys, levels)[0].shape
        (6, 64, 20)
    """
    check_positive(n=n, dim=dim)
    unexplained = -2 * jnp.asarray(mi) / dim
    x, noise = jax.random.normal(key, (2, n, dim))
    y = jnp.sqrt(-jnp.expm1(unexplained)) * x + jnp.exp(unexplained / 2) * noise
    return x, y


def staircase(
    levels: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0),
    *,
    dim: int = 20,
    cubic: bool = False,
) -> tuple[Task, ...]:
    """Gaussian pairs of rising information, one task for each level.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019;
        Song and Ermon, "Understanding the limitations of variational mutual information
        estimators", ICLR 2020.

    Args:
        levels: nats.
        dim: coordinates of x, and of y.
        cubic: whether y is cubed, coordinate by coordinate.

    Returns:
        The tasks, in the order of the levels.

    Raises:
        ValueError: where a level or dim is out of range.

    Notes:
        For a scan over a schedule of levels see `sample_normal_pairs`.
    """
    tasks = tuple(normal_target(mi, dim, dim) for mi in levels)
    if cubic:
        return tuple(transformed(task, name="cubic_y", map_y=CUBE) for task in tasks)
    return tasks
