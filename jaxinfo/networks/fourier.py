"""Fourier features of a network's input."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array, Float, Network, PyTree

__all__ = ["with_fourier_features"]


def with_fourier_features(
    network: Network, *, num_frequencies: int = 3, lowest: float = math.pi / 2
) -> Network:
    """Adds Fourier features of the input's coordinates to a network's input.

    For every coordinate x the network receives x, sin(w x) and cos(w x), at angular
    frequencies w = lowest, 2 lowest, 4 lowest, ... An MLP learns functions of high
    frequency slowly: without these features a discriminator overlooks modes that are
    narrow compared with the distances between them.

    Source: Tancik et al., "Fourier features let networks learn high frequency functions
        in low dimensional domains", NeurIPS 2020, section 4 (positional encoding).

    Args:
        network: a network of one input [N, D (1 + 2 K)].
        num_frequencies: K, the number of frequencies.
        lowest: the first angular frequency; each further one is twice the previous.

    Returns:
        A network of one input [N, D]. Equal arguments give equal networks.

    Raises:
        ValueError: if num_frequencies is not a positive whole number, or lowest is not
            above 0.
    """
    check_positive(num_frequencies=num_frequencies)
    check_finite_number(0.0, lowest=lowest)
    features = _FourierFeatures(num_frequencies, float(lowest))
    init, apply = _Init(network.init, features), _Apply(network.apply, features)
    if network.apply_train is None:
        return Network(init, apply)
    return Network(init, apply, _ApplyInTraining(network.apply_train, features))


# Frozen dataclasses and not closures, so that equal arguments give equal networks.


@dataclasses.dataclass(frozen=True)
class _FourierFeatures:
    num_frequencies: int
    lowest: float

    def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n k"]:
        octaves = 2.0 ** jnp.arange(self.num_frequencies, dtype=x.dtype)
        angles = (x[..., None] * (self.lowest * octaves)[None, None]).reshape(
            len(x), -1
        )
        return jnp.concatenate([x, jnp.sin(angles), jnp.cos(angles)], axis=1)


@dataclasses.dataclass(frozen=True)
class _Init:
    init: Callable[..., PyTree]
    features: _FourierFeatures

    def __call__(self, key: Array, x: Array) -> PyTree:
        return self.init(key, self.features(x))


@dataclasses.dataclass(frozen=True)
class _Apply:
    apply: Callable[..., Any]
    features: _FourierFeatures

    def __call__(self, params: PyTree, x: Array) -> Any:
        return self.apply(params, self.features(x))


@dataclasses.dataclass(frozen=True)
class _ApplyInTraining:
    apply_train: Callable[..., Any]
    features: _FourierFeatures

    def __call__(self, key: Array, params: PyTree, state: PyTree, x: Array) -> Any:
        return self.apply_train(key, params, state, self.features(x))
