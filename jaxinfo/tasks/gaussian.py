"""Tasks of Gaussian vectors."""

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
from jaxinfo.tasks.task import Task

__all__ = [
    "normal",
    "normal_cov",
    "normal_dense",
    "normal_pairs",
    "normal_target",
]


def normal_cov(covariance: ArrayLike, *, dim_x: int, name: str = "multinormal") -> Task:
    """Makes a task of a centered Gaussian (x, y) with the given covariance.

    pmi(x, y) = I + (x' Cx^-1 x + y' Cy^-1 y - (x, y)' C^-1 (x, y)) / 2.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.5.

    Args:
        covariance: positive definite covariance of (x, y), [D, D].
        dim_x: number of leading coordinates that form x, below D.
        name: name of the task.

    Returns:
        The task.

    Raises:
        ValueError: if covariance is not positive definite, or dim_x does not lie in
            [1, D).
    """
    root, root_x, root_y = roots_of_parts(covariance, dim_x)
    size, mi = len(root), gaussian_information(root, root_x, root_y)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        rows = matrix_product(jax.random.normal(key, (n, size)), root)
        return rows[:, :dim_x], rows[:, dim_x:]

    def pmi(x: Array, y: Array) -> Array:
        joint = squared_length(jnp.concatenate([x, y], axis=-1), root)
        return mi + (squared_length(x, root_x) + squared_length(y, root_y) - joint) / 2

    return Task(name, sample, mi, pmi, (dim_x,), (size - dim_x,))


def normal(rho: float) -> Task:
    """Makes a task of two standard normal variables with correlation rho.

    I = -ln(1 - rho^2) / 2 nats.

    Args:
        rho: correlation, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: if rho lies outside (-1, 1).

    Example:
        >>> round(normal(0.75).mi, 5)
        0.41334
    """
    check_finite_number(-1.0, 1.0, rho=rho)
    return normal_cov([[1, rho], [rho, 1]], dim_x=1, name=f"1v1-normal-{rho}")


def normal_dense(dim: int, rho: float) -> Task:
    """Makes a task of standard normal vectors with equal correlations.

    Args:
        dim: number of coordinates of x, and of y.
        rho: correlation of any two coordinates, in (-1 / (2 dim - 1), 1).

    Returns:
        The task.

    Raises:
        ValueError: if dim is not a positive integer or rho is out of range.
    """
    check_positive(dim=dim)
    check_finite_number(-1 / (2 * dim - 1), 1.0, rho=rho)
    covariance = np.full((2 * dim, 2 * dim), rho)
    np.fill_diagonal(covariance, 1)
    name = f"multinormal-dense-{dim}-{dim}-{rho}"
    return normal_cov(covariance, dim_x=dim, name=name)


def normal_pairs(dim: int, num_pairs: int, rho: float) -> Task:
    """Makes a task of standard normal x and y; only the first pairs are correlated.

    x_i and y_i have correlation rho for i < num_pairs, so
    I = -num_pairs ln(1 - rho^2) / 2 nats.

    Args:
        dim: number of coordinates of x, and of y.
        num_pairs: number of correlated pairs, at most dim.
        rho: their correlation, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: if a count is not a positive integer, num_pairs exceeds dim, or rho
            lies outside (-1, 1).

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
    """Makes a task of Gaussian vectors with the given mutual information.

    The correlations of min(dim_x, dim_y) pairs of coordinates are
    rho_i = sqrt(1 - exp(-2 I_i)), with sum_i I_i = mi.

    Args:
        mi: mutual information in nats, at least 0.
        dim_x: number of coordinates of x.
        dim_y: number of coordinates of y.
        spread: "equal" for equal I_i, "random" for shares I_i / mi uniform on the
            simplex.
        rotate: whether a random rotation is applied to x, and another one to y.
        seed: seed of the spread and the rotations, which are fixed parts of the task.

    Returns:
        The task.

    Raises:
        ValueError: if mi is negative or not finite, a dimension is not a positive
            integer, or spread is unknown.
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
        rotation = np.eye(dim_x + dim_y)
        rotation[:dim_x, :dim_x] = random_rotation(rng, dim_x)
        rotation[dim_x:, dim_x:] = random_rotation(rng, dim_y)
        covariance = rotation @ covariance @ rotation.T
    name = f"normal-{dim_x}-{dim_y}-{mi}"
    name += f"-{spread}" * (spread != "equal") + "-rotated" * rotate
    name += f"-seed{seed}" * (seed != 0)
    return normal_cov(covariance, dim_x=dim_x, name=name)
