"""Tasks of two distributions with known f-divergences."""

import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxinfo.core.checks import check_finite_number
from jaxinfo.core.types import Array, Key
from jaxinfo.divergences import (
    FDivergence,
    exact_by_quadrature,
    exact_discrete,
    exact_gaussian_jeffreys,
    exact_gaussian_kl,
    exact_gaussian_neyman,
    exact_gaussian_pearson,
    exact_gaussian_renyi,
    exact_gaussian_reverse_kl,
    exact_gaussian_squared_hellinger,
)
from jaxinfo.tasks.discrete import check_probabilities, label
from jaxinfo.tasks.linear import (
    log_det_of,
    matrix_product,
    root_of_covariance,
    squared_length,
)
from jaxinfo.tasks.task import DivergenceTask

__all__ = [
    "discrete_distributions",
    "exponentials",
    "gaussians",
    "laplaces",
    "uniforms",
]

LogDensity = Callable[[Array], Array]
GAUSSIAN_CLOSED_FORMS = {
    "KL": exact_gaussian_kl,
    "REVERSE_KL": exact_gaussian_reverse_kl,
    "JEFFREYS": exact_gaussian_jeffreys,
    "PEARSON": exact_gaussian_pearson,
    "NEYMAN": exact_gaussian_neyman,
    "SQUARED_HELLINGER": exact_gaussian_squared_hellinger,
}
# Where the log-density is this far below its maximum, a tail is negligible in float64.
TAIL = 60.0


def integrate(
    divergence: FDivergence, log_p: LogDensity, log_q: LogDensity, kinks: list[float]
) -> float:
    """Integrates over [kinks[0], kinks[-1]], split at kinks and where p = q."""
    with jax.enable_x64(True):
        grid = jnp.linspace(kinks[0], kinks[-1], 2_001)

        def above(x: Array) -> Array:
            return log_p(x) > log_q(x)

        steps = np.flatnonzero(np.diff(np.asarray(above(grid))))
        low, high = grid[steps], grid[steps + 1]
        side = above(low)
        for _ in range(50):
            middle = (low + high) / 2
            same = above(middle) == side
            low, high = jnp.where(same, middle, low), jnp.where(same, high, middle)
        ends = jnp.sort(jnp.concatenate([jnp.asarray(kinks), (low + high) / 2]))
        pieces = [
            exact_by_quadrature(divergence, log_p, log_q, low=a, high=b)
            for a, b in itertools.pairwise(ends)
        ]
        return float(sum(pieces))


def _order(divergence: FDivergence) -> float:
    """An alpha: the divergence is finite iff the integral of p^alpha q^(1 - alpha) is.

    For alpha in [0, 1] the integral always converges.
    """
    if divergence.name.startswith("alpha_divergence"):
        return float(getattr(divergence, "alpha"))  # noqa: B009
    return {"PEARSON": 2.0, "NEYMAN": -1.0}.get(divergence.name, 0.5)


def gaussians(
    mean_p: ArrayLike,
    cov_p: ArrayLike,
    mean_q: ArrayLike,
    cov_q: ArrayLike,
    *,
    name: str = "gaussians",
) -> DivergenceTask:
    """Makes a task of two Gaussians.

    KL, REVERSE_KL, JEFFREYS, PEARSON, NEYMAN, SQUARED_HELLINGER and alpha divergences
    have closed forms. Other divergences are integrated numerically, in one dimension or
    for equal covariances: then D_f is that of N(delta, 1) and N(0, 1), where delta is
    the Mahalanobis distance between the means.

    Source: Gil, Alajaji and Linder, "Renyi divergence measures for commonly used
        univariate continuous distributions", Inf. Sci. 2013.

    Args:
        mean_p: mean of P, [D].
        cov_p: positive definite covariance of P, [D, D].
        mean_q: mean of Q, [D].
        cov_q: positive definite covariance of Q, [D, D].
        name: name of the task.

    Returns:
        The task.

    Raises:
        ValueError: if a covariance is not positive definite or the dimensions differ.
    """
    means = [np.asarray(mean, float) for mean in (mean_p, mean_q)]
    covs = [np.asarray(cov, float) for cov in (cov_p, cov_q)]
    roots = [root_of_covariance(covs[0], "cov_p"), root_of_covariance(covs[1], "cov_q")]
    for side, mean, root in zip("pq", means, roots, strict=True):
        if mean.shape != (len(roots[0]),) or root.shape != roots[0].shape:
            raise ValueError(
                f"mean_{side} and cov_{side} must have {len(roots[0])} dimensions, as "
                f"cov_p has; got shapes {mean.shape} and {root.shape}"
            )
    dim = len(roots[0])

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        noise = jax.random.normal(key, (2, n, dim))
        p, q = (
            jnp.asarray(mean, noise.dtype) + matrix_product(rows, root)
            for mean, rows, root in zip(means, noise, roots, strict=True)
        )
        return p, q

    def log_density(x: Array, i: int) -> Array:
        centered = x - jnp.asarray(means[i], x.dtype)
        return -(squared_length(centered, roots[i]) + log_det_of(roots[i])) / 2

    def log_ratio(x: Array) -> Array:
        return log_density(x, 0) - log_density(x, 1)

    def exact(divergence: FDivergence) -> float:
        with jax.enable_x64(True):
            parameters = [
                jnp.asarray(a) for a in (means[0], covs[0], means[1], covs[1])
            ]
            if divergence.name in GAUSSIAN_CLOSED_FORMS:
                closed_form = GAUSSIAN_CLOSED_FORMS[divergence.name]
                return float(closed_form(*parameters))
            if divergence.name.startswith("alpha_divergence"):
                return _gaussian_alpha(parameters, _order(divergence))
        if np.allclose(covs[0], covs[1]):
            delta = np.linalg.norm(np.linalg.solve(roots[0], means[0] - means[1]))
            return _normal_quadrature(divergence, (float(delta), 1.0), (0.0, 1.0))
        if dim > 1:
            raise ValueError(
                f"divergence must have a closed form in {dim} dimensions; "
                f"{divergence.name} has none for unequal covariances"
            )
        p, q = (
            (float(m[0]), float(r[0, 0])) for m, r in zip(means, roots, strict=True)
        )
        return _normal_quadrature(divergence, p, q)

    return DivergenceTask(name, sample, exact, log_ratio, dim)


