"""`jaxinfo estimate`: what it computes, writes, prints and refuses."""

import json

import numpy as np
import pytest

from jaxinfo import cli, estimation
from jaxinfo.cli import estimate as command
from jaxinfo.estimation import TrainConfig
from tests.benchmark.fake_estimators import FakeTrainedEstimator
from tests.fakes import make_estimate

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


def test_warnings_are_plain_lines_on_standard_error(tmp_path, capsys):
    path = tmp_path / "table.csv"
    rows = (f"{i * 7 % 10},{i},2" for i in range(60))
    path.write_text("a,b,c\n" + "\n".join(rows) + "\n")
    arguments = ("--x", "a,c", "--y", "b", "--estimator", "ksg1")
    assert _main(path, *arguments) == 0
    lines = capsys.readouterr().err.splitlines()
    assert "warning: x is constant in 1 of 2 coordinates (c), which carry" in lines[0]
    assert all(line.startswith("warning: ") for line in lines)


# Tables that people have --------------------------------------------------------------


def _write(folder, header, rows, name="own.csv"):
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_missing_values_are_refused_or_dropped_and_counted(tmp_path, capsys):
    rng = np.random.default_rng(0)
    full = [f"{a},{b}" for a, b in rng.normal(size=(60, 2))]
    holes = [*full[:20], "0.5,", *full[20:40], ",0.5", *full[40:]]
    out = [tmp_path / "full.json", tmp_path / "holes.json"]
    gaussian = ("--estimator", "gaussian")
    path = _write(tmp_path, "a,b", holes)
    assert _main(path, *gaussian) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "x holds 1 values that are NaN or missing, the first in row 41" in line
    assert line.endswith("column 'a'; --missing drop leaves out such rows")
    assert _main(path, *gaussian, "--missing", "drop", "--json", out[1]) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line == "warning: 2 of 62 rows with missing values are left out"
    assert _main(path, *gaussian, "--missing", "drop", "--check") in (0, 1)
    assert capsys.readouterr().err == f"{line}\n"
    assert _main(_write(tmp_path, "a,b", full), *gaussian, "--json", out[0]) == 0
    values = [json.loads(path.read_text())["value"] for path in out]
    assert values[0] == values[1]


def test_decimal_commas_give_the_numbers_and_are_said(tmp_path, capsys):
    digits = np.random.default_rng(0).integers(10, size=(80, 3))
    rows = [(f"{a}.{b}", f"{c}.5") for a, b, c in digits]
    plain = _write(tmp_path, "a,b", [",".join(row) for row in rows], "plain.csv")
    other = [";".join(row).replace(".", ",") for row in rows]
    comma = _write(tmp_path, "\ufeffa;b", other, "comma.csv")
    values = []
    for path in (plain, comma):
        out = path.with_suffix(".json")
        assert _main(path, "--estimator", "gaussian", "--json", out) == 0
        values.append(json.loads(out.read_text())["value"])
    assert values[0] == values[1]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in lines] == [
        " column 'a' is read as numbers with a decimal comma",
        " column 'b' is read as numbers with a decimal comma",
    ]


def test_classes_named_na_and_none_are_classes(tmp_path):
    out = tmp_path / "out.json"
    rows = [f"{('NA', 'None', 'nan?')[i % 3]},{i % 3}" for i in range(90)]
    path = _write(tmp_path, "a,b", rows)
    assert _main(path, "--estimator", "plug_in", "--json", out) == 0
    value = json.loads(out.read_text())["value"]
    assert value == pytest.approx(np.log(3), abs=0.05)


def test_what_is_said_of_the_rows_reaches_the_estimate(tmp_path, monkeypatch):
    given = []

    def estimate(key, **arguments):
        given.append(arguments)
        return make_estimate()

    monkeypatch.setattr(estimation, "estimate_mutual_information", estimate)
    path = _write(tmp_path, "a,b,who", [f"{i % 3},{i},{i // 4}" for i in range(40)])
    assert _main(path, *COLUMNS, "--discrete", "a", "--groups", "who") == 0
    assert _main(path, *COLUMNS, "--series", "--missing", "drop") == 0
    grouped, series = given
    assert grouped["x"].is_label == (True,)
    assert grouped["y"].is_label == (False,)
    assert len(np.unique(grouped["groups"])) == 10
    assert grouped["missing"] == "error"
    assert not grouped["is_series"]
    assert series["is_series"]
    assert series["missing"] == "drop"
    assert series["x"].is_label == (None,)
    assert "groups" not in series


@pytest.mark.parametrize("option", ["--groups=who", "--series"])
def test_rows_that_depend_on_each_other_widen_the_interval(tmp_path, option):
    rng = np.random.default_rng(0)
    pairs = np.repeat(rng.normal(size=(50, 2)), 8, axis=0)
    rows = [f"{a},{b},{i // 8}" for i, (a, b) in enumerate(pairs)]
    path = _write(tmp_path, "a,b,who", rows)
    widths = []
    for more in ((), (option,)):
        out = tmp_path / "out.json"
        arguments = (*COLUMNS, "--estimator", "gaussian", "--json", out)
        assert _main(path, *arguments, *more) == 0
        found = json.loads(out.read_text())
        widths.append(found["standard_error"])
    assert widths[1] > 1.5 * widths[0]


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
    "too many steps": (
        ["table.csv", *COLUMNS, "--num-steps", "9" * 23],
        "--num-steps must be at most 2147483647",
    ),
    "too many seeds": (
        ["table.csv", *COLUMNS, "--seeds", "9" * 9],
        "--seeds must be at most 10000",
    ),
    "key": (["table.csv", *COLUMNS, "--key", "9" * 23], "--key must be an integer of"),
    "twice": (
        ["table.csv", *COLUMNS, "--z", "row,a"],
        "column 'a' is given for --x and for --z",
    ),
    "groups of a series": (
        ["table.csv", *COLUMNS, "--groups", "row", "--series"],
        "--groups cannot be combined with --series",
    ),
    "checks of groups": (
        ["table.csv", *COLUMNS, "--groups", "row", "--check"],
        "--groups cannot be combined with --check",
    ),
    "missing": (["table.csv", *COLUMNS, "--missing", "fill"], "--missing"),
    "labels": (["table.csv", *COLUMNS, "--discrete", "row"], "no variable has"),
    "separator": (["space.csv", *COLUMNS], "separated by commas"),
    "comma": (["comma.csv", *COLUMNS], "may be a decimal comma or separate thousands"),
    "names": (["names.csv", *COLUMNS], "2 columns are named 'b'"),
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
    (tmp_path / "space.csv").write_text("a b\n" + "1.5 2.5\n" * 12)
    (tmp_path / "comma.csv").write_text("a;b\n" + "1,234;5\n" * 12)
    (tmp_path / "names.csv").write_text("a,b,b\n" + "1,2,3\n" * 12)
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


@pytest.mark.parametrize("error", [OverflowError, MemoryError])
def test_numbers_that_are_too_large_are_one_line(table, monkeypatch, capsys, error):
    def overflow(key, x, y):
        raise error("it does\nnot fit")

    monkeypatch.setattr(estimation, "find_estimator", lambda name: overflow)
    assert _main(table, *COLUMNS) == 2
    assert capsys.readouterr().err == "jaxinfo: it does not fit\n"
