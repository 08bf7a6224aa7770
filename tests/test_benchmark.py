"""The benchmark: what it runs, what its numbers add up to, and how it is shown."""

import dataclasses
import io
import json
import math
import warnings

import jax
import numpy as np
import pytest
from rich.console import Console

from experiments.benchmark import run
from experiments.folder import read_results
from jaxinfo import benchmark, cli, estimation, tables, tasks
from jaxinfo.benchmark import Record, run_benchmark, summarize_benchmark
from jaxinfo.benchmark_figure import plot_benchmark
from jaxinfo.benchmark_methods import choose_methods
from jaxinfo.divergences import KL
from tests.fakes import make_estimate

NAN = float("nan")
METRICS = {
    *("num_estimates", "num_failed", "mean_absolute_error"),
    *("median_absolute_error", "root_mean_square_error"),
    *("share_near", "share_holding", "share_above", "median_seconds", "total_seconds"),
}


@pytest.fixture
def calls(monkeypatch):
    """Every estimator replaced; its calls are kept."""
    kept = []

    def fake(name, value):
        def estimate(*data, **settings):
            kept.append((name, data, settings))
            return make_estimate(value)

        monkeypatch.setattr(estimation, f"estimate_{name}", estimate)

    fake("mutual_information", 0.41)
    fake("classical", 0.5)
    fake("divergence", 0.5)
    return kept


def _line(name="line", truth=0.4):
    # NumPy's numbers are no JSON.
    return dataclasses.replace(tasks.normal(0.75), name=name, mi=np.float64(truth))


def _record(method="m", truth=1.0, value=1.0, half=0.1, seconds=2.0, **fields):
    defaults = {"task": "t", "repeat": 0}
    told = {f.name for f in dataclasses.fields(Record)} & fields.keys()
    defaults |= {name: fields.pop(name) for name in told}
    estimate = make_estimate(value, lower=value - half, upper=value + half, **fields)
    return Record(
        method=method, truth=truth, estimate=estimate, seconds=seconds, **defaults
    )


def _failed(**fields):
    record = _record(value=NAN, **fields)
    return dataclasses.replace(record, estimate=None, failure="no covariance")


