"""The f-divergences without parameters: their equations, constants and table.

The methods of each class are f, f', f*, g_f, f*(g_f), the log ratio of a raw critic
output, and the integrand q f(p / q). If one overflows because its equation is an
exponential of the critic's output, the docstring names the bound in log space.
"""

import jax
import jax.numpy as jnp
from jax.nn import softplus
from jax.scipy.special import xlogy

from jaxinfo.core.numerics import log_softplus
from jaxinfo.core.types import Array
from jaxinfo.divergences.f_divergence import FDivergence
from jaxinfo.divergences.special import (
    LOG_2,
    expect,
    inside,
    log_lambert_w,
    log_positive,
    log_tiny,
)

__all__ = [
    "DIVERGENCES",
    "GAN",
    "JEFFREYS",
    "JENSEN_SHANNON",
    "KL",
    "LE_CAM",
    "NEYMAN",
    "PEARSON",
    "REVERSE_KL",
    "SQUARED_HELLINGER",
    "TOTAL_VARIATION",
]


class _KL(FDivergence):
    """KL(P || Q) = integral of p log(p / q).

    f*(g_f(v)) overflows for v above log(max); `donsker_varadhan_bound` is the bound in
    log space.
    """

    def _generator(self, u: Array) -> Array:
        return xlogy(u, u)

    def _derivative(self, u: Array) -> Array:
        return 1 + jnp.log(u)

    def _conjugate(self, t: Array) -> Array:
        return jnp.exp(t - 1)

    def _output_activation(self, v: Array) -> Array:
        return v

    def _conjugate_of_activation(self, v: Array) -> Array:
        return jnp.exp(v - 1)

    def _log_ratio(self, v: Array) -> Array:
        return v - 1

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return expect(log_p, log_p - log_q)


