"""Tables for the terminal: every number and note, within 100 columns."""

import io
import math

import pytest
from rich.console import Console

from jaxinfo.benchmark import summarize_benchmark
from jaxinfo.estimation.estimate import NO_HISTORY
from jaxinfo.reporting import (
    HEADINGS,
    benchmark_table,
    estimate_table,
    note_lines,
    summary_cells,
    summary_table,
)
from tests.benchmark.fake_records import (
    make_failed_record,
    make_mixed_records,
    make_record,
)
from tests.fakes import make_estimate


def _lines(table):
    console = Console(width=100, file=io.StringIO())
    console.print(table)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    return lines


def _rows(table):
    cells = (line.strip("│┃ ").split("│") for line in _lines(table) if "│" in line)
    return {name.strip(): text.strip() for name, text in cells}


def test_estimate_table():
    rows = _rows(estimate_table(make_estimate(1.25, p_value=0.01), "table.csv"))
    assert rows == {
        "value": "1.2500 ± 0.0500 nats",
        "95 % interval": "[1.1500, 1.3500]",
        "p-value of independence": "0.010",
        "estimator": "donsker_varadhan, a lower bound",
        "ceiling": "none",
        "saturated": "no",
        "converged": "yes",
        "skipped updates": "0",
        "seeds": "3",
        "rows": "1,000",
        "seconds": "2.0 (1.0 to compile)",
    }


def test_estimate_table_of_an_untrained_estimator():
    estimate = make_estimate(num_seeds=0, history=NO_HISTORY, estimator="ksg1")
    rows = _rows(estimate_table(estimate, "table.csv"))
    assert list(rows) == ["value", "95 % interval", "estimator", "rows", "seconds"]


@pytest.mark.parametrize(
    ("fields", "name", "text"),
    [
        ({"ceiling": math.log(256)}, "ceiling", "5.5452 nats"),
        ({"saturated": True}, "saturated", "yes: the truth may be far higher"),
        ({"converged": False}, "converged", "no: more steps may change the value"),
        ({"num_nonfinite": 7}, "skipped updates", "7"),
        (
            {"kind": "neither"},
            "estimator",
            "donsker_varadhan, neither a lower nor an upper bound",
        ),
    ],
)
def test_estimate_table_of_unusual_estimates(fields, name, text):
    assert _rows(estimate_table(make_estimate(**fields), "table.csv"))[name] == text


def test_benchmark_table():
    lines = _lines(benchmark_table(make_mixed_records()))
    text = "\n".join(lines)
    for words in ("first [0.5]", "second", "ksg1 #0", "default #1", "not converged"):
        assert words in text
    [good, poor, high] = [line for line in lines if "…" in line][:3]
    assert "+0.010" in good
    assert "!" not in good
    assert "0.910 … 1.110" in good
    assert poor.count("!") == high.count("!") == 2
    assert "above, saturated" in high
    assert "failed, 3 skipped" in " ".join(text.split())


def test_summary_table():
    lines = _lines(summary_table(summarize_benchmark(make_mixed_records())))
    row = next(line for line in lines if "default" in line)
    # Errors 0.01 and 1.5; one of three is near, covered and above.
    assert row.split()[1:6] == ["3", "1", "0.755", "0.755", "1.061"]
    assert row.count("33 %") == 3


def test_summary_cells_fit_the_headings():
    [summary] = summarize_benchmark([make_record(value=3e6, truth=1.0)]).values()
    cells = dict(zip(HEADINGS, summary_cells("mine", summary), strict=True))
    assert cells["estimator"] == "mine"
    assert cells["MAE"] == "3e+06"
    assert cells["coverage"] == "0 %"
    assert cells["above"] == "100 %"


def test_note_lines_name_each_message_once():
    records = [
        make_failed_record(estimator="gaussian", task="a"),
        make_failed_record(estimator="gaussian", task="b"),
        make_record("default", task="a", warnings=("y holds labels",)),
        make_record("default", task="a", repeat=1, warnings=("y holds labels",)),
        make_record("default", task="b"),
    ]
    assert list(note_lines(records)) == [
        "failed: gaussian on 2 tasks: no covariance",
        "warning: default on a: y holds labels",
    ]
