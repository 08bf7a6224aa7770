"""The command `jaxinfo`: arguments, errors and exit codes."""

import contextlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxinfo.cli.benchmark import BenchmarkOptions, run_benchmark_command
from jaxinfo.cli.demo.command import DemoOptions, run_demo
from jaxinfo.cli.estimate import EstimateOptions, run_estimate
from jaxinfo.cli.jax_setup import prepare_jax
from jaxinfo.core.extras import import_extra

__all__ = ["main"]

Options = EstimateOptions | BenchmarkOptions | DemoOptions

# The packages of the extra "cli".
NEEDED = ("matplotlib", "pandas", "rich", "sklearn", "tyro")
COMMANDS: dict[str, type[Options]] = {
    "estimate": EstimateOptions,
    "benchmark": BenchmarkOptions,
    "demo": DemoOptions,
}
RUNNERS: dict[type[Options], Callable[[Any], int]] = {
    EstimateOptions: run_estimate,
    BenchmarkOptions: run_benchmark_command,
    DemoOptions: run_demo,
}
RENAMED_OPTIONS: dict[str, Mapping[str, str]] = {
    "estimate": dict.fromkeys(
        ("--bound", "--bounds", "--method", "--methods", "--estimators"), "--estimator"
    ),
    "benchmark": dict.fromkeys(
        ("--bound", "--bounds", "--method", "--methods", "--estimator"), "--estimators"
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Bad input and bad usage end with one line on standard error, and write no file.

    Args:
        argv: the arguments after the program's name; None for those of the process.

    Returns:
        The exit code: 0 on success, 1 if a check of the results failed, 2 on bad input
        or bad usage, 130 if interrupted.
    """
    try:
        _check_extra()
        options = _parse(sys.argv[1:] if argv is None else argv)
        if options is None:
            return 0
        prepare_jax()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            code = RUNNERS[type(options)](options)
    except (ValueError, ImportError, OSError, OverflowError, MemoryError) as error:
        return _fail(" ".join(str(error).split()) or type(error).__name__)
    except KeyboardInterrupt:
        _fail("interrupted")
        return 130
    for line in dict.fromkeys(" ".join(str(w.message).split()) for w in caught):
        print(f"warning: {line}", file=sys.stderr)
    return code


def _fail(line: str) -> int:
    print(f"jaxinfo: {line}", file=sys.stderr)
    return 2


def _check_extra() -> None:
    """Raises ImportError if a package of the extra is missing, before a long run."""
    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            import_extra(package, "cli")


def _parse(argv: Sequence[str]) -> Options | None:
    """The options of the command that the arguments name; None after a help text."""
    tyro = import_extra("tyro", "cli")
    for old, new in RENAMED_OPTIONS.get(argv[0] if argv else "", {}).items():
        if any(argument.partition("=")[0] == old for argument in argv):
            raise ValueError(f"{old} was renamed to {new}")
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.extras.subcommand_cli_from_dict(
                COMMANDS,
                args=argv,
                prog="jaxinfo",
                description="Mutual information and divergences in nats, from samples.",
                config=(
                    tyro.conf.PositionalRequiredArgs,
                    tyro.conf.PositionalMetavarFromFieldName,
                ),
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            return None
        raise ValueError(_first_paragraph(errors.getvalue())) from stop


def _first_paragraph(box: str) -> str:
    """The text in a box of several lines, up to the first horizontal rule inside."""
    lines: list[str] = []
    for line in box.splitlines():
        text = line.strip("│ \t")
        if text.startswith("─"):
            break
        if text and not text.startswith(("╭", "╰")):
            lines.append(text)
    return f"{' '.join(lines)} (see jaxinfo --help)"
