"""Tasks of discrete variables, and of a discrete and a continuous variable."""

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
from jaxinfo.tasks.task import Task
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

# Samplers and distribution functions of the distributions that `quantized` bins.
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


def table_information(joint: np.ndarray) -> float:
    """H(X) + H(Y) - H(X, Y) of a table of joint probabilities, nats."""
    return entropy(joint.sum(1)) + entropy(joint.sum(0)) - entropy(joint)


def check_probabilities(probs: ArrayLike, name: str, rank: int = 1) -> np.ndarray:
    """Returns the probabilities in float64; a ValueError names those that are not."""
    probs = np.asarray(probs, float)
    if probs.ndim != rank or np.any(probs < 0) or not np.isclose(probs.sum(), 1):
        raise ValueError(
            f"{name} must be nonnegative with sum 1 and {rank} axes, got shape "
            f"{probs.shape} with sum {probs.sum():.6g}"
        )
    return probs


def label(values: Array) -> Array:
    """Labels [N] as a column of int32, [N, 1]."""
    return values.astype(jnp.int32)[:, None]


def discrete_joint(joint: ArrayLike, *, name: str = "discrete") -> Task:
    """Makes a task of two labels with the given joint probabilities.

    I = sum_xy p(x, y) ln(p(x, y) / (p(x) p(y))).

    Source: Cover and Thomas, "Elements of information theory", 2006, section 2.3.

    Args:
        joint: table of p(x, y), [K, L].
        name: name of the task.

    Returns:
        The task; x and y are discrete.

    Raises:
        ValueError: if joint is not a table of probabilities.
    """
    joint = check_probabilities(joint, "joint", 2)
    mi = table_information(joint)
    with np.errstate(divide="ignore"):
        log_ratio = np.log(joint) - np.log(np.outer(joint.sum(1), joint.sum(0)))
    num_y = joint.shape[1]

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        cell = jax.random.choice(key, joint.size, (n,), p=jnp.asarray(joint.ravel()))
        return label(cell // num_y), label(cell % num_y)

    def pmi(x: Array, y: Array) -> Array:
        return jnp.asarray(log_ratio)[x[:, 0], y[:, 0]]

    return Task(name, sample, mi, pmi, (1,), (1,), discrete_x=True, discrete_y=True)


def noiseless_channel(probs: ArrayLike) -> Task:
    """Makes a task of a label and its copy, y = x; I is the label's entropy.

    Args:
        probs: probabilities of the labels, [K].

    Returns:
        The task; x and y are discrete.

    Raises:
        ValueError: if probs are not probabilities.

    Example:
        >>> round(noiseless_channel([0.5, 0.5]).mi, 4)
        0.6931
    """
    probs = check_probabilities(probs, "probs")
    return discrete_joint(np.diag(probs), name=f"noiseless-{probs.tolist()}")


def symmetric_table(num_labels: int, p: float) -> np.ndarray:
    """Joint table of a uniform label and the output of the symmetric channel."""
    flat = np.full((num_labels, num_labels), p / num_labels)
    return (flat + (1 - p) * np.eye(num_labels)) / num_labels


def symmetric_channel(num_labels: int, p: float) -> Task:
    """Makes a task of a uniform label sent through a symmetric channel.

    With probability p the channel replaces the label by a fresh uniform one.
    I = ln m + a ln a + (m - 1) b ln b with b = p / m and a = 1 - p + b.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 7.2.

    Args:
        num_labels: number of labels m.
        p: probability of a fresh uniform label, in [0, 1].

    Returns:
        The task; x and y are discrete.

    Raises:
        ValueError: if num_labels is not a positive integer or p lies outside [0, 1].

    Example:
        >>> round(symmetric_channel(10, 0.1).mi, 4)
        1.8023
    """
    check_positive(num_labels=num_labels)
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie in [0, 1], got {p}")
    name = f"symmetric-{num_labels}-{p}"
    return discrete_joint(symmetric_table(num_labels, p), name=name)


def smoothed_discrete(num_labels: int, kappa: float) -> Task:
    """Makes a task of a uniform label and its sum with uniform noise.

    y = x + U(0, s) with s = 1 / kappa. I = ln m - integral of c(y) ln c(y) / (m s),
    where c(y) is the number of labels x with x < y < x + s.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, for noise of width 2.

    Args:
        num_labels: number of labels m.
        kappa: 1 / s, above 0.

    Returns:
        The task; x is discrete.

    Raises:
        ValueError: if num_labels is not a positive integer or kappa is not positive and
            finite.
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
    """Makes a task of a uniform label x and y = x + U(0, 2).

    I = ln m - (m - 1) ln(2) / m.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, section 4.

    Args:
        num_labels: number of labels m.

    Returns:
        The task; x is discrete.

    Raises:
        ValueError: if num_labels is not a positive integer.
    """
    task = smoothed_discrete(num_labels, 0.5)
    return dataclasses.replace(task, name=f"discrete_uniform_mixture-{num_labels}")


def quantized(base: str, probs: ArrayLike) -> Task:
    """Makes a task of a real number and its bin; I is the entropy of the bin.

    Bin k has mass p_k and starts at the quantile of p_0 + ... + p_(k - 1).

    Args:
        base: distribution of x: "normal", "uniform", "exponential" or "laplace".
        probs: probabilities of the bins, [K].

    Returns:
        The task; y is discrete.

    Raises:
        ValueError: if base is unknown or probs are not probabilities.
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


def rare_event(mi: float, p: float) -> Task:
    """Makes a task of a Gaussian copula that a rare event interrupts.

    With probability p, the event, x and y are independent and uniform on (1, 2).
    Otherwise both are uniform on (0, 1), and the correlation of their normal scores is
    sqrt(1 - exp(-2 J)). I = h(p) + (1 - p) J with h(p) = -p ln p - (1 - p) ln(1 - p).

    Args:
        mi: I in nats, at least h(p).
        p: probability of the event, in (0, 1).

    Returns:
        The task.

    Raises:
        ValueError: if p lies outside (0, 1), or mi is below h(p) or not finite.
    """
    check_finite_number(0.0, 1.0, p=p)
    entropy_of_event = entropy(np.array([p, 1 - p]))
    if not entropy_of_event <= mi < float("inf"):
        raise ValueError(
            f"mi must be at least h(p) = {entropy_of_event:.4f} nats, got {mi}"
        )
    copula = normal_cdf(normal_target((mi - entropy_of_event) / (1 - p), 1, 1))

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_copula, key_uniform, key_event = jax.random.split(key, 3)
        event = jax.random.bernoulli(key_event, p, (n, 1))
        uniform = 1 + jax.random.uniform(key_uniform, (2, n, 1))
        x, y = jnp.where(event, uniform, jnp.stack(copula.sample(key_copula, n)))
        return x, y

    def pmi(x: Array, y: Array) -> Array:
        assert copula.pmi is not None
        event_x, event_y = x[:, 0] > 1, y[:, 0] > 1
        pmi_without_event = copula.pmi(x, y) - math.log1p(-p)
        values = jnp.where(event_x, -math.log(p), pmi_without_event)
        return jnp.where(event_x == event_y, values, -jnp.inf)

    return Task(f"rare_event-{mi}-{p}", sample, float(mi), pmi, (1,), (1,))


def zero_inflated_poisson(p: float) -> Task:
    """Makes a task of x ~ Exponential(1) and a zero-inflated Poisson count y.

    y is 0 with probability p and Poisson(x) otherwise. With q = 1 - p,
    p(y) = q 2^-(y + 1) for y > 0, p(0) = p + q / 2, and
    I = q (2 ln 2 - gamma - sum_k 2^-k ln k - (2 ln 2 - 1) / 4)
    + (1 / q) [w^2 ln(w) / 2 - w^2 / 4]_p^1 - p(0) ln p(0).

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017, for the distribution. The paper's value, q 0.3012 nats,
        holds only at p = 0, because a zero may come from either case.

    Args:
        p: probability of an added zero, in [0, 1).

    Returns:
        The task; y is discrete.

    Raises:
        ValueError: if p lies outside [0, 1).

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
        pmi_of_zero = jnp.log((p + q * jnp.exp(-x)) / p_zero)
        count = y.astype(x.dtype)
        log_poisson = xlogy(count, x) - x - gammaln(count + 1)
        pmi_of_count = log_poisson + (count + 1) * math.log(2)
        return jnp.where(y == 0, pmi_of_zero, pmi_of_count)[:, 0]

    return Task(
        f"zero_inflated_poisson-{p}", sample, mi, pmi, (1,), (1,), discrete_y=True
    )
