"""The results of the demo as a table, as checks, as a figure and as JSON."""

import io
import json
import math

import pytest
from rich.console import Console

from jaxinfo.cli.demo import check_lines, demo_results, demo_table
from tests.cli.demo.fake_results import STAGES, make_results


def test_checks():
    inside, chance, outside, not_finite = check_lines(make_results())
    assert inside == (
        "ok: inside: 2.350 nats does not significantly exceed ln 10 = 2.300"
    )
    assert chance.startswith("note: chance: the 95 % interval starts at 2.320 nats")
    assert outside == (
        "FAILED: outside: 2.500 nats is more than 3.09 standard errors above 2.300"
    )
    assert not_finite == "FAILED: not finite: the estimate is not finite"


def test_table_shows_every_result():
    console = Console(width=100, file=io.StringIO())
    console.print(demo_table(make_results(), stages=STAGES))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    rows = {label: line for line in lines if (label := line.strip().split("  ")[0])}
    assert {"First", "Second", "Third"} <= set(rows)
    numbers = rows["known"].replace("known", "").split()
    assert " ".join(numbers) == "1.900 ± 0.050 1.800 … 2.000 2.000 2.0 (1.0)"
    assert "unknown, not converged" in rows
    assert "≤ 2.300" in rows["inside"]
    assert "!" not in rows["inside"]
    assert "≤ 2.300 !" in rows["outside"]
    assert "95.5 ± 1.8 %" in rows["probe"]


def test_results_are_strict_json():
    content = demo_results(make_results(), num_seeds=3, seconds=1.5)
    content = json.loads(json.dumps(content, allow_nan=False))
    assert set(content) >= {
        *("experiment", "config", "device", "seconds", "records", "summary")
    }
    assert len(content["records"]) == 7 * 3
    assert content["records"][-1] == {
        "setting": "three/probe",
        "seed": 2,
        "accuracy": 97.5,
    }
    assert content["summary"]["three/probe"]["accuracy"]["mean"] == 95.5
    assert "three/probe" not in content["estimates"]
    assert content["records"][4] == {"setting": "one/unknown", "seed": 1, "nats": None}
    nats = content["summary"]["one/unknown"]["nats"]
    assert nats["num_seeds"] == 2
    assert nats["mean"] == pytest.approx(1.1)
    assert nats["sd"] == pytest.approx(0.2 / math.sqrt(2))
    assert content["summary"]["two/not finite"]["nats"] == {
        "mean": None,
        "sd": None,
        "num_seeds": 0,
    }
    assert content["estimates"]["two/outside"]["is_plausible"] is False