def _gaussian_alpha(parameters: list[Array], alpha: float) -> float:
    """(exp((alpha - 1) D) - 1) / (alpha (alpha - 1)), D the Renyi divergence."""
    if alpha < 0:
        return _gaussian_alpha(parameters[2:] + parameters[:2], 1 - alpha)
    renyi = float(exact_gaussian_renyi(*parameters, order=alpha))
    exponent = (alpha - 1) * renyi
    return (math.expm1(exponent) if exponent < 700 else math.inf) / (
        alpha * (alpha - 1)
    )


def _normal_quadrature(
    divergence: FDivergence, p: tuple[float, float], q: tuple[float, float]
) -> float:
    """Quadrature for two normal distributions, each a (mean, standard deviation)."""

    def log_density(mean: float, sd: float) -> LogDensity:
        constant = math.log(sd) + math.log(2 * math.pi) / 2
        return lambda x: -(((x - mean) / sd) ** 2) / 2 - constant

    reach = math.sqrt(2 * TAIL)
    low = min(mean - reach * sd for mean, sd in (p, q))
    high = max(mean + reach * sd for mean, sd in (p, q))
    return integrate(divergence, log_density(*p), log_density(*q), [low, high])


def _exponential_tails(
    name: str,
    draw: Callable[[Array, int], tuple[Array, Array]],
    log_p: LogDensity,
    log_q: LogDensity,
    rates: tuple[float, float],
    span: Callable[[float], list[float]],
) -> DivergenceTask:
    """Task of two distributions on the line whose tails decay at these rates."""

    def exact(divergence: FDivergence) -> float:
        alpha = _order(divergence)
        # Rate of decay of p^alpha q^(1 - alpha).
        rate = alpha * rates[0] + (1 - alpha) * rates[1]
        if rate <= 0:
            return math.inf
        return integrate(divergence, log_p, log_q, span(TAIL / min(rate, *rates)))

    return DivergenceTask(name, draw, exact, lambda x: (log_p(x) - log_q(x))[:, 0], 1)


def exponentials(rate_p: float, rate_q: float) -> DivergenceTask:
    """Makes a task of two exponential distributions.

    KL = ln(rate_p / rate_q) + rate_q / rate_p - 1.

    Source: Gil, Alajaji and Linder, Inf. Sci. 2013.

    Args:
        rate_p: rate of P, above 0.
        rate_q: rate of Q, above 0.

    Returns:
        The task.

    Raises:
        ValueError: if a rate is not positive and finite.
    """
    check_finite_number(0.0, rate_p=rate_p, rate_q=rate_q)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        p, q = jax.random.exponential(key, (2, n, 1))
        return p / rate_p, q / rate_q

    def log_density(rate: float) -> LogDensity:
        return lambda x: jnp.where(x < 0, -jnp.inf, math.log(rate) - rate * x)

    return _exponential_tails(
        f"exponentials-{rate_p}-{rate_q}",
        sample,
        log_density(rate_p),
        log_density(rate_q),
        (rate_p, rate_q),
        lambda reach: [0.0, reach],
    )


