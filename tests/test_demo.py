"""The demo: what its stages estimate, and how their results are reported."""

import io
import json
import math

import jax
import numpy as np
import pytest

from jaxinfo import cli, demo, demo_codes, demo_stages
from jaxinfo.divergences import DIVERGENCES, exact_gaussian_mutual_information
from jaxinfo.estimation import History
from jaxinfo.infomax.probes import make_probe
from jaxinfo.tasks import best_gaussian, gaussian_to_mixture
from tests.fakes import make_estimate

NUM_DIGITS, NUM_3, NUM_8 = 1_797, 183, 174


@pytest.fixture
def calls(monkeypatch):
    """The estimators replaced; their calls are kept."""
    kept = []

    def estimate(key, x, y, *, num_seeds, **settings):
        kept.append((key, np.asarray(x), np.asarray(y), num_seeds, settings))
        return make_estimate(0.2, num_seeds=num_seeds)

    monkeypatch.setattr(demo_stages, "estimate_mutual_information", estimate)
    monkeypatch.setattr(demo_stages, "estimate_divergence", estimate)
    learned = np.array([[0.9, 1.7], [1.1, 1.9]])
    monkeypatch.setattr(demo_stages, "sweep", lambda run, keys: learned)
    accuracies = np.array([[96.0, 92.0, 95.0]])

    def judge(run, keys, pixels, labels, *, layout):
        assert pixels.shape == (NUM_DIGITS, 8, 8, 1)
        assert pixels.max() == 1
        return np.repeat(accuracies, len(keys), axis=0)

    monkeypatch.setattr(demo_codes, "sweep", judge)
    return kept


def _information(x, y):
    """Mutual information of jointly normal samples from their correlations, nats."""
    joint = np.corrcoef(x, y, rowvar=False)
    parts = [np.linalg.slogdet(c)[1] for c in (joint[:5, :5], joint[5:, 5:], joint)]
    return 0.5 * (parts[0] + parts[1] - parts[2])


# The stages -----------------------------------------------------------------------


@pytest.mark.parametrize("nats", demo_stages.STAIRS)
def test_gaussians_have_the_information_they_are_said_to_have(nats):
    x, y = demo_stages.sample_correlated_gaussians(
        jax.random.key(1), 50_000, nats=nats, size=5
    )
    np.testing.assert_allclose(np.std(y, axis=0), 1, atol=0.02)
    # The sample's own is biased up by 5 x 5 / 2N and has a spread of about 0.01.
    assert abs(_information(x, y) - nats) < 0.05
    rho = math.sqrt(-math.expm1(-2 * nats / 5))
    covariance = jax.numpy.array([[1, rho], [rho, 1]])
    exact = 5 * exact_gaussian_mutual_information(covariance, dim_x=1)
    np.testing.assert_allclose(exact, nats, rtol=1e-4)


def test_stages_estimate_what_they_say(calls):
    results = demo.run_stages(jax.random.key(0), num_seeds=4)
    assert {name: len(rows) for name, rows in results.items()} == {
        "gaussians": 3,
        "f_gan": 2,
        "digits": 2,
        "digits_3_8": 4,
        "digit_codes": 3,
    }
    assert [reading.probe.value for reading in results["digit_codes"]] == [96, 92, 95]
    assert {seeds for *_, seeds, _ in calls} == {4}
    stairs, fits, digits, three_eight = calls[:3], calls[3:5], calls[5:7], calls[7:]
    assert len({(x.shape, y.shape) for _, x, y, *_ in stairs}) == 1  # One program.
    for (_, x, y, *_), nats in zip(stairs, demo_stages.STAIRS, strict=True):
        assert abs(_information(x, y) - nats) < 0.1
    for _, x, y, *_ in fits:
        np.testing.assert_allclose((x.mean(), y.mean()), (1.01, 1.0), atol=0.1)
        np.testing.assert_allclose(y.std(), 1.8, atol=0.1)
    for _, x, y, *_ in digits:
        assert len(x) == len(y) == NUM_DIGITS
    np.testing.assert_array_equal(digits[1][2].sum(axis=1), 1)  # One class an image.
    for _, x, y, *_ in three_eight:
        assert (x.shape, y.shape) == ((NUM_3, 5), (NUM_8, 5))
    names = [settings["divergence"] for *_, settings in three_eight]
    assert names == ["JENSEN_SHANNON", "SQUARED_HELLINGER", "TOTAL_VARIATION", "LE_CAM"]


def test_what_is_known_of_the_truth(calls):
    results = demo.run_stages(jax.random.key(0), num_seeds=2)
    assert [r.truth for r in results["gaussians"]] == [2, 4, 6]
    fits = results["f_gan"]
    assert [fit.label for fit in fits] == [
        "KL: N(1.00, 1.80²)",
        "REVERSE_KL: N(1.00, 1.80²)",
    ]
    for fit in fits:
        divergence = DIVERGENCES[fit.label.split(":")[0]]
        expected = gaussian_to_mixture(divergence, 1.0, 1.8)
        np.testing.assert_allclose(fit.truth, expected)
    halves, label = results["digits"]
    assert halves.limit is None
    assert label.limit == pytest.approx(math.log(10))
    limits = [r.limit for r in results["digits_3_8"]]
    np.testing.assert_allclose(limits, [2 * math.log(2), 2, 1, 1], rtol=1e-6)


