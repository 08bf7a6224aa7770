"""Estimators run over tasks whose information or divergence is known."""

from jaxinfo.benchmark.quantities import (
    AnyEstimator,
    AnyTask,
    Quantity,
    choose_estimators,
    known_quantities,
    with_training,
)
from jaxinfo.benchmark.records import (
    TOLERANCE_NATS,
    TOLERANCE_SHARE,
    Record,
    Summary,
    summarize_benchmark,
    tolerance,
)
from jaxinfo.benchmark.run import run_benchmark

__all__ = [
    "TOLERANCE_NATS",
    "TOLERANCE_SHARE",
    "AnyEstimator",
    "AnyTask",
    "Quantity",
    "Record",
    "Summary",
    "choose_estimators",
    "known_quantities",
    "run_benchmark",
    "summarize_benchmark",
    "tolerance",
    "with_training",
]
