"""Files in, arrays in memory out; random changes of images, samples of neighbors."""

from jaxinfo.data.augmentation import occlude, random_crop, random_flip
from jaxinfo.data.graphs import (
    HeterogeneousGraph,
    find_positives,
    make_heterogeneous_graph,
    meta_path_adjacency,
    normalize_adjacency,
    normalize_features,
    read_edges,
)
from jaxinfo.data.heco import HECO_SETS, HecoData, HecoSet, NodeSplit, load_heco
from jaxinfo.data.images import (
    Images,
    find_images,
    load_image_folder,
    load_images,
)
from jaxinfo.data.neighbors import Neighbors, list_neighbors, sample_neighbors
from jaxinfo.data.tables import read_columns

__all__ = [
    "HECO_SETS",
    "HecoData",
    "HecoSet",
    "HeterogeneousGraph",
    "Images",
    "Neighbors",
    "NodeSplit",
    "find_images",
    "find_positives",
    "list_neighbors",
    "load_heco",
    "load_image_folder",
    "load_images",
    "make_heterogeneous_graph",
    "meta_path_adjacency",
    "normalize_adjacency",
    "normalize_features",
    "occlude",
    "random_crop",
    "random_flip",
    "read_columns",
    "read_edges",
    "sample_neighbors",
]
