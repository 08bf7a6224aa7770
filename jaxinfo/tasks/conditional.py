"""Tasks of conditional mutual information and of transfer entropy."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.discrete import entropy, label
from jaxinfo.tasks.linear import (
    gaussian_information,
    log_det_of,
    matrix_product,
    root_of_covariance,
    roots_of_parts,
    squared_length,
)
from jaxinfo.tasks.task import ConditionalTask, SeriesTask

__all__ = ["ar_pair", "common_cause", "gaussian_cmi", "xor"]

# Unit variances, rho_xy = 0.7 and rho_xz = rho_yz = 0.5.
DEFAULT_COVARIANCE = ((1.0, 0.7, 0.5), (0.7, 1.0, 0.5), (0.5, 0.5, 1.0))


def gaussian_cmi(
    covariance: ArrayLike = DEFAULT_COVARIANCE,
    *,
    dim_x: int = 1,
    dim_y: int = 1,
    name: str = "gaussian_cmi",
) -> ConditionalTask:
    """Makes a task of a centered Gaussian (x, y, z).

    I(X; Y | Z) = (log det Cxz + log det Cyz - log det Cz - log det C) / 2.

    Source: Cover and Thomas, "Elements of information theory", 2006, sections 2.5 and
        8.5.

    Args:
        covariance: positive definite covariance of (x, y, z), [D, D].
        dim_x: number of leading coordinates that form x.
        dim_y: number of coordinates after x that form y; the others form z.
        name: name of the task.

    Returns:
        The task.

    Raises:
        ValueError: if covariance is not positive definite, or dim_x and dim_y leave no
            coordinate for z.

    Example:
        >>> task = gaussian_cmi()
        >>> round(task.mi, 5), round(task.cmi, 5)
        (0.33667, 0.22314)
    """
    check_positive(dim_x=dim_x, dim_y=dim_y)
    covariance = np.asarray(covariance, float)
    root = root_of_covariance(covariance)
    size, end = len(root), dim_x + dim_y
    if end >= size:
        raise ValueError(
            f"dim_x + dim_y must be below {size}, the size of covariance, got {end}"
        )
    x, y, z = np.arange(dim_x), np.arange(dim_x, end), np.arange(end, size)
    parts = [np.concatenate([x, z]), np.concatenate([y, z]), z, np.arange(size)]
    signs = [1, 1, -1, -1]
    roots = [np.linalg.cholesky(covariance[np.ix_(part, part)]) for part in parts]
    cmi = sum(s * log_det_of(r) for s, r in zip(signs, roots, strict=True)) / 2
    mi = gaussian_information(*roots_of_parts(covariance[:end, :end], dim_x))

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array, Array]:
        rows = matrix_product(jax.random.normal(key, (n, size)), root)
        return rows[:, :dim_x], rows[:, dim_x:end], rows[:, end:]

    def pcmi(x: Array, y: Array, z: Array) -> Array:
        rows = jnp.concatenate([x, y, z], axis=-1)
        lengths = [
            sign * squared_length(rows[:, part], root)
            for sign, part, root in zip(signs, parts, roots, strict=True)
        ]
        return cmi + jnp.sum(jnp.stack(lengths), axis=0) / 2

    shapes = (dim_x,), (dim_y,), (size - end,)
    return ConditionalTask(name, sample, cmi, mi, pcmi, *shapes)


def common_cause(mi: float) -> ConditionalTask:
    """Makes a Gaussian task where z explains all of I(X; Y): I(X; Y | Z) = 0.

    Unit variances, rho_xy = rho = sqrt(1 - exp(-2 mi)) and rho_xz = rho_yz = sqrt(rho).

    Args:
        mi: I(X; Y) in nats, above 0.

    Returns:
        The task.

    Raises:
        ValueError: if mi is not positive and finite.
    """
    check_finite_number(0.0, mi=mi)
    rho = math.sqrt(-math.expm1(-2 * mi))
    covariance = np.array(
        [[1, rho, rho**0.5], [rho, 1, rho**0.5], [rho**0.5] * 2 + [1]]
    )
    task = gaussian_cmi(covariance, name=f"common_cause-{mi}")
    return dataclasses.replace(task, cmi=0.0)  # Rounding may leave -0.


def xor(noise: float = 0.0) -> ConditionalTask:
    """Makes a task of bits with y = x xor z xor e.

    x and z are fair bits, and e is 1 with probability `noise`:
    I(X; Y) = 0 and I(X; Y | Z) = ln 2 - h(noise).

    Source: Cover and Thomas, "Elements of information theory", 2006, section 2.5.

    Args:
        noise: probability of an error, in [0, 1/2].

    Returns:
        The task; x, y and z are discrete.

    Raises:
        ValueError: if noise lies outside [0, 1/2].
    """
    if not 0 <= noise <= 0.5:
        raise ValueError(f"noise must lie in [0, 1/2], got {noise}")
    cmi = math.log(2) - entropy(np.array([noise, 1 - noise]))

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array, Array]:
        key_bits, key_error = jax.random.split(key)
        x, z = jax.random.randint(key_bits, (2, n), 0, 2)
        y = x ^ z ^ jax.random.bernoulli(key_error, noise, (n,))
        return label(x), label(y), label(z)

    def pcmi(x: Array, y: Array, z: Array) -> Array:
        wrong = (x ^ y ^ z)[:, 0] == 1
        return math.log(2) + jnp.log(jnp.where(wrong, noise, 1 - noise))

    one = (1,)
    return ConditionalTask(f"xor-{noise}", sample, cmi, 0.0, pcmi, one, one, one, True)


def ar_pair(
    lag: int, *, coupling: float = 1.0, memory_x: float = 0.0, memory_y: float = 0.5
) -> SeriesTask:
    """Makes a task of two autoregressive series where x drives y after `lag` steps.

    x_t = phi x_(t-1) + sqrt(1 - phi^2) e_t and y_t = a y_(t-1) + c x_(t-lag) + f_t.
    With g = c phi / (1 - a phi), the covariance of y_(t-1) and x_(t-lag), and
    v = (c^2 + 2 a c g + 1) / (1 - a^2), the variance of y_t:
    I(Y_t; X_(t-lag) | Y_(t-1)) = ln(1 + c^2 (1 - g^2 / v)) / 2. The transfer entropy
    from y to x is 0.

    Source: Barnett, Barrett and Seth, "Granger causality and transfer entropy are
        equivalent for Gaussian variables", Phys. Rev. Lett. 2009.

    Args:
        lag: number of steps by which x leads y, at least 1.
        coupling: c, the coefficient of x in y.
        memory_x: phi, the autoregressive coefficient of x, in (-1, 1).
        memory_y: a, the autoregressive coefficient of y, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: if a parameter is out of range.

    Notes:
        If memory_x is 0, conditioning on a longer history of y leaves the transfer
        entropy unchanged.

    Example:
        >>> round(ar_pair(2).transfer_entropy, 4)
        0.3466
    """
    check_positive(lag=lag)
    check_finite_number(coupling=coupling)
    check_finite_number(-1.0, 1.0, memory_x=memory_x)
    check_finite_number(-1.0, 1.0, memory_y=memory_y)
    a, c, phi = memory_y, coupling, memory_x
    g = c * phi / (1 - a * phi)
    v = (c**2 + 2 * a * c * g + 1) / (1 - a**2)
    # The covariance of x_(t-lag), y_t and y_(t-1).
    now, before = c + a * g, a * v + c * g
    covariance = np.array([[1, now, g], [now, v, before], [g, before, v]])
    name = f"ar-{lag}-{coupling}-{memory_x}-{memory_y}"
    windows = gaussian_cmi(covariance, name=name)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_start, key_noise = jax.random.split(key)
        root = root_of_covariance([[1.0, g], [g, v]])
        start = matrix_product(jax.random.normal(key_start, (1, 2)), root)[0]
        noise = jax.random.normal(key_noise, (n + lag, 2))
        noise = noise * jnp.asarray([math.sqrt(1 - phi**2), 1.0], noise.dtype)

        def step(state: Array, noise: Array) -> tuple[Array, Array]:
            x, y = state  # x_(t-lag) and y_(t-1).
            y = a * y + c * x + noise[1]
            return jnp.stack([phi * x + noise[0], y]), jnp.stack([x, y])

        _, rows = jax.lax.scan(step, start, noise)
        return rows[lag:, :1], rows[:n, 1:]

    def sample_windows(key: Key[Array, ""], n: int) -> tuple[Array, Array, Array]:
        x, y = sample(key, n + lag)
        return x[:n], y[lag:], y[lag - 1 : -1]

    windows = dataclasses.replace(windows, sample=sample_windows)
    return SeriesTask(name, sample, lag, windows)
