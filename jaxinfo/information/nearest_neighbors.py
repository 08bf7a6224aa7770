"""Mutual information from nearest neighbors, with no model of the densities.

Distances are max-norms within x, within y and between the two, so coordinates are
compared with each other: standardize them first. Every count is exact. Chunks of rows
meet all rows at once, in memory of N times the chunk.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import digamma

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Bool, Float, Int
from jaxinfo.information.local import (
    LocalInformation,
    check_paired_rows,
    local_information,
)

__all__ = ["ksg1_information", "ksg2_information", "mixed_ksg_information"]

# Distances of one row to all of x and to all of y, its own masked -> its statistic.
Statistic = Callable[[Bool[Array, " n"], Float[Array, " n"], Float[Array, " n"]], Any]


def ksg1_information(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    num_neighbors: int = 3,
    chunk_size: int = 64,
) -> LocalInformation:
    """Mutual information by the first estimator of Kraskov et al., nats.

    psi(k) + psi(N) - mean_i [ psi(n_x(i) + 1) + psi(n_y(i) + 1) ], where n_x(i) other
    rows lie strictly nearer to x_i than the k-th nearest neighbor of (x_i, y_i) lies
    to that pair, and n_y likewise.

    Source: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information",
        Phys. Rev. E 69, 2004, eq. 8.

    Args:
        x: rows of x, standardized, [N, D].
        y: rows of y, standardized, [N, E].
        num_neighbors: k, below N; static.
        chunk_size: rows that meet all others at once; static, changes no value.

    Returns:
        The `LocalInformation`, nats.

    Raises:
        ValueError: where the rows are not paired, or not more than k.

    Notes:
        Biased towards zero where the dependence is strong or the dimensions are many.
        Rows share neighbors, so the spread of the contributions understates the
        standard error by a tenth to a half: subsample instead.
        Where k neighbors coincide with a row the radius is zero, nothing is nearer,
        and the value has no meaning: take `mixed_ksg_information` for data with ties.

    Example:
        >>> x = jnp.arange(100.0)[:, None]
        >>> round(ksg1_information(x, x, num_neighbors=1).value.item(), 2)
        5.18
    """
    check_positive(num_neighbors=num_neighbors, chunk_size=chunk_size)
    x, y = check_paired_rows(x, y, more_than=num_neighbors)

    def counts(others: Array, x_distance: Array, y_distance: Array) -> list[Array]:
        distance = jnp.where(others, jnp.maximum(x_distance, y_distance), jnp.inf)
        radius = _kth_smallest(distance, num_neighbors)
        return [jnp.sum(others & (d < radius)) for d in (x_distance, y_distance)]

    n_x, n_y = _each_row(counts, x, y, chunk_size)
    constant = digamma(float(num_neighbors)) + digamma(float(len(x)))
    return local_information(constant - digamma(n_x + 1.0) - digamma(n_y + 1.0))


def ksg2_information(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    num_neighbors: int = 3,
    chunk_size: int = 64,
) -> LocalInformation:
    """Mutual information by the second estimator of Kraskov et al., nats.

    psi(k) - 1/k + psi(N) - mean_i [ psi(n_x(i)) + psi(n_y(i)) ], where n_x(i) other
    rows lie as near to x_i as the farthest, in x, of the k nearest neighbors of
    (x_i, y_i), or nearer, and n_y likewise.

    Source: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information",
        Phys. Rev. E 69, 2004, eq. 9.

    Args:
        x: rows of x, standardized, [N, D].
        y: rows of y, standardized, [N, E].
        num_neighbors: k, below N; static.
        chunk_size: rows that meet all others at once; static, changes no value.

    Returns:
        The `LocalInformation`, nats.

    Raises:
        ValueError: where the rows are not paired, or not more than k.

    Notes:
        Biased as `ksg1_information`, a little less in many dimensions, and with a
        little more variance.
        Rows that tie with the k-th neighbor all count as neighbors, so that the
        order of rows changes nothing.
    """
    check_positive(num_neighbors=num_neighbors, chunk_size=chunk_size)
    x, y = check_paired_rows(x, y, more_than=num_neighbors)

    def counts(others: Array, x_distance: Array, y_distance: Array) -> list[Array]:
        distance = jnp.where(others, jnp.maximum(x_distance, y_distance), jnp.inf)
        near = distance <= _kth_smallest(distance, num_neighbors)
        return [
            jnp.sum(others & (d <= jnp.max(d, where=near, initial=0)))
            for d in (x_distance, y_distance)
        ]

    n_x, n_y = _each_row(counts, x, y, chunk_size)
    k, n = float(num_neighbors), float(len(x))
    constant = digamma(k) - 1 / k + digamma(n)
    return local_information(constant - digamma(1.0 * n_x) - digamma(1.0 * n_y))


def mixed_ksg_information(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    num_neighbors: int = 3,
    chunk_size: int = 64,
) -> LocalInformation:
    """Mutual information of discrete, continuous and mixed data, nats.

    mean_i [ psi(k_i) + psi(N) - psi(m_x(i)) - psi(m_y(i)) ]. Where the k-th nearest
    neighbor lies apart from (x_i, y_i) this is `ksg1_information`; where it coincides
    with it, k_i, m_x and m_y count the rows, i itself included, that coincide with the
    pair, with x_i and with y_i, as a plug-in estimate does.

    Source: Gao, Kannan, Oh and Viswanath, "Estimating mutual information for
        discrete-continuous mixtures", NeurIPS 2017, algorithm 1.

    Args:
        x: rows of x, standardized, [N, D].
        y: rows of y, standardized, [N, E].
        num_neighbors: k, below N; static.
        chunk_size: rows that meet all others at once; static, changes no value.

    Returns:
        The `LocalInformation`, nats; unlike the paper's, negative values are kept.

    Raises:
        ValueError: where the rows are not paired, or not more than k.

    Notes:
        The algorithm as printed counts rows up to the radius and takes their logarithm;
        strict counts and digammas have the same limit and far less bias towards zero.
        States that are seen k times or fewer are taken for continuous.
    """
    check_positive(num_neighbors=num_neighbors, chunk_size=chunk_size)
    x, y = check_paired_rows(x, y, more_than=num_neighbors)

    def counts(others: Array, x_distance: Array, y_distance: Array) -> list[Array]:
        distance = jnp.maximum(x_distance, y_distance)
        radius = _kth_smallest(jnp.where(others, distance, jnp.inf), num_neighbors)
        k = jnp.where(radius > 0, num_neighbors, jnp.sum(distance == 0))
        return [
            k,
            *(jnp.sum((d < radius) | (d == 0)) for d in (x_distance, y_distance)),
        ]

    psi_k, psi_x, psi_y = (
        digamma(1.0 * count) for count in _each_row(counts, x, y, chunk_size)
    )
    return local_information(psi_k + digamma(float(len(x))) - psi_x - psi_y)


def _each_row(
    statistic: Statistic, x: Array, y: Array, chunk_size: int
) -> list[Int[Array, " n"]]:
    rows = jnp.arange(len(x))
    # First rows fill the last chunk, for one of another size is compiled for itself.
    filled = jnp.arange(-(-len(x) // chunk_size) * chunk_size) % len(x)

    def of_row(i: Array) -> Any:
        return statistic(rows != i, _max_norms(x.T, i), _max_norms(y.T, i))

    counts = jax.lax.map(of_row, filled, batch_size=chunk_size)
    return [count[: len(x)] for count in counts]


def _max_norms(columns: Float[Array, "d n"], i: Array) -> Float[Array, " n"]:
    """Distances of row i to every row."""

    def with_column(distance: Array, column: Array) -> tuple[Array, None]:
        return jnp.maximum(distance, jnp.abs(column - column[i])), None

    # Column by column: a maximum over the short axis of [N, D] is up to 4 times slower.
    return jax.lax.scan(with_column, jnp.zeros_like(columns[0]), columns, unroll=16)[0]


def _kth_smallest(values: Float[Array, " n"], k: int) -> Float[Array, ""]:
    """From each value to the next larger one, until k values are no larger.

    A few passes over a row cost far less than a sort or `top_k` does on a processor.
    """

    def next_larger(_: Any, value: Array) -> Array:
        larger = jnp.min(values, where=values > value, initial=jnp.inf)
        return jnp.where(jnp.sum(values <= value) < k, larger, value)

    return jax.lax.fori_loop(0, k, next_larger, jnp.asarray(-jnp.inf, values.dtype))
