"""Invertible maps, which leave information as it is.

A map acts on rows [N, D] and its inverse undoes it. Where no closed form undoes it, the
map is increasing in each coordinate and bisection does.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.types import Array
from jaxinfo.tasks.linear import matrix_product, random_rotation
from jaxinfo.tasks.task import by_value

__all__ = [
    "ASINH",
    "CUBE",
    "HALF_CUBE",
    "IDENTITY",
    "NORMAL_CDF",
    "SWISS_ROLL",
    "WIGGLY_X",
    "WIGGLY_Y",
    "Map",
    "embedding_map",
    "mixture_quantile_map",
    "mlp_map",
    "power_map",
    "rotation_map",
    "spiral_map",
]


class Map(NamedTuple):
    """An injective map of vectors.

    Attributes:
        forward: `forward(v [N, D]) -> [N, D']`.
        inverse: `inverse(forward(v)) -> v`.
        dim: `dim(D) -> D'`; None where it keeps the number of coordinates. It raises
            ValueError where the map takes no vectors of D coordinates.
    """

    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    dim: Callable[[int], int] | None = None


def bisect(increasing: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Where an increasing function crosses zero between low and high."""

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        below = increasing(middle) < 0
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, jnp.finfo(low.dtype).nmant + 9, halve, (low, high))
    return (low + high) / 2


def signed_power(v: Array, exponent: float) -> Array:
    """|v|^exponent with the sign of v."""
    return jnp.sign(v) * jnp.abs(v) ** exponent


def _inverse_normal_cdf(u: Array) -> Array:
    # Rounding takes float32 probabilities to 1 from 5.4 standard deviations on.
    info = jnp.finfo(u.dtype)
    return ndtri(jnp.clip(u, info.tiny, 1 - info.epsneg))


def _waves(waves: tuple[tuple[float, float, float], ...]) -> Map:
    """v + sum of a sin(b v + c), increasing because sum of |a b| is below 1."""

    def forward(v: Array) -> Array:
        return v + sum(a * jnp.sin(b * v + c) for a, b, c in waves)

    reach = sum(abs(a) for a, _, _ in waves)

    def inverse(w: Array) -> Array:
        return bisect(lambda v: forward(v) - w, w - reach, w + reach)

    return Map(forward, inverse)


def _roll(v: Array) -> Array:
    t = 1.5 * jnp.pi * (1 + 2 * v)
    return jnp.concatenate([t * jnp.cos(t), t * jnp.sin(t)], axis=-1) / 21


def _unroll(w: Array) -> Array:
    t = 21 * jnp.linalg.norm(w, axis=-1, keepdims=True)
    return (t / (1.5 * jnp.pi) - 1) / 2


def _roll_dim(dim: int) -> int:
    if dim != 1:
        raise ValueError(f"a swiss roll takes 1 coordinate, got dim {dim}")
    return 2


IDENTITY = Map(lambda v: v, lambda w: w)
NORMAL_CDF = Map(ndtr, _inverse_normal_cdf)
HALF_CUBE = Map(lambda v: signed_power(v, 1.5), lambda w: signed_power(w, 2 / 3))
CUBE = Map(lambda v: v**3, jnp.cbrt)
ASINH = Map(jnp.arcsinh, jnp.sinh)
WIGGLY_X = _waves(((0.4, 1.0, 0.0), (0.2, 1.7, 1.0), (0.03, 3.3, -2.5)))
WIGGLY_Y = _waves(((-0.4, 0.4, 0.0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)))
SWISS_ROLL = Map(_roll, _unroll, _roll_dim)


@by_value
def power_map(exponent: float) -> Map:
    """Each coordinate becomes |v|^exponent with its sign.

    Args:
        exponent: above 0.

    Returns:
        The map.

    Raises:
        ValueError: where the exponent is out of range.
    """
    check_finite_number(0.0, exponent=exponent)
    return Map(
        lambda v: signed_power(v, exponent), lambda w: signed_power(w, 1 / exponent)
    )


@by_value
def spiral_map(speed: float, *, plane: tuple[int, int] = (0, 1)) -> Map:
    """Turns two coordinates by an angle that grows with the distance from the origin.

    v -> exp(G |v|^2) v with G = (speed / D) times the generator of turns in the plane.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        speed: of the turn.
        plane: the two coordinates.

    Returns:
        The map.

    Raises:
        ValueError: where the speed is not finite or the plane not two coordinates.
    """
    check_finite_number(speed=speed)
    i, j = plane
    if i == j or min(plane) < 0:
        raise ValueError(f"plane must be two different coordinates, got {plane}")

    def turn(v: Array, speed: float) -> Array:
        angle = speed / v.shape[-1] * jnp.sum(v**2, axis=-1)
        cos, sin, a, b = jnp.cos(angle), jnp.sin(angle), v[..., i], v[..., j]
        return v.at[..., i].set(cos * a - sin * b).at[..., j].set(sin * a + cos * b)

    def dim(dim: int) -> int:
        if dim <= max(plane):
            raise ValueError(f"plane {plane} needs more coordinates than dim {dim}")
        return dim

    return Map(lambda v: turn(v, speed), lambda w: turn(w, -speed), dim)


