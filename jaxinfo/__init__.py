"""Variational divergence bounds and mutual-information estimators in JAX.

A discriminator's scores estimate a divergence; mutual information is a divergence of
the joint law from the product of its marginals. Every number is in nats.
"""

from jaxinfo import (
    adversarial,
    core,
    data,
    divergences,
    estimation,
    infomax,
    information,
    networks,
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

__all__ = [
    "Estimate",
    "SelfChecks",
    "adversarial",
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
    "tasks",
    "training",
]
