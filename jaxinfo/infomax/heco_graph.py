"""The inputs of HeCo, prepared from a heterogeneous graph on the host."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_finite_rows
from jaxinfo.core.types import Array, Bool, Float, Int
from jaxinfo.data import (
    HeterogeneousGraph,
    Neighbors,
    find_positives,
    list_neighbors,
    meta_path_adjacency,
    normalize_adjacency,
)

__all__ = ["HecoGraph", "make_heco_graph"]

_log = logging.getLogger(__name__)


class HecoGraph(NamedTuple):
    """The inputs of HeCo.

    Attributes:
        features: by type, features of the nodes, [M, D], or their numbers, [M].
        neighbors: by type, neighbors of the target's nodes.
        adjacencies: by meta-path, normalized adjacency matrices, [N, N].
        positives: a mask, [N, N], or columns of each row, [N, P], padded with -1.
    """

    features: Mapping[str, Float[Array, "m d"] | Int[Array, " m"]]
    neighbors: Mapping[str, Neighbors]
    adjacencies: Mapping[str, Any]
    positives: Bool[Array, "n n"] | Int[Array, "n p"]


def make_heco_graph(
    graph: HeterogeneousGraph,
    target: str,
    meta_paths: Mapping[str, Sequence[str]],
    features: Mapping[str, Any],
    *,
    num_positives: int,
    positives: Any = None,
) -> HecoGraph:
    """Prepares the inputs of HeCo on the host.

    Args:
        graph: nodes and edges.
        target: the type of nodes that is encoded. Its neighbors of other types make the
            schema view.
        meta_paths: by name, chains of types from the target to the target.
        features: by type, [M, D]; the nodes of a missing type are represented by their
            numbers.
        num_positives: maximal number of positives of a node.
        positives: a mask, [N, N], or columns, [N, P]; None to choose the nodes joined
            by the most meta-paths.

    Returns:
        A `HecoGraph`.

    Raises:
        ValueError: if the target has no neighbors, or a meta-path or features do not
            match the graph.

    Notes:
        Nodes that a meta-path does not join with themselves get a self-loop. Otherwise
        the view of a node without edges would be zero.
    """
    if target not in graph.num_nodes:
        raise ValueError(
            f"unknown target {target!r}; known: {', '.join(sorted(graph.num_nodes))}"
        )
    if not meta_paths:
        raise ValueError("meta_paths must hold at least one meta-path, got none")
    size = graph.num_nodes[target]
    adjacencies = {}
    for name, path in meta_paths.items():
        if path[0] != target:
            raise ValueError(
                f"meta_paths[{name!r}] must begin at the target {target!r}, got "
                f"{'-'.join(path)}"
            )
        adjacency = meta_path_adjacency(graph, path)
        isolated = adjacency.diagonal() == 0
        if isolated.any():
            _log.warning("%d of %d nodes have no %s", isolated.sum(), size, name)
            adjacency = adjacency.tolil()
            adjacency.setdiag(True)
        adjacencies[name] = adjacency.tocsr()
    kinds = sorted(
        {kind for edge in graph.edges if target in edge for kind in edge} - {target}
    )
    if not kinds:
        raise ValueError(f"target {target!r} has no edges to nodes of another type")
    if positives is None:
        positives = find_positives(list(adjacencies.values()), num_positives)
    return HecoGraph(
        {
            kind: _features_of(kind, graph.num_nodes[kind], features)
            for kind in (target, *kinds)
        },
        {kind: list_neighbors(graph, target, kind) for kind in kinds},
        {name: normalize_adjacency(a) for name, a in adjacencies.items()},
        jnp.asarray(positives),
    )


def _features_of(kind: str, size: int, features: Mapping[str, Any]) -> Array:
    table = np.asarray(features[kind] if kind in features else np.arange(size))
    if table.ndim not in (1, 2) or len(table) != size:
        raise ValueError(
            f"features[{kind!r}] must have a row for each of its {size} nodes, got "
            f"shape {table.shape}"
        )
    if table.ndim == 2:
        check_finite_rows(**{f"features[{kind!r}]": table})
    return jnp.asarray(table)
