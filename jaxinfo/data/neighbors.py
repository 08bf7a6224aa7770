"""Neighbor lists of nodes as arrays, and neighbor sampling under `jit`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import Array, Int, Key
from jaxinfo.data.graphs import HeterogeneousGraph, biadjacency

__all__ = ["Neighbors", "list_neighbors", "sample_neighbors"]


class Neighbors(NamedTuple):
    """The neighbors of one type that each node has.

    Attributes:
        starts: the index in `nodes` of each node's first neighbor, [N].
        counts: the number of neighbors of each node, [N].
        nodes: the numbers of all neighbors, grouped by node, [E].
    """

    starts: Int[Array, " n"]
    counts: Int[Array, " n"]
    nodes: Int[Array, " e"]


def list_neighbors(graph: HeterogeneousGraph, source: str, target: str) -> Neighbors:
    """Lists the neighbors of one type of each node of another type.

    Args:
        graph: the graph.
        source: the type of the nodes whose neighbors are listed.
        target: the type of the neighbors.

    Returns:
        The `Neighbors`.

    Raises:
        ValueError: if there are no edges between the two types.
    """
    matrix = biadjacency(graph, source, target)
    matrix.sort_indices()
    starts, counts = matrix.indptr[:-1], np.diff(matrix.indptr)
    return Neighbors(*map(jnp.asarray, (starts, counts, matrix.indices)))


def sample_neighbors(
    key: Key[Array, ""], neighbors: Neighbors, *, num_samples: int
) -> Int[Array, "n k"]:
    """Samples the same number of random neighbors for every node.

    Sampling is without replacement for a node with at least `num_samples` neighbors,
    otherwise with replacement.

    Source: Wang et al., KDD 2021, section 3.3; without replacement by Floyd's method
        (Bentley and Floyd, "A sample of brilliance", 1987).

    Args:
        key: random key.
        neighbors: from `list_neighbors`.
        num_samples: K, the number of neighbors to sample.

    Returns:
        Node numbers, [N, K]; -1 for a node without neighbors.

    Example:
        >>> triangle = Neighbors(*map(jnp.array, ([0, 3], [3, 0], [5, 6, 7])))
        >>> sampled = sample_neighbors(jax.random.key(0), triangle, num_samples=3)
        >>> sorted(sampled[0].tolist()), sampled[1].tolist()
        ([5, 6, 7], [-1, -1, -1])
    """
    check_key(0, key=key)
    check_positive(num_samples=num_samples)
    starts, counts, nodes = neighbors
    uniforms = jax.random.uniform(key, (num_samples, len(counts)))
    has_enough = counts >= num_samples

    # Step k draws one of the first n - K + k + 1 places, or takes the last of them if
    # the draw is already taken.
    places = jnp.full((num_samples, len(counts)), -1)
    for k, uniform in enumerate(uniforms):
        last = jnp.where(has_enough, counts - num_samples + k, counts - 1)
        place = jnp.minimum(jnp.floor(uniform * (last + 1)).astype(int), last)
        is_taken = has_enough & jnp.any(places[:k] == place[None], axis=0)
        places = places.at[k].set(jnp.where(is_taken, last, place))
    sampled = nodes[jnp.minimum(starts[None] + places, len(nodes) - 1).T]
    return jnp.where(counts[:, None] > 0, sampled, -1)
