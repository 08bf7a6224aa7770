"""Encoders that keep information about their input, and probes that evaluate them."""

from jaxinfo.infomax.bounds import (
    BOUNDS,
    PAIR_BOUNDS,
    local_scores,
    pair_bound,
)
from jaxinfo.infomax.deep_graph_infomax import (
    DeepGraphInfomax,
    make_deep_graph_infomax,
    mean_summary,
    shuffle_nodes,
    train_deep_graph_infomax,
)
from jaxinfo.infomax.deep_infomax import (
    DeepInfomax,
    DeepInfomaxInfo,
    DeepInfomaxState,
    make_deep_infomax,
)
from jaxinfo.infomax.heco import Heco, cosine_critic, make_heco, train_heco
from jaxinfo.infomax.heco_graph import HecoGraph, make_heco_graph
from jaxinfo.infomax.information_probes import dependence_probe, information_probe
from jaxinfo.infomax.location_terms import (
    CoordinateTerm,
    DisplacementTerm,
    coordinate_loss,
    displacement_loss,
)
from jaxinfo.infomax.network_probes import network_probe, probe_accuracy
from jaxinfo.infomax.node_probes import f1_scores, node_probe
from jaxinfo.infomax.probes import LabeledData, Probe
from jaxinfo.infomax.reconstruction_probes import (
    RepresentedImages,
    reconstruction_probe,
)
from jaxinfo.infomax.similarity import structural_similarity
from jaxinfo.infomax.sklearn_probes import (
    clustering_probe,
    linear_svm_probe,
    nearest_neighbors_probe,
)
from jaxinfo.infomax.terms import (
    AdversarialTerm,
    GlobalTerm,
    LocalTerm,
    PriorTerm,
    Term,
)
from jaxinfo.infomax.train import train_deep_infomax

__all__ = [
    "BOUNDS",
    "PAIR_BOUNDS",
    "AdversarialTerm",
    "CoordinateTerm",
    "DeepGraphInfomax",
    "DeepInfomax",
    "DeepInfomaxInfo",
    "DeepInfomaxState",
    "DisplacementTerm",
    "GlobalTerm",
    "Heco",
    "HecoGraph",
    "LabeledData",
    "LocalTerm",
    "PriorTerm",
    "Probe",
    "RepresentedImages",
    "Term",
    "clustering_probe",
    "coordinate_loss",
    "cosine_critic",
    "dependence_probe",
    "displacement_loss",
    "f1_scores",
    "information_probe",
    "linear_svm_probe",
    "local_scores",
    "make_deep_graph_infomax",
    "make_deep_infomax",
    "make_heco",
    "make_heco_graph",
    "mean_summary",
    "nearest_neighbors_probe",
    "network_probe",
    "node_probe",
    "pair_bound",
    "probe_accuracy",
    "reconstruction_probe",
    "shuffle_nodes",
    "structural_similarity",
    "train_deep_graph_infomax",
    "train_deep_infomax",
    "train_heco",
]
