"""Mutual information from nearest neighbors, without a model of the densities.

Distances are maximum norms over the coordinates of x, of y and of both, so standardize
the coordinates first. Counts of neighbors are exact. Distances are computed from one
chunk of rows to all rows at a time, in memory proportional to N times the chunk.

Rows of one cluster, such as repeated measurements or neighbors in time, depend on each
other, so they are no neighbors of each other (Theiler, "Spurious dimension from
correlation algorithms applied to limited time-series data", Phys. Rev. A 34, 1986).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import digamma

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Bool, Float, Int
from jaxinfo.information.local_information import (
    LocalInformation,
    check_paired_rows,
    local_information,
)

__all__ = ["ksg1_information", "ksg2_information", "mixed_ksg_information"]

# From a mask of the other rows and a row's distances in x and in y, its statistic.
Statistic = Callable[[Bool[Array, " n"], Float[Array, " n"], Float[Array, " n"]], Any]


def ksg1_information(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    num_neighbors: int = 3,
    chunk_size: int = 64,
    clusters: Int[Array, " n"] | None = None,
) -> LocalInformation:
    """Mutual information by the first estimator of Kraskov et al., nats.

    psi(k) + psi(N) - mean_i [ psi(n_x(i) + 1) + psi(n_y(i) + 1) ]. With r(i) the
    distance of (x_i, y_i) to its k-th nearest neighbor, n_x(i) is the number of other
    rows at a distance from x_i below r(i), and n_y(i) likewise.

    Source: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information",
        Phys. Rev. E 69, 2004, eq. 8.

    Args:
        x: rows of x, standardized, [N, D].
        y: rows of y, standardized, [N, E].
        num_neighbors: k, below N; static.
        chunk_size: number of rows compared with all rows at once; static. It does not
            change the value.
        clusters: number of the cluster of each row, [N]; rows of one cluster are no
            neighbors of each other, and N counts the others only. None for
            independent rows.

    Returns:
        The `LocalInformation`, nats.

    Raises:
        ValueError: if the rows are not paired, or there are k or fewer.

    Notes:
        Biased towards zero for strong dependence and in many dimensions. Rows share
        neighbors, so the standard deviation of the contributions understates the
        standard error by 10 to 50 %; use subsamples instead. If k neighbors coincide
        with a row, r(i) is zero and the value is meaningless: use
        `mixed_ksg_information` for data with ties.

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

    n, n_x, n_y = _each_row(counts, x, y, chunk_size, clusters)
    constant = digamma(float(num_neighbors)) + digamma(1.0 * n)
    return local_information(constant - digamma(n_x + 1.0) - digamma(n_y + 1.0))


