"""Forty Gaussian mixtures drawn at random, with monotone maps of their coordinates."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats
from scipy.special import logsumexp

from jaxinfo.tasks import Task

__all__ = ["NUM_TASKS", "random_mixture", "random_mixtures"]

NUM_TASKS = 40
NUM_INTEGRATED = 200_000
normal: Any = stats.multivariate_normal

# Monotone maps leave the information unchanged.
MAPS = (lambda v: v, np.exp, lambda v: v**3, np.arcsinh, stats.norm.cdf)
SHARES_OF_MAPS = (0.4, 0.15, 0.15, 0.15, 0.15)


def random_mixtures() -> list[Task]:
    """All tasks."""
    return [random_mixture(number) for number in range(NUM_TASKS)]


def random_mixture(number: int) -> Task:
    """One to four Gaussians in one to three coordinates of x and of y.

    The information is the mean log density ratio of many samples; its standard error is
    about 0.003 nats.
    """
    rng = np.random.default_rng([number, 7])
    sizes = rng.integers(1, 4, size=2)
    size, num_components = int(sizes.sum()), int(rng.integers(1, 5))
    weights = rng.dirichlet(np.full(num_components, 2.0))
    means = rng.normal(size=(num_components, size)) * rng.choice([0.5, 1.5])
    covariances = [_covariance(rng, size) for _ in range(num_components)]
    maps = rng.choice(len(MAPS), size=size, p=SHARES_OF_MAPS)

    def latent(rng: np.random.Generator, num_rows: int) -> np.ndarray:
        chosen = rng.choice(num_components, size=num_rows, p=weights)
        factors = np.linalg.cholesky(covariances)
        noise = rng.normal(size=(num_rows, size))
        return means[chosen] + np.einsum("nij,nj->ni", factors[chosen], noise)

    def log_density(rows: np.ndarray, kept: slice) -> np.ndarray:
        terms = [
            np.log(weight) + normal(mean[kept], cov[kept, kept]).logpdf(rows[:, kept])
            for weight, mean, cov in zip(weights, means, covariances, strict=True)
        ]
        return np.asarray(logsumexp(terms, axis=0))

    def sample(key: jax.Array, num_rows: int) -> tuple[jax.Array, jax.Array]:
        rows = latent(
            np.random.default_rng(np.asarray(jax.random.key_data(key))), num_rows
        )
        mapped = np.stack([MAPS[m](rows[:, c]) for c, m in enumerate(maps)], axis=1)
        return jnp.asarray(mapped[:, : sizes[0]]), jnp.asarray(mapped[:, sizes[0] :])

    rows = latent(np.random.default_rng([number, 8]), NUM_INTEGRATED)
    whole, x, y = slice(None), slice(int(sizes[0])), slice(int(sizes[0]), None)
    ratios = log_density(rows, whole) - log_density(rows, x) - log_density(rows, y)
    return Task(
        f"random-{number}-{num_components}-gaussians-{sizes[0]}-{sizes[1]}",
        sample,
        float(ratios.mean()),
        None,
        (int(sizes[0]),),
        (int(sizes[1]),),
    )


def _covariance(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random covariance with standard deviations from 0.4 to 1.2."""
    roots = rng.normal(size=(size, size + rng.integers(1, 4)))
    covariance = roots @ roots.T
    scales = rng.uniform(0.4, 1.2, size) / np.sqrt(np.diag(covariance))
    return covariance * np.outer(scales, scales)
