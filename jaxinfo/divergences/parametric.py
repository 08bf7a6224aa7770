"""Families of f-divergences with a parameter, each made by a function of it."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jax.nn import softplus
from jax.scipy.special import xlogy

from jaxinfo.core.checks import check_finite_number
from jaxinfo.core.numerics import log_softplus
from jaxinfo.core.types import Array
from jaxinfo.divergences.f_divergence import FDivergence
from jaxinfo.divergences.special import (
    expect,
    inside,
    log1mexp_of_log,
    log_positive,
    log_tiny,
)

__all__ = ["alpha_divergence", "skewed_jensen_shannon"]


@dataclasses.dataclass(frozen=True, repr=False)
class _SkewedJensenShannon(FDivergence):
    """pi KL(P || M) + (1 - pi) KL(Q || M) with M = pi P + (1 - pi) Q.

    With s = softplus(-v), x = s / pi: pi exp(g_f(v) / pi) = exp(-x).
    """

    pi: float

    def _generator(self, u: Array) -> Array:
        m = 1 - self.pi + self.pi * u
        return self.pi * xlogy(u, u) - m * jnp.log(m)

    def _derivative(self, u: Array) -> Array:
        return self.pi * jnp.log(u / (1 - self.pi + self.pi * u))

    def _conjugate(self, t: Array) -> Array:
        def on_domain(t: Array) -> Array:
            log_rest = jax.nn.log1mexp(-t / self.pi - math.log(self.pi))
            return (1 - self.pi) * (math.log1p(-self.pi) - log_rest)

        return inside(t < -self.pi * math.log(self.pi), t, 0.0, on_domain)

    def _output_activation(self, v: Array) -> Array:
        return -self.pi * math.log(self.pi) - softplus(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        log_rest = log1mexp_of_log(log_softplus(-v) - math.log(self.pi))
        return (1 - self.pi) * (math.log1p(-self.pi) - log_rest)

    def _log_ratio(self, v: Array) -> Array:
        log_rest = log1mexp_of_log(log_softplus(-v) - math.log(self.pi))
        logit = math.log(self.pi) - math.log1p(-self.pi)
        return -softplus(-v) / self.pi - log_rest - logit

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        log_m = jnp.logaddexp(log_p + math.log(self.pi), log_q + math.log1p(-self.pi))
        left, right = expect(log_p, log_p - log_m), expect(log_q, log_q - log_m)
        return self.pi * left + (1 - self.pi) * right


@dataclasses.dataclass(frozen=True, repr=False)
class _Alpha(FDivergence):
    """Alpha-divergence, integral of (p^alpha q^(1 - alpha) - q) / (alpha (alpha - 1)).

    Every function is a power of b = u^(alpha - 1) = 1 + (alpha - 1) t. If alpha > 1,
    g_f(v) = v, and f* = -1 / alpha for b < 0. If alpha < 1, b = (1 - alpha) s with
    s = softplus(-v), and f*(g_f(v)) overflows for v above log(max) (1 - alpha) / alpha.
    """

    alpha: float

    def _log_base(self, v: Array) -> Array:
        """The log of b at a raw critic output; the smallest normal number if b <= 0."""
        if self.alpha > 1:
            return log_positive(1 + (self.alpha - 1) * v)
        return math.log(1 - self.alpha) + log_softplus(-v)

    def _conjugate_of_log_base(self, log_b: Array) -> Array:
        power = self.alpha / (self.alpha - 1)
        return jnp.expm1(power * log_b) / self.alpha

    def _generator(self, u: Array) -> Array:
        power = jnp.expm1(self.alpha * jnp.log(u))
        return (power / self.alpha - (u - 1)) / (self.alpha - 1)

    def _derivative(self, u: Array) -> Array:
        return jnp.expm1((self.alpha - 1) * jnp.log(u)) / (self.alpha - 1)

    def _conjugate(self, t: Array) -> Array:
        if self.alpha > 1:
            return self._conjugate_of_log_base(self._log_base(t))
        edge = 1 / (1 - self.alpha)
        return inside(
            t <= edge if self.alpha < 0 else t < edge,
            t,
            0.0,
            lambda t: self._conjugate_of_log_base(jnp.log1p((self.alpha - 1) * t)),
        )

    def _output_activation(self, v: Array) -> Array:
        return v if self.alpha > 1 else 1 / (1 - self.alpha) - softplus(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        return self._conjugate_of_log_base(self._log_base(v))

    def _log_ratio(self, v: Array) -> Array:
        log_ratio = self._log_base(v) / (self.alpha - 1)
        if self.alpha < 1:
            return log_ratio
        floor = log_tiny(v.dtype)
        flat = 1 + (self.alpha - 1) * v <= 0
        return jnp.where(flat, floor, jnp.maximum(log_ratio, floor))

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        mixed = jnp.exp(self.alpha * log_p + (1 - self.alpha) * log_q)
        linear = self.alpha * jnp.exp(log_p) + (1 - self.alpha) * jnp.exp(log_q)
        return (mixed - linear) / (self.alpha * (self.alpha - 1))


def alpha_divergence(alpha: float) -> FDivergence:
    """The alpha-divergence, nats.

    f(u) = (u^alpha - 1 - alpha (u - 1)) / (alpha (alpha - 1)).

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, the supplement's table of generators.

    Args:
        alpha: any finite number except 0 and 1; static.

    Returns:
        The divergence. At 2 it is PEARSON / 2, at -1 NEYMAN / 2, and at 0.5 twice
        SQUARED_HELLINGER.

    Raises:
        ValueError: if alpha is 0, 1 or not finite.

    Example:
        >>> alpha_divergence(2.0).generator(3.0).item()
        2.0
    """
    check_finite_number(alpha=alpha)
    alpha = float(alpha)
    if alpha in (0.0, 1.0):
        limit = "KL" if alpha else "REVERSE_KL"
        raise ValueError(f"alpha must not be {alpha:g}: the limit there is {limit}")
    return _Alpha(f"alpha_divergence({alpha!r})", 0.0, alpha)


def skewed_jensen_shannon(pi: float) -> FDivergence:
    """The skewed Jensen-Shannon divergence, nats.

    pi KL(P || M) + (1 - pi) KL(Q || M) with M = pi P + (1 - pi) Q. At 0.5 it is the
    usual Jensen-Shannon divergence, half of `JENSEN_SHANNON`.

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, the supplement's table of generators
        ("Jensen-Shannon-weighted").

    Args:
        pi: the weight of P, in (0, 1); static.

    Returns:
        The divergence.

    Raises:
        ValueError: if pi is not in (0, 1).

    Example:
        >>> skewed_jensen_shannon(0.5)
        skewed_jensen_shannon(0.5)
    """
    check_finite_number(0.0, 1.0, pi=pi)
    pi = float(pi)
    return _SkewedJensenShannon(f"skewed_jensen_shannon({pi!r})", 0.0, pi)
