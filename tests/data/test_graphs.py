"""Heterogeneous graphs: meta-paths, positives and neighbors, by hand and from files."""

import numpy as np
import pytest
from jax.experimental import sparse

from jaxinfo import data

# Authors 0 and 1 share paper 0; author 2 wrote papers 1 and 2, author 3 none.
NODES = {"author": 4, "paper": 3, "venue": 2}
EDGES = {
    ("paper", "author"): [[0, 0], [0, 1], [1, 2], [2, 2], [2, 2]],
    ("paper", "venue"): [[0, 0], [1, 0], [2, 1]],
}
GRAPH = data.make_heterogeneous_graph(NODES, EDGES)
APA = ("author", "paper", "author")
APVPA = ("author", "paper", "venue", "paper", "author")


def test_adjacency_of_a_meta_path():
    adjacency = data.meta_path_adjacency(GRAPH, APA).toarray()
    np.testing.assert_array_equal(
        adjacency, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    )
    adjacency = data.meta_path_adjacency(GRAPH, APVPA).toarray()
    np.testing.assert_array_equal(adjacency, np.pad(np.ones((3, 3)), (0, 1)))
    # Not symmetric, unlike those above.
    path = ("paper", "venue", "paper", "author", "paper")
    adjacency = data.meta_path_adjacency(GRAPH, path).toarray()
    np.testing.assert_array_equal(adjacency, [[1, 1, 1], [1, 1, 1], [0, 1, 1]])


def test_positives_are_the_nodes_that_most_meta_paths_connect():
    paths = [data.meta_path_adjacency(GRAPH, path) for path in (APA, APVPA)]
    # Two meta-paths connect authors 0 and 1, one connects either with 2, none author 3.
    np.testing.assert_array_equal(
        data.find_positives(paths, 2), [[0, 1], [1, 0], [2, 0], [3, -1]]
    )
    np.testing.assert_array_equal(data.find_positives(paths, 1), [[0], [1], [2], [3]])
    everyone = data.find_positives(paths, 9)
    assert [sorted(row) for row in everyone.tolist()] == [
        [0, 1, 2],
        [0, 1, 2],
        [0, 1, 2],
        [-1, -1, 3],
    ]


def test_ties_between_positives_go_to_the_selective_meta_path():
    pair = np.eye(6, dtype=bool)
    pair[0, 5] = True
    # One meta-path connects node 0 with itself and 5, the other with all others.
    found = data.find_positives([~pair, pair], 3)
    assert found[0].tolist() == [0, 5, 1]


def test_adjacencies_are_normalized_by_the_roots_of_degrees():
    adjacency = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0]])
    roots = np.sqrt(np.array([2, 3, 1]))
    columns = np.sqrt(np.array([2, 2, 1]))
    expected = adjacency / roots[:, None] / columns
    np.testing.assert_allclose(data.normalize_adjacency(adjacency), expected, rtol=1e-6)
    sparse_one = data.normalize_adjacency(np.eye(100))
    assert isinstance(sparse_one, sparse.BCOO)
    np.testing.assert_allclose(sparse_one.todense(), np.eye(100))


def test_rows_of_normalized_features_sum_to_one():
    table = data.normalize_features(np.array([[1, 3], [0, 0]]))
    np.testing.assert_allclose(table, [[0.25, 0.75], [0, 0]])


# Bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ({("paper", "author"): [[3, 0]]}, "node 3 of type 'paper' in row 0"),
        ({("paper", "author"): [[0, -1]]}, "node -1 of type 'author'"),
        ({("paper", "author"): np.zeros((0, 2), int)}, "at least one edge"),
        ({("paper", "editor"): [[0, 0]]}, "unknown node type 'editor'; known: author"),
        ({("paper", "author"): [[0, 0, 0]]}, "pairs of whole numbers"),
        ({("paper", "author"): [[0.5, 0]]}, "pairs of whole numbers"),
    ],
)
def test_bad_edges_are_refused(edges, message):
    with pytest.raises(ValueError, match=message):
        data.make_heterogeneous_graph(NODES, edges)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("author", "venue", "author"), "no edges of author-venue; known: paper-auth"),
        (("author", "paper"), "at least three node types"),
        (("author", "paper", "venue"), "the last as the first"),
    ],
)
def test_bad_meta_paths_are_refused(path, message):
    with pytest.raises(ValueError, match=message):
        data.meta_path_adjacency(GRAPH, path)


def test_isolated_nodes_are_logged(caplog):
    data.make_heterogeneous_graph(NODES, EDGES)
    assert (
        "1 of 4 nodes of type 'author' have no edge of type paper-author" in caplog.text
    )
