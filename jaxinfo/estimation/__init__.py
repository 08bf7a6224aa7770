"""Data in, an estimate with its error and its kind out."""

from jaxinfo.estimation.bounds import (
    Bound,
    divergence_bound,
    information_bound,
    information_bound_names,
)
from jaxinfo.estimation.divergence import estimate_divergence, make_divergence_run
from jaxinfo.estimation.fit import RunResult, adam
from jaxinfo.estimation.information_run import make_run
from jaxinfo.estimation.mutual_information import estimate_mutual_information
from jaxinfo.estimation.report import Estimate, History
from jaxinfo.estimation.uncertainty import summarize

__all__ = [
    "Bound",
    "Estimate",
    "History",
    "RunResult",
    "adam",
    "divergence_bound",
    "estimate_divergence",
    "estimate_mutual_information",
    "information_bound",
    "information_bound_names",
    "make_divergence_run",
    "make_run",
    "summarize",
]
