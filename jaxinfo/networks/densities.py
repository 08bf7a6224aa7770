"""Densities of single samples, for bounds that need log q(y) beside log q(y | x)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import from_linen

__all__ = ["gaussian_density", "logistic_density"]


def gaussian_density() -> Network:
    """A Gaussian with independent coordinates, fitted by its parameters.

    q(y) = prod_d N(y_d; mu_d, exp(s_d)^2), in nats; standard before training.

    Returns:
        A network, `apply(params, y [N, ...]) -> log q(y) [N]`.
    """
    return _density(jax.scipy.stats.norm.logpdf)


def logistic_density() -> Network:
    """A logistic with independent coordinates, fitted by its parameters.

    q(y) = prod_d Logistic(y_d; mu_d, exp(s_d)), in nats; standard before training.

    Returns:
        A network, `apply(params, y [N, ...]) -> log q(y) [N]`.
    """
    return _density(jax.scipy.stats.logistic.logpdf)


def _density(log_density: Callable[..., Array]) -> Network:
    network = from_linen(_Independent(log_density))
    return Network(network.init, network.apply)


class _Independent(nn.Module):
    log_density: Callable[..., Array]

    @nn.compact
    def __call__(self, y: Array) -> Float[Array, " n"]:
        y = y.reshape(y.shape[0], -1)
        # Flax would keep float32 parameters, and its rounding, under float64 inputs.
        dtype = jnp.promote_types(y.dtype, jnp.float32)
        shape = (y.shape[1],)
        location = self.param("location", nn.initializers.zeros, shape, dtype)
        log_scale = self.param("log_scale", nn.initializers.zeros, shape, dtype)
        return self.log_density(y, location, jnp.exp(log_scale)).sum(axis=1)
