"""Tasks of Gaussian mixtures, whose mutual information has no closed form.

The stored values are Monte Carlo estimates; `python -m jaxinfo.tasks.mixtures` repeats
them.
"""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.discrete import check_probabilities
from jaxinfo.tasks.linear import (
    log_det_of,
    pairs_covariance,
    roots_of_parts,
    squared_length,
)
from jaxinfo.tasks.task import Task, monte_carlo_information

__all__ = ["gaussian_mixture", "mixture_balls", "mixture_cross", "mixture_inliers"]


def gaussian_mixture(
    weights: ArrayLike,
    means: ArrayLike,
    covs: ArrayLike,
    *,
    dim_x: int,
    mi: float = float("nan"),
    mi_se: float = float("nan"),
    name: str = "mixture",
) -> Task:
    """Makes a task of (x, y) from a mixture of K Gaussians.

    pmi(x, y) = log sum_k w_k N_k(x, y) - log sum_k w_k N_k(x) - log sum_k w_k N_k(y).

    Source: Czyz et al., "On the properties and estimation of pointwise mutual
        information profiles", 2023.

    Args:
        weights: weights of the components, [K].
        means: means of the components, [K, D].
        covs: covariances of the components, [K, D, D].
        dim_x: number of leading coordinates that form x.
        mi: mutual information in nats, for instance by `monte_carlo_information`; NaN
            if unknown.
        mi_se: standard error of mi.
        name: name of the task.

    Returns:
        The task.

    Raises:
        ValueError: if weights are not probabilities, a covariance is not positive
            definite, or the shapes do not match.
    """
    weights = check_probabilities(weights, "weights")
    means, covs = np.asarray(means, float), np.asarray(covs, float)
    if means.ndim != 2 or len(means) != len(weights):
        raise ValueError(
            f"means must have shape [{len(weights)}, D], got shape {means.shape}"
        )
    size = means.shape[1]
    if covs.shape != (len(weights), size, size):
        expected = (len(weights), size, size)
        raise ValueError(f"covs must have shape {expected}, got {covs.shape}")
    roots, roots_x, roots_y = zip(
        *(roots_of_parts(cov, dim_x, "covs") for cov in covs), strict=True
    )

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_component, key_normal = jax.random.split(key)
        component = jax.random.choice(
            key_component, len(weights), (n,), p=jnp.asarray(weights)
        )
        noise = jax.random.normal(key_normal, (n, size))
        root = jnp.asarray(np.stack(roots), noise.dtype)[component]
        rows = jnp.einsum("nij,nj->ni", root, noise, precision="highest")
        rows = rows + jnp.asarray(means, noise.dtype)[component]
        return rows[:, :dim_x], rows[:, dim_x:]

    def log_density(rows: Array, roots: tuple[np.ndarray, ...], means: Array) -> Array:
        # The powers of 2 pi cancel between the joint density and the marginals.
        logs = [
            jnp.log(w) - log_det_of(root) / 2 - squared_length(rows - mean, root) / 2
            for w, root, mean in zip(weights, roots, means, strict=True)
        ]
        return jax.nn.logsumexp(jnp.stack(logs), axis=0)

    def pmi(x: Array, y: Array) -> Array:
        m = jnp.asarray(means, x.dtype)
        joint = log_density(jnp.concatenate([x, y], axis=-1), roots, m)
        marginal_x = log_density(x, roots_x, m[:, :dim_x])
        return joint - marginal_x - log_density(y, roots_y, m[:, dim_x:])

    return Task(name, sample, mi, pmi, (dim_x,), (size - dim_x,), mi_se)


def mixture_cross() -> Task:
    """Makes a task of equal parts of Gaussians with correlations 0.9 and -0.9.

    Returns:
        The task; x and y are uncorrelated, and samples form an X in the plane.
    """
    covs = [[[1, rho], [rho, 1]] for rho in (0.9, -0.9)]
    return gaussian_mixture(
        [0.5, 0.5], np.zeros((2, 2)), covs, dim_x=1, name="mixture-cross", **CROSS
    )


def mixture_balls() -> Task:
    """Makes a task of equal parts of N(m, 1) and N(-m, 1) with m = (1.5, 1.5, 1.5).

    Returns:
        The task; x has 2 coordinates and y has 1. Given the component they are
        independent, so I is at most ln 2.
    """
    means = [[1.5] * 3, [-1.5] * 3]
    return gaussian_mixture(
        [0.5, 0.5], means, [np.eye(3)] * 2, dim_x=2, name="mixture-balls", **BALLS
    )


def mixture_inliers() -> Task:
    """Makes a task of correlated Gaussians contaminated by independent samples.

    With probability 0.8, two of the five coordinates of x have correlation 0.8 with
    those of y. With probability 0.2, x and y come from the product of the marginals.

    Returns:
        The task.
    """
    nats = [-0.5 * np.log(1 - 0.8**2)] * 2
    covs = [pairs_covariance(nats, 5, 5), np.eye(10)]
    return gaussian_mixture(
        [0.8, 0.2], np.zeros((2, 10)), covs, dim_x=5, name="mixture-inliers", **INLIERS
    )


CROSS = {"mi": 0.408633, "mi_se": 0.000167}
BALLS = {"mi": 0.49417, "mi_se": 0.000114}
INLIERS = {"mi": 0.63552, "mi_se": 0.000259}

if __name__ == "__main__":
    NUM_ROUNDS, ROUND = 100, 200_000
    measure = jax.jit(monte_carlo_information, static_argnames=("task", "num_samples"))
    for task in (mixture_cross(), mixture_balls(), mixture_inliers()):
        keys = jax.random.split(jax.random.key(0), NUM_ROUNDS)
        rounds = np.array([measure(key, task, num_samples=ROUND) for key in keys])
        means, errors = rounds.astype(float).T
        mean, error = means.mean(), np.sqrt(np.mean(errors**2) / NUM_ROUNDS)
        print(f"{task.name}: mi {mean:.6f}, mi_se {error:.6f}")
