"""The content of a results.json."""

import json
import math

import jax
import pytest

from jaxinfo.benchmark import Summary
from jaxinfo.reporting import benchmark_results, device_name, mean_and_sd
from tests.benchmark.fake_records import make_mixed_records


def test_benchmark_results_are_strict_json():
    content = benchmark_results(
        make_mixed_records(), config={"suite": "smoke"}, seconds=1.5
    )
    content = json.loads(json.dumps(content, allow_nan=False))
    assert set(content) == {
        *("experiment", "config", "device", "seconds", "records", "summary")
    }
    assert content["experiment"] == "benchmark"
    first, *_, failed, not_finite = content["records"]
    assert first["error"] == pytest.approx(0.01)
    assert first.keys() == failed.keys() == not_finite.keys()
    keys = {"task", "estimator", "repeat", "truth", "value", "lower", "upper"}
    assert keys <= set(first)
    assert failed["value"] is None
    assert failed["failure"] == "no covariance"
    assert not_finite["error"] is None


def test_benchmark_summary_is_over_repeats():
    content = benchmark_results(make_mixed_records(), config={}, seconds=1.5)
    assert content["summary"].keys() == {"default", "ksg1"}
    summary = content["summary"]["default"]
    assert summary.keys() == set(Summary._fields)
    # Errors of repeat 0 are 0.01 and 1.5; repeat 1 has no finite value.
    assert summary["mean_absolute_error"] == {
        "mean": pytest.approx(0.755),
        "sd": None,
        "num_seeds": 1,
    }
    assert summary["share_near"]["mean"] == pytest.approx(0.25)
    assert summary["share_near"]["sd"] == pytest.approx(0.5 / math.sqrt(2))


@pytest.mark.parametrize(
    ("values", "mean", "sd", "num_seeds"),
    [
        ([1.0, 2.0, 3.0], 2.0, 1.0, 3),
        ([1.0, math.nan, math.inf, 3.0], 2.0, math.sqrt(2), 2),
        ([4.0], 4.0, None, 1),
        ([], None, None, 0),
    ],
)
def test_mean_and_sd_of_finite_values(values, mean, sd, num_seeds):
    assert mean_and_sd(values) == {
        "mean": mean,
        "sd": None if sd is None else pytest.approx(sd),
        "num_seeds": num_seeds,
    }


def test_device_name_counts_the_devices():
    assert device_name().startswith(f"{jax.device_count()} x ")
