"""Encoders that keep information of what they encode."""

from jaxinfo.infomax.deep_infomax import (
    DeepInfomax,
    DeepInfomaxInfo,
    DeepInfomaxState,
    make_deep_infomax,
)
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
    "coordinate_loss",
    "displacement_loss",
    "local_scores",
    "make_deep_infomax",
    "pair_bound",
    "train_deep_infomax",
]
