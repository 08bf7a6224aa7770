"""Densities of single samples, for bounds that need log q(y) besides log q(y | x)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxinfo.core.types import Array, Float, Network
from jaxinfo.networks.adapters import linen_network
from jaxinfo.networks.layers import flatten_rows, parameter_dtype

__all__ = ["gaussian_density", "logistic_density"]


def gaussian_density() -> Network:
    """A Gaussian density with independent coordinates and learned parameters.

    log q(y) = sum_d log N(y_d; mu_d, exp(s_d)^2), in nats. Initially the density is
    standard normal.

    Returns:
        A network, `apply(params, y [N, ...]) -> log q(y) [N]`.
    """
    return linen_network(_Independent(jax.scipy.stats.norm.logpdf))


def logistic_density() -> Network:
    """A logistic density with independent coordinates and learned parameters.

    log q(y) = sum_d log Logistic(y_d; mu_d, exp(s_d)), in nats. Initially the density
    is standard logistic.

    Returns:
        A network, `apply(params, y [N, ...]) -> log q(y) [N]`.
    """
    return linen_network(_Independent(jax.scipy.stats.logistic.logpdf))


class _Independent(nn.Module):
    log_density: Callable[..., Array]

    @nn.compact
    def __call__(self, y: Array) -> Float[Array, " n"]:
        y = flatten_rows(y)
        location, log_scale = (
            self.param(name, nn.initializers.zeros, y.shape[1:], parameter_dtype(y))
            for name in ("location", "log_scale")
        )
        return self.log_density(y, location[None], jnp.exp(log_scale)[None]).sum(axis=1)
