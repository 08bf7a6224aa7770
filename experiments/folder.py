"""A folder of results that an experiment adds to, and goes on from."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["markdown", "read_results", "refuse", "write_results"]

NUMBERS, TABLE = "results.json", "table.md"


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
        SystemExit: where the folder holds results with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not (out / NUMBERS).exists():
        return {}
    content = json.loads((out / NUMBERS).read_text())
    if content["config"] != config:
        raise SystemExit(
            f"--out {out} holds estimates with {content['config']}; name another folder"
        )
    return content


def write_results(
    out: Path, content: dict[str, Any], lines: Sequence[Sequence[str]]
) -> None:
    """Writes numbers and table, both or neither: a run that ends early leaves them.

    Args:
        out: the folder.
        content: of results.json.
        lines: of the table, the headings first.
    """
    from jaxinfo.results import replacing, write_json

    with replacing(out / NUMBERS, out / TABLE) as drafts:
        numbers, table = (draft for draft in drafts if draft is not None)
        write_json(numbers, content)
        table.write_text(markdown(lines))


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
