"""Labels: joint tables, channels, and labels beside real numbers."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, ndtr, xlogy
from numpy.typing import ArrayLike

from jaxinfo.core.checks import check_finite_number, check_one_of, check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.gaussian import normal_target
from jaxinfo.tasks.task import Task, by_value
from jaxinfo.tasks.transforms import normal_cdf

__all__ = [
    "discrete_joint",
    "discrete_uniform_mixture",
    "noiseless_channel",
    "quantized",
    "rare_event",
    "smoothed_discrete",
    "symmetric_channel",
    "zero_inflated_poisson",
]

# Distribution functions of the laws that `quantized` cuts into bins, and their sources.
BASES = {
    "normal": (jax.random.normal, ndtr),
    "uniform": (jax.random.uniform, lambda x: x),
    "exponential": (jax.random.exponential, lambda x: -jnp.expm1(-x)),
    "laplace": (
        jax.random.laplace,
        lambda x: jnp.where(x < 0, jnp.exp(x) / 2, 1 - jnp.exp(-x) / 2),
    ),
}


def entropy(probs: np.ndarray) -> float:
    """-sum p ln p, nats."""
    kept = probs[probs > 0]
    return -float(np.sum(kept * np.log(kept)))


def check_probabilities(probs: ArrayLike, name: str, rank: int = 1) -> np.ndarray:
    """Float64 probabilities; ValueError with this name where they are none."""
    probs = np.asarray(probs, float)
    if probs.ndim != rank or np.any(probs < 0) or not np.isclose(probs.sum(), 1):
        raise ValueError(f"{name} must be probabilities with sum 1 and {rank} axes")
    return probs


def label(values: Array) -> Array:
    """One integer per row, [N, 1]."""
    return values.astype(jnp.int32)[:, None]


@by_value
def discrete_joint(joint: ArrayLike, *, name: str = "discrete") -> Task:
    """Two labels with any table of joint probabilities.

    I = sum_xy p(x, y) ln(p(x, y) / (p(x) p(y))).

    Source: Cover and Thomas, "Elements of information theory", 2006, section 2.3.

    Args:
        joint: p(x, y), [K, L].
        name: of the task.

    Returns:
        The task.

    Raises:
        ValueError: where joint is no table of probabilities.
    """
    joint = check_probabilities(joint, "joint", 2)
    p_x, p_y = joint.sum(1), joint.sum(0)
    mi = entropy(p_x) + entropy(p_y) - entropy(joint)
    with np.errstate(divide="ignore"):
        log_ratio = np.log(joint) - np.log(np.outer(p_x, p_y))
    num_y = joint.shape[1]

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        cell = jax.random.choice(key, joint.size, (n,), p=jnp.asarray(joint.ravel()))
        return label(cell // num_y), label(cell % num_y)

    def pmi(x: Array, y: Array) -> Array:
        return jnp.asarray(log_ratio)[x[:, 0], y[:, 0]]

    return Task(name, sample, mi, pmi, (1,), (1,), discrete_x=True, discrete_y=True)


def noiseless_channel(probs: ArrayLike) -> Task:
    """y = x, a label; I is its entropy.

    Args:
        probs: of the labels, [K].

    Returns:
        The task.

    Raises:
        ValueError: where probs are no probabilities.

    Example:
        >>> round(noiseless_channel([0.5, 0.5]).mi, 4)
        0.6931
    """
    probs = check_probabilities(probs, "probs")
    return discrete_joint(np.diag(probs), name=f"noiseless-{probs.tolist()}")


def symmetric_table(num_labels: int, p: float) -> np.ndarray:
    """A uniform label, replaced by another uniform one with probability p."""
    flat = np.full((num_labels, num_labels), p / num_labels)
    return (flat + (1 - p) * np.eye(num_labels)) / num_labels


def symmetric_channel(num_labels: int, p: float) -> Task:
    """A uniform label, and what arrives when it is replaced with probability p.

    I = ln m + a ln a + (m - 1) b ln b with b = p / m and a = 1 - p + b.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 7.2.

    Args:
        num_labels: m.
        p: probability of a fresh uniform label, in [0, 1].

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range.

    Example:
        >>> round(symmetric_channel(10, 0.1).mi, 4)
        1.8023
    """
    check_positive(num_labels=num_labels)
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie in [0, 1], got {p}")
    name = f"symmetric-{num_labels}-{p}"
    return discrete_joint(symmetric_table(num_labels, p), name=name)


@by_value
def smoothed_discrete(num_labels: int, kappa: float) -> Task:
    """y = x + U(0, s), x a uniform label and s = 1 / kappa.

    I = ln m - integral of c(y) ln c(y) / (m s) with c(y) the labels that reach y.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, whose noise has width 2.

    Args:
        num_labels: m.
        kappa: 1 / s, above 0.

    Returns:
        The task; x is discrete.

    Raises:
        ValueError: where a parameter is out of range.
    """
    check_positive(num_labels=num_labels)
    check_finite_number(0.0, kappa=kappa)
    width, labels = 1 / kappa, np.arange(num_labels)
    edges = np.unique(np.concatenate([labels, labels + width]))
    middles = (edges[1:] + edges[:-1]) / 2
    noise = middles[:, None] - labels
    counts = np.sum((noise > 0) & (noise < width), axis=1)
    terms = np.diff(edges) * counts * np.log(np.maximum(counts, 1))
    mi = math.log(num_labels) - float(terms.sum()) / (num_labels * width)

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_x, key_noise = jax.random.split(key)
        x = jax.random.randint(key_x, (n, 1), 0, num_labels, jnp.int32)
        return x, x + width * jax.random.uniform(key_noise, (n, 1))

    def pmi(x: Array, y: Array) -> Array:
        first = jnp.maximum(jnp.floor(y - width) + 1, 0)
        count = jnp.minimum(jnp.floor(y), num_labels - 1) - first + 1
        slack = 4 * jnp.finfo(y.dtype).eps * (num_labels + width)
        inside = (y - x > -slack) & (y - x < width + slack)
        ratio = math.log(num_labels) - jnp.log(jnp.maximum(count, 1))
        return jnp.where(inside, ratio, -jnp.inf)[:, 0]

    name = f"smoothed_discrete-{num_labels}-{kappa}"
    return Task(name, sample, mi, pmi, (1,), (1,), discrete_x=True)


def discrete_uniform_mixture(num_labels: int) -> Task:
    """y = x + U(0, 2), x a uniform label; I = ln m - (m - 1) ln(2) / m.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, section 4.

    Args:
        num_labels: m.

    Returns:
        The task; x is discrete.

    Raises:
        ValueError: where num_labels is no positive whole number.
    """
    task = smoothed_discrete(num_labels, 0.5)
    return dataclasses.replace(task, name=f"discrete_uniform_mixture-{num_labels}")


@by_value
def quantized(base: str, probs: ArrayLike) -> Task:
    """A real number and the label of the bin it lies in; I is the label's entropy.

    Bin k holds the quantiles from p_0 + ... + p_(k - 1) on, of mass p_k.

    Args:
        base: "normal", "uniform", "exponential" or "laplace": the law of x.
        probs: of the bins, [K].

    Returns:
        The task; y is discrete.

    Raises:
        ValueError: where base is unknown or probs are no probabilities.
    """
    check_one_of(BASES, base=base)
    probs = check_probabilities(probs, "probs")
    draw, cdf = BASES[base]
    edges = np.cumsum(probs)[:-1]

    def bin_of(x: Array) -> Array:
        return jnp.searchsorted(jnp.asarray(edges), cdf(x), side="right")

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        x = draw(key, (n, 1))
        return x, bin_of(x).astype(jnp.int32)

    def pmi(x: Array, y: Array) -> Array:
        information = -jnp.log(jnp.asarray(probs))[y]
        return jnp.where(bin_of(x) == y, information, -jnp.inf)[:, 0]

    name = f"quantized-{base}-{probs.tolist()}"
    return Task(name, sample, entropy(probs), pmi, (1,), (1,), discrete_y=True)


@by_value
def rare_event(mi: float, p: float) -> Task:
    """A Gaussian copula that fails with probability p, which both sides can see.

    x and y are uniform on (0, 1) with rho = sqrt(1 - exp(-2 J)) between their normal
    scores; in a failure both are uniform on (1, 2), and independent. I = h(p) +
    (1 - p) J with h(p) = -p ln p - (1 - p) ln(1 - p).

    Args:
        mi: nats, at least h(p).
        p: probability of a failure, in (0, 1).

    Returns:
        The task.

    Raises:
        ValueError: where a parameter is out of range; it names the floor h(p).
    """
    check_finite_number(0.0, 1.0, p=p)
    floor = entropy(np.array([p, 1 - p]))
    if not floor <= mi < float("inf"):
        raise ValueError(f"mi must be at least h(p) = {floor:.4f} nats, got {mi}")
    copula = normal_cdf(normal_target((mi - floor) / (1 - p), 1, 1))

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_copula, key_flat, key_fails = jax.random.split(key, 3)
        fails = jax.random.bernoulli(key_fails, p, (n, 1))
        flat = 1 + jax.random.uniform(key_flat, (2, n, 1))
        x, y = jnp.where(fails, flat, jnp.stack(copula.sample(key_copula, n)))
        return x, y

    def pmi(x: Array, y: Array) -> Array:
        assert copula.pmi is not None
        fails_x, fails_y = x[:, 0] > 1, y[:, 0] > 1
        works = copula.pmi(x, y) - math.log1p(-p)
        known = jnp.where(fails_x, -math.log(p), works)
        return jnp.where(fails_x == fails_y, known, -jnp.inf)

    return Task(f"rare_event-{mi}-{p}", sample, float(mi), pmi, (1,), (1,))


@by_value
def zero_inflated_poisson(p: float) -> Task:
    """x ~ Exponential(1); y is 0 with probability p, else Poisson(x).

    With q = 1 - p: p(y) = q 2^-(y + 1) for y > 0 and p(0) = p + q / 2, and
    I = q (2 ln 2 - gamma - sum_k 2^-k ln k - (2 ln 2 - 1) / 4)
    + (1 / q) [w^2 ln(w) / 2 - w^2 / 4]_p^1 - p(0) ln p(0).

    Source: the law is of Gao et al., "Estimating mutual information for
        discrete-continuous mixtures", NeurIPS 2017; its q 0.3012 nats holds at p = 0
        only, since a zero does not tell whether it was put there.

    Args:
        p: probability of a zero put there, in [0, 1).

    Returns:
        The task; y is discrete.

    Raises:
        ValueError: where p is out of range.

    Example:
        >>> round(zero_inflated_poisson(0.0).mi, 4)
        0.3012
    """
    if not 0 <= p < 1:
        raise ValueError(f"p must lie in [0, 1), got {p}")
    q, p_zero, k = 1 - p, (1 + p) / 2, np.arange(1, 200)
    total = 2 * math.log(2) - np.euler_gamma - float(np.sum(np.log(k) * 0.5**k))
    square_log = p**2 * math.log(p) / 2 if p > 0 else 0.0
    at_zero = (-0.25 - square_log + p**2 / 4) / q - p_zero * math.log(p_zero)
    mi = q * (total - (2 * math.log(2) - 1) / 4) + at_zero

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_x, key_y, key_zero = jax.random.split(key, 3)
        x = jax.random.exponential(key_x, (n, 1))
        y = jax.random.poisson(key_y, x, dtype=jnp.int32)
        return x, jnp.where(jax.random.bernoulli(key_zero, p, (n, 1)), 0, y)

    def pmi(x: Array, y: Array) -> Array:
        zero = jnp.log((p + q * jnp.exp(-x)) / p_zero)
        count = y.astype(x.dtype)
        poisson = xlogy(count, x) - x - gammaln(count + 1)
        return jnp.where(y == 0, zero, poisson + (count + 1) * math.log(2))[:, 0]

    return Task(
        f"zero_inflated_poisson-{p}", sample, mi, pmi, (1,), (1,), discrete_y=True
    )
