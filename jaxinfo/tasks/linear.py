"""Linear algebra of Gaussians: constants in float64, samples in their own dtype."""

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float

__all__ = [
    "gaussian_information",
    "log_det_of",
    "matrix_product",
    "pairs_covariance",
    "random_rotation",
    "root_of_covariance",
    "roots_of_parts",
    "squared_length",
]


def matrix_product(rows: Array, matrix: np.ndarray) -> Array:
    """rows @ matrix.T in full precision on every device."""
    constant = jnp.asarray(matrix.T, rows.dtype)
    return jnp.matmul(rows, constant, precision="highest")


def squared_length(rows: Float[Array, "n d"], root: np.ndarray) -> Float[Array, " n"]:
    """v' C^-1 v of each row v, with C = root root'."""
    return jnp.sum(matrix_product(rows, np.linalg.inv(root)) ** 2, axis=-1)


def root_of_covariance(matrix: ArrayLike, name: str = "covariance") -> np.ndarray:
    """Cholesky factor of a covariance; a ValueError names one that has none."""
    matrix = np.asarray(matrix, float)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or not np.allclose(matrix, matrix.T):
        raise ValueError(f"{name} must be a symmetric matrix, got shape {matrix.shape}")
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise ValueError(f"{name} must be positive definite") from None


def log_det_of(root: np.ndarray) -> float:
    """log det C with C = root root'."""
    return 2 * float(np.sum(np.log(np.diagonal(root))))


def roots_of_parts(
    covariance: ArrayLike, dim_x: int, name: str = "covariance"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cholesky factors of the covariances of (x, y), of x and of y."""
    covariance = np.asarray(covariance, float)
    root = root_of_covariance(covariance, name)
    check_positive(dim_x=dim_x)
    if dim_x >= len(covariance):
        raise ValueError(
            f"dim_x must be below {len(covariance)}, the size of {name}, got {dim_x}"
        )
    part_x, part_y = covariance[:dim_x, :dim_x], covariance[dim_x:, dim_x:]
    return root, np.linalg.cholesky(part_x), np.linalg.cholesky(part_y)


def gaussian_information(
    root: np.ndarray, root_x: np.ndarray, root_y: np.ndarray
) -> float:
    """(log det Cx + log det Cy - log det C) / 2 in nats, from the Cholesky factors."""
    return (log_det_of(root_x) + log_det_of(root_y) - log_det_of(root)) / 2


def random_rotation(rng: np.random.Generator, dim: int) -> np.ndarray:
    """A uniformly drawn rotation or reflection, [D, D]."""
    q, r = np.linalg.qr(rng.normal(size=(dim, dim)))
    return q * np.sign(np.diagonal(r))


def pairs_covariance(nats: ArrayLike, dim_x: int, dim_y: int) -> np.ndarray:
    """Covariance with unit variances where the pair x_i, y_i has I_i = nats[i].

    rho_i = sqrt(1 - exp(-2 I_i)). A single number is divided equally among the pairs.
    """
    size = min(dim_x, dim_y)
    shares = np.asarray(nats) if np.ndim(nats) else np.full(size, nats) / size
    covariance, i = np.eye(dim_x + dim_y), np.arange(len(shares))
    rhos = np.sqrt(-np.expm1(-2 * shares))
    covariance[i, dim_x + i] = covariance[dim_x + i, i] = rhos
    return covariance
