"""The four heterogeneous graphs of HeCo: ACM, DBLP, AMiner and Freebase.

The files are text and plain arrays; nothing is unpickled.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Int

from jaxinfo.core.checks import check_one_of
from jaxinfo.data.graphs import (
    EdgeType,
    HeterogeneousGraph,
    make_heterogeneous_graph,
    normalize_features,
    pad_rows,
    read_edges,
)

__all__ = ["HECO_DATASETS", "HecoData", "HecoDatasetInfo", "NodeSplit", "load_heco"]

# Training labels per class.
LABEL_RATES = (20, 40, 60)


class HecoDatasetInfo(NamedTuple):
    """The description of a dataset, by which its files are read.

    Attributes:
        target: the node type that is encoded and has labels.
        num_nodes: the number of nodes of each node type.
        edge_files: the edge type that each file holds.
        meta_paths: the node types of each meta-path, by name.
        num_positives: the largest number of positives of a node.
        features: the file of the target nodes' features; None if they have none.
    """

    target: str
    num_nodes: Mapping[str, int]
    edge_files: Mapping[str, EdgeType]
    meta_paths: Mapping[str, tuple[str, ...]]
    num_positives: int
    features: str | None = None


HECO_DATASETS: dict[str, HecoDatasetInfo] = {
    "acm": HecoDatasetInfo(
        "paper",
        {"paper": 4019, "author": 7167, "subject": 60},
        {"pa": ("paper", "author"), "ps": ("paper", "subject")},
        {
            "PAP": ("paper", "author", "paper"),
            "PSP": ("paper", "subject", "paper"),
        },
        num_positives=5,
        features="p_feat.npz",
    ),
    "dblp": HecoDatasetInfo(
        "author",
        {"author": 4057, "paper": 14328, "conference": 20, "term": 7723},
        {
            "pa": ("paper", "author"),
            "pc": ("paper", "conference"),
            "pt": ("paper", "term"),
        },
        {
            "APA": ("author", "paper", "author"),
            "APCPA": ("author", "paper", "conference", "paper", "author"),
            "APTPA": ("author", "paper", "term", "paper", "author"),
        },
        num_positives=1000,
        features="a_feat.npz",
    ),
    "aminer": HecoDatasetInfo(
        "paper",
        {"paper": 6564, "author": 13329, "reference": 35890},
        {"pa": ("paper", "author"), "pr": ("paper", "reference")},
        {
            "PAP": ("paper", "author", "paper"),
            "PRP": ("paper", "reference", "paper"),
        },
        num_positives=15,
    ),
    "freebase": HecoDatasetInfo(
        "movie",
        {"movie": 3492, "director": 2502, "actor": 33401, "writer": 4459},
        {
            "md": ("movie", "director"),
            "ma": ("movie", "actor"),
            "mw": ("movie", "writer"),
        },
        {
            "MDM": ("movie", "director", "movie"),
            "MAM": ("movie", "actor", "movie"),
            "MWM": ("movie", "writer", "movie"),
        },
        num_positives=80,
    ),
}


class NodeSplit(NamedTuple):
    """A split of the labeled nodes.

    Attributes:
        train: numbers of the training nodes, [N].
        validation: numbers of the validation nodes, [V].
        test: numbers of the test nodes, [M].
    """

    train: Int[np.ndarray, " n"]
    validation: Int[np.ndarray, " v"]
    test: Int[np.ndarray, " m"]


class HecoData(NamedTuple):
    """A heterogeneous graph with labels for the nodes of one type.

    Attributes:
        graph: nodes and edges.
        target: the node type that has labels.
        meta_paths: the node types of each meta-path, by name.
        features: features of each node type: rows that sum to 1, [N, D], or the nodes'
            numbers [N] if there are no features.
        labels: classes of the target nodes, from 0, [N].
        splits: the split for each number of training labels per class.
        num_positives: the largest number of positives of a node.
        published_positives: the positives published with the data, [N, P], padded
            with -1.
    """

    graph: HeterogeneousGraph
    target: str
    meta_paths: Mapping[str, tuple[str, ...]]
    features: Mapping[str, np.ndarray]
    labels: Int[np.ndarray, " n"]
    splits: Mapping[int, NodeSplit]
    num_positives: int
    published_positives: Int[np.ndarray, "n p"]


def load_heco(name: str, *, data_dir: str | os.PathLike[str] | None = None) -> HecoData:
    """Reads one of the four graphs of HeCo.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, section 4.1.

    Args:
        name: "acm", "dblp", "aminer" or "freebase".
        data_dir: a folder that holds heco/NAME or NAME. The folder that the
            environment variable `JAXINFO_DATA_DIR` names is searched next.

    Returns:
        The `HecoData`.

    Raises:
        ValueError: if the name is unknown, the dataset is not found, or its files do
            not fit each other.
    """
    check_one_of(HECO_DATASETS, name=name)
    info, folder = HECO_DATASETS[name], _find_folder(name, data_dir)
    graph = make_heterogeneous_graph(
        info.num_nodes,
        {
            edge_type: read_edges(folder / f"{file}.txt")
            for file, edge_type in info.edge_files.items()
        },
    )
    features = {
        node_type: np.arange(size) for node_type, size in info.num_nodes.items()
    }
    if info.features:
        table = normalize_features(scipy.sparse.load_npz(folder / info.features))
        features[info.target] = table
    size = info.num_nodes[info.target]
    labels = np.load(folder / "labels.npy").astype(int)
    for file, rows in (
        (info.features, features[info.target]),
        ("labels.npy", labels),
    ):
        if len(rows) != size:
            raise ValueError(
                f"{file} of {folder} must have a row for each of the {size} nodes of "
                f"type {info.target!r}, got {len(rows)}"
            )
    return HecoData(
        graph,
        info.target,
        info.meta_paths,
        features,
        labels,
        {rate: _read_split(folder, rate) for rate in LABEL_RATES},
        info.num_positives,
        pad_rows(scipy.sparse.load_npz(folder / "pos.npz").tolil().rows),
    )


def _find_folder(name: str, data_dir: str | os.PathLike[str] | None) -> Path:
    roots: list[Any] = [data_dir, os.environ.get("JAXINFO_DATA_DIR")]
    folders = [
        folder
        for root in roots
        if root
        for folder in (Path(root) / "heco" / name, Path(root) / name)
    ]
    for folder in folders:
        if (folder / "labels.npy").is_file():
            return folder
    raise ValueError(
        f"no dataset {name!r} in {', '.join(map(str, folders)) or 'any folder'}: set "
        "data_dir or JAXINFO_DATA_DIR to the folder that holds heco/"
    )


def _read_split(folder: Path, rate: int) -> NodeSplit:
    parts = (
        np.load(folder / f"{part}_{rate}.npy") for part in ("train", "val", "test")
    )
    return NodeSplit(*(part.astype(int) for part in parts))