def test_a_stage_does_not_depend_on_later_ones(calls):
    demo.run_stages(jax.random.key(0), num_seeds=2)
    together = [jax.random.key_data(key).tolist() for key, *_ in calls]
    calls.clear()
    demo.run_stages(jax.random.key(0), stages=demo.STAGES[:1], num_seeds=2)
    alone = [jax.random.key_data(key).tolist() for key, *_ in calls]
    assert alone == together[:3]
    assert len({str(key) for key in alone}) == 3


@pytest.mark.slow
def test_a_gaussian_is_fitted_and_its_divergence_estimated():
    stage = next(stage for stage in demo.STAGES if stage.name == "f_gan")
    for result in stage.run(jax.random.key(0), 4):
        best = best_gaussian(DIVERGENCES[result.label.split(":")[0]])
        assert best.divergence <= result.truth < best.divergence + 0.01
        assert result.is_possible
        estimate = result.estimate
        assert abs(estimate.value - result.truth) < 3 * estimate.standard_error


# The report -----------------------------------------------------------------------


def _results():
    seeds = np.array([1.0, np.nan, 1.2])
    lost = make_estimate(
        np.nan,
        per_seed=np.full(3, np.nan),
        history=History(np.array([1]), np.full((3, 1), np.nan)),
    )
    return {
        "one": [
            demo.Result("known", make_estimate(1.9), truth=2.0),
            demo.Result("unknown", make_estimate(per_seed=seeds, converged=False)),
        ],
        "two": [
            demo.Result("in", make_estimate(2.35), limit=2.3, limit_name="ln 10"),
            demo.Result("chance", make_estimate(2.42), limit=2.3, limit_name="ln 10"),
            demo.Result("out", make_estimate(2.5), limit=2.3, limit_name="ln 10"),
            demo.Result("lost", lost, limit=2.3, limit_name="ln 10"),
        ],
        "three": [demo.Reading("codes", make_probe([94.0, 95.0, 97.5]), 3.0)],
    }


STAGES = [
    demo.Stage("one", "First", lambda k, n: []),
    demo.Stage("two", "Second", None),
    demo.Stage("three", "Third", None),
]


def test_possible_is_what_chance_allows():
    assert [r.is_possible for r in _results()["two"]] == [True, True, False, False]
    assert [r.is_possible for r in _results()["one"]] == [True, True]
    lines = list(demo.check_lines(_results()))
    assert [line.split(":")[0] for line in lines] == ["ok", "note", "FAILED", "FAILED"]
    assert "ln 10 = 2.300" in lines[0]
    assert "2.320 nats, above 2.300" in lines[1]
    assert "3.09 standard errors above 2.300" in lines[2]
    assert "no finite value" in lines[3]


def test_table_shows_every_result():
    from rich.console import Console

    console = Console(width=100, file=io.StringIO())
    console.print(demo.demo_table(_results(), stages=STAGES))
    text = console.file.getvalue()
    for word in ("First", "Second", "known", "in", "out", "≤ 2.300", "unknown, rising"):
        assert word in text
    assert "…" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "1.900 ± 0.050" in text
    assert "95.5 ± 1.8 %" in text


def test_results_are_strict_json():
    content = demo.to_results(_results(), num_seeds=3, seconds=1.5)
    content = json.loads(json.dumps(content, allow_nan=False))
    assert set(content) >= {
        *("experiment", "config", "device", "seconds", "records", "summary")
    }
    assert len(content["records"]) == 7 * 3
    assert content["records"][-1] == {
        "setting": "three/codes",
        "seed": 2,
        "accuracy": 97.5,
    }
    assert content["summary"]["three/codes"]["accuracy"]["mean"] == 95.5
    assert "three/codes" not in content["estimates"]
    assert content["records"][4] == {"setting": "one/unknown", "seed": 1, "nats": None}
    nats = content["summary"]["one/unknown"]["nats"]
    assert nats["num_seeds"] == 2
    assert nats["mean"] == pytest.approx(1.1)
    assert nats["sd"] == pytest.approx(0.2 / math.sqrt(2))
    assert content["summary"]["two/lost"]["nats"] == {
        "mean": None,
        "sd": None,
        "num_seeds": 0,
    }
    assert content["estimates"]["two/out"]["is_possible"] is False


# The command ----------------------------------------------------------------------


def test_command_writes_a_figure_and_the_numbers(tmp_path, calls, capsys):
    out = tmp_path / "new" / "folder"
    assert cli.main(["demo", "--out", str(out), "--seeds", "2"]) == 0
    captured = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == ["demo.png", "results.json"]
    assert (out / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "results.json").read_text())["config"] == {"num_seeds": 2}
    assert "does not exceed ln 10 = 2.303" in captured.out
    assert captured.err == ""
    assert {seeds for *_, seeds, _ in calls} == {2}


def test_command_refuses_what_it_cannot_use(tmp_path, calls, capsys):
    (tmp_path / "file").write_text("")
    for arguments in (["--seeds", "0"], ["--out", str(tmp_path / "file" / "folder")]):
        out = ["--out", str(tmp_path / "new")] if "--out" not in arguments else []
        assert cli.main(["demo", *arguments, *out]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert calls == []


@pytest.mark.slow
def test_demo_finds_what_is_there():
    results = demo.run_stages(jax.random.key(0), num_seeds=4)
    for result in results["gaussians"]:
        assert result.is_possible
        assert result.estimate.value > 0.8 * result.truth
    for result in results["digits"]:
        assert result.is_possible
        assert result.estimate.value > math.log(4)
    for result in results["digits_3_8"]:
        assert result.is_possible
        assert result.estimate.value > 0.5 * result.limit
    pixels, start, learned = results["digit_codes"]
    assert learned.probe.value > start.probe.value
    assert pixels.probe.value > 90
