"""Neighbours of nodes as arrays, and samples of them inside a traced step."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import Array, Int, Key
from jaxinfo.data.graphs import HeterogeneousGraph, incidence

__all__ = ["Neighbours", "list_neighbours", "sample_neighbours"]


class Neighbours(NamedTuple):
    """The neighbours of every node, of one type.

    Attributes:
        starts: where a node's neighbours begin in `nodes`, [N].
        counts: how many it has, [N].
        nodes: their numbers, node after node, [E].
    """

    starts: Int[Array, " n"]
    counts: Int[Array, " n"]
    nodes: Int[Array, " e"]


def list_neighbours(graph: HeterogeneousGraph, source: str, target: str) -> Neighbours:
    """The neighbours of one type that nodes of another have.

    Args:
        graph: the graph.
        source: whose neighbours.
        target: of which type they are.

    Returns:
        The `Neighbours`.

    Raises:
        ValueError: where the two types have no edges.
    """
    matrix = incidence(graph, source, target)
    matrix.sort_indices()
    starts, counts = matrix.indptr[:-1], np.diff(matrix.indptr)
    return Neighbours(*map(jnp.asarray, (starts, counts, matrix.indices)))


def sample_neighbours(
    key: Key[Array, ""], neighbours: Neighbours, *, num_samples: int
) -> Int[Array, "n k"]:
    """As many random neighbours of every node, whatever number it has.

    Without replacement where a node has that many, otherwise with.

    Source: Wang et al., KDD 2021, section 3.3; without replacement by Floyd's method
        (Bentley and Floyd, "A sample of brilliance", 1987).

    Args:
        key: random key.
        neighbours: from `list_neighbours`.
        num_samples: K.

    Returns:
        Numbers of nodes, [N, K]; -1 of a node that has no neighbour.

    Example:
        >>> triangle = Neighbours(*map(jnp.array, ([0, 3], [3, 0], [5, 6, 7])))
        >>> drawn = sample_neighbours(jax.random.key(0), triangle, num_samples=3)
        >>> sorted(drawn[0].tolist()), drawn[1].tolist()
        ([5, 6, 7], [-1, -1, -1])
    """
    check_key(0, key=key)
    check_positive(num_samples=num_samples)
    starts, counts, nodes = neighbours
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
