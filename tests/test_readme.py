"""The README's code runs as it stands, from top to bottom, in one namespace."""

import functools
import re
from pathlib import Path

import pytest

import jaxinfo

README = Path(__file__).parent.parent / "README.md"
# Fewer rows and steps; 400 rows as in the doctests, for equal programs compile once.
SMALLER = {
    "2_000)": "400)",
    "2_001)": "401)",
    "3_000": "600",
    "4_000": "800",
    "5_000": "1_000",
    "num_steps=200": "num_steps=50",
    '"num_steps": 1_500': '"num_steps": 100',
}


@pytest.mark.slow
def test_the_readme_runs(monkeypatch):
    for name in [name for name in jaxinfo.__all__ if name.startswith("estimate_")]:
        shorter = functools.partial(getattr(jaxinfo, name), num_steps=50)
        monkeypatch.setattr(jaxinfo, name, shorter)
    text = README.read_text()
    for large, small in SMALLER.items():
        assert large in text
        text = text.replace(large, small)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 9
    names = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert names["result"].value.shape == (2, 8)
    assert names["nats"] > 0.5
    assert abs(names["estimate"].value) < 2
    assert names["runs"].state.average["mean"].shape == (8, 1)
    failed = {check.name for check in names["checks"].checks if not check.passed}
    assert "additivity" in failed
