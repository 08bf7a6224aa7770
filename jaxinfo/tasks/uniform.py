"""Uniform and exponential pairs: information that no correlation shows."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.student import digamma
from jaxinfo.tasks.task import Task, by_value

__all__ = ["additive_uniform", "gamma_exponential_target", "smoothed_uniform_target"]


def solve(function: Callable[[float], float], target: float) -> float:
    """The t at which an increasing function of ln of a parameter meets the target."""
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return (low + high) / 2


def _additive(name: str, width: float, shift: float, mi: float, dim: int) -> Task:
    """Coordinates y = x + U(shift, shift + width) with x uniform on (0, 1)."""

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        x, noise = jax.random.uniform(key, (2, n, dim))
        return x, x + shift + width * noise

    def pmi(x: Array, y: Array) -> Array:
        # log p(y | x) / p(y): width cancels, the overlap of two intervals stays.
        noise = y - x - shift
        overlap = jnp.minimum(y - shift, 1) - jnp.maximum(y - shift - width, 0)
        # Sums of float32 miss the edges by a rounding.
        slack = 4 * jnp.finfo(y.dtype).eps * (1 + width)
        inside = (noise > -slack) & (noise < width + slack)
        safe = jnp.where(inside, jnp.maximum(overlap, slack), 1)
        return jnp.sum(jnp.where(inside, -jnp.log(safe), -jnp.inf), axis=-1)

    return Task(name, sample, mi, pmi, (dim,), (dim,))


def _additive_information(width: float) -> float:
    """I(X; X + U(0, width)) for X uniform on (0, 1), nats."""
    return width / 2 - math.log(width) if width < 1 else 1 / (2 * width)


@by_value
def additive_uniform(epsilon: float) -> Task:
    """y = x + U(-epsilon, epsilon), x uniform on (0, 1).

    I = 1 / (4 epsilon) for epsilon > 1/2, else epsilon - ln(2 epsilon).

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        epsilon: half the width of the noise, above 0.

    Returns:
        The task.

    Raises:
        ValueError: where epsilon is out of range.
    """
    check_finite_number(0.0, epsilon=epsilon)
    mi = _additive_information(2 * epsilon)
    return _additive(f"1v1-additive-{epsilon}", 2 * epsilon, -epsilon, mi, 1)


@by_value
def smoothed_uniform_target(mi: float, dim: int) -> Task:
    """Coordinates y = x + U(0, 1 / kappa) with the information asked for.

    Per coordinate I = ln(kappa) + 1 / (2 kappa) for kappa > 1, else kappa / 2.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        mi: nats, above 0; spread equally over the coordinates.
        dim: coordinates of x, and of y.

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range.
    """
    check_positive(dim=dim)
    check_finite_number(0.0, mi=mi)
    width = math.exp(-solve(lambda t: _additive_information(math.exp(-t)), mi / dim))
    return _additive(f"smoothed_uniform-{dim}-{mi}", width, 0.0, float(mi), dim)


@by_value
def gamma_exponential_target(mi: float, dim: int) -> Task:
    """Logarithms of a Gamma rate and of an exponential waiting time.

    exp(x) ~ Gamma(a), exp(y) ~ Exponential(rate exp(x)), coordinate by coordinate;
    I = digamma(a + 1) - ln a for each.

    Source: Darbellay and Vajda, "Entropy expressions for multivariate continuous
        distributions", IEEE Trans. Inf. Theory 2000.

    Args:
        mi: nats, above 0; spread equally over the coordinates.
        dim: coordinates of x, and of y.

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range.
    """
    check_positive(dim=dim)
    check_finite_number(0.0, mi=mi)

    def information(a: float) -> float:
        return digamma(a + 1) - math.log(a)

    a = math.exp(-solve(lambda t: information(math.exp(-t)), mi / dim))

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_gamma, key_wait = jax.random.split(key)
        x = jax.random.loggamma(key_gamma, a, (n, dim))
        return x, jnp.log(jax.random.exponential(key_wait, (n, dim))) - x

    def pmi(x: Array, y: Array) -> Array:
        log_wait = x + y
        # ln(1 + exp(y)) = softplus(-y) + y, and y + x is small where both are not.
        density = log_wait - jnp.exp(log_wait) + a * jax.nn.softplus(y)
        return jnp.sum(density + jax.nn.softplus(-y) - math.log(a), axis=-1)

    return Task(f"gamma_exponential-{dim}-{mi}", sample, float(mi), pmi, (dim,), (dim,))
