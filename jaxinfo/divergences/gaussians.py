"""Divergences between Gaussians, and mutual information in one, in closed form."""

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import (
    check_finite_number,
    check_positive,
    check_rank,
    check_square,
)
from jaxinfo.core.types import Array, Float

__all__ = [
    "exact_gaussian_jeffreys",
    "exact_gaussian_kl",
    "exact_gaussian_mutual_information",
    "exact_gaussian_neyman",
    "exact_gaussian_pearson",
    "exact_gaussian_renyi",
    "exact_gaussian_reverse_kl",
    "exact_gaussian_squared_hellinger",
]

Mean = Float[Array, " d"]
Covariance = Float[Array, "d d"]


def _check_gaussians(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> None:
    check_rank(1, mean_p=mean_p, mean_q=mean_q)
    size = jnp.shape(mean_p)[0]
    shapes = {"mean_q": (mean_q, (size,)), "cov_p": (cov_p, (size, size))}
    shapes["cov_q"] = (cov_q, (size, size))
    for name, (array, shape) in shapes.items():
        if jnp.shape(array) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {jnp.shape(array)}")


def _log_det(cholesky: Array) -> Array:
    return 2 * jnp.sum(jnp.log(jnp.diagonal(cholesky)))


def _solve(cholesky: Array, right: Array) -> Array:
    return jax.scipy.linalg.solve_triangular(cholesky, right, lower=True)


def exact_gaussian_kl(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> Float[Array, ""]:
    """KL(P || Q) of two Gaussians, nats.

    (tr(Cq^-1 Cp) + m' Cq^-1 m - D + log det Cq - log det Cp) / 2, m = mean_p - mean_q.

    Source: Kullback, "Information theory and statistics", 1959, chapter 9.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].

    Returns:
        The divergence in nats, []; NaN if a covariance is not positive definite.

    Raises:
        ValueError: if the shapes do not match.

    Example:
        >>> zero, one, identity = jnp.zeros(1), jnp.ones(1), jnp.eye(1)
        >>> exact_gaussian_kl(one, identity, zero, identity).item()
        0.5
    """
    _check_gaussians(mean_p, cov_p, mean_q, cov_q)
    mean = jnp.asarray(mean_p) - jnp.asarray(mean_q)
    root_p, root_q = jnp.linalg.cholesky(cov_p), jnp.linalg.cholesky(cov_q)
    trace = jnp.sum(_solve(root_q, root_p) ** 2)
    distance = jnp.sum(_solve(root_q, mean) ** 2)
    log_dets = _log_det(root_q) - _log_det(root_p)
    return (trace + distance - mean.size + log_dets) / 2


def exact_gaussian_reverse_kl(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> Float[Array, ""]:
    """KL(Q || P) of two Gaussians, nats: `exact_gaussian_kl` with P and Q swapped.

    Source: Kullback, "Information theory and statistics", 1959, chapter 9.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].

    Returns:
        The divergence in nats, []; NaN if a covariance is not positive definite.

    Raises:
        ValueError: if the shapes do not match.
    """
    return exact_gaussian_kl(mean_q, cov_q, mean_p, cov_p)


def exact_gaussian_jeffreys(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> Float[Array, ""]:
    """KL(P || Q) + KL(Q || P) of two Gaussians, nats.

    Source: Kullback, "Information theory and statistics", 1959, chapter 9.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].

    Returns:
        The divergence in nats, []; NaN if a covariance is not positive definite.

    Raises:
        ValueError: if the shapes do not match.
    """
    forward = exact_gaussian_kl(mean_p, cov_p, mean_q, cov_q)
    return forward + exact_gaussian_kl(mean_q, cov_q, mean_p, cov_p)


def exact_gaussian_renyi(
    mean_p: Mean,
    cov_p: Covariance,
    mean_q: Mean,
    cov_q: Covariance,
    *,
    order: float | Float[Array, ""],
) -> Float[Array, ""]:
    """The Renyi divergence D_order(P || Q) of two Gaussians, nats.

    With C = order Cq + (1 - order) Cp and m = mean_p - mean_q:
    order m' C^-1 m / 2 - (log det C - (1 - order) log det Cp - order log det Cq)
    / (2 (order - 1)), and inf if C is not positive definite.

    Source: Gil, Alajaji and Linder, "Renyi divergence measures for commonly used
        univariate continuous distributions", Inf. Sci. 2013, table 2 and section 4.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].
        order: above 0, not 1; may be traced.

    Returns:
        The divergence in nats, [].

    Raises:
        ValueError: if the shapes do not match, or a static order is not above 0 or
            is 1.
    """
    _check_gaussians(mean_p, cov_p, mean_q, cov_q)
    if not isinstance(order, jax.Array):
        check_finite_number(0.0, order=order)
        if order == 1:
            raise ValueError("order must not be 1: use exact_gaussian_kl there")
    mean = jnp.asarray(mean_p) - jnp.asarray(mean_q)
    cov_p, cov_q = jnp.asarray(cov_p), jnp.asarray(cov_q)
    mixed = order * cov_q + (1 - order) * cov_p
    exists = jnp.all(jnp.linalg.eigvalsh(mixed) > 0)
    # Where the integral diverges, the identity keeps the gradient free of NaN.
    root = jnp.linalg.cholesky(
        jnp.where(exists, mixed, jnp.eye(mean.size, dtype=mixed.dtype))
    )
    log_det_p = _log_det(jnp.linalg.cholesky(cov_p))
    log_det_q = _log_det(jnp.linalg.cholesky(cov_q))
    distance = jnp.sum(_solve(root, mean) ** 2)
    log_dets = _log_det(root) - (1 - order) * log_det_p - order * log_det_q
    divergence = order * distance / 2 - log_dets / (2 * (order - 1))
    return jnp.where(exists, divergence, jnp.inf)


def exact_gaussian_pearson(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> Float[Array, ""]:
    """Pearson's chi-squared divergence of two Gaussians, on the scale of `PEARSON`.

    exp(D_2(P || Q)) - 1, and inf if 2 Cq - Cp is not positive definite: the integral
    of p^2 / q diverges.

    Source: Gil, Alajaji and Linder, Inf. Sci. 2013, with `exact_gaussian_renyi`.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].

    Returns:
        The divergence in nats, []; NaN if a covariance is not positive definite.

    Raises:
        ValueError: if the shapes do not match.
    """
    return jnp.expm1(exact_gaussian_renyi(mean_p, cov_p, mean_q, cov_q, order=2.0))


def exact_gaussian_neyman(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> Float[Array, ""]:
    """Neyman's chi-squared divergence of two Gaussians, on the scale of `NEYMAN`.

    exp(D_2(Q || P)) - 1, and inf if 2 Cp - Cq is not positive definite: the integral
    of q^2 / p diverges.

    Source: Gil, Alajaji and Linder, Inf. Sci. 2013, with `exact_gaussian_renyi`.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].

    Returns:
        The divergence in nats, []; NaN if a covariance is not positive definite.

    Raises:
        ValueError: if the shapes do not match.
    """
    return jnp.expm1(exact_gaussian_renyi(mean_q, cov_q, mean_p, cov_p, order=2.0))


def exact_gaussian_squared_hellinger(
    mean_p: Mean, cov_p: Covariance, mean_q: Mean, cov_q: Covariance
) -> Float[Array, ""]:
    """The squared Hellinger divergence of two Gaussians, nats, in [0, 2].

    2 - 2 exp(-D_0.5(P || Q) / 2).

    Source: Gil, Alajaji and Linder, Inf. Sci. 2013, with `exact_gaussian_renyi`.

    Args:
        mean_p: mean of P, [D].
        cov_p: covariance of P, positive definite, [D, D].
        mean_q: mean of Q, [D].
        cov_q: covariance of Q, positive definite, [D, D].

    Returns:
        The divergence in nats, []; NaN if a covariance is not positive definite.

    Raises:
        ValueError: if the shapes do not match.
    """
    half = exact_gaussian_renyi(mean_p, cov_p, mean_q, cov_q, order=0.5)
    return -2 * jnp.expm1(-half / 2)


def exact_gaussian_mutual_information(
    covariance: Covariance, *, dim_x: int
) -> Float[Array, ""]:
    """Mutual information of the two parts of a Gaussian vector, nats.

    (log det Cx + log det Cy - log det C) / 2.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.5.

    Args:
        covariance: covariance of the vector (x, y), positive definite, [D, D].
        dim_x: the number of leading coordinates that are x; the others are y.

    Returns:
        The information in nats, []; NaN if the matrix is not positive definite.

    Raises:
        ValueError: if the covariance is not a square matrix, or x or y has no
            coordinates.

    Example:
        >>> exact_gaussian_mutual_information(jnp.eye(3), dim_x=1).item()
        0.0
    """
    check_square(covariance=covariance)
    check_positive(dim_x=dim_x)
    covariance = jnp.asarray(covariance)
    size = covariance.shape[0]
    if dim_x >= size:
        raise ValueError(f"dim_x must be below the {size} coordinates, got {dim_x}")
    blocks = covariance[:dim_x, :dim_x], covariance[dim_x:, dim_x:], covariance
    det_x, det_y, det = (_log_det(jnp.linalg.cholesky(block)) for block in blocks)
    return (det_x + det_y - det) / 2
