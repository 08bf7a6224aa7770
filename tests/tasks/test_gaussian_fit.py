"""The f-GAN paper's mixture: density, samples and best Gaussian fits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.divergences import DIVERGENCES
from jaxinfo.tasks import (
    best_gaussian,
    gaussian_to_mixture,
    mixture_log_density,
    sample_mixture,
)

# Divergence, mean and standard deviation of the paper's best fits.
BEST = {
    "KL": (0.2831, 1.0100, 1.8308),
    "REVERSE_KL": (0.2480, 1.5782, 1.6319),
    "JENSEN_SHANNON": (0.1280, 1.3070, 1.7542),
    "JEFFREYS": (0.5705, 1.3218, 1.7034),
    "PEARSON": (0.6457, 0.5737, 1.9274),
}


@pytest.mark.parametrize("name", BEST)
def test_best_fits_of_the_paper(name):
    fit = best_gaussian(DIVERGENCES[name])
    np.testing.assert_allclose(
        (fit.divergence, fit.mean, fit.sd), BEST[name], atol=1e-3
    )


@pytest.mark.parametrize("name", sorted(set(DIVERGENCES) - set(BEST)))
def test_best_fit_is_a_local_minimum(name):
    fit = best_gaussian(DIVERGENCES[name])
    for step in ((0.05, 0), (-0.05, 0), (0, 0.05), (0, -0.05)):
        other = gaussian_to_mixture(
            DIVERGENCES[name], fit.mean + step[0], fit.sd + step[1]
        )
        assert other > fit.divergence


def test_samples_have_the_density():
    x = jnp.linspace(-8, 12, 20_001)
    density = jnp.exp(mixture_log_density(x))
    np.testing.assert_allclose(jnp.trapezoid(density, x), 1, atol=1e-3)
    mean = jnp.trapezoid(density * x, x)
    samples = sample_mixture(jax.random.key(0), 200_000)
    assert samples.shape == (200_000, 1)
    np.testing.assert_allclose(samples.mean(), mean, atol=0.02)
    variance = jnp.trapezoid(density * (x - mean) ** 2, x)
    np.testing.assert_allclose(samples.std() ** 2, variance, rtol=0.02)
    np.testing.assert_allclose(
        jnp.mean(samples < 0), jnp.trapezoid(jnp.where(x < 0, density, 0), x), atol=0.01
    )
