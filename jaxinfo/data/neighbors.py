"""Neighbors of nodes as arrays, and samples of them inside a traced step."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import Array, Int, Key
from jaxinfo.data.graphs import HeterogeneousGraph, incidence

__all__ = ["Neighbors", "list_neighbors", "sample_neighbors"]


class Neighbors(NamedTuple):
    """The neighbors of every node, of one type.

    Attributes:
        starts: where a node's neighbors begin in `nodes`, [N].
        counts: how many it has, [N].
        nodes: their numbers, node after node, [E].
    """

    starts: Int[Array, " n"]
    counts: Int[Array, " n"]
    nodes: Int[Array, " e"]


def list_neighbors(graph: HeterogeneousGraph, source: str, target: str) -> Neighbors:
    """The neighbors of one type that nodes of another have.

    Args:
        graph: the graph.
        source: whose neighbors.
        target: of which type they are.

    Returns:
        The `Neighbors`.

    Raises:
        ValueError: where the two types have no edges.
    """
    matrix = incidence(graph, source, target)
    matrix.sort_indices()
    starts, counts = matrix.indptr[:-1], np.diff(matrix.indptr)
    return Neighbors(*map(jnp.asarray, (starts, counts, matrix.indices)))


def sample_neighbors(
    key: Key[Array, ""], neighbors: Neighbors, *, num_samples: int
) -> Int[Array, "n k"]:
    """As many random neighbors of every node, whatever number it has.

    Without replacement where a node has that many, otherwise with.

    Source: Wang et al., KDD 2021, section 3.3; without replacement by Floyd's method
        (Bentley and Floyd, "A sample of brilliance", 1987).

    Args:
        key: random key.
        neighbors: from `list_neighbors`.
        num_samples: K.

    Returns:
        Numbers of nodes, [N, K]; -1 of a node that has no neighbor.

    Example:
        >>> triangle = Neighbors(*map(jnp.array, ([0, 3], [3, 0], [5, 6, 7])))
        >>> drawn = sample_neighbors(jax.random.key(0), triangle, num_samples=3)
        >>> sorted(drawn[0].tolist()), drawn[1].tolist()
        ([5, 6, 7], [-1, -1, -1])
    """
    check_key(0, key=key)
    check_positive(num_samples=num_samples)
    starts, counts, nodes = neighbors
    uniforms = jax.random.uniform(key, (num_samples, len(counts)))
    enough = counts >= num_samples

    # Of the first n - K + k + 1 places one at random, or where it is taken the last.
    places = jnp.full((num_samples, len(counts)), -1)
    for k, uniform in enumerate(uniforms):
        last = jnp.where(enough, counts - num_samples + k, counts - 1)
        place = jnp.minimum(jnp.floor(uniform * (last + 1)).astype(int), last)
        is_taken = enough & jnp.any(places[:k] == place, axis=0)
        places = places.at[k].set(jnp.where(is_taken, last, place))
    found = nodes[jnp.minimum(starts + places, len(nodes) - 1).T]
    return jnp.where(counts[:, None] > 0, found, -1)
