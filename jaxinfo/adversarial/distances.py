"""How far generated samples are from data, in any embedding, [N, D] arrays.

What they say depends on the embedding and on the number of samples: compare like with
like.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.types import Array, Float

__all__ = [
    "Neighborhoods",
    "compare_neighborhoods",
    "frechet_distance",
    "kernel_distance",
]


def frechet_distance(
    real: Float[Array, "n d"], fake: Float[Array, "m d"]
) -> Float[Array, ""]:
    """The squared Frechet distance of two Gaussians fitted to embedded samples.

    |m - n|^2 + tr(S + T - 2 (S T)^(1/2)).

    Source: Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017,
        equation 6 (FID, where the embedding is Inception's).

    Args:
        real: embedded data, [N, D].
        fake: embedded generated samples, [M, D].

    Returns:
        The distance, [], in squared units of the embedding.

    Raises:
        ValueError: where shapes do not fit, or a set has fewer than two rows.

    Notes:
        Biased up on a finite sample: two sets of N standard normal rows are about
        D^2 / (2 N) apart.
    """
    _check_sizes(1, "one row", real=real, fake=fake)
    means = jnp.mean(real, axis=0), jnp.mean(fake, axis=0)
    # Near numbers are taken from each other.
    with jax.default_matmul_precision("highest"):
        left, right = (
            jnp.atleast_2d(jnp.cov(rows, rowvar=False)) for rows in (real, fake)
        )
        values, vectors = jnp.linalg.eigh(left)
        root = (vectors * jnp.sqrt(jnp.maximum(values, 0))) @ vectors.T
        # The eigenvalues of S^(1/2) T S^(1/2) are those of S T.
        crossed = jnp.maximum(jnp.linalg.eigvalsh(root @ right @ root), 0)
    spread = jnp.trace(left) + jnp.trace(right) - 2 * jnp.sum(jnp.sqrt(crossed))
    return jnp.sum((means[0] - means[1]) ** 2) + spread


def kernel_distance(
    real: Float[Array, "n d"], fake: Float[Array, "m d"], *, chunk_size: int = 256
) -> Float[Array, ""]:
    """The squared maximum mean discrepancy under the kernel (x'y / D + 1)^3.

    Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4 (KID, where
        the embedding is Inception's).

    Args:
        real: embedded data, [N, D].
        fake: embedded generated samples, [M, D].
        chunk_size: rows that meet all others at once; changes no value.

    Returns:
        The unbiased estimate, [], negative at times where the sets are alike.

    Raises:
        ValueError: where shapes do not fit, or a set has fewer than two rows.
    """
    _check_sizes(1, "one row", real=real, fake=fake)
    check_positive(chunk_size=chunk_size)

    def kernel(products: Array) -> Array:
        return (products / real.shape[1] + 1) ** 3

    def total(left: Array, right: Array) -> Array:
        def one(row: Array) -> Array:
            return jnp.sum(kernel(jnp.matmul(right, row, precision="highest")))

        return jnp.sum(jax.lax.map(one, left, batch_size=chunk_size))

    def within(rows: Array) -> Array:
        itself = jnp.sum(kernel(jnp.sum(rows**2, axis=1)))
        return (total(rows, rows) - itself) / (len(rows) * (len(rows) - 1))

    across = total(real, fake) / (len(real) * len(fake))
    return within(real) + within(fake) - 2 * across


class Neighborhoods(NamedTuple):
    """Shares of one set that lie where the other does, by balls to a k-th neighbor.

    Attributes:
        precision: generated samples inside a ball around any data point.
        recall: data points inside a ball around any generated sample.
        density: balls around data that a generated sample lies in, over k; can be
            above 1.
        coverage: data points whose ball holds any generated sample.
    """

    precision: Float[Array, ""]
    recall: Float[Array, ""]
    density: Float[Array, ""]
    coverage: Float[Array, ""]


def compare_neighborhoods(
    real: Float[Array, "n d"],
    fake: Float[Array, "m d"],
    *,
    num_neighbors: int = 5,
    chunk_size: int = 256,
) -> Neighborhoods:
    """Precision and recall, density and coverage of embedded samples.

    Source: Kynkaanniemi et al., "Improved precision and recall metric", NeurIPS 2019;
        Naeem et al., "Reliable fidelity and diversity metrics", ICML 2020.

    Args:
        real: embedded data, [N, D].
        fake: embedded generated samples, [M, D].
        num_neighbors: k, below N and M; a row is not its own neighbor.
        chunk_size: rows that meet all others at once; changes no value.

    Returns:
        The `Neighborhoods`.

    Raises:
        ValueError: where shapes do not fit, or a set has not more than k rows.
    """
    check_positive(num_neighbors=num_neighbors, chunk_size=chunk_size)
    few = f"num_neighbors = {num_neighbors} rows"
    _check_sizes(num_neighbors, few, real=real, fake=fake)

    def radii(rows: Array) -> Array:
        """Squared distance to the k-th neighbor; the row itself comes first."""

        def one(row: Array) -> Array:
            return -jax.lax.top_k(-squared_distances(row, rows), num_neighbors + 1)[0]

        return jax.lax.map(one, rows, batch_size=chunk_size)[:, -1]

    around_real, around_fake = radii(real), radii(fake)

    def balls_around(row: Array) -> Array:
        return jnp.sum(squared_distances(row, real) <= around_real)

    def is_found(pair: tuple[Array, Array]) -> tuple[Array, Array]:
        row, radius = pair
        squares = squared_distances(row, fake)
        return jnp.any(squares <= around_fake), jnp.any(squares <= radius)

    balls = jax.lax.map(balls_around, fake, batch_size=chunk_size)
    inside, covered = jax.lax.map(is_found, (real, around_real), batch_size=chunk_size)
    return Neighborhoods(
        precision=jnp.mean(balls > 0),
        recall=jnp.mean(inside),
        density=jnp.mean(balls) / num_neighbors,
        coverage=jnp.mean(covered),
    )


def check_same_width(**sets: Array) -> None:
    """Raises ValueError unless both named arrays are rows of one width."""
    check_rank(2, **sets)
    (name, left), (other, right) = sets.items()
    if left.shape[1] != right.shape[1] or 0 in (len(left), len(right)):
        raise ValueError(
            f"{name} and {other} must be rows of one width, got shapes {left.shape} "
            f"and {right.shape}"
        )


def _check_sizes(most: int, few: str, **sets: Array) -> None:
    """Raises ValueError unless both are rows of one width, more than `most` of them."""
    check_same_width(**sets)
    for name, rows in sets.items():
        if len(rows) <= most:
            raise ValueError(f"{name} must have more than {few}, got {len(rows)}")


def squared_distances(
    row: Float[Array, " d"], rows: Float[Array, "m d"]
) -> Float[Array, " m"]:
    """Of one row to each of many; a matrix product under vmap."""
    # From the first of them, so that little cancels when the square is expanded.
    row, rows = row - rows[0], rows - rows[0]
    products = jnp.matmul(rows, row, precision="highest")
    return jnp.maximum(jnp.sum(row**2) + jnp.sum(rows**2, axis=1) - 2 * products, 0)
