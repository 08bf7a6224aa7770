"""Graphs of HeCo from files: bad files, and statistics of the data sets."""

import os
from pathlib import Path

import numpy as np
import pytest

from jaxinfo import data
from tests.marks import slowly

DATA = os.environ.get("JAXINFO_DATA_DIR")

needs_data = pytest.mark.skipif(
    not DATA or not (Path(DATA) / "heco").is_dir(),
    reason="needs the graphs of HeCo: set JAXINFO_DATA_DIR to their folder",
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


@pytest.mark.slow
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
