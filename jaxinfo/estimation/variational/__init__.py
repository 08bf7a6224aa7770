"""Estimators by a named variational bound.

`estimators` checks and splits arrays on the host and returns an `Estimate`; `seeds`
runs all seeds in one call and summarizes them; `run` and `divergence_run` train one
network as a pure function of a key and arrays; `registry` has one entry per bound.
"""

from jaxinfo.estimation.variational.bound import Bound, Setting, Stateless
from jaxinfo.estimation.variational.divergence_run import (
    DivergenceRun,
    make_divergence_run,
)
from jaxinfo.estimation.variational.estimators import (
    DivergenceDensityRatio,
    InformationDensityRatio,
    Variational,
    VariationalDivergence,
)
from jaxinfo.estimation.variational.fit import RunResult, adam
from jaxinfo.estimation.variational.registry import (
    ALIASES,
    BOUNDS,
    bound_names,
    divergence_bound,
    information_bound,
)
from jaxinfo.estimation.variational.run import InformationRun, make_run
from jaxinfo.estimation.variational.seeds import estimates_of_runs

__all__ = [
    "ALIASES",
    "BOUNDS",
    "Bound",
    "DivergenceDensityRatio",
    "DivergenceRun",
    "InformationDensityRatio",
    "InformationRun",
    "RunResult",
    "Setting",
    "Stateless",
    "Variational",
    "VariationalDivergence",
    "adam",
    "bound_names",
    "divergence_bound",
    "estimates_of_runs",
    "information_bound",
    "make_divergence_run",
    "make_run",
]
