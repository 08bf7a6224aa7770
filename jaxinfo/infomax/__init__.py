"""Encoders that keep information of what they encode."""

from jaxinfo.infomax.classical_probes import (
    probe_clusters,
    probe_nearest_neighbours,
    probe_support_vectors,
)
from jaxinfo.infomax.deep_infomax import (
    DeepInfomax,
    DeepInfomaxInfo,
    DeepInfomaxState,
    make_deep_infomax,
)
from jaxinfo.infomax.graphs import (
    DeepGraphInfomax,
    make_deep_graph_infomax,
    mean_summary,
    shuffle_nodes,
    train_deep_graph_infomax,
)
from jaxinfo.infomax.heco import Heco, cosine_critic, make_heco, train_heco
from jaxinfo.infomax.heco_graph import HecoGraph, make_heco_graph
from jaxinfo.infomax.information_probes import (
    Pictured,
    probe_dependence,
    probe_information,
    probe_reconstruction,
)
from jaxinfo.infomax.node_probes import f1_scores, probe_nodes
from jaxinfo.infomax.probes import (
    Labelled,
    Probe,
    probe_accuracy,
    probe_by_network,
)
from jaxinfo.infomax.similarity import structural_similarity
from jaxinfo.infomax.terms import (
    BOUNDS,
    PAIR_BOUNDS,
    coordinate_loss,
    displacement_loss,
    local_scores,
    pair_bound,
)
from jaxinfo.infomax.train import DeepInfomaxRun, train_deep_infomax

__all__ = [
    "BOUNDS",
    "PAIR_BOUNDS",
    "DeepGraphInfomax",
    "DeepInfomax",
    "DeepInfomaxInfo",
    "DeepInfomaxRun",
    "DeepInfomaxState",
    "Heco",
    "HecoGraph",
    "Labelled",
    "Pictured",
    "Probe",
    "coordinate_loss",
    "cosine_critic",
    "displacement_loss",
    "f1_scores",
    "local_scores",
    "make_deep_graph_infomax",
    "make_deep_infomax",
    "make_heco",
    "make_heco_graph",
    "mean_summary",
    "pair_bound",
    "probe_accuracy",
    "probe_by_network",
    "probe_clusters",
    "probe_dependence",
    "probe_information",
    "probe_nearest_neighbours",
    "probe_nodes",
    "probe_reconstruction",
    "probe_support_vectors",
    "shuffle_nodes",
    "structural_similarity",
    "train_deep_graph_infomax",
    "train_deep_infomax",
    "train_heco",
]
