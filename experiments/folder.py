"""Shared by the experiments: resumable results folders, tables, and error exits."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

__all__ = [
    "block_of",
    "cell",
    "markdown",
    "plain",
    "read_results",
    "refuse",
    "run_settings",
    "write_results",
]

NUMBERS, TABLE, SAMPLES = "results.json", "table.md", "samples.npz"


def refuse(error: Exception) -> NoReturn:
    """Prints the error on one line and exits with code 2, for bad input."""
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2) from error


def read_results(out: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Reads the results of an earlier run with the same settings, to resume from.

    Args:
        out: the folder, which is created if it does not exist.
        config: settings shared by all results in the folder.

    Returns:
        The content of results.json, or an empty dict if there is none.

    Raises:
        SystemExit: with code 2, if the folder holds results with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not (out / NUMBERS).exists():
        return {}
    content = json.loads((out / NUMBERS).read_text())
    if content["config"] != config:
        refuse(
            ValueError(
                f"--out {out} holds results with other settings, {content['config']}; "
                "name another folder"
            )
        )
    return content


def block_of(num_steps: int, num_blocks: int) -> int:
    """Number of updates in each block when training is split into equal blocks.

    Raises:
        ValueError: if num_steps is not a positive multiple of num_blocks.
    """
    if num_steps < num_blocks or num_steps % num_blocks:
        raise ValueError(
            f"--num-steps must be a multiple of {num_blocks}, got {num_steps}"
        )
    return num_steps // num_blocks


def write_results(
    out: Path, content: dict[str, Any], lines: Sequence[Sequence[str]]
) -> None:
    """Writes results.json and table.md; if interrupted, both keep their old content.

    Args:
        out: the folder.
        content: content of results.json.
        lines: rows of the table, starting with the headings.
    """
    from jaxinfo.reporting import atomic_files, write_json

    with atomic_files(out / NUMBERS, out / TABLE) as drafts:
        numbers, table = (draft for draft in drafts if draft is not None)
        write_json(numbers, content)
        table.write_text(markdown(lines))


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Formats rows as a Markdown table; the first row holds the headings."""
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def plain(value: Any) -> float | None:
    """Converts a number for JSON: None if it is not finite."""
    return float(value) if math.isfinite(value) else None


def cell(metric: dict[str, Any], digits: int) -> str:
    """Formats the mean and standard deviation over seeds for a table."""
    if metric["mean"] is None:
        return "none finite"
    sd = "" if metric["sd"] is None else f" ± {metric['sd']:.{digits}f}"
    return f"{metric['mean']:.{digits}f}{sd}"


def run_settings(
    out: Path,
    experiment: str,
    config: dict[str, Any],
    settings: Iterable[str],
    run: Callable[[str], tuple[dict[str, Any], Any]],
    lines: Callable[[dict[str, Any]], Sequence[Sequence[str]]],
    draw: Callable[[dict[str, Any], Path], None],
) -> None:
    """Runs the settings that are not in the folder yet, and prints the table of all.

    Args:
        out: the folder. Results, table, samples and figures are written after each
            setting.
        experiment: name of the experiment.
        config: settings shared by all results in the folder.
        settings: names of the settings to run.
        run: `run(setting) -> (result, samples)`, where the dict result has the keys
            "records", "summary" and "seconds".
        lines: `lines(results)` returns the rows of the table, from the dict of all
            results by setting.
        draw: `draw(samples, folder)` writes the figures, from the dict of all samples
            by setting.
    """
    import numpy as np

    from jaxinfo.reporting import atomic_files, device_name

    done = read_results(out, config).get("settings", {})
    samples = {}
    if (out / SAMPLES).exists():
        with np.load(out / SAMPLES) as kept:
            samples = {name: kept[name] for name in kept if name in done}
    for setting in settings:
        if setting in done:
            continue
        done[setting], samples[setting] = run(setting)
        content = {
            "experiment": experiment,
            "config": config,
            "device": device_name(),
            "seconds": math.fsum(result["seconds"] for result in done.values()),
            "records": [
                record for result in done.values() for record in result["records"]
            ],
            "summary": {name: result["summary"] for name, result in done.items()},
            "settings": done,
        }
        write_results(out, content, lines(done))
        with atomic_files(out / SAMPLES) as (draft,):
            np.savez_compressed(draft or out / SAMPLES, **samples)
        draw(samples, out)
        print(f"{setting}: {done[setting]['seconds']:.0f} s", file=sys.stderr)
    print(markdown(lines(done)))
