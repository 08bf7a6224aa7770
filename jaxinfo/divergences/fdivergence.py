"""What an f-divergence is: seven functions, a threshold and a name."""

import abc
import dataclasses
from collections.abc import Callable

import jax.numpy as jnp

from jaxinfo.core.types import Array, Float

__all__ = ["FDivergence"]

Values = Float[Array, "..."] | float


def _widely(function: Callable[..., Array], *values: Values) -> Array:
    """The function on floats of at least 32 bits, its result in the values' dtype."""
    arrays = [jnp.asarray(value) for value in values]
    dtype = jnp.result_type(*arrays)
    if not jnp.issubdtype(dtype, jnp.floating):
        dtype = jnp.result_type(float)
    wide = jnp.promote_types(dtype, jnp.float32)
    return function(*(array.astype(wide) for array in arrays)).astype(dtype)


@dataclasses.dataclass(frozen=True, repr=False)
class FDivergence(abc.ABC):
    """D_f(P || Q) = integral of q f(p / q), nats, for a convex f on [0, inf).

    A critic's raw output v becomes the dual variable t = g_f(v), and
    D_f >= E_p[g_f(v)] - E_q[f*(g_f(v))], tight where g_f(v) = f'(p / q).

    Source: Nowozin et al., "f-GAN: training generative neural samplers using
        variational divergence minimization", NeurIPS 2016, sections 2.2 and 2.4 and the
        supplement's table of generators. The conjugates here are those of f on u >= 0,
        flat branches included, which the printed ones leave out.

    A frozen value: equal parameters compare equal, hash equal and do not retrace. A
    divergence of one's own is a subclass that gives the seven functions with a leading
    underscore, on floating-point arrays.

    Attributes:
        name: the constant's spelling, or the maker's call.
        threshold: f'(1); t above it says "rather from p".
    """

    name: str
    threshold: float

    def __repr__(self) -> str:
        return self.name

    def generator(self, u: Values) -> Float[Array, "..."]:
        """f(u) for a density ratio u >= 0, nats; its limit at 0.

        Args:
            u: density ratios, [...].

        Returns:
            f(u), [...], of u's dtype.
        """
        return _widely(self._generator, u)

    def derivative(self, u: Values) -> Float[Array, "..."]:
        """f'(u), the optimal dual variable where the density ratio is u.

        Args:
            u: density ratios, [...].

        Returns:
            f'(u), [...]; the subgradient 0 where total variation has a kink.
        """
        return _widely(self._derivative, u)

    def conjugate(self, t: Values) -> Float[Array, "..."]:
        """f*(t) = sup over u >= 0 of u t - f(u), nats.

        Args:
            t: dual variables, [...].

        Returns:
            f*(t), [...]; -f(0) on a flat branch, inf outside the domain.

        Notes:
            g_f(v) rounds to the edge of the domain for large v: never compose the two,
            call `conjugate_of_activation`.
        """
        return _widely(self._conjugate, t)

    def output_activation(self, v: Values) -> Float[Array, "..."]:
        """The dual variable t = g_f(v): any raw output mapped into the domain of f*.

        Args:
            v: raw critic outputs, [...].

        Returns:
            t, [...], increasing in v.
        """
        return _widely(self._output_activation, v)

    def conjugate_of_activation(self, v: Values) -> Float[Array, "..."]:
        """f*(g_f(v)), fused: no intermediate overflows or leaves the domain.

        Args:
            v: raw critic outputs, [...].

        Returns:
            f*(g_f(v)) in nats, [...].
        """
        return _widely(self._conjugate_of_activation, v)

    def log_ratio(self, v: Values) -> Float[Array, "..."]:
        """The log density ratio log(p / q) that a raw critic output stands for, nats.

        Args:
            v: raw critic outputs, [...].

        Returns:
            The L with f'(exp(L)) = g_f(v), [...].

        Raises:
            ValueError: for total variation, whose optimal critic is only a sign.

        Notes:
            On a flat branch no positive ratio stands behind v: the ratio is floored at
            the dtype's smallest normal number, so L is finite and its gradient zero.
        """
        return _widely(self._log_ratio, v)

    def perspective(self, log_p: Values, log_q: Values) -> Float[Array, "..."]:
        """The integrand of the divergence, q f(p / q), from log-densities.

        Args:
            log_p: log-densities of p, [...]; -inf where p is zero.
            log_q: log-densities of q, [...]; -inf where q is zero.

        Returns:
            q f(p / q), [...]; its limits q f(0) and p f'(inf) where p or q is zero, and
            0 where both are.
        """

        def integrand(log_p: Array, log_q: Array) -> Array:
            nowhere = (log_p == -jnp.inf) & (log_q == -jnp.inf)
            log_p, log_q = jnp.where(nowhere, 0, log_p), jnp.where(nowhere, 0, log_q)
            return jnp.where(nowhere, 0, self._perspective(log_p, log_q))

        return _widely(integrand, log_p, log_q)

    @abc.abstractmethod
    def _generator(self, u: Array) -> Array: ...

    @abc.abstractmethod
    def _derivative(self, u: Array) -> Array: ...

    @abc.abstractmethod
    def _conjugate(self, t: Array) -> Array: ...

    @abc.abstractmethod
    def _output_activation(self, v: Array) -> Array: ...

    @abc.abstractmethod
    def _conjugate_of_activation(self, v: Array) -> Array: ...

    @abc.abstractmethod
    def _log_ratio(self, v: Array) -> Array: ...

    @abc.abstractmethod
    def _perspective(self, log_p: Array, log_q: Array) -> Array: ...
