"""`jaxinfo estimate`: what it computes, writes, prints and refuses."""

import json

import numpy as np
import pytest

from jaxinfo import cli, estimation
from jaxinfo.cli import estimate as command
from jaxinfo.estimation import TrainConfig
from tests.benchmark.fake_estimators import FakeTrainedEstimator

KEYS = {
    *("value", "standard_error", "lower", "upper", "kind", "ceiling", "saturated"),
    *("converged", "num_nonfinite", "per_seed", "num_seeds", "num_samples", "bound"),
    *("seconds", "compile_seconds", "p_value"),
}
QUICK = ["--estimator", "mine", "--seeds", "2", "--num-steps", "20"]
COLUMNS = ["--x", "a", "--y", "b"]


@pytest.fixture
def table(tmp_path):
    """A .csv of two dependent columns, a row number and a name."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    lines = [f"{a},{b},{i},name{i}" for i, (a, b) in enumerate(zip(x, y, strict=True))]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,row,name", *lines]) + "\n")
    return path


@pytest.fixture
def calls(monkeypatch):
    """Replaces every estimator and records its calls."""
    made = []
    fields = {"value": 1.0, "per_seed": np.array([1.0, np.nan, 0.9])}

    def find(name):
        return FakeTrainedEstimator(name, made, fields)

    monkeypatch.setattr(estimation, "find_estimator", find)
    return made


def _main(*argv):
    return cli.main(["estimate", *map(str, argv)])


# Output -------------------------------------------------------------------------------


def test_numbers_figure_and_table(table, tmp_path, capsys):
    out, figure = tmp_path / "out.json", tmp_path / "curve.png"
    code = _main(table, *COLUMNS, *QUICK, "--json", out, "--plot", figure)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    content = json.loads(out.read_text())
    assert content.keys() >= KEYS
    assert content["bound"] == "mine"
    assert content["num_seeds"] == len(content["per_seed"]) == 2
    assert content["num_samples"] == 300
    assert content["ceiling"] is None
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert captured.err == ""
    for word in ("table.csv", "±", "95 %", "a lower bound", "ceiling", "300", "wrote"):
        assert word in captured.out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curve.png",
        "out.json",
        "table.csv",
    ]


@pytest.mark.slow
def test_default_estimator_is_cross_fitted(table, tmp_path, capsys):
    out = tmp_path / "out.json"
    code = _main(table, *COLUMNS, "--num-steps", 20, "--json", out)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    content = json.loads(out.read_text())
    assert (content["bound"], content["kind"]) == ("cross_fitted", "neither")
    assert 0 < content["p_value"] <= 1
    assert "p-value of independence" in captured.out
    assert content["lower"] < content["value"] < content["upper"]


def test_classical_estimator(table, tmp_path):
    out = tmp_path / "out.json"
    assert _main(table, *COLUMNS, "--estimator", "gaussian", "--json", out) == 0
    content = json.loads(out.read_text())
    a, b = np.loadtxt(table, delimiter=",", skiprows=1, usecols=(0, 1)).T
    expected = -0.5 * np.log1p(-(np.corrcoef(a, b)[0, 1] ** 2))
    assert content["bound"] == "gaussian"
    assert content["value"] == pytest.approx(expected, abs=0.01)


def test_equal_keys_give_equal_numbers(table, tmp_path):
    values = []
    for key in (0, 0, 1):
        out = tmp_path / "out.json"
        assert _main(table, *COLUMNS, *QUICK, "--key", key, "--json", out) == 0
        values.append(json.loads(out.read_text())["per_seed"])
    assert values[0] == values[1] != values[2]


def test_options_reach_the_estimator(table, calls):
    options = (
        *("--estimator", "smile", "--seeds", 3),
        *("--num-steps", 7, "--batch-size", 9),
    )
    assert _main(table, "--x", "b,a", "--y", "row", *options) == 0
    [(estimator, (_, x, y), _)] = calls
    assert x.shape == (300, 2)
    np.testing.assert_array_equal(y[:, 0], np.arange(300))
    assert estimator.name == "smile"
    assert estimator.train == TrainConfig(num_seeds=3, num_steps=7, batch_size=9)


def test_without_options_the_default_estimator_keeps_its_settings(table, calls):
    assert _main(table, *COLUMNS) == 0
    [(estimator, *_)] = calls
    assert estimator.name == "default"
    assert estimator.train == TrainConfig()


def test_z_estimates_conditional_information(table, tmp_path, capsys):
    out = tmp_path / "out.json"
    arguments = (table, "--x", "a", "--y", "b", "--z", "row", "--json", out)
    assert _main(*arguments, "--estimator", "gaussian") == 0
    content = json.loads(out.read_text())
    assert content["quantity"] == "conditional mutual information"
    assert "conditional mutual information" in capsys.readouterr().out
    # The row number is independent of a and b, so I(a; b | row) = I(a; b).
    assert _main(table, *COLUMNS, "--estimator", "gaussian", "--json", out) == 0
    unconditional = json.loads(out.read_text())
    error = 4 * unconditional["standard_error"]
    assert content["value"] == pytest.approx(unconditional["value"], abs=error)


def test_z_is_refused_with_self_checks(table, capsys):
    assert _main(table, *COLUMNS, "--z", "row", "--check") == 2
    assert capsys.readouterr().err == "jaxinfo: --z cannot be combined with --check\n"


def test_failed_self_check_is_printed_and_written(table, tmp_path, capsys, calls):
    out = tmp_path / "out.json"
    arguments = (table, *COLUMNS, "--check", "--json", out)
    # The fake estimator finds 1 nat in anything, even in shuffled rows.
    assert _main(*arguments, "--estimator", "mine") == 1
    assert "FAILED independence" in capsys.readouterr().out
    content = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert content["value"] == 1.0
    assert [check["passed"] for check in content["checks"]].count(False) == 2
    assert len(calls) == 5
    assert {estimator.name for estimator, *_ in calls} == {"mine"}


def test_passed_self_checks_exit_with_0(table, capsys):
    assert _main(table, *COLUMNS, "--check", "--estimator", "gaussian") == 0
    assert "passed additivity" in capsys.readouterr().out


def test_json_holds_null_for_inf_and_nan(table, tmp_path, calls):
    out = tmp_path / "out.json"
    assert _main(table, *COLUMNS, "--json", out) == 0
    content = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert content["ceiling"] is None
    assert content["per_seed"] == [1.0, None, 0.9]


def test_warnings_are_plain_lines_on_standard_error(table, capsys):
    assert _main(table, "--x", "a", "--y", "row", *QUICK) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: y holds int64")


# Bad input ----------------------------------------------------------------------------

BAD = {
    "missing file": (["none.csv"], "no such file"),
    "missing column": (["table.csv", "--x", "zeta", "--y", "b"], "a, b, row, name"),
    "text": (["table.csv", "--x", "name", "--y", "b"], "labels must repeat"),
    "no columns": (["table.csv"], "name the columns"),
    "nan": (["nan.npz"], "50 values that are NaN"),
    "pickled objects": (["objects.npz"], "pickle"),
    "few rows": (["short.csv", *COLUMNS], "rows"),
    "estimator": (["table.csv", *COLUMNS, "--estimator", "zeta"], "donsker_varadhan"),
    "setting": (
        ["table.csv", *COLUMNS, "--estimator", "ksg1", "--seeds", "3"],
        "not trained",
    ),
    "seeds": (["table.csv", *COLUMNS, "--seeds", "0"], "num_seeds"),
    "steps": (["table.csv", *COLUMNS, "--num-steps", "-1"], "num_steps"),
    "batch": (["table.csv", *COLUMNS, "--batch-size", "5000"], "batch_size"),
    "missing folder": (["table.csv", *COLUMNS, "--json", "no/out.json"], "--json"),
    "folder": (["table.csv", *COLUMNS, "--json", "."], "is a folder"),
    "suffix": (["table.csv", *COLUMNS, "--plot", "curve.txt"], ".png"),
    "same file": (
        ["table.csv", *COLUMNS, "--json", "o.png", "--plot", "o.png"],
        "same file",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(
    case, table, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    np.savez("nan.npz", x=[1.0, np.nan] * 50, y=np.ones(100))
    np.savez("objects.npz", x=np.array([{}, {}]), y=np.ones(2))
    (tmp_path / "short.csv").write_text("a,b\n" + "1.5,2.5\n" * 12)
    before = sorted(tmp_path.iterdir())
    arguments, message = BAD[case]
    if "--json" not in arguments:
        arguments = [*arguments, "--json", "out.json"]
    assert _main(*arguments) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert line.startswith("jaxinfo: ")
    assert message in line
    assert captured.out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments", [["--json", "no/out.json"], ["--plot", "curve.txt"]]
)
def test_output_paths_are_checked_before_the_run(table, arguments, calls):
    assert _main(table, *COLUMNS, *arguments) == 2
    assert calls == []


def test_error_while_writing_leaves_the_old_files(
    table, tmp_path, capsys, monkeypatch, calls
):
    def write_half(estimate, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(command, "plot_estimate", write_half)
    out, figure = tmp_path / "out.json", tmp_path / "curve.png"
    out.write_text("old")
    before = sorted(tmp_path.iterdir())
    assert _main(table, *COLUMNS, "--json", out, "--plot", figure) == 2
    captured = capsys.readouterr()
    assert captured.err == "jaxinfo: no space left\n"
    assert captured.out == ""
    assert sorted(tmp_path.iterdir()) == before
    assert out.read_text() == "old"


def test_interrupted(table, monkeypatch, capsys):
    def interrupt(key, x, y):
        raise KeyboardInterrupt

    monkeypatch.setattr(estimation, "find_estimator", lambda name: interrupt)
    assert _main(table, *COLUMNS) == 130
    assert capsys.readouterr().err == "jaxinfo: interrupted\n"
