"""Student's t pairs: heavy tails, and information without correlation."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.linear import (
    gaussian_information,
    log_det_of,
    matrix_product,
    pairs_covariance,
    roots_of_parts,
    squared_length,
)
from jaxinfo.tasks.task import Task, by_value

__all__ = ["digamma", "student", "student_floor", "student_target"]


def digamma(x: float) -> float:
    """The derivative of ln Gamma at x > 0, in float64."""
    shift = 0.0
    while x < 10:
        shift, x = shift - 1 / x, x + 1
    z = 1 / x**2
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
    return shift + math.log(x) - 0.5 / x - series


def student_floor(dim_x: int, dim_y: int, df: float) -> float:
    """Information of a Student pair whose dispersion is the identity, nats.

    c(df) + c(df + dim_x + dim_y) - c(df + dim_x) - c(df + dim_y) with
    c(k) = ln Gamma(k / 2) - (k / 2) digamma(k / 2).

    Source: Arellano-Valle, Contreras-Reyes and Genton, "Shannon entropy and mutual
        information for multivariate skew-elliptical distributions", 2013.

    Args:
        dim_x: coordinates of x.
        dim_y: coordinates of y.
        df: degrees of freedom, above 0.

    Returns:
        The information in nats.
    """

    def c(k: float) -> float:
        return math.lgamma(k / 2) - k / 2 * digamma(k / 2)

    return c(df) + c(df + dim_x + dim_y) - c(df + dim_x) - c(df + dim_y)


@by_value
def student(
    dim_x: int, dim_y: int, df: float, *, dispersion: ArrayLike | None = None
) -> Task:
    """A centered multivariate Student's t pair (x, y).

    (x, y) = z sqrt(df / chi2), z Gaussian with the dispersion as its covariance; I is
    that of z plus `student_floor`.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        dim_x: coordinates of x.
        dim_y: coordinates of y.
        df: degrees of freedom, above 0.
        dispersion: positive definite, [dim_x + dim_y, dim_x + dim_y]; the identity
            where it is None.

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range or the shapes do not fit.
    """
    check_positive(dim_x=dim_x, dim_y=dim_y)
    check_finite_number(0.0, df=df)
    size = dim_x + dim_y
    matrix = np.eye(size) if dispersion is None else np.asarray(dispersion, float)
    if matrix.shape != (size, size):
        raise ValueError(f"dispersion must be {(size, size)}, got {matrix.shape}")
    root, root_x, root_y = roots_of_parts(matrix, dim_x, "dispersion")
    mi = gaussian_information(matrix, dim_x) + student_floor(dim_x, dim_y, df)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_normal, key_gamma = jax.random.split(key)
        rows = matrix_product(jax.random.normal(key_normal, (n, size)), root)
        chi2 = 2 * jax.random.gamma(key_gamma, df / 2, (n, 1))
        rows = rows * jnp.sqrt(df / chi2)
        return rows[:, :dim_x], rows[:, dim_x:]

    def log_density(rows: Array, root: np.ndarray) -> Array:
        k = len(root)
        constant = math.lgamma((df + k) / 2) - math.lgamma(df / 2)
        constant -= k / 2 * math.log(df * math.pi) + log_det_of(root) / 2
        return constant - (df + k) / 2 * jnp.log1p(squared_length(rows, root) / df)

    def pmi(x: Array, y: Array) -> Array:
        joint = log_density(jnp.concatenate([x, y], axis=-1), root)
        return joint - log_density(x, root_x) - log_density(y, root_y)

    law = "identity" if dispersion is None else "dispersed"
    name = f"student-{law}-{dim_x}-{dim_y}-{df}"
    return Task(name, sample, mi, pmi, (dim_x,), (dim_y,))


def student_target(mi: float, dim_x: int, dim_y: int, df: float) -> Task:
    """A Student's t pair with the information asked for.

    The dispersion is the covariance of `normal_target` for mi - `student_floor`.

    Args:
        mi: nats, at least the floor.
        dim_x: coordinates of x.
        dim_y: coordinates of y.
        df: degrees of freedom, above 0.

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range; it names the floor.
    """
    check_positive(dim_x=dim_x, dim_y=dim_y)
    check_finite_number(0.0, df=df)
    floor = student_floor(dim_x, dim_y, df)
    if not floor <= mi < float("inf"):
        raise ValueError(
            f"mi must be at least {floor:.4f} nats, which {df} degrees of freedom give "
            f"{dim_x} and {dim_y} coordinates without correlation; got {mi}"
        )
    dispersion = pairs_covariance(mi - floor, dim_x, dim_y)
    task = student(dim_x, dim_y, df, dispersion=dispersion)
    return dataclasses.replace(task, name=f"student-{dim_x}-{dim_y}-{df}-{mi}")
