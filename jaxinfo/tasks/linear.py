"""Linear algebra of Gaussian laws: constants in float64, rows in their own dtype."""

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
    """Rows times the transposed matrix, in full precision on every processor."""
    constant = jnp.asarray(matrix.T, rows.dtype)
    return jnp.matmul(rows, constant, precision="highest")


def squared_length(rows: Float[Array, "n d"], root: np.ndarray) -> Float[Array, " n"]:
    """v' C^-1 v of each row v, for C = root root'."""
    return jnp.sum(matrix_product(rows, np.linalg.inv(root)) ** 2, axis=-1)


def root_of_covariance(matrix: ArrayLike, name: str = "covariance") -> np.ndarray:
    """Cholesky factor of a covariance; ValueError with this name where it is none."""
    matrix = np.asarray(matrix, float)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or not np.allclose(matrix, matrix.T):
        raise ValueError(f"{name} must be a symmetric matrix, got {matrix.shape}")
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise ValueError(f"{name} must be positive definite") from None


def log_det_of(root: np.ndarray) -> float:
    """log det C for C = root root'."""
    return 2 * float(np.sum(np.log(np.diagonal(root))))


def roots_of_parts(
    covariance: ArrayLike, dim_x: int, name: str = "covariance"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cholesky factors of the covariances of (x, y), of x and of y."""
    covariance = np.asarray(covariance, float)
    root = root_of_covariance(covariance, name)
    check_positive(dim_x=dim_x)
    if dim_x >= len(covariance):
        raise ValueError(f"dim_x must be below {len(covariance)}, got {dim_x}")
    part_x, part_y = covariance[:dim_x, :dim_x], covariance[dim_x:, dim_x:]
    return root, np.linalg.cholesky(part_x), np.linalg.cholesky(part_y)


def gaussian_information(covariance: ArrayLike, dim_x: int) -> float:
    """(log det Cx + log det Cy - log det C) / 2 in float64, nats."""
    joint, x, y = map(log_det_of, roots_of_parts(covariance, dim_x))
    return (x + y - joint) / 2


def random_rotation(rng: np.random.Generator, dim: int) -> np.ndarray:
    """A rotation or reflection drawn uniformly, [D, D]."""
    q, r = np.linalg.qr(rng.normal(size=(dim, dim)))
    return q * np.sign(np.diagonal(r))


def pairs_covariance(nats: ArrayLike, dim_x: int, dim_y: int) -> np.ndarray:
    """Unit variances; x_i and y_i share nats[i], or equal parts of one number.

    rho_i = sqrt(1 - exp(-2 I_i)).
    """
    size = min(dim_x, dim_y)
    shares = np.asarray(nats) if np.ndim(nats) else np.full(size, nats) / size
    covariance, i = np.eye(dim_x + dim_y), np.arange(len(shares))
    rhos = np.sqrt(-np.expm1(-2 * shares))
    covariance[i, dim_x + i] = covariance[dim_x + i, i] = rhos
    return covariance