class _ReverseKL(FDivergence):
    """KL(Q || P) = integral of q log(q / p).

    g_f(v) overflows for v below -log(max); `shift_optimized_bound` is the bound in log
    space.
    """

    def _generator(self, u: Array) -> Array:
        return -jnp.log(u)

    def _derivative(self, u: Array) -> Array:
        return -1 / u

    def _conjugate(self, t: Array) -> Array:
        return inside(t < 0, t, -1.0, lambda t: -1 - jnp.log(-t))

    def _output_activation(self, v: Array) -> Array:
        return -jnp.exp(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        return v - 1

    def _log_ratio(self, v: Array) -> Array:
        return v

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return expect(log_q, log_q - log_p)


class _Pearson(FDivergence):
    """Pearson's chi-squared, integral of (p - q)^2 / q; f* = -1 for t < -2."""

    def _generator(self, u: Array) -> Array:
        return (u - 1) ** 2

    def _derivative(self, u: Array) -> Array:
        return 2 * (u - 1)

    def _conjugate(self, t: Array) -> Array:
        t = jnp.maximum(t, -2)
        return t**2 / 4 + t

    def _output_activation(self, v: Array) -> Array:
        return v

    def _conjugate_of_activation(self, v: Array) -> Array:
        return self._conjugate(v)

    def _log_ratio(self, v: Array) -> Array:
        return log_positive(1 + v / 2)

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return (jnp.exp(log_p - log_q / 2) - jnp.exp(log_q / 2)) ** 2


class _Neyman(FDivergence):
    """Neyman's chi-squared, integral of (p - q)^2 / p.

    g_f(v) overflows for v below -log(max); `shift_optimized_bound` is the bound in log
    space.
    """

    def _generator(self, u: Array) -> Array:
        return (1 - u) ** 2 / u

    def _derivative(self, u: Array) -> Array:
        return 1 - 1 / u**2

    def _conjugate(self, t: Array) -> Array:
        return inside(t <= 1, t, 0.0, lambda t: 2 - 2 * jnp.sqrt(1 - t))

    def _output_activation(self, v: Array) -> Array:
        return -jnp.expm1(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        return -2 * jnp.expm1(-v / 2)

    def _log_ratio(self, v: Array) -> Array:
        return v / 2

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return (jnp.exp(log_q - log_p / 2) - jnp.exp(log_p / 2)) ** 2


class _SquaredHellinger(FDivergence):
    """Squared Hellinger, integral of (sqrt p - sqrt q)^2, in [0, 2].

    g_f(v) overflows for v below -log(max), f*(g_f(v)) for v above log(max);
    `shift_optimized_bound` is the bound in log space.
    """

    def _generator(self, u: Array) -> Array:
        return (jnp.sqrt(u) - 1) ** 2

    def _derivative(self, u: Array) -> Array:
        return 1 - 1 / jnp.sqrt(u)

    def _conjugate(self, t: Array) -> Array:
        return inside(t < 1, t, 0.0, lambda t: t / (1 - t))

    def _output_activation(self, v: Array) -> Array:
        return -jnp.expm1(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        return jnp.expm1(v)

    def _log_ratio(self, v: Array) -> Array:
        return 2 * v

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return (jnp.exp(log_p / 2) - jnp.exp(log_q / 2)) ** 2


class _Jeffreys(FDivergence):
    """Jeffreys, KL(P || Q) + KL(Q || P) = integral of (p - q) log(p / q).

    With L = -log u, f'(u) = t becomes exp(L) + L = 1 - t. f* overflows for t above
    log(max); `shift_optimized_bound` is the bound in log space.
    """

    def _generator(self, u: Array) -> Array:
        return (u - 1) * jnp.log(u)

    def _derivative(self, u: Array) -> Array:
        return 1 + jnp.log(u) - 1 / u

    def _conjugate(self, t: Array) -> Array:
        # W + 1/W + t - 2 with W = exp(L), without the terms that cancel.
        log_u = self._log_ratio(t)
        return jnp.expm1(log_u) + log_u

    def _output_activation(self, v: Array) -> Array:
        return v

    def _conjugate_of_activation(self, v: Array) -> Array:
        return self._conjugate(v)

    def _log_ratio(self, v: Array) -> Array:
        return -log_lambert_w(1 - v)

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return expect(log_p, log_p - log_q) + expect(log_q, log_q - log_p)


class _JensenShannon(FDivergence):
    """Jensen-Shannon, KL(P || M) + KL(Q || M) with M = (P + Q) / 2, in [0, 2 log 2].

    This is twice the usual Jensen-Shannon divergence, which is
    `skewed_jensen_shannon(0.5)`.
    """

    def _generator(self, u: Array) -> Array:
        return xlogy(u, u) - (1 + u) * jnp.log((1 + u) / 2)

    def _derivative(self, u: Array) -> Array:
        return jnp.log(2 * u / (1 + u))

    def _conjugate(self, t: Array) -> Array:
        return inside(t < LOG_2, t, 0.0, lambda t: -jnp.log(2 - jnp.exp(t)))

    def _output_activation(self, v: Array) -> Array:
        return LOG_2 - softplus(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        return softplus(v) - LOG_2

    def _log_ratio(self, v: Array) -> Array:
        return v

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        log_m = jnp.logaddexp(log_p, log_q) - LOG_2
        return expect(log_p, log_p - log_m) + expect(log_q, log_q - log_m)


class _GAN(FDivergence):
    """The GAN game's value at the optimal discriminator: `JENSEN_SHANNON` - log 4."""

    def _generator(self, u: Array) -> Array:
        return xlogy(u, u) - (1 + u) * jnp.log1p(u)

    def _derivative(self, u: Array) -> Array:
        return jnp.log(u / (1 + u))

    def _conjugate(self, t: Array) -> Array:
        return inside(t < 0, t, -1.0, lambda t: -jax.nn.log1mexp(-t))

    def _output_activation(self, v: Array) -> Array:
        return -softplus(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        return softplus(v)

    def _log_ratio(self, v: Array) -> Array:
        return v

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        log_sum = jnp.logaddexp(log_p, log_q)
        return expect(log_p, log_p - log_sum) + expect(log_q, log_q - log_sum)


class _TotalVariation(FDivergence):
    """Total variation, integral of |p - q| / 2, in [0, 1].

    The optimal critic is the sign of p - q, so there is no log ratio.
    """

    def _generator(self, u: Array) -> Array:
        return jnp.abs(u - 1) / 2

    def _derivative(self, u: Array) -> Array:
        return jnp.sign(u - 1) / 2

    def _conjugate(self, t: Array) -> Array:
        return jnp.where(t <= 0.5, jnp.maximum(t, -0.5), jnp.inf)

    def _output_activation(self, v: Array) -> Array:
        return jnp.tanh(v) / 2

    def _conjugate_of_activation(self, v: Array) -> Array:
        return jnp.tanh(v) / 2

    def _log_ratio(self, v: Array) -> Array:
        del v
        raise ValueError(
            "TOTAL_VARIATION has no log ratio: its optimal critic is only a sign, "
            "that of p - q"
        )

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        return jnp.abs(jnp.exp(log_p) - jnp.exp(log_q)) / 2


class _LeCam(FDivergence):
    """Le Cam (triangular), integral of (p - q)^2 / (2 (p + q)), in [0, 1].

    f* = -1/2 for t < -3/2. With w = sqrt((1 - 2t) / 4) = 1 / (1 + u), capped at 1,
    f* = 2 (1 - w)^2 - 1/2; and w = sqrt(s / 2) at t = g_f(v) = 1/2 - s.
    """

    def _generator(self, u: Array) -> Array:
        return (u - 1) ** 2 / (2 * (u + 1))

    def _derivative(self, u: Array) -> Array:
        return 0.5 - 2 / (u + 1) ** 2

    def _conjugate(self, t: Array) -> Array:
        def on_domain(t: Array) -> Array:
            return 1.5 + (0.5 - t) - 2 * jnp.sqrt(1 - 2 * t)

        t = jnp.maximum(t, -1.5)
        return inside(t <= 0.5, t, 0.0, on_domain)

    def _output_activation(self, v: Array) -> Array:
        return 0.5 - softplus(-v)

    def _conjugate_of_activation(self, v: Array) -> Array:
        log_w = jnp.minimum((log_softplus(-v) - LOG_2) / 2, 0)
        return 2 * jnp.expm1(log_w) ** 2 - 0.5

    def _log_ratio(self, v: Array) -> Array:
        log_w = (log_softplus(-v) - LOG_2) / 2
        positive = log_w < 0
        log_odds = jax.nn.log1mexp(jnp.where(positive, -log_w, 1)) - log_w
        floor = log_tiny(v.dtype)
        return jnp.where(positive, jnp.maximum(log_odds, floor), floor)

    def _perspective(self, log_p: Array, log_q: Array) -> Array:
        log_root = jnp.logaddexp(log_p, log_q) / 2
        return (jnp.exp(log_p - log_root) - jnp.exp(log_q - log_root)) ** 2 / 2


KL = _KL("KL", 1.0)
REVERSE_KL = _ReverseKL("REVERSE_KL", -1.0)
PEARSON = _Pearson("PEARSON", 0.0)
NEYMAN = _Neyman("NEYMAN", 0.0)
SQUARED_HELLINGER = _SquaredHellinger("SQUARED_HELLINGER", 0.0)
JEFFREYS = _Jeffreys("JEFFREYS", 0.0)
# Twice the usual Jensen-Shannon divergence, as in the f-GAN paper.
JENSEN_SHANNON = _JensenShannon("JENSEN_SHANNON", 0.0)
GAN = _GAN("GAN", -LOG_2)
TOTAL_VARIATION = _TotalVariation("TOTAL_VARIATION", 0.0)
LE_CAM = _LeCam("LE_CAM", 0.0)

DIVERGENCES: dict[str, FDivergence] = {
    divergence.name: divergence
    for divergence in (
        KL,
        REVERSE_KL,
        PEARSON,
        NEYMAN,
        SQUARED_HELLINGER,
        JEFFREYS,
        JENSEN_SHANNON,
        GAN,
        TOTAL_VARIATION,
        LE_CAM,
    )
}
