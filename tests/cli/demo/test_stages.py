"""The stages of the demo: their data, keys, truths and estimates."""

import math

import jax
import numpy as np
import pytest

from jaxinfo.cli.demo import STAGES, run_stages
from jaxinfo.cli.demo.stages import GAUSSIAN_NATS
from jaxinfo.divergences import DIVERGENCES
from jaxinfo.tasks import best_gaussian, gaussian_to_mixture
from tests.cli.demo.conftest import NUM_DIGITS
from tests.cli.demo.fake_results import make_results

NUM_3, NUM_8 = 183, 174


def _gaussian_information(x, y):
    """Mutual information of jointly normal samples from their correlations, nats."""
    joint = np.corrcoef(x, y, rowvar=False)
    parts = [np.linalg.slogdet(c)[1] for c in (joint[:5, :5], joint[5:, 5:], joint)]
    return 0.5 * (parts[0] + parts[1] - parts[2])


def test_every_stage_has_its_results(calls):
    results = run_stages(jax.random.key(0), num_seeds=4)
    assert {name: len(rows) for name, rows in results.items()} == {
        "gaussians": 3,
        "f_gan": 2,
        "digits": 2,
        "digits_3_8": 4,
        "digit_representations": 3,
    }
    accuracies = [each.probe.value for each in results["digit_representations"]]
    assert accuracies == [96, 92, 95]
    assert {estimator.train.num_seeds for *_, estimator, _ in calls} == {4}


def test_data_of_the_stages(calls):
    run_stages(jax.random.key(0), num_seeds=2)
    gaussians, fits, digits, three_eight = (
        calls[:3],
        calls[3:5],
        calls[5:7],
        calls[7:],
    )
    # Equal shapes share one compiled program.
    assert {(x.shape, y.shape) for _, x, y, *_ in gaussians} == {
        ((10_000, 5), (10_000, 5))
    }
    for (_, x, y, *_), nats in zip(gaussians, GAUSSIAN_NATS, strict=True):
        # The sample's own information is biased up by 5 x 5 / 2N = 0.001; its standard
        # deviation is about sqrt(5 / N) = 0.02.
        assert abs(_gaussian_information(x, y) - nats) < 0.08
    for _, _, y, *_ in fits:
        # The mean of the two fits of the fixture, with 40,000 rows.
        np.testing.assert_allclose(y.mean(), 1.0, atol=4 * 1.8 / 200)
        np.testing.assert_allclose(y.std(), 1.8, atol=4 * 1.8 / 283)
    for _, x, y, *_ in digits:
        assert len(x) == len(y) == NUM_DIGITS
    np.testing.assert_array_equal(digits[1][2].sum(axis=1), 1)  # One class an image.
    for _, x, y, *_ in three_eight:
        assert (x.shape, y.shape) == ((NUM_3, 5), (NUM_8, 5))
    names = [divergence for *_, divergence in three_eight]
    assert names == ["JENSEN_SHANNON", "SQUARED_HELLINGER", "TOTAL_VARIATION", "LE_CAM"]


def test_truths_and_limits(calls):
    results = run_stages(jax.random.key(0), num_seeds=2)
    assert [r.truth for r in results["gaussians"]] == pytest.approx([2, 4, 6])
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


def test_no_two_estimates_share_a_key(calls):
    run_stages(jax.random.key(0), num_seeds=2)
    keys = [tuple(jax.random.key_data(key).tolist()) for key, *_ in calls]
    assert len(set(keys)) == len(keys) == 11


def test_stages_do_not_depend_on_later_ones(calls):
    run_stages(jax.random.key(0), num_seeds=2)
    together = [jax.random.key_data(key).tolist() for key, *_ in calls]
    calls.clear()
    run_stages(jax.random.key(0), stages=STAGES[:1], num_seeds=2)
    alone = [jax.random.key_data(key).tolist() for key, *_ in calls]
    assert alone == together[:3]


def test_results_are_announced(calls):
    lines = []
    run_stages(jax.random.key(0), stages=STAGES[:1], num_seeds=2, announce=lines.append)
    title = STAGES[0].title
    assert lines[:2] == [f"{title} ...", f"{title}: 2 nats 0.200 nats ..."]


def test_number_of_seeds_is_checked():
    with pytest.raises(ValueError, match="num_seeds"):
        run_stages(jax.random.key(0), num_seeds=0)


def test_plausible_is_within_chance_of_the_largest_value():
    results = make_results()
    assert [r.is_in_interval for r in results["two"]] == [True, False, False, False]
    assert [r.is_plausible for r in results["two"]] == [True, True, False, False]
    assert all(r.is_plausible and r.is_in_interval for r in results["one"])


@pytest.mark.slow
def test_fitted_gaussian_is_near_the_best_one():
    stage = next(stage for stage in STAGES if stage.name == "f_gan")
    for result in stage.run(jax.random.key(0), 4):
        best = best_gaussian(DIVERGENCES[result.label.split(":")[0]])
        assert best.divergence <= result.truth < best.divergence + 0.01
        assert result.is_plausible
        estimate = result.estimate
        assert abs(estimate.value - result.truth) < 3 * estimate.standard_error


@pytest.mark.slow
def test_whole_demo():
    results = run_stages(jax.random.key(0), num_seeds=4)
    for result in results["gaussians"]:
        assert result.is_plausible
        assert result.estimate.value > 0.8 * result.truth
    for result in results["digits"]:
        assert result.is_plausible
        assert result.estimate.value > math.log(4)
    for result in results["digits_3_8"]:
        assert result.is_plausible
        assert result.estimate.value > 0.5 * result.limit
    pixels, untrained, trained = results["digit_representations"]
    assert trained.probe.value > untrained.probe.value
    assert pixels.probe.value > 90
