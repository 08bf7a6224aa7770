"""The figure of an estimate."""

import dataclasses
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from jaxinfo.estimation import History
from jaxinfo.estimation.estimate import NO_HISTORY
from jaxinfo.reporting import draw_estimate, plot_estimate
from jaxinfo.reporting.estimate_figure import padded_limits, robust_range, running_mean
from tests.fakes import make_estimate

NAN = float("nan")
STOPPED = np.array([[0.5, 0.8, NAN], [0.4, 0.9, 1.0], [0.6, NAN, NAN]])
CASES = {
    "plain": make_estimate(),
    "ceiling": make_estimate(
        5.3, ceiling=np.log(256), saturated=True, estimator="info_nce"
    ),
    "stopped": make_estimate(history=History(np.array([100, 200, 300]), STOPPED)),
    "one validation": make_estimate(steps=(20,)),
    "one seed": make_estimate(num_seeds=1),
    "no upper end": dataclasses.replace(make_estimate(), upper=np.inf),
    "upper": make_estimate(kind="upper_bound", estimator="club"),
    "extreme": make_estimate(
        history=History(np.array([1, 2]), np.array([[-1e30, 1.0], [np.inf, 1.1]]))
    ),
    "nothing finite": make_estimate(
        NAN,
        lower=NAN,
        upper=NAN,
        per_seed=np.full(2, NAN),
        history=History(np.array([1, 2]), np.full((2, 2), NAN)),
    ),
    "negative": make_estimate(-3.0),
    "default": make_estimate(kind="neither", estimator="cross_fitted"),
}


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")]
)
def test_formats(tmp_path, suffix, start):
    plot_estimate(make_estimate(), tmp_path / f"figure{suffix}")
    assert (tmp_path / f"figure{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize("case", CASES)
def test_every_estimate_can_be_drawn(case, tmp_path):
    estimate, path = CASES[case], tmp_path / "figure.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_estimate(estimate, path, truth=1.2)
    text = path.read_text()
    assert "truth 1.20" in text
    assert "updates" in text
    assert ("ceiling" in text) == np.isfinite(estimate.diagnostics.ceiling)
    # These two select by the likelihood and by the logistic objective.
    by_other_score = estimate.estimator in ("club", "cross_fitted")
    assert ("selection score (nats)" in text) == by_other_score
    assert ("bound on validation rows (nats)" in text) != by_other_score


def test_estimate_without_training_has_no_curves(tmp_path):
    path = tmp_path / "figure.svg"
    estimate = make_estimate(num_seeds=1, history=NO_HISTORY, estimator="ksg1")
    plot_estimate(estimate, path, truth=1.2)
    text = path.read_text()
    assert "truth 1.20" in text
    assert "updates" not in text


def test_draw_on_given_axes_and_by_the_method_of_the_estimate():
    figure = Figure()
    axes = figure.subplots()
    estimate = make_estimate(quantity="transfer entropy")
    assert draw_estimate(estimate, axes) is axes
    assert axes.get_ylabel() == "transfer entropy (nats)"
    points = axes.collections[0]
    assert len(points.get_offsets()) == 3
    assert estimate.plot(axes) is axes
    assert type(draw_estimate(estimate, None)) is type(axes)


def test_mean_curve_ends_when_a_quarter_of_the_seeds_has_stopped():
    mean = running_mean(History(np.array([1, 2, 3]), STOPPED))
    np.testing.assert_allclose(mean, [0.5, NAN, NAN])


def test_robust_range_leaves_out_a_few_extreme_values():
    values = np.concatenate([[-1e6], np.linspace(0.0, 1.0, 99)])[None]
    low, high = robust_range(History(np.arange(100), values))
    assert -2 < low < 0
    assert high == 1.0
    assert robust_range(History(np.arange(2), np.full((1, 2), NAN))) == []


def test_limits_have_a_margin_and_ignore_nan():
    assert padded_limits([0.0, NAN, 1.0]) == pytest.approx((-0.08, 1.08))
    assert padded_limits([2.0]) == (1.5, 2.5)
    assert padded_limits([NAN]) == pytest.approx((-0.08, 1.08))
