"""Ten distributions that nothing in the default estimator was tuned on."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats
from scipy.special import betaln, comb, ive, logsumexp

from jaxinfo.tasks import Task

__all__ = ["unseen_tasks"]

Sampler = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
NUM_INTEGRATED = 1_000_000


def _task(name: str, sampler: Sampler, information: float) -> Task:
    """A task from a NumPy sampler of x [N, D] and y [N, E]."""

    def sample(key: jax.Array, num_rows: int) -> tuple[jax.Array, jax.Array]:
        words = np.asarray(jax.random.key_data(key))
        x, y = sampler(np.random.default_rng(words), num_rows)
        return jnp.asarray(x), jnp.asarray(y)

    x, y = sampler(np.random.default_rng(0), 2)
    return Task(name, sample, information, None, x.shape[1:], y.shape[1:])


def _integrated(
    sampler: Sampler, log_ratio: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> float:
    """The mean log density ratio of many samples, nats."""
    return float(log_ratio(*sampler(np.random.default_rng(1), NUM_INTEGRATED)).mean())


def _entropy(density: Callable[[float], float], grid: np.ndarray) -> float:
    values = np.array([density(point) for point in grid])
    return float(-np.trapezoid(values * np.log(np.maximum(values, 1e-300)), grid))


def _clayton(theta: float = 2.0) -> Task:
    """A Clayton copula with log-normal and exponential marginals."""

    def uniforms(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        u, w = rng.random((2, n, 1))
        v = ((w ** (-theta / (1 + theta)) - 1) * u**-theta + 1) ** (-1 / theta)
        return u, v

    def log_ratio(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        total = np.log(u**-theta + v**-theta - 1)
        own = np.log(u) + np.log(v)
        return np.log1p(theta) - (1 + theta) * own - (2 + 1 / theta) * total

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        u, v = uniforms(rng, n)
        return np.exp(stats.norm.ppf(u)), stats.expon.ppf(v)

    return _task("clayton", sampler, _integrated(uniforms, log_ratio))


def _heteroscedastic() -> Task:
    """y = exp(x / 2) e with standard normal x and e."""
    nodes = np.linspace(-9, 9, 2_001)
    weights = stats.norm.pdf(nodes) * (nodes[1] - nodes[0])
    scales = np.exp(nodes / 2)

    def density(y: float) -> float:
        return float(np.sum(weights * stats.norm.pdf(y / scales) / scales))

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x, e = rng.normal(size=(2, n, 1))
        return x, np.exp(x / 2) * e

    entropy = _entropy(density, np.sinh(np.linspace(-7, 7, 4_001)))
    return _task("heteroscedastic", sampler, entropy - 0.5 * np.log(2 * np.pi * np.e))


def _circle(sigma: float = 0.3) -> Task:
    """A noisy point on the circle, given its angle."""

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        angle = rng.uniform(0, 2 * np.pi, (n, 1))
        point = np.hstack([np.cos(angle), np.sin(angle)])
        return angle, point + sigma * rng.normal(size=(n, 2))

    def log_ratio(angle: np.ndarray, y: np.ndarray) -> np.ndarray:
        inner = y[:, 0] * np.cos(angle[:, 0]) + y[:, 1] * np.sin(angle[:, 0])
        concentration = np.hypot(*y.T) / sigma**2
        return inner / sigma**2 - np.log(ive(0, concentration)) - concentration

    return _task("circle", sampler, _integrated(sampler, log_ratio))


def _product(sigma: float = 0.5) -> Task:
    """y = x_1 x_2 + noise."""
    nodes = np.linspace(-8, 8, 1_601)
    weights = stats.norm.pdf(nodes) * (nodes[1] - nodes[0])
    scales = np.sqrt(nodes**2 + sigma**2)

    def density(y: float) -> float:
        return float(np.sum(weights * stats.norm.pdf(y / scales) / scales))

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 2))
        noise = sigma * rng.normal(size=(n, 1))
        return x, x[:, :1] * x[:, 1:] + noise

    noise_entropy = 0.5 * np.log(2 * np.pi * np.e * sigma**2)
    entropy = _entropy(density, np.linspace(-25, 25, 6_001))
    return _task("product", sampler, entropy - noise_entropy)


def _laplace(scale: float = 0.5) -> Task:
    """A Laplace variable with Laplace noise."""

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x, e = rng.laplace(size=(2, n, 1))
        return x, x + scale * e

    def log_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        size = np.abs(y)
        wide, narrow = np.exp(-size), scale * np.exp(-size / scale)
        marginal = np.log((wide - narrow) / (2 * (1 - scale**2)))
        return stats.laplace.logpdf(y - x, scale=scale) - marginal

    return _task("laplace", sampler, _integrated(sampler, log_ratio))


def _sign_parity() -> Task:
    """The sign of y is that of x_1 x_2, its size is independent: ln 2 nats."""

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 2))
        sign = np.sign(x[:, :1] * x[:, 1:])
        return x, sign * np.abs(rng.normal(size=(n, 1)))

    return _task("sign-parity", sampler, float(np.log(2)))


def _two_regimes(rho: float = 0.9) -> Task:
    """Correlation rho or -rho, each half of the time."""
    deviation = np.sqrt(1 - rho**2)

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x, e = rng.normal(size=(2, n, 1))
        sign = np.where(rng.random((n, 1)) < 0.5, 1, -1)
        return x, sign * rho * x + deviation * e

    def log_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        both = [stats.norm.logpdf(y, s * rho * x, deviation) for s in (1, -1)]
        return np.logaddexp(*both) - np.log(2) - stats.norm.logpdf(y)

    return _task("two-regimes", sampler, _integrated(sampler, log_ratio))


def _shared_scale(size: int = 5) -> Task:
    """Independent normal vectors that share a random scale, 1 or 4."""
    scales = np.array([1.0, 4.0])

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        scale = scales[rng.integers(2, size=(n, 1))]
        x, y = rng.normal(size=(2, n, size))
        return scale * x, scale * y

    def log_density(squares: np.ndarray, dim: int) -> np.ndarray:
        terms = [-squares / 2 / s**2 - dim * np.log(s) for s in scales]
        return logsumexp(terms, axis=0) - np.log(2)

    def log_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        a, b = (np.sum(rows**2, axis=1) for rows in (x, y))
        joint = log_density(a + b, 2 * size)
        return joint - log_density(a, size) - log_density(b, size)

    return _task("shared-scale", sampler, _integrated(sampler, log_ratio))


def _mixed_coordinates(size: int = 30, pairs: int = 3, rho: float = 0.8) -> Task:
    """Three correlated pairs among 30 + 30 coordinates, rotated and transformed."""
    rng = np.random.default_rng(7)
    rotation_x, rotation_y = (
        np.linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(2)
    )

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = rng.normal(size=(2, n, size))
        y[:, :pairs] = rho * x[:, :pairs] + np.sqrt(1 - rho**2) * y[:, :pairs]
        return np.sinh(x @ rotation_x), np.cbrt(y @ rotation_y)

    information = -0.5 * pairs * np.log(1 - rho**2)
    return _task("mixed-coordinates", sampler, float(information))


def _beta_binomial(trials: int = 10) -> Task:
    """The successes of ten trials, given their beta-distributed chance."""
    counts = np.arange(trials + 1)
    marginal = np.log(comb(trials, counts)) + betaln(2 + counts, 2 + trials - counts)
    marginal -= betaln(2, 2)

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        chance = rng.beta(2, 2, (n, 1))
        return chance, rng.binomial(trials, chance).astype(float)

    def log_ratio(chance: np.ndarray, y: np.ndarray) -> np.ndarray:
        return stats.binom.logpmf(y, trials, chance) - marginal[y.astype(int)]

    return _task("beta-binomial", sampler, _integrated(sampler, log_ratio))


def unseen_tasks() -> tuple[Task, ...]:
    """Returns the ten tasks; their information is exact or from a million samples."""
    return (
        _clayton(),
        _heteroscedastic(),
        _circle(),
        _product(),
        _laplace(),
        _sign_parity(),
        _two_regimes(),
        _shared_scale(),
        _mixed_coordinates(),
        _beta_binomial(),
    )
