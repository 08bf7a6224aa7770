"""The four heterogeneous graphs of HeCo: ACM, DBLP, AMiner and Freebase.

Read from text and plain arrays: nothing is unpickled.
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
    HeterogeneousGraph,
    Relation,
    fill_up,
    make_heterogeneous_graph,
    normalize_features,
    read_edges,
)

__all__ = ["HECO_SETS", "HecoData", "HecoSet", "NodeSplit", "load_heco"]

# Labels of each class to learn from.
LABEL_RATES = (20, 40, 60)


class HecoSet(NamedTuple):
    """What is known of a set before its files are read.

    Attributes:
        target: the type of nodes that are encoded.
        num_nodes: by type.
        relations: pairs of types by the file of their edges.
        meta_paths: chains of types by name.
        num_positives: the most that a node has.
        features: file of the target's features; None where nodes are told by their
            number alone.
    """

    target: str
    num_nodes: Mapping[str, int]
    relations: Mapping[str, Relation]
    meta_paths: Mapping[str, tuple[str, ...]]
    num_positives: int
    features: str | None = None


HECO_SETS: dict[str, HecoSet] = {
    "acm": HecoSet(
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
    "dblp": HecoSet(
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
    "aminer": HecoSet(
        "paper",
        {"paper": 6564, "author": 13329, "reference": 35890},
        {"pa": ("paper", "author"), "pr": ("paper", "reference")},
        {
            "PAP": ("paper", "author", "paper"),
            "PRP": ("paper", "reference", "paper"),
        },
        num_positives=15,
    ),
    "freebase": HecoSet(
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
    """Which labeled nodes serve for what.

    Attributes:
        train: node numbers, [N].
        validation: [V].
        test: [M].
    """

    train: Int[np.ndarray, " n"]
    validation: Int[np.ndarray, " v"]
    test: Int[np.ndarray, " m"]


class HecoData(NamedTuple):
    """A graph with the classes of the nodes of one type.

    Attributes:
        graph: nodes and edges.
        target: the type that has classes.
        meta_paths: chains of types by name.
        features: by type: rows that sum to 1, [N, D], or where nodes are told by their
            number alone those numbers, [N].
        labels: classes of target nodes, from 0, [N].
        splits: by the number of labels of each class.
        num_positives: the most that a node has.
        published_positives: those that came with the data, [N, P], filled up with -1.
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
        data_dir: where to look first: a folder that holds `heco/NAME` or `NAME`. Then
            `JAXINFO_DATA_DIR`.

    Returns:
        The `HecoData`.

    Raises:
        ValueError: where the set is not known or not there, or its files do not fit
            each other.
    """
    check_one_of(HECO_SETS, name=name)
    about, folder = HECO_SETS[name], _find_folder(name, data_dir)
    graph = make_heterogeneous_graph(
        about.num_nodes,
        {
            relation: read_edges(folder / f"{file}.txt")
            for file, relation in about.relations.items()
        },
    )
    features = {kind: np.arange(size) for kind, size in about.num_nodes.items()}
    if about.features:
        table = normalize_features(scipy.sparse.load_npz(folder / about.features))
        features[about.target] = table
    size = about.num_nodes[about.target]
    labels = np.load(folder / "labels.npy").astype(int)
    for what, rows in (
        (about.features, features[about.target]),
        ("labels.npy", labels),
    ):
        if len(rows) != size:
            raise ValueError(
                f"{what} of {folder} must have a row for each of the {size} nodes of "
                f"type {about.target!r}, got {len(rows)}"
            )
    return HecoData(
        graph,
        about.target,
        about.meta_paths,
        features,
        labels,
        {rate: _read_split(folder, rate) for rate in LABEL_RATES},
        about.num_positives,
        fill_up(scipy.sparse.load_npz(folder / "pos.npz").tolil().rows),
    )


def _find_folder(name: str, data_dir: str | os.PathLike[str] | None) -> Path:
    given: list[Any] = [data_dir, os.environ.get("JAXINFO_DATA_DIR")]
    places = [
        path
        for place in given
        if place
        for path in (Path(place) / "heco" / name, Path(place) / name)
    ]
    for place in places:
        if (place / "labels.npy").is_file():
            return place
    raise ValueError(
        f"there is no set {name!r} in {', '.join(map(str, places)) or 'any folder'}; "
        "name the folder that holds heco/ by data_dir or JAXINFO_DATA_DIR"
    )


def _read_split(folder: Path, rate: int) -> NodeSplit:
    parts = (
        np.load(folder / f"{part}_{rate}.npy") for part in ("train", "val", "test")
    )
    return NodeSplit(*(part.astype(int) for part in parts))