def ksg2_information(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    num_neighbors: int = 3,
    chunk_size: int = 64,
    clusters: Int[Array, " n"] | None = None,
) -> LocalInformation:
    """Mutual information by the second estimator of Kraskov et al., nats.

    psi(k) - 1/k + psi(N) - mean_i [ psi(n_x(i)) + psi(n_y(i)) ]. With r_x(i) the
    largest distance in x from (x_i, y_i) to its k nearest neighbors, n_x(i) is the
    number of other rows at a distance from x_i of at most r_x(i), and n_y(i) likewise.

    Source: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information",
        Phys. Rev. E 69, 2004, eq. 9.

    Args:
        x: rows of x, standardized, [N, D].
        y: rows of y, standardized, [N, E].
        num_neighbors: k, below N; static.
        chunk_size: number of rows compared with all rows at once; static. It does not
            change the value.
        clusters: number of the cluster of each row, [N]; rows of one cluster are no
            neighbors of each other, and N counts the others only. None for
            independent rows.

    Returns:
        The `LocalInformation`, nats.

    Raises:
        ValueError: if the rows are not paired, or there are k or fewer.

    Notes:
        Biased like `ksg1_information`, slightly less in many dimensions, with slightly
        more variance. All rows that tie with the k-th neighbor count as neighbors, so
        the order of rows does not matter.
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

    n, n_x, n_y = _each_row(counts, x, y, chunk_size, clusters)
    k = float(num_neighbors)
    constant = digamma(k) - 1 / k + digamma(1.0 * n)
    return local_information(constant - digamma(1.0 * n_x) - digamma(1.0 * n_y))


def mixed_ksg_information(
    x: Float[Array, "n d"],
    y: Float[Array, "n e"],
    *,
    num_neighbors: int = 3,
    chunk_size: int = 64,
    clusters: Int[Array, " n"] | None = None,
    max_radius: float | Float[Array, ""] = jnp.inf,
) -> LocalInformation:
    """Mutual information of discrete, continuous and mixed data, nats.

    mean_i [ psi(k_i) + psi(N) - psi(m_x(i)) - psi(m_y(i)) ], with r(i) the distance of
    (x_i, y_i) to its k-th nearest neighbor. If r(i) is zero, k_i, m_x and m_y are the
    numbers of rows, including i, that coincide with the pair, with x_i and with y_i, as
    in a plug-in estimate. Otherwise k_i is the number of other rows up to the distance
    r(i), and m_x is the larger of two counts of other rows: those up to the distance
    r(i) from x_i, and those below it plus one; m_y likewise. Where no distances tie,
    this is the term of `ksg1_information`.

    Source: Gao, Kannan, Oh and Viswanath, "Estimating mutual information for
        discrete-continuous mixtures", NeurIPS 2017, algorithm 1.

    Args:
        x: rows of x, standardized, [N, D].
        y: rows of y, standardized, [N, E].
        num_neighbors: k, below N; static.
        chunk_size: number of rows compared with all rows at once; static. It does not
            change the value.
        clusters: number of the cluster of each row, [N]; rows of one cluster are no
            neighbors of each other, and N counts the others only. None for
            independent rows.
        max_radius: rows at this distance or more are no neighbors. It keeps rows with
            different labels apart, if their codes differ by at least this much.

    Returns:
        The `LocalInformation`, nats. Unlike in the paper, negative values are kept.

    Raises:
        ValueError: if the rows are not paired, or there are k or fewer.

    Notes:
        The published algorithm takes k_i = k and logarithms where r(i) is positive. On
        rounded data many rows tie at the distance r(i), so k is too few for them.
        Without ties, strict counts and digammas have the same limit as the published
        ones and much less bias towards zero. Ties must be exact: standardize so that
        equal differences stay equal, for example by multiplying integers. States seen k
        times or fewer are treated as continuous. A row without any neighbor below
        `max_radius` contributes zero.
    """
    check_positive(num_neighbors=num_neighbors, chunk_size=chunk_size)
    x, y = check_paired_rows(x, y, more_than=num_neighbors)

    def counts(others: Array, x_distance: Array, y_distance: Array) -> list[Array]:
        distance = jnp.maximum(x_distance, y_distance)
        neighbors = others & (distance < max_radius)
        k = jnp.minimum(num_neighbors, jnp.sum(neighbors))
        radius = _kth_smallest(jnp.where(neighbors, distance, jnp.inf), k)
        itself = radius == 0

        def up_to_radius(d: Array) -> Array:
            below, up_to = (
                jnp.sum(others & (d < radius)),
                jnp.sum(others & (d <= radius)),
            )
            return jnp.maximum(below + 1, up_to + itself)

        tied = jnp.sum(others & (distance <= radius)) + itself
        return [tied, up_to_radius(x_distance), up_to_radius(y_distance)]

    n, k, m_x, m_y = _each_row(counts, x, y, chunk_size, clusters)
    terms = digamma(jnp.maximum(k, 1.0)) + digamma(1.0 * n)
    terms = terms - digamma(1.0 * m_x) - digamma(1.0 * m_y)
    return local_information(jnp.where(k > 0, terms, 0.0))


def _each_row(
    statistic: Statistic,
    x: Array,
    y: Array,
    chunk_size: int,
    clusters: Int[Array, " n"] | None,
) -> list[Int[Array, " n"]]:
    """For each row, one plus the number of others, and its statistic."""
    clusters = jnp.arange(len(x)) if clusters is None else jnp.asarray(clusters)
    if clusters.shape != (len(x),):
        raise ValueError(f"clusters must have shape ({len(x)},), got {clusters.shape}")
    # The first rows fill the last chunk: a smaller one would be compiled separately.
    filled = jnp.arange(-(-len(x) // chunk_size) * chunk_size) % len(x)

    def of_row(i: Array) -> Any:
        others = clusters != clusters[i]
        found = statistic(others, _max_norms(x.T, i), _max_norms(y.T, i))
        return [jnp.sum(others) + 1, *found]

    counts = jax.lax.map(of_row, filled, batch_size=chunk_size)
    return [count[: len(x)] for count in counts]


def _max_norms(columns: Float[Array, "d n"], i: Array) -> Float[Array, " n"]:
    """The distances of row i to every row."""

    def with_column(distance: Array, column: Array) -> tuple[Array, None]:
        return jnp.maximum(distance, jnp.abs(column - column[i])), None

    # By columns, because a maximum over the short axis of [N, D] is up to 4x slower.
    return jax.lax.scan(with_column, jnp.zeros_like(columns[0]), columns, unroll=16)[0]


def _kth_smallest(values: Float[Array, " n"], k: int | Array) -> Float[Array, ""]:
    """The k-th smallest value, by stepping from each value to the next larger one.

    On a CPU a few passes over a row are much faster than a sort or `jax.lax.top_k`.
    """

    def next_larger(_: Any, value: Array) -> Array:
        larger = jnp.min(values, where=values > value, initial=jnp.inf)
        return jnp.where(jnp.sum(values <= value) < k, larger, value)

    return jax.lax.fori_loop(0, k, next_larger, jnp.asarray(-jnp.inf, values.dtype))
