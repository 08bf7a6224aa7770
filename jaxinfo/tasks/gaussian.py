"""Gaussian pairs of vectors."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxinfo.core.checks import check_finite_number, check_one_of, check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.linear import (
    gaussian_information,
    matrix_product,
    pairs_covariance,
    random_rotation,
    roots_of_parts,
    squared_length,
)
from jaxinfo.tasks.task import Task, by_value

__all__ = [
    "normal",
    "normal_cov",
    "normal_dense",
    "normal_pairs",
    "normal_target",
]


@by_value
def normal_cov(covariance: ArrayLike, *, dim_x: int, name: str = "multinormal") -> Task:
    """A centered Gaussian (x, y) of any covariance.

    pmi(x, y) = I + (x' Cx^-1 x + y' Cy^-1 y - (x, y)' C^-1 (x, y)) / 2.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.5.

    Args:
        covariance: of (x, y), positive definite, [D, D].
        dim_x: how many leading coordinates are x.
        name: of the task.

    Returns:
        The task.

    Raises:
        ValueError: where covariance is none, or dim_x leaves nothing to x or to y.
    """
    root, root_x, root_y = roots_of_parts(covariance, dim_x)
    size, mi = len(root), gaussian_information(covariance, dim_x)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        rows = matrix_product(jax.random.normal(key, (n, size)), root)
        return rows[:, :dim_x], rows[:, dim_x:]

    def pmi(x: Array, y: Array) -> Array:
        joint = squared_length(jnp.concatenate([x, y], axis=-1), root)
        return mi + (squared_length(x, root_x) + squared_length(y, root_y) - joint) / 2

    return Task(name, sample, mi, pmi, (dim_x,), (size - dim_x,))


def normal(rho: float) -> Task:
    """Two standard normal variables of correlation rho; I = -ln(1 - rho^2) / 2 nats.

    Args:
        rho: correlation, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: where rho is out of range.

    Example:
        >>> round(normal(0.75).mi, 5)
        0.41334
    """
    check_finite_number(-1.0, 1.0, rho=rho)
    return normal_cov([[1, rho], [rho, 1]], dim_x=1, name=f"1v1-normal-{rho}")


def normal_dense(dim: int, rho: float) -> Task:
    """Standard normal x and y, all of whose coordinates are correlated alike.

    Args:
        dim: coordinates of x, and of y.
        rho: correlation of any two coordinates, in (-1 / (2 dim - 1), 1).

    Returns:
        The task.

    Raises:
        ValueError: where dim is no positive whole number or rho is out of range.
    """
    check_positive(dim=dim)
    check_finite_number(-1 / (2 * dim - 1), 1.0, rho=rho)
    covariance = np.full((2 * dim, 2 * dim), rho)
    np.fill_diagonal(covariance, 1)
    name = f"multinormal-dense-{dim}-{dim}-{rho}"
    return normal_cov(covariance, dim_x=dim, name=name)


def normal_pairs(dim: int, num_pairs: int, rho: float) -> Task:
    """Standard normal x and y where only x_i and y_i, i < num_pairs, are correlated.

    I = -num_pairs ln(1 - rho^2) / 2 nats.

    Args:
        dim: coordinates of x, and of y.
        num_pairs: how many coordinates interact.
        rho: their correlation, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: where a count is no positive whole number, num_pairs exceeds dim or
            rho is out of range.

    Example:
        >>> round(normal_pairs(5, 2, 0.8).mi, 5)
        1.02165
    """
    check_positive(dim=dim, num_pairs=num_pairs)
    check_finite_number(-1.0, 1.0, rho=rho)
    if num_pairs > dim:
        raise ValueError(f"num_pairs must be at most dim = {dim}, got {num_pairs}")
    covariance, i = np.eye(2 * dim), np.arange(num_pairs)
    covariance[i, dim + i] = covariance[dim + i, i] = rho
    name = f"multinormal-pairs-{dim}-{num_pairs}-{rho}"
    return normal_cov(covariance, dim_x=dim, name=name)


def normal_target(
    mi: float,
    dim_x: int,
    dim_y: int,
    *,
    spread: str = "equal",
    rotate: bool = False,
    seed: int = 0,
) -> Task:
    """A Gaussian pair with the information asked for.

    min(dim_x, dim_y) pairs of coordinates with rho_i = sqrt(1 - exp(-2 I_i)) and
    sum_i I_i = mi.

    Args:
        mi: nats, at least 0.
        dim_x: coordinates of x.
        dim_y: coordinates of y.
        spread: "equal", or "random": I_i uniform on the simplex.
        rotate: whether x and y are each turned by a random rotation.
        seed: of the spread and the rotations, which are parts of the law.

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range.
    """
    check_positive(dim_x=dim_x, dim_y=dim_y)
    if not 0 <= mi < float("inf"):
        raise ValueError(f"mi must be in [0, inf) nats, got {mi}")
    check_one_of(["equal", "random"], spread=spread)
    rng, shares = np.random.default_rng(seed), mi
    if spread == "random":
        shares = mi * rng.dirichlet(np.ones(min(dim_x, dim_y)))
    covariance = pairs_covariance(shares, dim_x, dim_y)
    if rotate:
        turn = np.eye(dim_x + dim_y)
        turn[:dim_x, :dim_x] = random_rotation(rng, dim_x)
        turn[dim_x:, dim_x:] = random_rotation(rng, dim_y)
        covariance = turn @ covariance @ turn.T
    name = f"normal-{dim_x}-{dim_y}-{mi}"
    name += f"-{spread}" * (spread != "equal") + "-rotated" * rotate
    name += f"-seed{seed}" * (seed != 0)
    return normal_cov(covariance, dim_x=dim_x, name=name)
