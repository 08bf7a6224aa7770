"""Injective maps of vectors with their inverses; they preserve mutual information.

A map acts on rows [N, D]. An inverse without a closed form is found by bisection, for
maps that are increasing in each coordinate.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import Array
from jaxinfo.tasks.linear import matrix_product, random_rotation

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
    "spiral_map",
]


class Map(NamedTuple):
    """An injective map of vectors.

    Attributes:
        forward: `forward(v [N, D]) -> [N, D']`.
        inverse: `inverse(forward(v)) -> v`.
        dim: `dim(D) -> D'`; it raises ValueError if the map does not accept vectors of
            D coordinates. None if every D is accepted and D' = D.
    """

    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    dim: Callable[[int], int] | None = None

    __repr__ = short_repr


def bisect(increasing: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Root of an increasing function between low and high, elementwise."""

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
    # In float32, probabilities beyond 5.4 standard deviations round to 1.
    info = jnp.finfo(u.dtype)
    return ndtri(jnp.clip(u, info.tiny, 1 - info.epsneg))


def _sine_map(terms: tuple[tuple[float, float, float], ...]) -> Map:
    """v + sum of a sin(b v + c), increasing because the sum of |a b| is below 1."""

    def forward(v: Array) -> Array:
        return v + sum(a * jnp.sin(b * v + c) for a, b, c in terms)

    max_shift = sum(abs(a) for a, _, _ in terms)

    def inverse(w: Array) -> Array:
        return bisect(lambda v: forward(v) - w, w - max_shift, w + max_shift)

    return Map(forward, inverse)


def _roll(v: Array) -> Array:
    t = 1.5 * jnp.pi * (1 + 2 * v)
    return jnp.concatenate([t * jnp.cos(t), t * jnp.sin(t)], axis=-1) / 21


def _unroll(w: Array) -> Array:
    t = 21 * jnp.linalg.norm(w, axis=-1, keepdims=True)
    return (t / (1.5 * jnp.pi) - 1) / 2


def _roll_dim(dim: int) -> int:
    if dim != 1:
        raise ValueError(f"SWISS_ROLL needs vectors of dim 1, got dim {dim}")
    return 2


IDENTITY = Map(lambda v: v, lambda w: w)
NORMAL_CDF = Map(ndtr, _inverse_normal_cdf)
HALF_CUBE = Map(lambda v: signed_power(v, 1.5), lambda w: signed_power(w, 2 / 3))
CUBE = Map(lambda v: v**3, jnp.cbrt)
ASINH = Map(jnp.arcsinh, jnp.sinh)
WIGGLY_X = _sine_map(((0.4, 1.0, 0.0), (0.2, 1.7, 1.0), (0.03, 3.3, -2.5)))
WIGGLY_Y = _sine_map(((-0.4, 0.4, 0.0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)))
SWISS_ROLL = Map(_roll, _unroll, _roll_dim)


def spiral_map(speed: float, *, plane: tuple[int, int] = (0, 1)) -> Map:
    """Makes a map that rotates a plane by an angle proportional to |v|^2.

    v -> exp(G |v|^2) v, G = (speed / D) times the generator of rotations in the plane.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        speed: angle in radians per |v|^2 / D.
        plane: indices of the two coordinates that are rotated.

    Returns:
        The map.

    Raises:
        ValueError: if speed is not finite, or plane is not two different indices.
    """
    check_finite_number(speed=speed)
    i, j = plane
    if i == j or min(plane) < 0:
        raise ValueError(f"plane must be two different coordinates, got {plane}")

    def rotate(v: Array, speed: float) -> Array:
        angle = speed / v.shape[-1] * jnp.sum(v**2, axis=-1)
        cos, sin, a, b = jnp.cos(angle), jnp.sin(angle), v[..., i], v[..., j]
        return v.at[..., i].set(cos * a - sin * b).at[..., j].set(sin * a + cos * b)

    def dim(dim: int) -> int:
        if dim <= max(plane):
            raise ValueError(f"plane {plane} needs more coordinates than dim {dim}")
        return dim

    return Map(lambda v: rotate(v, speed), lambda w: rotate(w, -speed), dim)


def embedding_map(dim: int, dim_out: int, *, seed: int = 0) -> Map:
    """Makes a random linear isometry into a space of more dimensions.

    Args:
        dim: number of coordinates D.
        dim_out: number of coordinates D' of the image, at least D.
        seed: seed of the matrix, a fixed part of the map.

    Returns:
        The map.

    Raises:
        ValueError: if dim_out is below dim, or either is not a positive integer.
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


def mlp_map(dim: int, *, num_layers: int = 2, seed: int = 0) -> Map:
    """Makes a random invertible MLP.

    v -> A_L asinh(... A_1 asinh(A_0 v)). The matrices have singular values in
    [1/2, 2], so the inverse is numerically stable.

    Args:
        dim: number of coordinates D.
        num_layers: L, the number of times that asinh is applied.
        seed: seed of the weights, a fixed part of the map.

    Returns:
        The map.

    Raises:
        ValueError: if dim or num_layers is not a positive integer.
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


def mixture_quantile_map(weights: tuple[float, ...], means: tuple[float, ...]) -> Map:
    """Makes a map from standard normal coordinates to mixtures of unit normals.

    v -> F^-1(Phi(v)) with F(w) = sum_k weights_k Phi(w - means_k).

    Args:
        weights: weights of the components, positive with sum 1, [K].
        means: means of the components, [K].

    Returns:
        The map.

    Raises:
        ValueError: if the weights are not positive with sum 1, or the lengths differ.
    """
    if min(weights) <= 0 or not np.isclose(sum(weights), 1):
        raise ValueError(f"weights must be positive with sum 1, got {weights}")
    if len(means) != len(weights):
        raise ValueError(
            f"means must have {len(weights)} entries, as weights has, got {len(means)}"
        )
    components = list(zip(weights, means, strict=True))

    # Each tail is computed from its own side, which avoids cancellation.
    def below(w: Array) -> Array:
        return sum((p * ndtr(w - m) for p, m in components), jnp.zeros_like(w))

    def above(w: Array) -> Array:
        return sum((p * ndtr(m - w) for p, m in components), jnp.zeros_like(w))

    def forward(v: Array) -> Array:
        def excess(w: Array) -> Array:
            return jnp.where(v < 0, below(w) - ndtr(v), ndtr(-v) - above(w))

        return bisect(excess, v + min(means), v + max(means))

    def inverse(w: Array) -> Array:
        low = below(w)
        return jnp.where(low < 0.5, ndtri(low), -ndtri(above(w)))

    return Map(forward, inverse)
