"""Fourier features: a network that tells places apart which are close."""

import functools
import math

import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Network, PyTree

__all__ = ["with_fourier_features"]


def with_fourier_features(
    network: Network, *, num_frequencies: int = 3, lowest: float = math.pi / 2
) -> Network:
    """Gives a network waves of its input's coordinates beside them.

    A multilayer mlp learns slowly what varies fast: a discriminator is blind to
    modes that are narrow beside the distances between them. Of every coordinate x it
    then sees x, sin(w x) and cos(w x), for angular frequencies w that double.

    Source: Tancik et al., "Fourier features let networks learn high frequency functions
        in low dimensional domains", NeurIPS 2020, section 4 (positional encoding).

    Args:
        network: of one input, [N, D].
        num_frequencies: K waves of each coordinate, and as many cosines.
        lowest: the first angular frequency; the others are 2, 4, ... times it.

    Returns:
        The network, whose input has D (1 + 2 K) coordinates.

    Raises:
        ValueError: where num_frequencies is not a positive whole number, or lowest not
            above 0.
    """
    check_positive(num_frequencies=num_frequencies)
    check_finite_number(0.0, lowest=lowest)
    return _with_features(network, num_frequencies, float(lowest))


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=256)
def _with_features(network: Network, num_frequencies: int, lowest: float) -> Network:
    def features(x: Array) -> Array:
        frequencies = lowest * 2.0 ** jnp.arange(num_frequencies, dtype=x.dtype)
        angles = (x[..., None] * frequencies).reshape(len(x), -1)
        return jnp.concatenate([x, jnp.sin(angles), jnp.cos(angles)], axis=1)

    def init(key: Array, x: Array) -> PyTree:
        return network.init(key, features(x))

    def apply(params: PyTree, x: Array) -> Array:
        return network.apply(params, features(x))

    if network.apply_train is None:
        return Network(init, apply)
    apply_train = network.apply_train

    def apply_noisy(key: Array, params: PyTree, state: PyTree, x: Array):
        return apply_train(key, params, state, features(x))

    return Network(init, apply, apply_noisy)
