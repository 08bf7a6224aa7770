"""Running a benchmark: samples, keys, settings and failures."""

import dataclasses
import json
import math
import warnings

import jax
import numpy as np
import pytest

from experiments.benchmark import run as experiment
from experiments.folder import read_results
from jaxinfo import estimation, tasks
from jaxinfo.benchmark import Record, run_benchmark
from jaxinfo.divergences import KL
from tests.benchmark.fake_records import make_record
from tests.fakes import make_estimate


@pytest.fixture
def calls(monkeypatch):
    """Replaces every estimator and records its calls."""
    made = []

    def replace(name, value):
        def estimate(*data, **settings):
            made.append((name, data, settings))
            return make_estimate(value)

        monkeypatch.setattr(estimation, f"estimate_{name}", estimate)

    replace("mutual_information", 0.41)
    replace("classical", 0.5)
    replace("divergence", 0.5)
    return made


def _task(name="line", truth=0.4):
    # A NumPy number, because JSON cannot hold one.
    return dataclasses.replace(tasks.normal(0.75), name=name, mi=np.float64(truth))


def test_every_task_repeat_and_estimator_has_a_record(calls):
    estimators = ["default", "nwj", "gaussian_copula"]
    suite = [_task(), _task("other")]
    records = list(
        run_benchmark(suite, estimators=estimators, num_rows=50, num_repeats=2)
    )
    assert [(r.task, r.repeat, r.estimator) for r in records] == [
        (task, repeat, estimator)
        for task in ("line", "other")
        for repeat in (0, 1)
        for estimator in estimators
    ]
    assert {r.truth for r in records} == {0.4}
    assert records[0].estimate.value == 0.41
    json.dumps([record.to_dict() for record in records], allow_nan=False)
    [default, nwj, copula] = calls[:3]
    assert default[2] == {}
    assert nwj[2] == {"bound": "nwj"}
    assert copula[::2] == ("classical", {"method": "gaussian_copula"})


def test_estimators_share_samples_and_tasks_and_repeats_do_not(calls):
    estimators = ["default", "nwj", "gaussian_copula"]
    suite = [_task(), _task("other")]
    list(run_benchmark(suite, estimators=estimators, num_rows=50, num_repeats=2))
    [default, _, copula] = calls[:3]
    for rows, others in zip(default[1][1:], copula[1], strict=True):
        assert rows.shape == (50, 1)
        np.testing.assert_array_equal(rows, others)
    samples = [data[1].tobytes() for name, data, _ in calls if name != "classical"]
    assert len(set(samples)) == 4


def test_sample_and_key_of_a_task_do_not_depend_on_other_tasks(calls):
    list(run_benchmark([_task("a"), _task("b")], estimators=["default"], num_rows=50))
    list(run_benchmark([_task("b")], estimators=["default"], num_rows=50))
    [_, together, alone] = [data for _, data, _ in calls]
    np.testing.assert_array_equal(together[1], alone[1])
    np.testing.assert_array_equal(*map(jax.random.key_data, (together[0], alone[0])))


def test_num_seeds_reaches_trained_estimators_only(calls):
    estimators = ["default", "ksg1"]
    list(run_benchmark([_task()], estimators=estimators, num_rows=50, num_seeds=3))
    assert [settings for *_, settings in calls] == [
        {"num_seeds": 3},
        {"method": "ksg1"},
    ]


# Estimators of one's own --------------------------------------------------------------


def test_own_estimator_runs_beside_named_ones(calls):
    def correlation(key, x, y):
        rho = np.corrcoef(x[:, 0], y[:, 0])[0, 1]
        return make_estimate(-0.5 * math.log1p(-(rho**2)), seconds=math.nan)

    own, _ = run_benchmark(
        [tasks.normal(0.75)], estimators=[correlation, "default"], num_rows=10_000
    )
    assert own.estimator == "correlation"
    # The standard error of the correlation's information is rho / sqrt(N) = 0.0075.
    assert abs(own.error) < 4 * 0.0075
    assert 0 <= own.seconds < 10  # Measured, because the estimate has no seconds.


def test_own_estimator_of_divergences_is_told_which(calls):
    asked = []

    def estimate(key, samples_p, samples_q, *, divergence):
        asked.append(divergence.name)
        return make_estimate(len(samples_p) + len(samples_q))

    task = tasks.suite("divergence")[0]
    records = list(run_benchmark([task], estimators={"own": estimate}, num_rows=20))
    assert [record.task for record in records] == [f"{task.name} {n}" for n in asked]
    assert {record.estimate.value for record in records} == {40}


