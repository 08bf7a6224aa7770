"""Files of results, which are written completely or not at all."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["atomic_files", "check_new_folder", "check_outputs", "write_json"]

PLOT_SUFFIXES = (".pdf", ".png", ".svg")


def check_outputs(json_path: Path | None, plot_path: Path | None) -> None:
    """Checks that two output files can be written.

    Call it before a long run, so that bad paths fail early.

    Args:
        json_path: value of the option --json, or None.
        plot_path: value of the option --plot, or None.

    Raises:
        ValueError: if a file cannot be written or both are the same.
    """
    if plot_path is not None and plot_path.suffix.lower() not in PLOT_SUFFIXES:
        raise ValueError(
            f"--plot {plot_path}: unknown suffix {plot_path.suffix!r}, expected one of "
            f"{', '.join(PLOT_SUFFIXES)}"
        )
    for option, path in (("--json", json_path), ("--plot", plot_path)):
        if path is None:
            continue
        if path.is_dir():
            raise ValueError(f"{option} {path} is a folder, expected a file")
        _check_folder(path.parent, f"{option} {path}")
    if json_path is not None and json_path == plot_path:
        raise ValueError(f"--json and --plot name the same file, {json_path}")


def check_new_folder(folder: Path) -> None:
    """Checks that a folder exists and can be written to, or can be created.

    Args:
        folder: value of the option --out.

    Raises:
        ValueError: if neither is the case.
    """
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    _check_folder(existing, f"--out {folder}")


def _check_folder(folder: Path, option: str) -> None:
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise ValueError(f"{option}: {folder} {problem}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{option}: folder {folder} is not writable")


@contextlib.contextmanager
def atomic_files(*paths: Path | None) -> Iterator[list[Path | None]]:
    """Context manager that creates or replaces files only if all were written.

    Args:
        *paths: the files; None for a file that is not wanted.

    Yields:
        A temporary path beside each file, to write to; None for None. On leaving the
        context without an error, the temporary files replace the files. After an error
        they are deleted.
    """
    drafts = [
        path and path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        for path in paths
    ]
    pairs = [(d, p) for d, p in zip(drafts, paths, strict=True) if d and p]
    try:
        yield drafts
        for draft, path in pairs:
            os.replace(draft, path)
    finally:
        for draft, _ in pairs:
            draft.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes strict JSON, which has no numbers for inf and NaN.

    Args:
        path: the file.
        content: plain numbers, strings, lists, dicts and None.

    Raises:
        ValueError: if a number is not finite; store None in its place.
    """
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
