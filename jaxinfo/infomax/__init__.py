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
from jaxinfo.infomax.information_probes import (
    Pictured,
    probe_dependence,
    probe_information,
    probe_reconstruction,
)
from jaxinfo.infomax.probes import (
    Labelled,
    Probe,
    probe_accuracy,
    probe_by_network,
)
from jaxinfo.infomax.similarity import structural_similarity
from jaxinfo.infomax.terms import (
    BOUNDS,
    coordinate_loss,
    displacement_loss,
    local_scores,
    pair_bound,
)
from jaxinfo.infomax.train import DeepInfomaxRun, train_deep_infomax

__all__ = [
    "BOUNDS",
    "DeepInfomax",
    "DeepInfomaxInfo",
    "DeepInfomaxRun",
    "DeepInfomaxState",
    "Labelled",
    "Pictured",
    "Probe",
    "coordinate_loss",
    "displacement_loss",
    "local_scores",
    "make_deep_infomax",
    "pair_bound",
    "probe_accuracy",
    "probe_by_network",
    "probe_clusters",
    "probe_dependence",
    "probe_information",
    "probe_nearest_neighbours",
    "probe_reconstruction",
    "probe_support_vectors",
    "structural_similarity",
    "train_deep_infomax",
]
