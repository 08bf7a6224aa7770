"""The staircase benchmark: Gaussian tasks of increasing mutual information."""

from jaxinfo.tasks.gaussian import normal_target
from jaxinfo.tasks.maps import CUBE
from jaxinfo.tasks.task import Task
from jaxinfo.tasks.transforms import transformed

__all__ = ["staircase"]


def staircase(
    levels: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0),
    *,
    dim: int = 20,
    cubic: bool = False,
) -> tuple[Task, ...]:
    """Makes one Gaussian task for each level of mutual information.

    Source: Poole et al., "On variational bounds of mutual information", ICML 2019;
        Song and Ermon, "Understanding the limitations of variational mutual information
        estimators", ICLR 2020.

    Args:
        levels: mutual information of each task, in nats.
        dim: number of coordinates of x, and of y.
        cubic: whether each coordinate of y is cubed.

    Returns:
        The tasks, in the order of the levels.

    Raises:
        ValueError: if a level is negative or not finite, or dim is not a positive
            integer.
    """
    tasks = tuple(normal_target(mi, dim, dim) for mi in levels)
    if cubic:
        return tuple(transformed(task, name="cubic_y", map_y=CUBE) for task in tasks)
    return tasks
