"""`jaxinfo benchmark`: what it runs, writes, prints and refuses."""

import json

import pytest

from jaxinfo import cli, tasks
from jaxinfo.benchmark import quantities
from tests.benchmark.fake_estimators import FakeTrainedEstimator
from tests.fakes import make_estimate


@pytest.fixture
def calls(monkeypatch):
    """Replaces every named estimator of information and records its calls."""
    made = []

    def find(name):
        return FakeTrainedEstimator(name, made)

    monkeypatch.setattr(quantities, "find_estimator", find)
    return made


def _main(*argv):
    return cli.main(["benchmark", *map(str, argv)])


def test_numbers_figure_and_tables(tmp_path, calls, capsys):
    out, figure = tmp_path / "out.json", tmp_path / "figure.png"
    code = _main(
        *("--suite", "smoke", "--estimators", "default, gaussian_copula"),
        *("--seeds", 2, "--rows", 40, "--repeats", 2),
        *("--json", out, "--plot", figure),
    )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.err == ""
    content = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert content["config"] == {
        "suite": "smoke",
        "estimators": ["default", "gaussian_copula"],
        "seeds": 2,
        "rows": 40,
        "repeats": 2,
    }
    assert len(content["records"]) == len(calls) == 8 * 2 * 2
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "figure.png",
        "out.json",
    ]
    for words in ("half_cube", "truth", "95 %", "RMSE", "gaussian_copula", "wrote"):
        assert words in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suite", "zeta"], "bmi40"),
        (["--estimators", "default,zeta"], "donsker_varadhan"),
        (["--estimators", ","], "at least one"),
        (["--suite", "divergence", "--estimators", "ksg1"], "f_divergence"),
        (["--seeds", 0], "num_seeds"),
        (["--rows", -1], "num_rows"),
        (["--repeats", 0], "num_repeats"),
        (["--json", "no/out.json"], "--json"),
        (["--plot", "figure.txt"], ".png"),
    ],
)
def test_bad_input_is_one_line_and_runs_nothing(
    arguments, message, calls, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert _main(*arguments) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert line.startswith("jaxinfo: ")
    assert message in line
    assert captured.out == ""
    assert calls == []
    assert list(tmp_path.iterdir()) == []


def test_interruption_prints_the_estimates_that_are_done(monkeypatch, tmp_path, capsys):
    done = []

    def interrupt(key, x, y):
        done.append(x)
        if len(done) > 2:
            raise KeyboardInterrupt
        return make_estimate(0.41)

    monkeypatch.setattr(quantities, "find_estimator", lambda name: interrupt)
    out = tmp_path / "out.json"
    arguments = ("--suite", "smoke", "--estimators", "gaussian_copula", "--rows", 40)
    assert _main(*arguments, "--json", out) == 130
    captured = capsys.readouterr()
    assert captured.err == "jaxinfo: interrupted\n"
    assert captured.out.count("0.410") == 2
    assert "RMSE" in captured.out
    assert not out.exists()


@pytest.mark.slow
def test_copula_is_exact_on_gaussians_with_transformed_coordinates(tmp_path):
    out = tmp_path / "out.json"
    arguments = ("--suite", "smoke", "--estimators", "gaussian_copula", "--json", out)
    assert _main(*arguments) == 0
    records = {r["task"]: r for r in json.loads(out.read_text())["records"]}
    assert records.keys() == {task.name for task in tasks.suite("smoke")}
    for task in tasks.suite("smoke")[:2]:
        record = records[task.name]
        assert abs(record["error"]) < 4 * record["standard_error"]
        assert record["is_near"]
