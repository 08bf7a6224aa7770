"""Tasks of uniform noise added to uniform variables, and of Gamma mixtures."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from scipy.special import digamma

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.task import Task

__all__ = ["additive_uniform", "gamma_exponential_target", "smoothed_uniform_target"]


def solve(function: Callable[[float], float], target: float) -> float:
    """Root t in [-60, 60] of function(t) = target for an increasing function."""
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return (low + high) / 2


def _additive(name: str, width: float, shift: float, mi: float, dim: int) -> Task:
    """Task with coordinates y = x + U(shift, shift + width), x uniform on (0, 1)."""

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        x, noise = jax.random.uniform(key, (2, n, dim))
        return x, x + shift + width * noise

    def pmi(x: Array, y: Array) -> Array:
        # p(y | x) = 1 / width and p(y) = overlap / width, so width cancels.
        noise = y - x - shift
        overlap = jnp.minimum(y - shift, 1) - jnp.maximum(y - shift - width, 0)
        # Rounding of x + noise may cross the edges.
        slack = 4 * jnp.finfo(y.dtype).eps * (1 + width)
        inside = (noise > -slack) & (noise < width + slack)
        safe = jnp.where(inside, jnp.maximum(overlap, slack), 1)
        return jnp.sum(jnp.where(inside, -jnp.log(safe), -jnp.inf), axis=-1)

    return Task(name, sample, mi, pmi, (dim,), (dim,))


def _additive_information(width: float) -> float:
    """I(X; X + U(0, width)) for X uniform on (0, 1), nats."""
    return width / 2 - math.log(width) if width < 1 else 1 / (2 * width)


def additive_uniform(epsilon: float) -> Task:
    """Makes a task of y = x + U(-epsilon, epsilon) with x uniform on (0, 1).

    I = 1 / (4 epsilon) for epsilon > 1/2, else epsilon - ln(2 epsilon).

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        epsilon: half the width of the noise, above 0.

    Returns:
        The task.

    Raises:
        ValueError: if epsilon is not positive and finite.
    """
    check_finite_number(0.0, epsilon=epsilon)
    mi = _additive_information(2 * epsilon)
    return _additive(f"1v1-additive-{epsilon}", 2 * epsilon, -epsilon, mi, 1)


def smoothed_uniform_target(mi: float, dim: int) -> Task:
    """Makes a task of y = x + uniform noise with the given mutual information.

    y_i = x_i + U(0, 1 / kappa) with x_i uniform on (0, 1). Per coordinate
    I = ln(kappa) + 1 / (2 kappa) for kappa > 1, else kappa / 2.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        mi: mutual information in nats, above 0; each coordinate has mi / dim.
        dim: number of coordinates of x, and of y.

    Returns:
        The task.

    Raises:
        ValueError: if mi is not positive and finite, or dim is not a positive integer.
    """
    check_positive(dim=dim)
    check_finite_number(0.0, mi=mi)
    width = math.exp(-solve(lambda t: _additive_information(math.exp(-t)), mi / dim))
    return _additive(f"smoothed_uniform-{dim}-{mi}", width, 0.0, float(mi), dim)


def gamma_exponential_target(mi: float, dim: int) -> Task:
    """Makes a task of the logs of a Gamma rate and of an exponential waiting time.

    In each coordinate exp(x) ~ Gamma(a) and exp(y) ~ Exponential(rate exp(x)), so
    I = digamma(a + 1) - ln a.

    Source: Darbellay and Vajda, "Entropy expressions for multivariate continuous
        distributions", IEEE Trans. Inf. Theory 2000.

    Args:
        mi: mutual information in nats, above 0; each coordinate has mi / dim.
        dim: number of coordinates of x, and of y.

    Returns:
        The task.

    Raises:
        ValueError: if mi is not positive and finite, or dim is not a positive integer.
    """
    check_positive(dim=dim)
    check_finite_number(0.0, mi=mi)

    def information(a: float) -> float:
        return float(digamma(a + 1)) - math.log(a)

    a = math.exp(-solve(lambda t: information(math.exp(-t)), mi / dim))

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_gamma, key_wait = jax.random.split(key)
        x = jax.random.loggamma(key_gamma, a, (n, dim))
        return x, jnp.log(jax.random.exponential(key_wait, (n, dim))) - x

    def pmi(x: Array, y: Array) -> Array:
        log_wait = x + y
        # softplus(y) - y = softplus(-y), which avoids cancellation of large x and y.
        density = log_wait - jnp.exp(log_wait) + a * jax.nn.softplus(y)
        return jnp.sum(density + jax.nn.softplus(-y) - math.log(a), axis=-1)

    return Task(f"gamma_exponential-{dim}-{mi}", sample, float(mi), pmi, (dim,), (dim,))