def _text(renderable):
    console = Console(width=100, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


# What a record says, and what records add up to -----------------------------------


@pytest.mark.parametrize(
    ("truth", "value", "half", "near", "holds", "above"),
    [
        (1.0, 1.0, 0.1, True, True, False),
        (1.0, 1.05, 0.01, True, False, True),  # 0.05 nats, though beyond its interval.
        (1.0, 1.06, 0.1, False, True, False),
        (0.0, -0.04, 0.01, True, False, False),
        (4.0, 3.81, 0.1, True, False, False),  # 5 % of 4 is 0.2.
        (4.0, 3.79, 0.3, False, True, False),
        (4.0, 4.5, 0.3, False, False, True),
        (math.log(4), math.log(4) + 1e-8, 0.0, True, True, False),  # Rounding.
    ],
)
def test_one_estimate(truth, value, half, near, holds, above):
    record = _record(truth=truth, value=value, half=half)
    assert record.error == pytest.approx(value - truth)
    assert (record.is_near, record.holds_truth, record.is_above) == (near, holds, above)


@pytest.mark.parametrize("record", [_failed(), _record(value=NAN), _record(value=-NAN)])
def test_nothing_is_said_of_what_failed(record):
    assert math.isnan(record.error)
    assert not any([record.is_near, record.holds_truth, record.is_above])


def test_summary_by_hand():
    records = [
        _record("a", 1.0, 1.03, 0.1, seconds=1.0),  # near, holds
        _record("b", 1.0, 1.0, 0.1, seconds=9.0),
        _record("a", 1.0, 1.4, 0.1, seconds=2.0),  # above
        _record("a", 4.0, 3.9, 0.05, seconds=6.0),  # near
        _failed(method="a", seconds=3.0),
    ]
    summaries = summarize_benchmark(records)
    assert list(summaries) == ["a", "b"]
    assert summaries["a"]._asdict() == pytest.approx(
        {
            "num_estimates": 4,
            "num_failed": 1,
            "mean_absolute_error": (0.03 + 0.4 + 0.1) / 3,
            "median_absolute_error": 0.1,
            "root_mean_square_error": math.sqrt((0.0009 + 0.16 + 0.01) / 3),
            "share_near": 0.5,
            "share_holding": 0.25,
            "share_above": 0.25,
            "median_seconds": 2.5,
            "total_seconds": 12.0,
        }
    )
    assert summaries["b"].num_failed == 0
    assert summaries["b"].share_holding == 1
    [lost] = summarize_benchmark([_failed()]).values()
    assert math.isnan(lost.mean_absolute_error)
    assert lost.num_failed == lost.num_estimates == 1


# Running --------------------------------------------------------------------------


def test_what_is_run(calls):
    methods = ["default", "nwj", "gaussian_copula"]
    suite = [_line(), _line("other")]
    records = list(run_benchmark(suite, methods=methods, num_rows=50, num_repeats=2))
    assert [(r.task, r.repeat, r.method) for r in records] == [
        (task, repeat, method)
        for task in ("line", "other")
        for repeat in (0, 1)
        for method in methods
    ]
    assert {r.truth for r in records} == {0.4}
    assert records[0].estimate.value == 0.41
    json.dumps([record.to_dict() for record in records], allow_nan=False)
    [default, nwj, copula] = calls[:3]
    assert default[2] == {}
    assert nwj[2] == {"bound": "nwj"}
    assert copula[::2] == ("classical", {"method": "gaussian_copula"})
    for mine, theirs in zip(default[1][1:], copula[1], strict=True):
        assert mine.shape == (50, 1)
        np.testing.assert_array_equal(mine, theirs)  # One sample for all methods.
    fresh = [data[1].tobytes() for name, data, _ in calls if name != "classical"]
    assert len(set(fresh)) == 4  # Every task and repeat has its own.


def test_a_task_s_numbers_do_not_depend_on_others(calls):
    list(run_benchmark([_line("a"), _line("b")], methods=["default"], num_rows=50))
    list(run_benchmark([_line("b")], methods=["default"], num_rows=50))
    [_, together, alone] = [data for _, data, _ in calls]
    np.testing.assert_array_equal(together[1], alone[1])
    assert jax.random.key_data(together[0]).tolist() == (
        jax.random.key_data(alone[0]).tolist()
    )


def test_seeds_reach_what_is_trained(calls):
    methods = ["default", "ksg1"]
    list(run_benchmark([_line()], methods=methods, num_rows=50, num_seeds=3))
    assert [settings for *_, settings in calls] == [
        {"num_seeds": 3},
        {"method": "ksg1"},
    ]


def test_what_fails_is_recorded_and_the_rest_goes_on(monkeypatch, calls):
    def fail(x, y, *, method):
        raise ValueError("x and y have\na singular covariance")

    def doubt(key, x, y):
        warnings.warn("y holds labels", UserWarning, stacklevel=2)
        return make_estimate(warnings=("y holds labels",))

    monkeypatch.setattr(estimation, "estimate_classical", fail)
    monkeypatch.setattr(estimation, "estimate_mutual_information", doubt)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        records = list(
            run_benchmark([_line(), _line("b")], methods=["gaussian_copula", "default"])
        )
    assert [r.failure for r in records[:2]] == [
        "x and y have a singular covariance",
        "",
    ]
    assert list(tables.note_lines(records)) == [
        "failed: gaussian_copula on 2 tasks: x and y have a singular covariance",
        "doubt: default on 2 tasks: y holds labels",
    ]
    assert "failed" in _text(tables.benchmark_table(records))


def test_divergences_of_every_member_that_is_known(calls):
    plane = next(t for t in tasks.suite("divergence") if t.name == "gaussians-plane")
    methods = ["default", "f_divergence", "smile"]
    records = list(run_benchmark([plane], methods=methods, num_rows=50))
    assert {name for name, *_ in calls} == {"divergence"}
    members = {settings["divergence"].name for *_, settings in calls}
    assert {"KL", "PEARSON", "SQUARED_HELLINGER"} <= members
    assert "TOTAL_VARIATION" not in members  # No closed form in the plane.
    smile = [r for r in records if r.method == "smile"]
    assert [r.task for r in smile] == ["gaussians-plane KL"]
    assert smile[0].truth == pytest.approx(plane.exact(KL))
    assert len(records) == 2 * len(members) + 1
    p, q = calls[0][1][1:]
    assert p.shape == q.shape == (50, 2)


def test_what_is_infinite_is_left_out(calls):
    gone = dataclasses.replace(
        tasks.suite("divergence")[0],
        exact=lambda member: math.inf if member == KL else 0.5,
    )
    records = list(run_benchmark([gone], num_rows=20))
    assert records
    assert not any(r.task.endswith(" KL") for r in records)


def test_conditional_tasks(monkeypatch):
    name = "estimate_conditional_mutual_information"
    monkeypatch.setattr(estimation, name, lambda key, x, y, z: make_estimate(len(z)))
    [record] = run_benchmark(tasks.suite("cmi")[:1], num_rows=30)
    assert record.estimate.value == 30
    assert record.truth == tasks.suite("cmi")[0].cmi


def test_methods():
    assert choose_methods([_line()]) == ("default", "gaussian_copula", "ksg1")
    assert choose_methods(tasks.suite("divergence")) == ("default",)
    assert choose_methods([_line()], methods=["nwj", "ksg1", "nwj"]) == (
        "nwj",
        "ksg1",
    )
    # A name says one thing.
    bounds, classical = (
        estimation.information_bound_names(),
        estimation.classical_method_names(),
    )
    assert not set(bounds) & {"default", *classical}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"methods": ["zeta"]}, "zeta.*copula.*default.*donsker_varadhan"),
        ({"methods": []}, "methods"),
        ({"num_rows": 0}, "num_rows"),
        ({"num_repeats": 0}, "num_repeats"),
        ({"num_seeds": 0}, "num_seeds"),
    ],
)
def test_arguments_are_checked_before_anything_runs(arguments, said, calls):
    with pytest.raises(ValueError, match=said):
        run_benchmark([_line()], **arguments)
    assert calls == []


