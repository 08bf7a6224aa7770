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
from jaxinfo import tasks
from jaxinfo.benchmark import Record, quantities, run_benchmark
from jaxinfo.divergences import KL
from jaxinfo.estimation import Gaussian, TrainConfig
from tests.benchmark.fake_estimators import FakeEstimator, FakeTrainedEstimator
from tests.benchmark.fake_records import make_record
from tests.fakes import make_estimate


@pytest.fixture
def calls(monkeypatch):
    """Replaces every named estimator and records its calls."""
    made = []

    def find(name):
        if name in ("ksg1", "gaussian_copula"):
            return FakeEstimator(name, made)
        return FakeTrainedEstimator(name, made)

    def find_divergence(bound):
        return FakeTrainedEstimator(bound or "default", made)

    monkeypatch.setattr(quantities, "find_estimator", find)
    monkeypatch.setattr(quantities, "VariationalDivergence", find_divergence)
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
    assert [estimator.name for estimator, *_ in calls] == estimators * 4


def test_estimators_share_samples_and_tasks_and_repeats_do_not(calls):
    estimators = ["default", "nwj", "gaussian_copula"]
    suite = [_task(), _task("other")]
    list(run_benchmark(suite, estimators=estimators, num_rows=50, num_repeats=2))
    [default, _, copula] = calls[:3]
    for rows, others in zip(default[1][1:], copula[1][1:], strict=True):
        assert rows.shape == (50, 1)
        np.testing.assert_array_equal(rows, others)
    samples = [data[1].tobytes() for _, data, _ in calls]
    assert len(set(samples)) == 4
    keys = {str(jax.random.key_data(data[0])) for _, data, _ in calls}
    assert len(keys) == 4


def test_sample_and_key_of_a_task_do_not_depend_on_other_tasks(calls):
    list(run_benchmark([_task("a"), _task("b")], estimators=["default"], num_rows=50))
    list(run_benchmark([_task("b")], estimators=["default"], num_rows=50))
    [_, together, alone] = [data for _, data, _ in calls]
    np.testing.assert_array_equal(together[1], alone[1])
    np.testing.assert_array_equal(*map(jax.random.key_data, (together[0], alone[0])))


def test_num_seeds_changes_estimators_given_by_name(calls):
    own = FakeTrainedEstimator("own", calls)
    estimators = ["default", "ksg1", own]
    list(run_benchmark([_task()], estimators=estimators, num_rows=50, num_seeds=3))
    default, ksg, unchanged = (estimator for estimator, *_ in calls)
    assert default.train == TrainConfig(num_seeds=3)
    assert not hasattr(ksg, "train")
    assert unchanged == own


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


@pytest.mark.slow
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


def test_errors_and_warnings_are_recorded_and_the_benchmark_goes_on():
    def fail(key, x, y):
        raise ValueError("x and y have\na singular covariance")

    def warn(key, x, y):
        warnings.warn("y holds labels", UserWarning, stacklevel=2)
        return make_estimate(warnings=("y holds labels",))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        failed, warned = run_benchmark([_task()], estimators=[fail, warn])
    assert failed.failure == "ValueError: x and y have a singular covariance"
    assert failed.estimate is None
    assert warned.failure == ""
    assert warned.estimate.diagnostics.warnings == ("y holds labels",)


def test_each_known_divergence_is_estimated(calls):
    plane = next(t for t in tasks.suite("divergence") if t.name == "gaussians-plane")
    estimators = ["default", "f_divergence", "smile"]
    records = list(run_benchmark([plane], estimators=estimators, num_rows=50))
    divergences = {arguments["divergence"].name for *_, arguments in calls}
    smile = [r for r in records if r.estimator == "smile"]
    assert [r.task for r in smile] == ["gaussians-plane KL"]  # A bound of KL alone.
    assert smile[0].truth == pytest.approx(plane.exact(KL))
    assert len(records) == len(calls) == 2 * len(divergences) + 1
    p, q = calls[0][1][1:]
    assert p.shape == q.shape == (50, 2)


def test_conditional_information_takes_any_estimator():
    task = tasks.suite("cmi")[0]
    named, own = run_benchmark([task], estimators={"a": "gaussian", "b": Gaussian()})
    assert named.truth == task.cmi
    assert named.estimate == own.estimate
    assert abs(named.error) < 4 * named.estimate.standard_error


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
    assert [estimator.name for estimator, *_ in calls] == estimators


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
