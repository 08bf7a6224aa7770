"""Graphs of several types of nodes: edge lists in, meta-paths and positives out.

All of this happens once, on the host, in NumPy and SciPy; what training needs are the
arrays that come out.
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

Relation = tuple[str, str]
# From this share of entries on, zeros are stored too: their products cost less than
# gathering what is not zero.
DENSE_FROM = 0.03
_log = logging.getLogger(__name__)


class HeterogeneousGraph(NamedTuple):
    """A graph whose nodes are of several types.

    Attributes:
        num_nodes: by type.
        edges: by pair of types, pairs of node numbers, [E, 2], each once.
    """

    num_nodes: Mapping[str, int]
    edges: Mapping[Relation, Int[np.ndarray, "e 2"]]


def read_edges(path: str | os.PathLike[str]) -> Int[np.ndarray, "e 2"]:
    """Reads an edge list: two node numbers, counted from 0, in each line.

    Args:
        path: a text file.

    Returns:
        The pairs, [E, 2].

    Raises:
        ValueError: where the file is not there or does not hold two whole numbers a
            line.
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
    num_nodes: Mapping[str, int], edges: Mapping[Relation, Any]
) -> HeterogeneousGraph:
    """Checks a graph given as edge lists.

    Args:
        num_nodes: how many nodes of each type there are.
        edges: by pair of types (source, target), pairs of node numbers, [E, 2]; it
            does not matter in which direction, nor how often a pair stands there.

    Returns:
        The `HeterogeneousGraph`. Nodes without an edge in a relation of their type may
        be: they are counted in the log.

    Raises:
        ValueError: where a relation is empty or of unknown types, or an edge names a
            node that is not there.

    Example:
        >>> graph = make_heterogeneous_graph(
        ...     {"paper": 3, "author": 2}, {("paper", "author"): [[0, 0], [2, 1]]}
        ... )
        >>> joined = meta_path_adjacency(graph, ["author", "paper", "author"])
        >>> joined.toarray().astype(int)
        array([[1, 0],
               [0, 1]])
    """
    check_positive(**{f"num_nodes[{name!r}]": n for name, n in num_nodes.items()})
    checked = {}
    for relation, pairs in edges.items():
        name = "-".join(relation)
        unknown = [kind for kind in relation if kind not in num_nodes]
        if unknown:
            raise ValueError(
                f"edges of {name} name type {unknown[0]!r}; known: "
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
        for side, kind in enumerate(relation):
            _check_nodes(f"edges of {name}", kind, pairs[:, side], num_nodes[kind])
        checked[relation] = np.unique(pairs, axis=0)
    return HeterogeneousGraph(dict(num_nodes), checked)


def _check_nodes(name: str, kind: str, nodes: np.ndarray, num_nodes: int) -> None:
    bad = np.flatnonzero((nodes < 0) | (nodes >= num_nodes))
    if len(bad):
        raise ValueError(
            f"{name} name node {nodes[bad[0]]} of type {kind!r} in row {bad[0]}, which "
            f"is not among its {num_nodes} nodes"
        )
    alone = num_nodes - len(np.unique(nodes))
    if alone:
        _log.warning(
            "%d of %d nodes of type %r are in no edge: %s",
            *(alone, num_nodes, kind, name),
        )


# Meta-paths ------------------------------------------------------------------------


def incidence(graph: HeterogeneousGraph, source: str, target: str) -> Any:
    """The matrix of edges from one type to another, whichever way they were given."""
    shape = tuple(graph.num_nodes.get(kind, 0) for kind in (source, target))
    if (source, target) in graph.edges:
        pairs = graph.edges[source, target]
    elif (target, source) in graph.edges:
        pairs = graph.edges[target, source][:, ::-1]
    else:
        known = ", ".join("-".join(relation) for relation in graph.edges)
        raise ValueError(f"there are no edges of {source}-{target}; known: {known}")
    values = np.ones(len(pairs), np.float32)
    return scipy.sparse.csr_array((values, (pairs[:, 0], pairs[:, 1])), shape=shape)


def meta_path_adjacency(graph: HeterogeneousGraph, path: Sequence[str]) -> Any:
    """Which nodes a meta-path joins: a chain of types, as author, paper, author.

    Args:
        graph: the graph.
        path: types; the first and the last are the same.

    Returns:
        A SciPy matrix of truth values, [N, N].

    Raises:
        ValueError: where types do not chain by edges, or the path does not come back.
    """
    if len(path) < 3 or path[0] != path[-1]:
        raise ValueError(
            "path must name at least three types, the last as the first; got "
            f"{'-'.join(path)}"
        )
    steps = [incidence(graph, *pair) for pair in itertools.pairwise(path)]
    # A path that is its own mirror image is half of it, times its transpose.
    mirrored = len(path) % 2 and list(path) == list(path)[::-1]
    joined = functools.reduce(
        operator.matmul, steps[: len(steps) // 2] if mirrored else steps
    )
    if mirrored:
        joined = joined @ joined.T
    return joined.tocsr().astype(bool)


def find_positives(
    adjacencies: Sequence[Any], num_positives: int
) -> Int[np.ndarray, "n p"]:
    """The nodes that a node is pulled to: those that most meta-paths join it with.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, section 3.5.

    Args:
        adjacencies: of meta-paths, [N, N] each.
        num_positives: the most that a node has.

    Returns:
        The positives of each node, filled up with -1. Among nodes that equally many
        meta-paths join, those come first that share them with fewest: by the sum over
        meta-paths of one over the number of nodes joined. Then comes the node itself,
        then the next in number. A node that nothing joins with any has itself.

    Raises:
        ValueError: where there is no meta-path or the number is not positive.
    """
    check_positive(num_positives=num_positives)
    if not adjacencies:
        raise ValueError("adjacencies must hold at least one meta-path, got none")
    matrices = [_scipy_matrix(adjacency) for adjacency in adjacencies]
    size = matrices[0].shape[0]
    # Less than one in all, so that it decides among equal numbers of paths alone.
    shares = [
        scipy.sparse.diags_array(1 / np.maximum(m.sum(axis=1), 1)) @ m for m in matrices
    ]
    counts: Any = sum(matrices) + sum(shares) / (len(matrices) + 1)
    counts = counts.tocsr()
    chosen = []
    for node in range(size):
        entries = slice(counts.indptr[node], counts.indptr[node + 1])
        others, values = counts.indices[entries], counts.data[entries]
        # Rounded: sums in another order are to be equal.
        order = np.lexsort(((others - node) % size, -np.round(values, 7)))
        chosen.append(others[order[:num_positives]] if len(others) else [node])
    return fill_up(chosen)


def fill_up(rows: Sequence[Any]) -> Int[np.ndarray, "n p"]:
    """Lists of whole numbers as rows of one length, filled up with -1."""
    table = np.full((len(rows), max(map(len, rows))), -1)
    for row, numbers in zip(table, rows, strict=True):
        row[: len(numbers)] = numbers
    return table


def normalize_adjacency(adjacency: Any) -> Any:
    """An adjacency divided by the roots of both degrees, for graph convolutions.

    Source: Kipf and Welling, "Semi-supervised classification with graph convolutional
        networks", ICLR 2017, equation 2.

    Args:
        adjacency: [N, N], with the self-loops that it is to have.

    Returns:
        A JAX array, or where few entries are not zero a `BCOO` matrix: either may
        stand on the left of `@`.

    Raises:
        ValueError: where the matrix is not square.
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
    """Features whose rows sum to 1; a row of zeros stays.

    Args:
        features: not negative, [N, D], sparse or not.

    Returns:
        A NumPy array, [N, D].
    """
    matrix = _scipy_matrix(features)
    totals = matrix.sum(axis=1)
    scale = np.divide(1, totals, out=np.zeros_like(totals), where=totals != 0)
    scaled: Any = scipy.sparse.diags_array(scale) @ matrix
    return scaled.toarray().astype(np.float32)


def _scipy_matrix(matrix: Any) -> Any:
    # SciPy's own stubs do not know what its products are.
    return scipy.sparse.csr_array(matrix).astype(float)
