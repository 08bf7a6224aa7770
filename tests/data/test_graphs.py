"""Heterogeneous graphs: meta-paths, positives and neighbors, by hand and from files."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

from jaxinfo import data
from tests.marks import slowly

DATA = os.environ.get("JAXINFO_DATA_DIR")
needs_data = pytest.mark.skipif(
    not DATA or not (Path(DATA) / "heco").is_dir(),
    reason="needs the graphs of HeCo: set JAXINFO_DATA_DIR to their folder",
)
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


# Neighbors ------------------------------------------------------------------------


def test_listed_neighbors_are_those_of_the_edges():
    starts, counts, nodes = data.list_neighbors(GRAPH, "author", "paper")
    found = [
        nodes[start : start + count].tolist()
        for start, count in zip(starts, counts, strict=True)
    ]
    assert found == [[0], [0], [1, 2], []]


def test_neighbors_are_sampled_without_replacement_if_possible():
    neighbors = data.Neighbors(
        jnp.array([0, 5, 7, 8]), jnp.array([5, 2, 1, 0]), jnp.arange(10, 18)
    )
    keys = jax.random.split(jax.random.key(0), 4_000)
    sample = jax.jit(
        jax.vmap(lambda key: data.sample_neighbors(key, neighbors, num_samples=2))
    )
    sampled = np.asarray(sample(keys))
    assert (sampled[:, 0, 0] != sampled[:, 0, 1]).all()
    assert set(sampled[:, 0].ravel().tolist()) == {10, 11, 12, 13, 14}
    np.testing.assert_array_equal(np.sort(sampled[:, 1], axis=1), [[15, 16]] * 4_000)
    assert (sampled[:, 2] == 17).all()
    assert (sampled[:, 3] == -1).all()
    # The ten pairs of five nodes are equally likely: 400 of 4,000, sd 19.
    pairs = np.sort(sampled[:, 0], axis=1) @ [100, 1]
    _, counts = np.unique(pairs, return_counts=True)
    assert len(counts) == 10
    assert abs(counts - 400).max() < 5 * 19


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


def test_bad_files_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no edge list"):
        data.read_edges(tmp_path / "none.txt")
    file = tmp_path / "edges.txt"
    file.write_text("0 1\n2 x\n")
    with pytest.raises(ValueError, match="two whole numbers in each line"):
        data.read_edges(file)
    file.write_text("0 1 2\n")
    with pytest.raises(ValueError, match="each line, got 3"):
        data.read_edges(file)
    file.write_text("0 1\n2\t3\n")
    np.testing.assert_array_equal(data.read_edges(file), [[0, 1], [2, 3]])
    with pytest.raises(ValueError, match="unknown name 'cora'"):
        data.load_heco("cora", data_dir=tmp_path)
    monkeypatch.delenv("JAXINFO_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match=r"no dataset 'acm' in .*JAXINFO_DATA_DIR"):
        data.load_heco("acm", data_dir=tmp_path)


# The four datasets ----------------------------------------------------------------


NONZEROS = {
    "acm": {"PAP": 57853, "PSP": 4338213},
    "dblp": {"APA": 11113, "APCPA": 5000495, "APTPA": 7043571},
    "aminer": {"PAP": 21976, "PRP": 129824},
    "freebase": {"MDM": 8404, "MAM": 254702, "MWM": 10706},
}
CLASSES = {
    "acm": [1993, 965, 1061],
    "dblp": [1197, 745, 1109, 1006],
    "aminer": [1333, 1114, 526, 3591],
    "freebase": [1327, 618, 1547],
}
MEAN_POSITIVES = {"acm": 4.990, "dblp": 997.457, "aminer": 10.318, "freebase": 46.762}


@needs_data
def test_labels_of_another_length_are_refused(tmp_path):
    folder = tmp_path / "acm"
    folder.mkdir()
    for file in (Path(str(DATA)) / "heco" / "acm").iterdir():
        (folder / file.name).symlink_to(file.resolve())
    (folder / "labels.npy").unlink()
    np.save(folder / "labels.npy", np.zeros(7))
    with pytest.raises(ValueError, match=r"labels.npy .* 4019 nodes .* got 7"):
        data.load_heco("acm", data_dir=tmp_path)


@needs_data
@pytest.mark.parametrize("name", ["acm", "aminer", "freebase", slowly("dblp")])
def test_statistics_of_the_four_datasets(name):
    loaded = data.load_heco(name, data_dir=DATA)
    paths = {
        path: data.meta_path_adjacency(loaded.graph, node_types)
        for path, node_types in loaded.meta_paths.items()
    }
    assert {path: matrix.nnz for path, matrix in paths.items()} == NONZEROS[name]
    assert np.bincount(loaded.labels).tolist() == CLASSES[name]
    positives = data.find_positives(list(paths.values()), loaded.num_positives)
    counts = np.sum(positives >= 0, axis=1)
    np.testing.assert_allclose(np.mean(counts), MEAN_POSITIVES[name], atol=5e-4)
    # As many positives as published for every node, connected by as many meta-paths.
    published = loaded.published_positives
    np.testing.assert_array_equal(np.sum(published >= 0, axis=1), counts)
    num_paths = sum(matrix.astype(int) for matrix in paths.values()).tocsr()
    rows = np.repeat(np.arange(len(counts)), counts)
    totals = [
        np.bincount(rows, np.asarray(num_paths[rows, found[found >= 0]]).ravel())
        for found in (positives, published)
    ]
    np.testing.assert_array_equal(*totals)
    for rate, split in loaded.splits.items():
        assert np.bincount(loaded.labels[split.train]).tolist() == [rate] * len(
            CLASSES[name]
        )
        assert len(split.validation) == len(split.test) == 1_000
        assert len(np.unique(np.concatenate(split))) == sum(map(len, split))