def laplaces(
    mean_p: float, scale_p: float, mean_q: float, scale_q: float
) -> DivergenceTask:
    """Makes a task of two Laplace distributions.

    With d = |mean_p - mean_q|: KL = ln(scale_q / scale_p) - 1
    + (d + scale_p exp(-d / scale_p)) / scale_q.

    Source: Gil, Alajaji and Linder, Inf. Sci. 2013.

    Args:
        mean_p: mean of P.
        scale_p: scale of P, above 0; the standard deviation is sqrt(2) scale_p.
        mean_q: mean of Q.
        scale_q: scale of Q, above 0.

    Returns:
        The task.

    Raises:
        ValueError: if a mean is not finite or a scale is not positive and finite.
    """
    check_finite_number(mean_p=mean_p, mean_q=mean_q)
    check_finite_number(0.0, scale_p=scale_p, scale_q=scale_q)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        p, q = jax.random.laplace(key, (2, n, 1))
        return mean_p + scale_p * p, mean_q + scale_q * q

    def log_density(mean: float, scale: float) -> LogDensity:
        return lambda x: -jnp.abs(x - mean) / scale - math.log(2 * scale)

    middle = sorted([float(mean_p), float(mean_q)])
    return _exponential_tails(
        f"laplaces-{mean_p}-{scale_p}-{mean_q}-{scale_q}",
        sample,
        log_density(mean_p, scale_p),
        log_density(mean_q, scale_q),
        (1 / scale_p, 1 / scale_q),
        lambda reach: [middle[0] - reach, *middle, middle[1] + reach],
    )


def uniforms(
    low_p: float, high_p: float, low_q: float, high_q: float
) -> DivergenceTask:
    """Makes a task of the uniform distributions on two intervals.

    Source: Gil, Alajaji and Linder, Inf. Sci. 2013.

    Args:
        low_p: lower end of the interval of P.
        high_p: upper end of the interval of P.
        low_q: lower end of the interval of Q.
        high_q: upper end of the interval of Q.

    Returns:
        The task; KL is inf unless the interval of Q contains that of P.

    Raises:
        ValueError: if an interval is empty or not bounded.
    """
    for side, low, high in [("p", low_p, high_p), ("q", low_q, high_q)]:
        if not -math.inf < low < high < math.inf:
            raise ValueError(
                f"low_{side} and high_{side} must be finite and increasing, got {low} "
                f"and {high}"
            )
    edges = np.unique([low_p, high_p, low_q, high_q])
    middles = (edges[1:] + edges[:-1]) / 2

    def mass(low: float, high: float) -> np.ndarray:
        inside = (middles > low) & (middles < high)
        return np.diff(edges) * inside / (high - low)

    probs = mass(low_p, high_p), mass(low_q, high_q)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        p, q = jax.random.uniform(key, (2, n, 1))
        return low_p + (high_p - low_p) * p, low_q + (high_q - low_q) * q

    def log_density(x: Array, low: float, high: float) -> Array:
        inside = (x >= low) & (x <= high)
        return jnp.where(inside, -math.log(high - low), -jnp.inf)

    def log_ratio(x: Array) -> Array:
        ratio = log_density(x, low_p, high_p) - log_density(x, low_q, high_q)
        return ratio[:, 0]

    name = f"uniforms-{low_p}-{high_p}-{low_q}-{high_q}"
    return DivergenceTask(name, sample, _exact_of(*probs), log_ratio, 1)


def discrete_distributions(probs_p: ArrayLike, probs_q: ArrayLike) -> DivergenceTask:
    """Makes a task of two distributions over the same K labels.

    Source: Csiszar, "Information-type measures of difference of probability
        distributions", Studia Sci. Math. Hungar. 1967.

    Args:
        probs_p: probabilities of P, [K].
        probs_q: probabilities of Q, [K].

    Returns:
        The task; the samples are discrete.

    Raises:
        ValueError: if probs_p or probs_q are not probabilities or the lengths differ.
    """
    p = check_probabilities(probs_p, "probs_p")
    q = check_probabilities(probs_q, "probs_q")
    if p.shape != q.shape:
        raise ValueError(f"probs_q must have {len(p)} entries, got {len(q)}")

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_p, key_q = jax.random.split(key)
        draws = [
            jax.random.choice(key, len(probs), (n,), p=jnp.asarray(probs))
            for key, probs in [(key_p, p), (key_q, q)]
        ]
        return label(draws[0]), label(draws[1])

    def log_ratio(x: Array) -> Array:
        return (jnp.log(jnp.asarray(p)) - jnp.log(jnp.asarray(q)))[x[:, 0]]

    name = f"discrete-{p.tolist()}-{q.tolist()}"
    return DivergenceTask(name, sample, _exact_of(p, q), log_ratio, 1, True)


def _exact_of(p: np.ndarray, q: np.ndarray) -> Callable[[FDivergence], float]:
    """`DivergenceTask.exact` for the probabilities p and q of finitely many cells."""

    def exact(divergence: FDivergence) -> float:
        with jax.enable_x64(True):
            return float(exact_discrete(divergence, jnp.asarray(p), jnp.asarray(q)))

    return exact
