"""Progress of long runs, from inside a traced loop to a bar on the terminal.

A traced program cannot hold a bar, so it calls the fixed function `emit`, which tells
whichever listener is open. With no listener it does nothing.
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
    """Tells the open listener how far one run has come; called while tracing.

    Args:
        step: updates done.
        value: the latest validation value, nats.
    """
    jax.debug.callback(_tell, step, value)


def _tell(step: Array, value: Array) -> None:
    with _lock:
        for listen in _listeners:
            listen(int(step), float(value))


@contextlib.contextmanager
def listener(listen: Callable[[int, float], None]) -> Iterator[None]:
    """Opens a listener, `listen(step, value)`, called once a validation of each run."""
    _listeners.append(listen)
    try:
        yield
    finally:
        jax.effects_barrier()
        _listeners.remove(listen)


@contextlib.contextmanager
def bar(num_updates: int, eval_every: int) -> Iterator[None]:
    """Shows a bar with the bound and the seconds left, where stderr is a terminal.

    Args:
        num_updates: updates of all runs together.
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