# Showing and writing --------------------------------------------------------------


def _many():
    return [
        _record("default", 1.0, 1.01, task="first [0.5]"),
        _record("ksg1", 1.0, 0.5, task="first [0.5]", converged=False),
        _record("default", 8.0, 9.5, 0.2, task="second", saturated=True),
        _failed(method="ksg1", truth=8.0, task="second"),
        _record("default", 8.0, NAN, task="second", repeat=1, num_nonfinite=3),
    ]


def test_table():
    text = _text(tables.benchmark_table(_many()))
    assert max(map(len, text.splitlines())) <= 100
    for words in ("first [0.5]", "second", "ksg1 #0", "default #1", "rising"):
        assert words in text
    [good, poor, high] = [line for line in text.splitlines() if "…" in line][:3]
    assert "+0.010" in good
    assert "!" not in good
    assert "0.910 … 1.110" in good
    assert poor.count("!") == high.count("!") == 2
    assert "above, saturated" in high
    assert "failed, 3 skipped" in " ".join(text.split())


def test_summary_table():
    text = _text(tables.summary_table(summarize_benchmark(_many())))
    assert max(map(len, text.splitlines())) <= 100
    row = next(line for line in text.splitlines() if "default" in line)
    # Errors 0.01 and 1.5; one of three near, holding and above.
    assert row.split()[1:6] == ["3", "1", "0.755", "0.755", "1.061"]
    assert row.count("33 %") == 3


def test_results_are_strict_json():
    content = benchmark.to_results(_many(), config={"suite": "smoke"}, seconds=1.5)
    content = json.loads(json.dumps(content, allow_nan=False))
    assert set(content) == {
        *("experiment", "config", "device", "seconds", "records", "summary")
    }
    assert content["experiment"] == "benchmark"
    first, *_, failed, lost = content["records"]
    assert first["error"] == pytest.approx(0.01)
    assert first.keys() == failed.keys() == lost.keys()
    assert {"task", "method", "repeat", "truth", "value", "lower", "upper"} <= set(
        first
    )
    assert failed["value"] is None
    assert failed["failure"] == "no covariance"
    assert lost["error"] is None
    assert content["summary"].keys() == {"default", "ksg1"}
    assert content["summary"]["default"].keys() == METRICS
    # Repeat 0: 0.01 and 1.5; repeat 1 has no finite value.
    assert content["summary"]["default"]["mean_absolute_error"] == {
        "mean": pytest.approx(0.755),
        "sd": None,
        "num_seeds": 1,
    }
    near = content["summary"]["default"]["share_near"]
    assert near["mean"] == pytest.approx(0.25)
    assert near["sd"] == pytest.approx(0.5 / math.sqrt(2))


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_figure(tmp_path, suffix):
    path = tmp_path / f"figure{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_benchmark(_many(), path)
    if suffix == ".svg":
        text = path.read_text()
        for words in ("first [0.5]", "second", "default", "ksg1", "minus truth"):
            assert words in text


def test_figure_of_nothing_finite(tmp_path):
    plot_benchmark([_failed()], tmp_path / "figure.svg")
    assert "minus truth" in (tmp_path / "figure.svg").read_text()


# The command ----------------------------------------------------------------------


