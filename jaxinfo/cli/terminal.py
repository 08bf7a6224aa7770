"""Output of the commands to the terminal."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxinfo.core.extras import import_extra

__all__ = ["make_console", "print_lines", "progress_line", "written_lines"]


def make_console() -> Any:
    """A `rich` console on standard output, 100 columns wide if that is no terminal."""
    console = import_extra("rich.console", "cli").Console
    return console(width=None if sys.stdout.isatty() else 100)


def progress_line() -> Any:
    """A context manager for a line on standard error, shown on terminals only.

    Its value has a method `update(line)`.
    """
    console = import_extra("rich.console", "cli").Console(stderr=True)
    return console.status("starting ...")


def print_lines(console: Any, lines: Iterable[str]) -> None:
    """Prints lines as they are, without markup or colors."""
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def written_lines(*paths: Path | None) -> list[str]:
    """A line for each file that was written."""
    return [f"wrote {path}" for path in paths if path is not None]
