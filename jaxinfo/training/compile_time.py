"""Measures the time that JAX spends on tracing and compiling."""

import contextlib
import functools
import time
from collections.abc import Iterator

import jax

__all__ = ["compile_stopwatch"]

_intervals: list[tuple[float, float]] = []
_open = 0


@functools.cache
def _listen() -> None:
    def record(event: str, duration_secs: float, **_: str | int) -> None:
        if _open and event.startswith("/jax/core/compile"):
            now = time.perf_counter()
            _intervals.append((now - duration_secs, now))

    jax.monitoring.register_event_duration_secs_listener(record)


@contextlib.contextmanager
def compile_stopwatch() -> Iterator[list[float]]:
    """Measures the seconds that JAX traces and compiles inside a with-block.

    Yields:
        A list, to which the seconds are appended when the block ends.
    """
    global _open
    _listen()
    _open += 1
    first = len(_intervals)
    seconds: list[float] = []
    try:
        yield seconds
    finally:
        _open -= 1
        seconds.append(_union(_intervals[first:]))
        del _intervals[first:]


def _union(intervals: list[tuple[float, float]]) -> float:
    """Length of the union: the events of nested functions overlap."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(intervals):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total
