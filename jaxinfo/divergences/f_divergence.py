"""The base class of f-divergences: seven functions, a threshold and a name."""

import abc
import dataclasses
from collections.abc import Callable

import jax.numpy as jnp

from jaxinfo.core.types import Array, Float

__all__ = ["FDivergence"]

Values = Float[Array, "..."] | float


def _in_float32_or_wider(function: Callable[..., Array], *values: Values) -> Array:
    """Computes the function in at least float32; returns the dtype of the values."""
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
    D_f >= E_p[g_f(v)] - E_q[f*(g_f(v))], tight if g_f(v) = f'(p / q).

    Source: Nowozin et al., "f-GAN: training generative neural samplers using
        variational divergence minimization", NeurIPS 2016, sections 2.2 and 2.4 and the
        supplement's table of generators. The conjugates here are those of f on u >= 0,
        including the flat branches that the paper's table leaves out.

    Instances are frozen: equal parameters compare equal, hash equal and share a trace.
    To define a divergence, subclass this class and implement the seven methods with a
    leading underscore, which take and return floating-point arrays.

    Attributes:
        name: the name of the constant, or the call that made the instance.
        threshold: f'(1); a dual variable t above it means p > q.
    """

    name: str
    threshold: float

    def __repr__(self) -> str:
        return self.name

    def generator(self, u: Values) -> Float[Array, "..."]:
        """f(u) for a density ratio u >= 0, nats; at 0 its limit.

        Args:
            u: density ratios, [...].

        Returns:
            f(u), [...], of u's dtype.
        """
        return _in_float32_or_wider(self._generator, u)

    def derivative(self, u: Values) -> Float[Array, "..."]:
        """f'(u), the optimal dual variable for a density ratio u.

        Args:
            u: density ratios, [...].

        Returns:
            f'(u), [...]; for total variation at u = 1, the subgradient 0.
        """
        return _in_float32_or_wider(self._derivative, u)

    def conjugate(self, t: Values) -> Float[Array, "..."]:
        """f*(t) = sup over u >= 0 of u t - f(u), nats.

        Args:
            t: dual variables, [...].

        Returns:
            f*(t), [...]; -f(0) on a flat branch, inf outside the domain.

        Notes:
            For large v, g_f(v) rounds to the edge of the domain. Use
            `conjugate_of_activation` instead of composing the two functions.
        """
        return _in_float32_or_wider(self._conjugate, t)

    def output_activation(self, v: Values) -> Float[Array, "..."]:
        """The dual variable t = g_f(v), in the domain of f* for any raw output v.

        Args:
            v: raw critic outputs, [...].

        Returns:
            t, [...], increasing in v.
        """
        return _in_float32_or_wider(self._output_activation, v)

    def conjugate_of_activation(self, v: Values) -> Float[Array, "..."]:
        """f*(g_f(v)) in one step, so that no intermediate value leaves the domain.

        Args:
            v: raw critic outputs, [...].

        Returns:
            f*(g_f(v)) in nats, [...].
        """
        return _in_float32_or_wider(self._conjugate_of_activation, v)

    def log_ratio(self, v: Values) -> Float[Array, "..."]:
        """The log density ratio log(p / q) that a raw critic output implies, nats.

        Args:
            v: raw critic outputs, [...].

        Returns:
            The L with f'(exp(L)) = g_f(v), [...].

        Raises:
            ValueError: for total variation, whose optimal critic is only a sign.

        Notes:
            On a flat branch no positive ratio corresponds to v. The ratio is then the
            smallest normal number of the dtype, so L is finite and its gradient zero.
        """
        return _in_float32_or_wider(self._log_ratio, v)

    def perspective(self, log_p: Values, log_q: Values) -> Float[Array, "..."]:
        """The integrand of the divergence, q f(p / q), from log-densities.

        Args:
            log_p: log-densities of p, [...]; -inf where p is zero.
            log_q: log-densities of q, [...]; -inf where q is zero.

        Returns:
            q f(p / q), [...]; its limit q f(0) where p is zero, its limit p f'(inf)
            where q is zero, and 0 where both are.
        """

        def integrand(log_p: Array, log_q: Array) -> Array:
            nowhere = (log_p == -jnp.inf) & (log_q == -jnp.inf)
            log_p, log_q = jnp.where(nowhere, 0, log_p), jnp.where(nowhere, 0, log_q)
            return jnp.where(nowhere, 0, self._perspective(log_p, log_q))

        return _in_float32_or_wider(integrand, log_p, log_q)

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
