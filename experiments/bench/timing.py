"""Wall times and their spread over repeats."""

import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["cell", "seconds_of", "spread"]


def seconds_of(run: Callable[[int], Any], seed: int) -> float:
    """Wall time of one call in seconds."""
    started = time.perf_counter()
    run(seed)
    return time.perf_counter() - started


def spread(values: list[float]) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
    }


def cell(spread: dict[str, float], digits: int = 3) -> str:
    """Formats a spread for a table."""
    median, low, high = (
        f"{spread[name]:,.{digits}f}" for name in ("median", "min", "max")
    )
    return f"{median} ({low} to {high})"
