"""A Gaussian fitted to a mixture on a line: what each divergence takes for the best.

The first experiment of the f-GAN paper. Its mixture is not printed there; this one is
what its published table of best fits comes from, found by inverting it.
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
# Beyond these nothing is left of either law in float64.
LOW, HIGH = -22.0, 25.0


class GaussianFit(NamedTuple):
    """A Gaussian and how far the mixture is from it.

    Attributes:
        mean: of the Gaussian.
        sd: of the Gaussian.
        divergence: of the mixture from it, nats.
    """

    mean: float
    sd: float
    divergence: float


def sample_mixture(key: Key[Array, ""], num_samples: int) -> Float[Array, "n 1"]:
    """Draws from 0.33 N(-1, 0.065) + 0.67 N(2, 2).

    Args:
        key: random key.
        num_samples: N.

    Returns:
        The samples, [N, 1].
    """
    check_positive(num_samples=num_samples)
    for_part, for_noise = jax.random.split(key)
    is_first = jax.random.bernoulli(for_part, WEIGHTS[0], (num_samples, 1))
    noise = jax.random.normal(for_noise, (num_samples, 1))
    first, second = (
        mean + math.sqrt(variance) * noise
        for mean, variance in zip(MEANS, VARIANCES, strict=True)
    )
    return jnp.where(is_first, first, second)


def mixture_log_density(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The log-density of the mixture, nats.

    Args:
        x: where, [...].

    Returns:
        The log-density, [...].
    """
    parts = [
        math.log(weight) + jax.scipy.stats.norm.logpdf(x, mean, math.sqrt(variance))
        for weight, mean, variance in zip(WEIGHTS, MEANS, VARIANCES, strict=True)
    ]
    return jnp.logaddexp(*parts)


def gaussian_to_mixture(divergence: FDivergence, mean: float, sd: float) -> float:
    """The divergence of the mixture from a Gaussian by quadrature in float64, nats.

    Args:
        divergence: a member of the family.
        mean: of the Gaussian.
        sd: of the Gaussian.

    Returns:
        D_f(mixture || N(mean, sd^2)).
    """
    with jax.enable_x64(True):
        return float(_divergence(divergence)(float(mean), float(sd)))


@functools.lru_cache(maxsize=64)
def _divergence(divergence: FDivergence):
    @jax.jit
    def value(mean: Array, sd: Array) -> Array:
        def log_density(x: Array) -> Array:
            return jax.scipy.stats.norm.logpdf(x, mean, sd)

        return exact_by_quadrature(
            divergence, mixture_log_density, log_density, low=LOW, high=HIGH
        )

    return value


def best_gaussian(divergence: FDivergence) -> GaussianFit:
    """The Gaussian that the mixture diverges from the least, by quadrature.

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, section 2.5 and its table of fits.

    Args:
        divergence: a member of the family.

    Returns:
        The `GaussianFit`.

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
