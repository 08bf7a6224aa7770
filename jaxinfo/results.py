"""Results on disk: places checked before a run, files all or nothing, their layout."""

import contextlib
import json
import math
import os
import platform
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "check_new_folder",
    "check_outputs",
    "device_name",
    "mean_and_sd",
    "replacing",
    "write_json",
]

PLOT_SUFFIXES = (".pdf", ".png", ".svg")


def check_outputs(json_path: Path | None, plot_path: Path | None) -> None:
    """Refuses, before the long run, places that cannot be written after it.

    Args:
        json_path: what --json names, or None.
        plot_path: what --plot names, or None.

    Raises:
        ValueError: where one cannot be written or both are the same.
    """
    if plot_path is not None and plot_path.suffix.lower() not in PLOT_SUFFIXES:
        raise ValueError(
            f"--plot {plot_path}: unknown suffix {plot_path.suffix!r}; known: "
            f"{', '.join(PLOT_SUFFIXES)}"
        )
    for option, path in (("--json", json_path), ("--plot", plot_path)):
        if path is None:
            continue
        if path.is_dir():
            raise ValueError(f"{option} {path}: is a folder")
        _check_folder(path.parent, f"{option} {path}")
    if json_path is not None and json_path == plot_path:
        raise ValueError(f"--json and --plot are the same file, {json_path}")


def check_new_folder(folder: Path) -> None:
    """Refuses a folder that can neither be written to nor be made.

    Args:
        folder: what --out names.

    Raises:
        ValueError: where that is so.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    _check_folder(there, f"--out {folder}")


def _check_folder(folder: Path, named: str) -> None:
    """Refuses a folder that is not there or cannot be written to."""
    if not folder.is_dir():
        raise ValueError(f"{named}: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{named}: folder {folder} cannot be written to")


@contextlib.contextmanager
def replacing(*paths: Path | None) -> Iterator[list[Path | None]]:
    """Gives paths to write to, and puts them in place only if all was written.

    Args:
        *paths: where the files shall be; None for one that is not wanted.

    Yields:
        Drafts beside them, None for None.
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
    """Writes strict JSON: an infinity or a NaN left in it is an error.

    Args:
        path: the file.
        content: plain numbers, strings, lists, dicts and None.

    Raises:
        ValueError: where a number is not finite.
    """
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def device_name() -> str:
    """What JAX runs on, in words."""
    import jax

    device = jax.devices()[0]
    return f"{jax.device_count()} x {device.device_kind}, {platform.machine()}"


def mean_and_sd(values: Iterable[float]) -> dict[str, Any]:
    """A metric over seeds, as a summary holds it.

    Args:
        values: one for each seed; those that are not finite are left out.

    Returns:
        "mean", "sd" (None where there are too few) and "num_seeds".
    """
    finite = [float(value) for value in values if math.isfinite(value)]
    return {
        "mean": statistics.fmean(finite) if finite else None,
        "sd": statistics.stdev(finite) if len(finite) > 1 else None,
        "num_seeds": len(finite),
    }
