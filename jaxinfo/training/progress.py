"""Progress of long runs, from inside a traced loop to a bar on the terminal.

The traced program calls `emit`, which passes the progress to the listeners that are
open on the host. Without a listener it does nothing.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

import jax

from jaxinfo.core.types import Array

__all__ = ["bar", "emit", "listener"]

_listeners: list[Callable[[int, float], None]] = []
_lock = threading.Lock()


def emit(step: Array, value: Array) -> None:
    """Reports the progress of one run to the open listeners; called while tracing.

    Args:
        step: number of updates, [].
        value: the latest evaluated value, nats, [].
    """
    jax.debug.callback(_notify, step, value)


def _notify(step: Array, value: Array) -> None:
    with _lock:
        for listen in _listeners:
            listen(int(step), float(value))


@contextlib.contextmanager
def listener(listen: Callable[[int, float], None]) -> Iterator[None]:
    """Opens a listener: `listen(step, value)` is called at each evaluation of a run."""
    _listeners.append(listen)
    try:
        yield
    finally:
        jax.effects_barrier()
        _listeners.remove(listen)


@contextlib.contextmanager
def bar(num_updates: int, eval_every: int) -> Iterator[None]:
    """Shows a bar with the bound and the time left if stderr is a terminal.

    Args:
        num_updates: total number of updates of all runs.
        eval_every: updates between two calls of `emit` from one run.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %  left"),
        TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield
        return
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("compiling", total=num_updates)

        def advance(step: int, value: float) -> None:
            del step
            progress.update(task, advance=eval_every, description=f"{value:7.3f} nats")

        with listener(advance):
            yield
