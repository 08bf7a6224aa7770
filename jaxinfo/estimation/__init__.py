"""Data in, an estimate with its error and its kind out."""

from jaxinfo.estimation.bound import Bound
from jaxinfo.estimation.bounds import (
    information_bound,
    information_bound_names,
)
from jaxinfo.estimation.classical import classical_method_names, estimate_classical
from jaxinfo.estimation.conditional import (
    estimate_conditional_mutual_information,
    estimate_transfer_entropy,
    lagged_rows,
)
from jaxinfo.estimation.divergence import estimate_divergence, make_divergence_run
from jaxinfo.estimation.divergence_bounds import divergence_bound
from jaxinfo.estimation.fit import RunResult, adam
from jaxinfo.estimation.information_run import make_run
from jaxinfo.estimation.mutual_information import estimate_mutual_information
from jaxinfo.estimation.report import Estimate, History
from jaxinfo.estimation.self_checks import (
    SelfCheck,
    SelfChecks,
    check_mutual_information,
)
from jaxinfo.estimation.uncertainty import summarize

__all__ = [
    "Bound",
    "Estimate",
    "History",
    "RunResult",
    "SelfCheck",
    "SelfChecks",
    "adam",
    "check_mutual_information",
    "classical_method_names",
    "divergence_bound",
    "estimate_classical",
    "estimate_conditional_mutual_information",
    "estimate_divergence",
    "estimate_mutual_information",
    "estimate_transfer_entropy",
    "information_bound",
    "information_bound_names",
    "lagged_rows",
    "make_divergence_run",
    "make_run",
    "summarize",
]
