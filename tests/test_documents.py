"""The code of README.md and docs runs as it stands, and prints what they print."""

import contextlib
import io
import re
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxinfo import infomax

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
ESTIMATES, EXTENDING = ROOT / "docs" / "estimates.md", ROOT / "docs" / "extending.md"
NUMBERS = r"(-?\d+\.\d+) ± (\d+\.\d+) nats"


def _blocks(path: Path) -> list[tuple[str, str]]:
    """Each Python block, with the output block that follows it, or ""."""
    pattern = r"```python\n(.*?)```(?:(?:\s*prints[^`\n]*)?\s*```\n(.*?)```)?"
    return re.findall(pattern, path.read_text(), flags=re.DOTALL)


def _run(path: Path, names: dict) -> list[tuple[str, str]]:
    """Runs all blocks in one namespace; returns what was promised and printed."""
    pairs = []
    for code, promised in _blocks(path):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(path), "exec"), names)
        pairs.append((promised, printed.getvalue()))
    return pairs


def _assert_alike(promised: str, printed: str) -> None:
    """The same words, and estimates within four of their standard errors."""
    words = re.sub(r"-?\d+(\.\d+)?", "#", promised)
    assert words == re.sub(r"-?\d+(\.\d+)?", "#", printed)
    ours, theirs = (re.findall(NUMBERS, text) for text in (promised, printed))
    assert len(ours) == len(theirs) > 0
    for (value, error), (other, other_error) in zip(ours, theirs, strict=True):
        allowed = 4 * np.hypot(float(error), float(other_error)) + 2e-3
        assert abs(float(value) - float(other)) < allowed


@pytest.mark.slow
def test_the_guide_to_extending_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    _run(EXTENDING, names)
    truth = 0.5 * np.log(2)
    assert abs(names["estimate"].value - truth) < 4 * names["estimate"].standard_error
    assert [record.estimator for record in names["records"]] == ["correlation", "ksg1"]
    assert np.isfinite(names["gradient"]).all()


def test_the_readme_is_a_front_page():
    assert len(README.read_text().splitlines()) <= 280
    assert len(_blocks(README)) == 7


@pytest.mark.slow
def test_the_readme_and_the_guide_to_estimates_run_and_print_what_they_say(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    pairs = _run(README, names)
    assert len(names["estimates"]) == 2
    means = np.asarray(names["runs"].state.average["mean"])
    np.testing.assert_allclose(means, 1.01, atol=0.15)
    assert names["nats"] > 0.5
    assert names["probe"].value > 60  # Ten classes: chance is 10 %.
    papers, topic = names["views"].meta_path, names["topic"]
    assert papers.shape == (300, 64)
    parts = [
        infomax.LabeledData(papers[rows], topic[rows])
        for rows in (slice(30), slice(30, 150), slice(150, 300))
    ]
    scores = infomax.node_probe(jax.random.key(2), *parts)
    assert scores["micro_f1"].value > 60  # Three topics: chance is 33 %.
    pairs += _run(ESTIMATES, names)
    assert names["same"] == names["ratio"]
    assert np.isfinite(names["gradient"]).all()
    assert 0 < names["divergence"].value < 2  # Squared Hellinger is at most 2.
    compared = [(promised, printed) for promised, printed in pairs if promised]
    assert len(compared) == 4
    for promised, printed in compared:
        _assert_alike(promised, printed)