def test_estimator_that_returns_a_number_is_refused():
    with pytest.raises(TypeError, match="'number' must return an Estimate, got float"):
        list(run_benchmark([_task()], estimators={"number": lambda *rows: 1.0}))


# Failures, divergences and conditional tasks ------------------------------------------


def test_errors_and_warnings_are_recorded_and_the_benchmark_goes_on(monkeypatch):
    def fail(x, y, *, method):
        raise ValueError("x and y have\na singular covariance")

    def warn(key, x, y):
        warnings.warn("y holds labels", UserWarning, stacklevel=2)
        return make_estimate(warnings=("y holds labels",))

    monkeypatch.setattr(estimation, "estimate_classical", fail)
    monkeypatch.setattr(estimation, "estimate_mutual_information", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        failed, warned = run_benchmark(
            [_task()], estimators=["gaussian_copula", "default"]
        )
    assert failed.failure == "x and y have a singular covariance"
    assert failed.estimate is None
    assert warned.failure == ""
    assert warned.estimate.warnings == ("y holds labels",)


def test_each_known_divergence_is_estimated(calls):
    plane = next(t for t in tasks.suite("divergence") if t.name == "gaussians-plane")
    estimators = ["default", "f_divergence", "smile"]
    records = list(run_benchmark([plane], estimators=estimators, num_rows=50))
    assert {name for name, *_ in calls} == {"divergence"}
    divergences = {settings["divergence"].name for *_, settings in calls}
    smile = [r for r in records if r.estimator == "smile"]
    assert [r.task for r in smile] == ["gaussians-plane KL"]  # A bound of KL alone.
    assert smile[0].truth == pytest.approx(plane.exact(KL))
    assert len(records) == 2 * len(divergences) + 1
    p, q = calls[0][1][1:]
    assert p.shape == q.shape == (50, 2)


def test_conditional_tasks_give_three_variables(monkeypatch):
    name = "estimate_conditional_mutual_information"
    monkeypatch.setattr(estimation, name, lambda key, x, y, z: make_estimate(len(z)))
    [record] = run_benchmark(tasks.suite("cmi")[:1], num_rows=30)
    assert record.estimate.value == 30
    assert record.truth == tasks.suite("cmi")[0].cmi


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimators": ["zeta"]}, "zeta"),
        ({"estimators": []}, "estimators"),
        ({"num_rows": 0}, "num_rows"),
        ({"num_repeats": 0}, "num_repeats"),
        ({"num_seeds": 0}, "num_seeds"),
    ],
)
def test_arguments_are_checked_before_anything_runs(arguments, message, calls):
    with pytest.raises(ValueError, match=message):
        run_benchmark([_task()], **arguments)
    assert calls == []


# Going on with an earlier run ---------------------------------------------------------


def test_records_read_from_json_replace_estimates(calls):
    suite, estimators = [_task()], ["default", "gaussian_copula"]
    first = list(run_benchmark(suite, estimators=estimators[:1], num_rows=50))
    content = json.loads(json.dumps([record.to_dict() for record in first]))
    done = list(map(Record.from_dict, content))
    both = list(run_benchmark(suite, estimators=estimators, num_rows=50, done=done))
    assert both[0] is done[0]
    assert both[1].estimator == "gaussian_copula"
    assert [name for name, *_ in calls] == ["mutual_information", "classical"]


def test_experiment_refuses_a_folder_with_other_settings(tmp_path, capsys):
    config = experiment.Config(out=tmp_path, rows=100)
    assert read_results(tmp_path, experiment._settings(config)) == {}
    experiment._write(config, [make_record()])
    [content] = read_results(tmp_path, experiment._settings(config))["records"]
    assert Record.from_dict(content).to_dict() == make_record().to_dict()
    before = (tmp_path / "results.json").read_bytes()
    with pytest.raises(SystemExit, match="2"):
        read_results(tmp_path, experiment._settings(experiment.Config(out=tmp_path)))
    [line] = capsys.readouterr().err.splitlines()
    assert "'rows': 100" in line
    assert line.endswith("name another folder")
    assert (tmp_path / "results.json").read_bytes() == before
