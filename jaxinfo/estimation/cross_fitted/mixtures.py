"""Mixtures of Gaussians, fitted by expectation maximization."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from jaxinfo.core.types import Float
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig

__all__ = ["GaussianMixture", "fit_mixture"]

# Start values are compared after so many steps on at most so many rows.
NUM_FIRST_STEPS, MAX_FIRST_ROWS = 10, 1_000
# The fit ends when a step raises the mean log likelihood by less than this, nats.
MIN_GAIN = 1e-5


class GaussianMixture(NamedTuple):
    """The density sum_k weights[k] N(means[k], covariances[k])."""

    weights: Float[np.ndarray, " k"]
    means: Float[np.ndarray, "k d"]
    covariances: Float[np.ndarray, "k d d"]


def fit_mixture(
    rows: Float[np.ndarray, "n d"], num_components: int, config: CrossFittedConfig
) -> GaussianMixture:
    """Fits a mixture to rows: the best of several starts by k-means++.

    Every covariance is averaged with that of all rows divided by K^(2 / d), for K
    components in d dimensions, which counts as d + 2 rows. This keeps it away from
    singular ones. The mixtures of scikit-learn, an optional dependency, have no such
    prior.

    Source: Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1977; Fraley and Raftery,
        "Bayesian regularization for normal mixture estimation and model-based
        clustering", J. Classification 24, 2007, for the scale and the strength of the
        prior; Arthur and Vassilvitskii, "k-means++", SODA 2007.
    """
    generator = np.random.default_rng(num_components)
    size = rows.shape[1]
    prior = np.atleast_2d(np.cov(rows, rowvar=False)) + config.ridge * np.eye(size)
    prior = prior / num_components ** (2 / size)
    few = rows[:: -(-len(rows) // MAX_FIRST_ROWS)]
    starts = [
        _climb(
            few, _start(few, num_components, prior, generator), prior, NUM_FIRST_STEPS
        )
        for _ in range(config.num_mixture_starts)
    ]
    best = max(starts, key=lambda mixture: _joint_log_density(few, mixture)[1].mean())
    return _climb(rows, best, prior, config.num_mixture_steps)


def _start(
    rows: np.ndarray,
    num_components: int,
    prior: np.ndarray,
    generator: np.random.Generator,
) -> GaussianMixture:
    """A mixture of equal components around rows far from each other."""
    scaled = rows / np.sqrt(np.diag(prior))
    centers = [int(generator.integers(len(rows)))]
    squares = np.full(len(rows), np.inf)
    for _ in range(num_components - 1):
        newest = np.sum((scaled - scaled[centers[-1]]) ** 2, axis=1)
        squares = np.minimum(squares, newest + np.finfo(float).tiny)
        centers.append(int(generator.choice(len(rows), p=squares / squares.sum())))
    return GaussianMixture(
        np.full(num_components, 1 / num_components),
        rows[centers],
        np.repeat(prior[None], num_components, axis=0),
    )


def _climb(
    rows: np.ndarray, mixture: GaussianMixture, prior: np.ndarray, num_steps: int
) -> GaussianMixture:
    """Applies at most `num_steps` steps of expectation maximization."""
    num_rows, size = rows.shape
    before = -np.inf
    for _ in range(num_steps):
        joint, total = _joint_log_density(rows, mixture)
        if total.mean() - before < MIN_GAIN:
            break
        before = total.mean()
        shares = np.exp(joint - total[:, None])
        counts = shares.sum(axis=0) + 1e-9
        means = shares.T @ rows / counts[:, None]
        covariances = np.empty_like(mixture.covariances)
        for k, share in enumerate(shares.T):
            apart = rows - means[k]
            scatter = (share[:, None] * apart).T @ apart
            strength = size + 2
            covariances[k] = (scatter + strength * prior) / (counts[k] + strength)
        mixture = GaussianMixture(counts / num_rows, means, covariances)
    return mixture


def _joint_log_density(
    rows: np.ndarray, mixture: GaussianMixture
) -> tuple[np.ndarray, np.ndarray]:
    """log(weight times density) of each component, [N, K], and of their sum, [N]."""
    factors = np.linalg.inv(np.linalg.cholesky(mixture.covariances))
    whitened = np.einsum("kij,nj->kni", factors, rows, optimize=True)
    centers = np.einsum("kij,kj->ki", factors, mixture.means)
    squares = np.sum((whitened - centers[:, None]) ** 2, axis=2).T
    log_scale = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    constant = np.log(mixture.weights) + log_scale
    joint = constant - squares / 2 - rows.shape[1] / 2 * np.log(2 * np.pi)
    return joint, np.asarray(logsumexp(joint, axis=1))
