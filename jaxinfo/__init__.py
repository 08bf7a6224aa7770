"""Variational divergence bounds and mutual-information estimators in JAX.

A discriminator's scores estimate a divergence; mutual information is the divergence of
the joint distribution from the product of its marginals. All numbers are in nats.
"""

from importlib import metadata

from jaxinfo import (
    adversarial,
    benchmark,
    core,
    data,
    divergences,
    estimation,
    infomax,
    information,
    networks,
    reporting,
    tasks,
    training,
)
from jaxinfo.estimation import (
    Estimate,
    SelfChecks,
    check_mutual_information,
    estimate_conditional_mutual_information,
    estimate_divergence,
    estimate_mutual_information,
    estimate_transfer_entropy,
)

__version__ = metadata.version("jaxinfo")

__all__ = [
    "Estimate",
    "SelfChecks",
    "__version__",
    "adversarial",
    "benchmark",
    "check_mutual_information",
    "core",
    "data",
    "divergences",
    "estimate_conditional_mutual_information",
    "estimate_divergence",
    "estimate_mutual_information",
    "estimate_transfer_entropy",
    "estimation",
    "infomax",
    "information",
    "networks",
    "reporting",
    "tasks",
    "training",
]
