"""The README's code runs as it stands, from top to bottom, in one namespace."""

import functools
import re
from pathlib import Path

import jaxinfo

README = Path(__file__).parent.parent / "README.md"


def test_the_readme_runs(monkeypatch):
    for name in [name for name in jaxinfo.__all__ if name.startswith("estimate_")]:
        shorter = functools.partial(getattr(jaxinfo, name), num_steps=50)
        monkeypatch.setattr(jaxinfo, name, shorter)
    # As many rows as in the doctests: equal programs are compiled once.
    text = README.read_text().replace("2_000)", "400)").replace("2_001)", "401)")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 6
    names = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert names["result"].value.shape == (2, 8)
    assert names["nats"] > 0.5
    assert abs(names["estimate"].value) < 2
    failed = {check.name for check in names["checks"].checks if not check.passed}
    assert "additivity" in failed
