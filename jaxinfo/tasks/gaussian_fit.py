"""The Gaussian closest to a mixture of two Gaussians, by each f-divergence.

This is the first experiment of the f-GAN paper. The paper does not print its mixture;
the parameters below reproduce the paper's table of best fits and were found from it.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.divergences import FDivergence, exact_by_quadrature

__all__ = [
    "GaussianFit",
    "best_gaussian",
    "gaussian_to_mixture",
    "mixture_log_density",
    "sample_mixture",
]

WEIGHTS = (0.33, 0.67)
MEANS = (-1.0, 2.0)
VARIANCES = (0.065, 2.0)
# Outside [LOW, HIGH] both densities are negligible in float64.
LOW, HIGH = -22.0, 25.0


class GaussianFit(NamedTuple):
    """A Gaussian and the divergence of the mixture from it.

    Attributes:
        mean: mean of the Gaussian.
        sd: standard deviation of the Gaussian.
        divergence: D_f(mixture || Gaussian) in nats.
    """

    mean: float
    sd: float
    divergence: float


def sample_mixture(key: Key[Array, ""], num_samples: int) -> Float[Array, "n 1"]:
    """Samples from the mixture 0.33 N(-1, 0.065) + 0.67 N(2, 2).

    Args:
        key: a typed key.
        num_samples: N.

    Returns:
        The samples, [N, 1].
    """
    check_positive(num_samples=num_samples)
    key_component, key_noise = jax.random.split(key)
    is_first = jax.random.bernoulli(key_component, WEIGHTS[0], (num_samples, 1))
    noise = jax.random.normal(key_noise, (num_samples, 1))
    first, second = (
        mean + math.sqrt(variance) * noise
        for mean, variance in zip(MEANS, VARIANCES, strict=True)
    )
    return jnp.where(is_first, first, second)


def mixture_log_density(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Log-density of the mixture 0.33 N(-1, 0.065) + 0.67 N(2, 2), in nats.

    Args:
        x: points, [...].

    Returns:
        The log-density, [...].
    """
    components = [
        math.log(weight) + jax.scipy.stats.norm.logpdf(x, mean, math.sqrt(variance))
        for weight, mean, variance in zip(WEIGHTS, MEANS, VARIANCES, strict=True)
    ]
    return jnp.logaddexp(*components)


def gaussian_to_mixture(divergence: FDivergence, mean: float, sd: float) -> float:
    """Divergence of the mixture from a Gaussian, by quadrature in float64, in nats.

    Args:
        divergence: an f-divergence.
        mean: mean of the Gaussian.
        sd: standard deviation of the Gaussian.

    Returns:
        D_f(mixture || N(mean, sd^2)).
    """
    with jax.enable_x64(True):
        return float(_divergence(divergence, float(mean), float(sd)))


@functools.partial(jax.jit, static_argnames="divergence")
def _divergence(divergence: FDivergence, mean: float, sd: float) -> Array:
    def log_density(x: Array) -> Array:
        return jax.scipy.stats.norm.logpdf(x, mean, sd)

    return exact_by_quadrature(
        divergence, mixture_log_density, log_density, low=LOW, high=HIGH
    )


def best_gaussian(divergence: FDivergence) -> GaussianFit:
    """Minimizes the divergence of the mixture from a Gaussian.

    min over mean and sd of D_f(mixture || N(mean, sd^2)), by quadrature and
    Nelder-Mead.

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, section 2.5 and its table of fits.

    Args:
        divergence: an f-divergence.

    Returns:
        The best `GaussianFit`.

    Example:
        >>> from jaxinfo.divergences import KL
        >>> round(best_gaussian(KL).mean, 4)  # The mean of the mixture.
        1.01
    """

    def loss(point: np.ndarray) -> float:
        return gaussian_to_mixture(divergence, point[0], math.exp(point[1]))

    found = scipy.optimize.minimize(
        loss,
        [1.0, math.log(1.8)],
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-10},
    )
    return GaussianFit(float(found.x[0]), math.exp(found.x[1]), float(found.fun))
