"""Distances between generated samples and data, in any embedding, as [N, D] arrays.

They depend on the embedding and on the number of samples: compare only values with the
same embedding and the same N and M.
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
    """The squared Frechet distance between two Gaussians fitted to embedded samples.

    |m - n|^2 + tr(S + T - 2 (S T)^(1/2)).

    Source: Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017,
        equation 6 (called FID with the embedding of Inception).

    Args:
        real: embedded data, [N, D].
        fake: embedded generated samples, [M, D].

    Returns:
        The distance, [], in squared units of the embedding.

    Raises:
        ValueError: if the sets differ in width, or one has fewer than two rows.

    Notes:
        The estimate is biased upward on finite samples: for two sets of N standard
        normal rows it is about D^2 / (2 N).
    """
    _check_sizes(1, "one row", real=real, fake=fake)
    means = jnp.mean(real, axis=0), jnp.mean(fake, axis=0)
    # The traces below nearly cancel.
    with jax.default_matmul_precision("highest"):
        left, right = (
            jnp.atleast_2d(jnp.cov(rows, rowvar=False)) for rows in (real, fake)
        )
        values, vectors = jnp.linalg.eigh(left)
        root = (vectors * jnp.sqrt(jnp.maximum(values, 0))[None]) @ vectors.T
        # S^(1/2) T S^(1/2) has the eigenvalues of S T.
        eigenvalues = jnp.maximum(jnp.linalg.eigvalsh(root @ right @ root), 0)
    covariances = (
        jnp.trace(left) + jnp.trace(right) - 2 * jnp.sum(jnp.sqrt(eigenvalues))
    )
    return jnp.sum((means[0] - means[1]) ** 2) + covariances


def kernel_distance(
    real: Float[Array, "n d"], fake: Float[Array, "m d"], *, chunk_size: int = 256
) -> Float[Array, ""]:
    """The squared maximum mean discrepancy with the kernel (x'y / D + 1)^3.

    Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4 (called KID
        with the embedding of Inception).

    Args:
        real: embedded data, [N, D].
        fake: embedded generated samples, [M, D].
        chunk_size: rows compared with all others at once; changes memory only.

    Returns:
        The unbiased estimate, []; it can be negative for similar sets.

    Raises:
        ValueError: if the sets differ in width, or one has fewer than two rows.
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
        diagonal = jnp.sum(kernel(jnp.sum(rows**2, axis=1)))
        return (total(rows, rows) - diagonal) / (len(rows) * (len(rows) - 1))

    across = total(real, fake) / (len(real) * len(fake))
    return within(real) + within(fake) - 2 * across


class Neighborhoods(NamedTuple):
    """Overlap of two sets, by balls around rows that reach the k-th neighbor.

    Attributes:
        precision: fraction of generated samples inside the ball of some data point.
        recall: fraction of data points inside the ball of some generated sample.
        density: mean number of data balls that a generated sample lies in, over k; it
            can exceed 1.
        coverage: fraction of data points whose ball holds some generated sample.
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
        chunk_size: rows compared with all others at once; changes memory only.

    Returns:
        The `Neighborhoods`.

    Raises:
        ValueError: if the sets differ in width, or one has at most k rows.
    """
    check_positive(num_neighbors=num_neighbors, chunk_size=chunk_size)
    required = f"num_neighbors = {num_neighbors} rows"
    _check_sizes(num_neighbors, required, real=real, fake=fake)

    def radii(rows: Array) -> Array:
        """Squared distance to the k-th neighbor; the nearest row is the row itself."""

        def one(row: Array) -> Array:
            return -jax.lax.top_k(-squared_distances(row, rows), num_neighbors + 1)[0]

        return jax.lax.map(one, rows, batch_size=chunk_size)[:, -1]

    real_radii, fake_radii = radii(real), radii(fake)

    def count_balls(row: Array) -> Array:
        return jnp.sum(squared_distances(row, real) <= real_radii)

    def compare(pair: tuple[Array, Array]) -> tuple[Array, Array]:
        row, radius = pair
        squares = squared_distances(row, fake)
        return jnp.any(squares <= fake_radii), jnp.any(squares <= radius)

    balls = jax.lax.map(count_balls, fake, batch_size=chunk_size)
    inside, covered = jax.lax.map(compare, (real, real_radii), batch_size=chunk_size)
    return Neighborhoods(
        precision=jnp.mean(balls > 0),
        recall=jnp.mean(inside),
        density=jnp.mean(balls) / num_neighbors,
        coverage=jnp.mean(covered),
    )


def check_same_width(**sets: Array) -> None:
    """Raises ValueError unless both named arrays are rows of the same width."""
    check_rank(2, **sets)
    (name, left), (other, right) = sets.items()
    if left.shape[1] != right.shape[1] or 0 in (len(left), len(right)):
        raise ValueError(
            f"{name} and {other} must be rows of the same width, got shapes "
            f"{left.shape} and {right.shape}"
        )


def _check_sizes(minimum: int, required: str, **sets: Array) -> None:
    """Raises ValueError unless both have one width and more than `minimum` rows."""
    check_same_width(**sets)
    for name, rows in sets.items():
        if len(rows) <= minimum:
            raise ValueError(f"{name} must have more than {required}, got {len(rows)}")


def squared_distances(
    row: Float[Array, " d"], rows: Float[Array, "m d"]
) -> Float[Array, " m"]:
    """Squared distances of one row to many; a matrix product under vmap."""
    # Relative to the first row, so that little cancels in the expanded square.
    row, rows = row - rows[0], rows - rows[:1]
    products = jnp.matmul(rows, row, precision="highest")
    return jnp.maximum(jnp.sum(row**2) + jnp.sum(rows**2, axis=1) - 2 * products, 0)
