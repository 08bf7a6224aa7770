"""Tasks of Student's t vectors: heavy tails, and dependence without correlation."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

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
from jaxinfo.tasks.task import Task

__all__ = ["student", "student_lower_bound", "student_target"]


def student_lower_bound(dim_x: int, dim_y: int, df: float) -> float:
    """Least mutual information of Student's t vectors over all dispersions, in nats.

    It is attained by the identity dispersion:
    c(df) + c(df + dim_x + dim_y) - c(df + dim_x) - c(df + dim_y) with
    c(k) = ln Gamma(k / 2) - (k / 2) digamma(k / 2).

    Source: Arellano-Valle, Contreras-Reyes and Genton, "Shannon entropy and mutual
        information for multivariate skew-elliptical distributions", 2013.

    Args:
        dim_x: number of coordinates of x.
        dim_y: number of coordinates of y.
        df: degrees of freedom, above 0.

    Returns:
        The mutual information in nats.
    """

    def c(k: float) -> float:
        return math.lgamma(k / 2) - k / 2 * float(digamma(k / 2))

    return c(df) + c(df + dim_x + dim_y) - c(df + dim_x) - c(df + dim_y)


def student(
    dim_x: int, dim_y: int, df: float, *, dispersion: ArrayLike | None = None
) -> Task:
    """Makes a task of a centered multivariate Student's t vector (x, y).

    (x, y) = z sqrt(df / chi2), where z is Gaussian with the dispersion as covariance
    and chi2 has df degrees of freedom. I is that of z plus `student_lower_bound`.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        dim_x: number of coordinates of x.
        dim_y: number of coordinates of y.
        df: degrees of freedom, above 0.
        dispersion: positive definite matrix, [dim_x + dim_y, dim_x + dim_y]; None for
            the identity.

    Returns:
        The task.

    Raises:
        ValueError: if a dimension is not a positive integer, df is not positive and
            finite, or dispersion is not positive definite or has another shape.
    """
    check_positive(dim_x=dim_x, dim_y=dim_y)
    check_finite_number(0.0, df=df)
    size = dim_x + dim_y
    matrix = np.eye(size) if dispersion is None else np.asarray(dispersion, float)
    if matrix.shape != (size, size):
        raise ValueError(
            f"dispersion must have shape {(size, size)}, got {matrix.shape}"
        )
    root, root_x, root_y = roots_of_parts(matrix, dim_x, "dispersion")
    mi = gaussian_information(root, root_x, root_y)
    mi += student_lower_bound(dim_x, dim_y, df)

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

    kind = "identity" if dispersion is None else "dispersed"
    name = f"student-{kind}-{dim_x}-{dim_y}-{df}"
    return Task(name, sample, mi, pmi, (dim_x,), (dim_y,))


def student_target(mi: float, dim_x: int, dim_y: int, df: float) -> Task:
    """Makes a task of Student's t vectors with the given mutual information.

    The dispersion is the covariance of `normal_target` for mi - `student_lower_bound`.

    Args:
        mi: mutual information in nats, at least `student_lower_bound`.
        dim_x: number of coordinates of x.
        dim_y: number of coordinates of y.
        df: degrees of freedom, above 0.

    Returns:
        The task.

    Raises:
        ValueError: if mi is below `student_lower_bound` or not finite, a dimension is
            not a positive integer, or df is not positive and finite.
    """
    check_positive(dim_x=dim_x, dim_y=dim_y)
    check_finite_number(0.0, df=df)
    least = student_lower_bound(dim_x, dim_y, df)
    if not least <= mi < float("inf"):
        raise ValueError(
            f"mi must be at least {least:.4f} nats for dim_x = {dim_x}, "
            f"dim_y = {dim_y} and df = {df}, got {mi}"
        )
    dispersion = pairs_covariance(mi - least, dim_x, dim_y)
    task = student(dim_x, dim_y, df, dispersion=dispersion)
    return dataclasses.replace(task, name=f"student-{dim_x}-{dim_y}-{df}-{mi}")
