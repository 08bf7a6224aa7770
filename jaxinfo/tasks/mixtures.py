"""Mixtures of Gaussians, whose information only Monte Carlo gives.

The stored truths come from `python -m jaxinfo.tasks.mixtures`, which measures them
again.
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
from jaxinfo.tasks.task import Task, by_value, monte_carlo_information

__all__ = ["gaussian_mixture", "mixture_balls", "mixture_cross", "mixture_inliers"]


@by_value
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
    """(x, y) from one of K Gaussians.

    pmi(x, y) = log sum_k w_k N_k(x, y) - log sum_k w_k N_k(x) - log sum_k w_k N_k(y).

    Source: Czyz et al., "On the properties and estimation of pointwise mutual
        information profiles", 2023.

    Args:
        weights: of the parts, [K].
        means: [K, D].
        covs: [K, D, D].
        dim_x: how many leading coordinates are x.
        mi: its information in nats, as `monte_carlo_information` measures it; NaN
            where nobody did.
        mi_se: standard error of mi.
        name: of the task.

    Returns:
        The task.

    Raises:
        ValueError: where the weights are no probabilities, a covariance is none, or the
            shapes do not fit together.
    """
    weights = check_probabilities(weights, "weights")
    means, covs = np.asarray(means, float), np.asarray(covs, float)
    if means.ndim != 2 or len(means) != len(weights):
        raise ValueError(f"means must be {len(weights)} vectors, got {means.shape}")
    size = means.shape[1]
    if covs.shape != (len(weights), size, size):
        raise ValueError(f"covs must be {len(weights)} of {size}, got {covs.shape}")
    roots, roots_x, roots_y = zip(
        *(roots_of_parts(cov, dim_x, "covs") for cov in covs), strict=True
    )

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_part, key_normal = jax.random.split(key)
        part = jax.random.choice(key_part, len(weights), (n,), p=jnp.asarray(weights))
        noise = jax.random.normal(key_normal, (n, size))
        root = jnp.asarray(np.stack(roots), noise.dtype)[part]
        rows = jnp.einsum("nij,nj->ni", root, noise, precision="highest")
        rows = rows + jnp.asarray(means, noise.dtype)[part]
        return rows[:, :dim_x], rows[:, dim_x:]

    def log_density(rows: Array, roots: tuple[np.ndarray, ...], means: Array) -> Array:
        # Powers of 2 pi cancel between joint and margins.
        logs = [
            jnp.log(w) - log_det_of(root) / 2 - squared_length(rows - mean, root) / 2
            for w, root, mean in zip(weights, roots, means, strict=True)
        ]
        return jax.nn.logsumexp(jnp.stack(logs), axis=0)

    def pmi(x: Array, y: Array) -> Array:
        m = jnp.asarray(means, x.dtype)
        joint = log_density(jnp.concatenate([x, y], axis=-1), roots, m)
        x_part = log_density(x, roots_x, m[:, :dim_x])
        return joint - x_part - log_density(y, roots_y, m[:, dim_x:])

    return Task(name, sample, mi, pmi, (dim_x,), (size - dim_x,), mi_se)


def mixture_cross() -> Task:
    """Two Gaussian pairs of correlation 0.9 and -0.9, half each: an X in the plane.

    Returns:
        The task; its correlation is 0.
    """
    covs = [[[1, rho], [rho, 1]] for rho in (0.9, -0.9)]
    return gaussian_mixture(
        [0.5, 0.5], np.zeros((2, 2)), covs, dim_x=1, name="mixture-cross", **CROSS
    )


def mixture_balls() -> Task:
    """Two standard normal balls at plus and minus (1.5, 1.5, 1.5); x has 2 coordinates.

    Returns:
        The task; x and y share little more than which ball it is, at most ln 2.
    """
    means = [[1.5] * 3, [-1.5] * 3]
    return gaussian_mixture(
        [0.5, 0.5], means, [np.eye(3)] * 2, dim_x=2, name="mixture-balls", **BALLS
    )


def mixture_inliers() -> Task:
    """Two interacting pairs of correlation 0.8 in 5 + 5 coordinates, a fifth unpaired.

    With probability 0.2 a row is drawn from the product of the marginals.

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
    for task in (mixture_cross(), mixture_balls(), mixture_inliers()):
        measure = jax.jit(
            lambda key, task=task: monte_carlo_information(key, task, num_samples=ROUND)
        )
        keys = jax.random.split(jax.random.key(0), NUM_ROUNDS)
        rounds = np.array([measure(key) for key in keys], float)
        mean, error = (
            rounds[:, 0].mean(),
            np.sqrt(np.mean(rounds[:, 1] ** 2) / NUM_ROUNDS),
        )
        print(f"{task.name}: mi {mean:.6f}, mi_se {error:.6f}")
