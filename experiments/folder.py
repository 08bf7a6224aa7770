"""What experiments share: a folder of results to go on from, tables, and refusals."""

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
    """Ends the command on bad input: one line, exit code 2, nothing written."""
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2) from error


def read_results(out: Path, config: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run with the same settings left in a folder.

    Args:
        out: the folder; made where it is missing.
        config: what all results of a folder have in common.

    Returns:
        The content of results.json; empty where there is none.

    Raises:
        SystemExit: with code 2, where the folder holds results with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not (out / NUMBERS).exists():
        return {}
    content = json.loads((out / NUMBERS).read_text())
    if content["config"] != config:
        refuse(
            ValueError(
                f"--out {out} holds results with {content['config']}; name another "
                "folder"
            )
        )
    return content


def block_of(num_steps: int, num_blocks: int) -> int:
    """Updates of each of so many equal blocks of a training.

    Raises:
        ValueError: where the updates do not come out even.
    """
    if num_steps < num_blocks or num_steps % num_blocks:
        raise ValueError(
            f"--num-steps must be a multiple of {num_blocks}, got {num_steps}"
        )
    return num_steps // num_blocks


def write_results(
    out: Path, content: dict[str, Any], lines: Sequence[Sequence[str]]
) -> None:
    """Writes numbers and table, both or neither: a run that ends early leaves them.

    Args:
        out: the folder.
        content: of results.json.
        lines: of the table, the headings first.
    """
    from jaxinfo.reporting import atomic_files, write_json

    with atomic_files(out / NUMBERS, out / TABLE) as drafts:
        numbers, table = (draft for draft in drafts if draft is not None)
        write_json(numbers, content)
        table.write_text(markdown(lines))


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def plain(value: Any) -> float | None:
    """A number as JSON holds it: None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def cell(told: dict[str, Any], digits: int) -> str:
    """Mean and standard deviation over seeds, for a table."""
    if told["mean"] is None:
        return "none finite"
    sd = "" if told["sd"] is None else f" ± {told['sd']:.{digits}f}"
    return f"{told['mean']:.{digits}f}{sd}"


def run_settings(
    out: Path,
    experiment: str,
    config: dict[str, Any],
    settings: Iterable[str],
    run: Callable[[str], tuple[dict[str, Any], Any]],
    lines: Callable[[dict[str, Any]], Sequence[Sequence[str]]],
    draw: Callable[[dict[str, Any], Path], None],
) -> None:
    """Runs the settings that a folder lacks, and prints the table of all.

    Args:
        out: the folder; numbers, table, samples and figure are anew after each.
        experiment: its name.
        config: what all results of a folder have in common.
        settings: names.
        run: `run(setting) -> (told, samples)`, with "records", "summary" and "seconds"
            in what is told.
        lines: of the table, from what is told of each setting.
        draw: `draw(samples of each setting, folder)`.
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
            "seconds": math.fsum(told["seconds"] for told in done.values()),
            "records": [one for told in done.values() for one in told["records"]],
            "summary": {name: told["summary"] for name, told in done.items()},
            "settings": done,
        }
        write_results(out, content, lines(done))
        with atomic_files(out / SAMPLES) as (draft,):
            np.savez_compressed(draft or out / SAMPLES, **samples)
        draw(samples, out)
        print(f"{setting}: {done[setting]['seconds']:.0f} s", file=sys.stderr)
    print(markdown(lines(done)))
