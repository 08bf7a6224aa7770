"""Estimators of mutual information and divergences from samples.

An estimator of mutual information is a frozen value that is called as
`estimator(key, x, y)` and returns an `Estimate`: `CrossFitted` (the default),
`Variational` (any bound, any critic), and the classical `KSG`, `MixedKSG`, `Gaussian`,
`GaussianCopula` and `PlugIn`.
"""

from jaxinfo.estimation.classical import (
    KSG,
    Gaussian,
    GaussianCopula,
    MixedKSG,
    PlugIn,
)
from jaxinfo.estimation.conditional import (
    estimate_conditional_mutual_information,
    estimate_transfer_entropy,
    lagged_rows,
)
from jaxinfo.estimation.cross_fitted import CrossFitted
from jaxinfo.estimation.density_ratio import DensityRatio, load_density_ratio
from jaxinfo.estimation.divergence import estimate_divergence
from jaxinfo.estimation.estimate import Diagnostics, Estimate, History
from jaxinfo.estimation.estimators import (
    Estimator,
    estimator_names,
    find_estimator,
)
from jaxinfo.estimation.mutual_information import estimate_mutual_information
from jaxinfo.estimation.self_checks import (
    SelfCheck,
    SelfChecks,
    check_mutual_information,
)
from jaxinfo.estimation.train_config import TrainConfig
from jaxinfo.estimation.uncertainty import summarize
from jaxinfo.estimation.variational import (
    BOUNDS,
    Bound,
    RunResult,
    Setting,
    Stateless,
    Variational,
    VariationalDivergence,
    adam,
    bound_names,
    divergence_bound,
    estimates_of_runs,
    information_bound,
    make_divergence_run,
    make_run,
)

__all__ = [
    "BOUNDS",
    "KSG",
    "Bound",
    "CrossFitted",
    "DensityRatio",
    "Diagnostics",
    "Estimate",
    "Estimator",
    "Gaussian",
    "GaussianCopula",
    "History",
    "MixedKSG",
    "PlugIn",
    "RunResult",
    "SelfCheck",
    "SelfChecks",
    "Setting",
    "Stateless",
    "TrainConfig",
    "Variational",
    "VariationalDivergence",
    "adam",
    "bound_names",
    "check_mutual_information",
    "divergence_bound",
    "estimate_conditional_mutual_information",
    "estimate_divergence",
    "estimate_mutual_information",
    "estimate_transfer_entropy",
    "estimates_of_runs",
    "estimator_names",
    "find_estimator",
    "information_bound",
    "lagged_rows",
    "load_density_ratio",
    "make_divergence_run",
    "make_run",
    "summarize",
]
