"""Datasets as arrays: tables, images and graphs, with sampling of neighbors."""

from jaxinfo.data.containers import Table, read_table
from jaxinfo.data.graphs import (
    HeterogeneousGraph,
    find_positives,
    make_heterogeneous_graph,
    meta_path_adjacency,
    normalize_adjacency,
    normalize_features,
    read_edges,
)
from jaxinfo.data.heco import (
    HECO_DATASETS,
    HecoData,
    HecoDatasetInfo,
    NodeSplit,
    load_heco,
)
from jaxinfo.data.images import Images, find_images, load_images
from jaxinfo.data.neighbors import Neighbors, list_neighbors, sample_neighbors
from jaxinfo.data.tables import read_columns

__all__ = [
    "HECO_DATASETS",
    "HecoData",
    "HecoDatasetInfo",
    "HeterogeneousGraph",
    "Images",
    "Neighbors",
    "NodeSplit",
    "Table",
    "find_images",
    "find_positives",
    "list_neighbors",
    "load_heco",
    "load_images",
    "make_heterogeneous_graph",
    "meta_path_adjacency",
    "normalize_adjacency",
    "normalize_features",
    "read_columns",
    "read_edges",
    "read_table",
    "sample_neighbors",
]