@by_value
def rotation_map(dim: int, *, seed: int = 0) -> Map:
    """A random rotation or reflection.

    Args:
        dim: D.
        seed: of the rotation, which is a part of the law.

    Returns:
        The map.

    Raises:
        ValueError: where dim is no positive whole number.
    """
    check_positive(dim=dim)
    turn = random_rotation(np.random.default_rng(seed), dim)
    return Map(lambda v: matrix_product(v, turn), lambda w: matrix_product(w, turn.T))


@by_value
def embedding_map(dim: int, dim_out: int, *, seed: int = 0) -> Map:
    """A random linear isometry into a space of more coordinates.

    Args:
        dim: D.
        dim_out: D', at least D.
        seed: of the matrix, which is a part of the law.

    Returns:
        The map.

    Raises:
        ValueError: where dim_out is below dim or either no positive whole number.
    """
    check_positive(dim=dim, dim_out=dim_out)
    if dim_out < dim:
        raise ValueError(f"dim_out must be at least dim = {dim}, got {dim_out}")
    columns, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(dim_out, dim)))
    return Map(
        lambda v: matrix_product(v, columns),
        lambda w: matrix_product(w, columns.T),
        lambda _: dim_out,
    )


@by_value
def mlp_map(dim: int, *, num_layers: int = 2, seed: int = 0) -> Map:
    """A random invertible network: v -> A asinh(... A asinh(A v)).

    The matrices have singular values in [1/2, 2], so that the inverse is stable.

    Args:
        dim: D.
        num_layers: how many times asinh is applied.
        seed: of the weights, which are a part of the law.

    Returns:
        The map.

    Raises:
        ValueError: where a count is no positive whole number.
    """
    check_positive(dim=dim, num_layers=num_layers)
    rng = np.random.default_rng(seed)
    layers = [
        random_rotation(rng, dim)
        @ np.diag(2 ** rng.uniform(-1, 1, dim))
        @ random_rotation(rng, dim)
        for _ in range(num_layers + 1)
    ]

    def forward(v: Array) -> Array:
        for layer in layers[:-1]:
            v = jnp.arcsinh(matrix_product(v, layer))
        return matrix_product(v, layers[-1])

    def inverse(w: Array) -> Array:
        for layer in layers[:0:-1]:
            w = jnp.sinh(matrix_product(w, np.linalg.inv(layer)))
        return matrix_product(w, np.linalg.inv(layers[0]))

    return Map(forward, inverse)


@by_value
def mixture_quantile_map(weights: tuple[float, ...], means: tuple[float, ...]) -> Map:
    """Turns standard normal coordinates into mixtures of unit normals.

    v -> F^-1(Phi(v)) with F(w) = sum_k weights_k Phi(w - means_k).

    Args:
        weights: of the parts, positive, with sum 1.
        means: of the parts.

    Returns:
        The map.

    Raises:
        ValueError: where the weights are no probabilities or the lengths differ.
    """
    if min(weights) <= 0 or not np.isclose(sum(weights), 1):
        raise ValueError(f"weights must be positive with sum 1, got {weights}")
    if len(means) != len(weights):
        raise ValueError(f"means must be {len(weights)} numbers, got {len(means)}")
    parts = list(zip(weights, means, strict=True))

    # Each tail is computed from its own side, where it keeps its digits.
    def below(w: Array) -> Array:
        return sum((p * ndtr(w - m) for p, m in parts), jnp.zeros_like(w))

    def above(w: Array) -> Array:
        return sum((p * ndtr(m - w) for p, m in parts), jnp.zeros_like(w))

    def forward(v: Array) -> Array:
        def excess(w: Array) -> Array:
            return jnp.where(v < 0, below(w) - ndtr(v), ndtr(-v) - above(w))

        return bisect(excess, v + min(means), v + max(means))

    def inverse(w: Array) -> Array:
        low = below(w)
        return jnp.where(low < 0.5, ndtri(low), -ndtri(above(w)))

    return Map(forward, inverse)