def _main(*argv):
    return cli.main(["benchmark", *map(str, argv)])


def test_command(tmp_path, calls, capsys):
    out, figure = tmp_path / "out.json", tmp_path / "figure.png"
    code = _main(
        *("--suite", "smoke", "--bounds", "default, gaussian_copula", "--seeds", 2),
        *("--rows", 40, "--repeats", 2, "--json", out, "--plot", figure),
    )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.err == ""
    content = json.loads(out.read_text())
    assert content["config"] == {
        "suite": "smoke",
        "bounds": ["default", "gaussian_copula"],
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
    ("arguments", "said"),
    [
        (["--suite", "zeta"], "bmi40"),
        (["--bounds", "default,zeta"], "donsker_varadhan"),
        (["--bounds", ","], "methods"),
        (["--suite", "divergence", "--bounds", "ksg1"], "f_divergence"),
        (["--seeds", 0], "num_seeds"),
        (["--rows", -1], "num_rows"),
        (["--repeats", 0], "num_repeats"),
        (["--json", "no/out.json"], "--json"),
        (["--plot", "figure.txt"], ".png"),
    ],
)
def test_bad_usage(arguments, said, calls, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _main(*arguments) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert said in line
    assert captured.out == ""
    assert calls == []
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_shows_what_there_is(monkeypatch, tmp_path, capsys):
    done = []

    def interrupted(x, y, **settings):
        done.append(x)
        if len(done) > 2:
            raise KeyboardInterrupt
        return make_estimate(0.41)

    monkeypatch.setattr(estimation, "estimate_classical", interrupted)
    out = tmp_path / "out.json"
    arguments = ("--suite", "smoke", "--bounds", "gaussian_copula", "--rows", 40)
    assert _main(*arguments, "--json", out) == 130
    captured = capsys.readouterr()
    assert "interrupted" in captured.err
    assert captured.out.count("0.410") == 2
    assert "RMSE" in captured.out
    assert not out.exists()


@pytest.mark.slow
def test_copula_on_the_smoke_suite(tmp_path, capsys):
    out = tmp_path / "out.json"
    arguments = ("--suite", "smoke", "--bounds", "gaussian_copula", "--json", out)
    assert _main(*arguments) == 0
    records = {r["task"]: r for r in json.loads(out.read_text())["records"]}
    assert records.keys() == {task.name for task in tasks.suite("smoke")}
    gaussian = [tasks.normal(0.75).name, tasks.suite("smoke")[1].name]
    for name in gaussian:  # Gaussian up to maps of coordinates: it is exact there.
        assert abs(records[name]["error"]) < 4 * records[name]["standard_error"]
        assert records[name]["is_near"]


def test_estimates_that_are_there_are_not_made_again(calls):
    """Records read back from JSON stand in for the calls that made them."""
    suite, methods = [_line()], ["default", "gaussian_copula"]
    first = list(run_benchmark(suite, methods=methods[:1], num_rows=50))
    told = json.loads(json.dumps([record.to_dict() for record in first]))
    done = list(map(Record.from_dict, told))
    assert [record.to_dict() for record in done] == told
    again = list(run_benchmark(suite, methods=methods, num_rows=50, done=done))
    assert again[0] is done[0]
    assert again[1].method == "gaussian_copula"
    assert [name for name, *_ in calls] == ["mutual_information", "classical"]


@pytest.mark.parametrize("value", [NAN, None])
def test_records_without_a_value_survive_json(value):
    """No finite value, or a failure: read back as they were told."""
    record = _record(value=NAN)
    if value is None:
        record = dataclasses.replace(record, estimate=None, failure="too few rows")
    told = json.loads(json.dumps(record.to_dict()))
    assert Record.from_dict(told).to_dict() == told


def test_a_folder_of_other_settings_is_refused(tmp_path, capsys):
    """Its estimates are read for the same settings, and kept for others."""
    config = run.Config(out=tmp_path, rows=100)
    assert read_results(tmp_path, run._settings(config)) == {}
    run._write(config, [_record()])
    [told] = read_results(tmp_path, run._settings(config))["records"]
    assert Record.from_dict(told).to_dict() == _record().to_dict()
    before = (tmp_path / "results.json").read_bytes()
    with pytest.raises(SystemExit, match="2"):
        read_results(tmp_path, run._settings(run.Config(out=tmp_path)))
    [line] = capsys.readouterr().err.splitlines()
    assert "'rows': 100" in line
    assert line.endswith("name another folder")
    assert (tmp_path / "results.json").read_bytes() == before
