"""Estimators run over tasks whose information or divergence is known."""

from jaxinfo.benchmark.quantities import (
    AnyTask,
    Estimator,
    Quantity,
    choose_estimators,
    quantities,
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
    "AnyTask",
    "Estimator",
    "Quantity",
    "Record",
    "Summary",
    "choose_estimators",
    "quantities",
    "run_benchmark",
    "summarize_benchmark",
    "tolerance",
]
