"""Heterogeneous graphs: edge lists, meta-paths, positives and normalization.

These functions run once, on the host, in NumPy and SciPy. They prepare the arrays that
training uses.
"""

import functools
import itertools
import logging
import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax.experimental import sparse
from jaxtyping import Float, Int

from jaxinfo.core.checks import check_positive

__all__ = [
    "HeterogeneousGraph",
    "find_positives",
    "make_heterogeneous_graph",
    "meta_path_adjacency",
    "normalize_adjacency",
    "normalize_features",
    "read_edges",
]

EdgeType = tuple[str, str]
# An adjacency matrix with at least this share of nonzero entries is stored densely: a
# dense product is then faster than a sparse one.
DENSE_FROM = 0.03
_log = logging.getLogger(__name__)


class HeterogeneousGraph(NamedTuple):
    """A graph with several types of nodes.

    Attributes:
        num_nodes: the number of nodes of each node type.
        edges: the edges of each edge type, a pair of node types: pairs of node numbers,
            [E, 2], without duplicates.
    """

    num_nodes: Mapping[str, int]
    edges: Mapping[EdgeType, Int[np.ndarray, "e 2"]]


def read_edges(path: str | os.PathLike[str]) -> Int[np.ndarray, "e 2"]:
    """Reads an edge list: two node numbers in each line, counted from 0.

    Args:
        path: a text file.

    Returns:
        The pairs, [E, 2].

    Raises:
        ValueError: if the file is missing or a line does not hold two whole numbers.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no edge list {path}")
    try:
        edges = np.loadtxt(path, dtype=int, ndmin=2)
    except ValueError as error:
        raise ValueError(
            f"{path} must hold two whole numbers in each line: {error}"
        ) from error
    if edges.size and edges.shape[1] != 2:
        raise ValueError(
            f"{path} must hold two whole numbers in each line, got {edges.shape[1]}"
        )
    return edges.reshape(-1, 2)


def make_heterogeneous_graph(
    num_nodes: Mapping[str, int], edges: Mapping[EdgeType, Any]
) -> HeterogeneousGraph:
    """Makes a heterogeneous graph from edge lists, and checks them.

    Args:
        num_nodes: the number of nodes of each node type.
        edges: the edges of each edge type (source, target): pairs of node numbers,
            [E, 2]. Edges are undirected, and duplicates are dropped.

    Returns:
        The `HeterogeneousGraph`. It may have isolated nodes; a warning in the log
        counts them for each edge type.

    Raises:
        ValueError: if an edge type has no edges or an unknown node type, or if an edge
            names a node that does not exist.

    Example:
        >>> graph = make_heterogeneous_graph(
        ...     {"paper": 3, "author": 2}, {("paper", "author"): [[0, 0], [2, 1]]}
        ... )
        >>> adjacency = meta_path_adjacency(graph, ["author", "paper", "author"])
        >>> adjacency.toarray().astype(int)
        array([[1, 0],
               [0, 1]])
    """
    check_positive(**{f"num_nodes[{name!r}]": n for name, n in num_nodes.items()})
    checked = {}
    for edge_type, pairs in edges.items():
        name = "-".join(edge_type)
        unknown = [node_type for node_type in edge_type if node_type not in num_nodes]
        if unknown:
            raise ValueError(
                f"edges of {name} have unknown node type {unknown[0]!r}; known: "
                f"{', '.join(sorted(num_nodes))}"
            )
        pairs = np.asarray(pairs)
        if not pairs.size:
            raise ValueError(f"edges of {name} must hold at least one edge, got none")
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
            raise ValueError(
                f"edges of {name} must be pairs of whole numbers, [E, 2]; got shape "
                f"{pairs.shape}, {pairs.dtype}"
            )
        for side, node_type in enumerate(edge_type):
            _check_nodes(name, node_type, pairs[:, side], num_nodes[node_type])
        checked[edge_type] = np.unique(pairs, axis=0)
    return HeterogeneousGraph(dict(num_nodes), checked)


def _check_nodes(
    edge_type: str, node_type: str, nodes: np.ndarray, num_nodes: int
) -> None:
    bad = np.flatnonzero((nodes < 0) | (nodes >= num_nodes))
    if len(bad):
        raise ValueError(
            f"edges of {edge_type} name node {nodes[bad[0]]} of type {node_type!r} in "
            f"row {bad[0]}, but there are {num_nodes} nodes of that type, from 0"
        )
    isolated = num_nodes - len(np.unique(nodes))
    if isolated:
        _log.warning(
            "%d of %d nodes of type %r have no edge of type %s",
            *(isolated, num_nodes, node_type, edge_type),
        )


# Meta-paths ------------------------------------------------------------------------


def biadjacency(graph: HeterogeneousGraph, source: str, target: str) -> Any:
    """The adjacency matrix [N, M] of nodes of one type to nodes of another."""
    shape = tuple(graph.num_nodes.get(name, 0) for name in (source, target))
    if (source, target) in graph.edges:
        pairs = graph.edges[source, target]
    elif (target, source) in graph.edges:
        pairs = graph.edges[target, source][:, ::-1]
    else:
        known = ", ".join("-".join(edge_type) for edge_type in graph.edges)
        raise ValueError(f"there are no edges of {source}-{target}; known: {known}")
    values = np.ones(len(pairs), np.float32)
    return scipy.sparse.csr_array((values, (pairs[:, 0], pairs[:, 1])), shape=shape)


def meta_path_adjacency(graph: HeterogeneousGraph, path: Sequence[str]) -> Any:
    """The adjacency matrix of the nodes that a meta-path connects.

    A meta-path is a sequence of node types, such as author, paper, author: it connects
    two authors that have a paper in common.

    Args:
        graph: the graph.
        path: node types; the first and the last are the same.

    Returns:
        A SciPy sparse matrix of booleans, [N, N].

    Raises:
        ValueError: if the path has fewer than three node types, does not end at its
            first one, or if there are no edges between successive types.
    """
    if len(path) < 3 or path[0] != path[-1]:
        raise ValueError(
            "path must name at least three node types, the last as the first; got "
            f"{'-'.join(path)}"
        )
    steps = [biadjacency(graph, *pair) for pair in itertools.pairwise(path)]
    # The matrix of a symmetric path is M M^T, with the matrix M of its first half.
    is_symmetric = len(path) % 2 and list(path) == list(path)[::-1]
    num_paths = functools.reduce(
        operator.matmul, steps[: len(steps) // 2] if is_symmetric else steps
    )
    if is_symmetric:
        num_paths = num_paths @ num_paths.T
    return num_paths.tocsr().astype(bool)


def find_positives(
    adjacencies: Sequence[Any], num_positives: int
) -> Int[np.ndarray, "n p"]:
    """The positives of each node: the nodes that most meta-paths connect it with.

    Ties are broken in favor of nodes that share selective meta-paths: by the sum over
    these meta-paths of 1 / (number of nodes that the meta-path connects the node with).
    The node itself comes next, then the nodes that follow it by number. A node that no
    meta-path connects with any has itself as its only positive.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, section 3.5.

    Args:
        adjacencies: adjacency matrices of meta-paths, [N, N] each.
        num_positives: P, the largest number of positives of a node.

    Returns:
        Node numbers, [N, P], padded with -1; fewer columns if no node has P positives.

    Raises:
        ValueError: if there is no meta-path, or num_positives is not a positive whole
            number.
    """
    check_positive(num_positives=num_positives)
    if not adjacencies:
        raise ValueError("adjacencies must hold at least one meta-path, got none")
    matrices = [_scipy_matrix(adjacency) for adjacency in adjacencies]
    size = matrices[0].shape[0]
    # Below 1 in total, so that selectivity only breaks ties.
    selectivity = [
        scipy.sparse.diags_array(1 / np.maximum(m.sum(axis=1), 1)) @ m for m in matrices
    ]
    scores: Any = sum(matrices) + sum(selectivity) / (len(matrices) + 1)
    scores = scores.tocsr()
    chosen = []
    for node in range(size):
        entries = slice(scores.indptr[node], scores.indptr[node + 1])
        others, values = scores.indices[entries], scores.data[entries]
        # Rounded, because equal scores may be sums in different orders.
        order = np.lexsort(((others - node) % size, -np.round(values, 7)))
        chosen.append(others[order[:num_positives]] if len(others) else [node])
    return pad_rows(chosen)


def pad_rows(rows: Sequence[Any]) -> Int[np.ndarray, "n p"]:
    """Lists of whole numbers as rows of equal length, padded with -1."""
    table = np.full((len(rows), max(map(len, rows))), -1)
    for row, numbers in zip(table, rows, strict=True):
        row[: len(numbers)] = numbers
    return table


def normalize_adjacency(adjacency: Any) -> Any:
    """Normalizes an adjacency matrix symmetrically, for graph convolutions.

    D_1^(-1/2) A D_2^(-1/2), for the diagonal matrices D_1 of the row sums and D_2 of
    the column sums; a sum below 1 counts as 1.

    Source: Kipf and Welling, "Semi-supervised classification with graph convolutional
        networks", ICLR 2017, equation 2.

    Args:
        adjacency: [N, N], with self-loops if they are wanted.

    Returns:
        A JAX array, or a `BCOO` matrix if few entries are nonzero. Both support
        `adjacency @ x`.

    Raises:
        ValueError: if the matrix is not square.
    """
    matrix = _scipy_matrix(adjacency)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"adjacency must be square, got shape {matrix.shape}")
    rows, columns = (
        scipy.sparse.diags_array(1 / np.sqrt(np.maximum(degrees, 1)))
        for degrees in (matrix.sum(axis=1), matrix.sum(axis=0))
    )
    matrix = (rows @ matrix @ columns).astype(np.float32)
    if matrix.nnz >= DENSE_FROM * matrix.shape[0] ** 2:
        return jnp.asarray(matrix.toarray())
    return sparse.BCOO.from_scipy_sparse(matrix)


def normalize_features(features: Any) -> Float[np.ndarray, "n d"]:
    """Divides each row of the features by its sum; a row of zeros is unchanged.

    Args:
        features: nonnegative, [N, D], sparse or dense.

    Returns:
        A NumPy array, [N, D].
    """
    matrix = _scipy_matrix(features)
    totals = matrix.sum(axis=1)
    scale = np.divide(1, totals, out=np.zeros_like(totals), where=totals != 0)
    scaled: Any = scipy.sparse.diags_array(scale) @ matrix
    return scaled.toarray().astype(np.float32)


def _scipy_matrix(matrix: Any) -> Any:
    # SciPy's stubs lack the types of products, hence Any.
    return scipy.sparse.csr_array(matrix).astype(float)
