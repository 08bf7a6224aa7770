"""Figures: that every estimate can be drawn, and shows what it must."""

import warnings

import numpy as np
import pytest

from jaxinfo import plots
from jaxinfo.demo import Result
from jaxinfo.estimation import History
from tests.fakes import make_estimate

NAN = float("nan")
STOPPED = np.array([[0.5, 0.8, NAN], [0.4, 0.9, 1.0], [0.6, NAN, NAN]])
ODD = {
    "plain": make_estimate(),
    "ceiling": make_estimate(
        5.3, ceiling=np.log(256), saturated=True, bound="info_nce"
    ),
    "stopped": make_estimate(history=History(np.array([100, 200, 300]), STOPPED)),
    "one point": make_estimate(steps=(20,)),
    "one seed": make_estimate(num_seeds=1),
    "upper": make_estimate(kind="upper_bound", bound="club"),
    "wild": make_estimate(
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
}


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_formats(tmp_path, suffix):
    plots.plot_estimate(make_estimate(), tmp_path / f"figure{suffix}")
    assert (tmp_path / f"figure{suffix}").stat().st_size > 1_000


@pytest.mark.parametrize("case", ODD)
def test_every_estimate_can_be_drawn(case, tmp_path):
    path = tmp_path / "figure.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.plot_estimate(ODD[case], path, truth=1.2)
    text = path.read_text()
    assert "truth 1.20" in text
    assert "updates" in text
    assert ("ceiling" in text) == np.isfinite(ODD[case].ceiling)
    # CLUB's critic is chosen by its likelihood: another number, on its own scale.
    assert ("bound on validation rows (nats)" in text) == (ODD[case].bound != "club")


def test_mean_ends_where_too_few_seeds_run():
    mean = plots._mean_curve(History(np.array([1, 2, 3]), STOPPED))
    np.testing.assert_allclose(mean, [0.5, NAN, NAN])


def test_demo_figure(tmp_path):
    rows = [
        Result("known", make_estimate(1.9), truth=2.0),
        Result("limited", make_estimate(), limit=1.3, limit_name="ln 4"),
        Result("neither", ODD["nothing finite"]),
    ]
    path = tmp_path / "demo.svg"
    plots.plot_demo([("Some stage", rows), ("Another", rows[:1])], path)
    text = path.read_text()
    for word in ("Some stage", "Another", "known", "limited", "truth", "limit"):
        assert word in text
