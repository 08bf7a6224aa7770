"""The classical estimators: values, errors, density ratios, warnings, bad input."""

import dataclasses
import warnings

import jax
import numpy as np
import pytest

from jaxinfo.estimation import (
    KSG,
    Gaussian,
    GaussianCopula,
    MixedKSG,
    PlugIn,
    estimate_mutual_information,
)
from jaxinfo.information import ksg1_information
from tests.marks import slowly

KEY = jax.random.key(0)
ESTIMATORS = (KSG(1), KSG(2), MixedKSG(), Gaussian(), GaussianCopula(), PlugIn())
CORRELATION, NUM_SETS = 0.6, 200
INFORMATION = -0.5 * np.log(1 - CORRELATION**2)
each_estimator = pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=lambda each: each.name
)


def _correlated(rng, num_rows, size=1):
    x, noise = rng.normal(size=(2, num_rows, size))
    return x, CORRELATION * x + np.sqrt(1 - CORRELATION**2) * noise


def _channel(rng, num_rows):
    """A letter of three, replaced by one of the three half of the time."""
    x, other = rng.integers(3, size=(2, num_rows))
    return x, np.where(rng.random(num_rows) < 0.5, x, other)


def _rows_for(estimator, rng, num_rows):
    make = _channel if isinstance(estimator, PlugIn) else _correlated
    return make(rng, num_rows)


CHANNEL_INFORMATION = np.log(3) + 2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 6)


@each_estimator
def test_the_estimate_covers_the_truth_and_has_all_fields(estimator):
    x, y = _rows_for(estimator, np.random.default_rng(0), 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = estimator(KEY, x, y)
    is_plug_in = isinstance(estimator, PlugIn)
    truth = CHANNEL_INFORMATION if is_plug_in else INFORMATION
    assert abs(estimate.value - truth) < 3 * estimate.standard_error < truth
    width = 2 * 1.959964 * estimate.standard_error
    assert estimate.upper - estimate.lower == pytest.approx(width)
    assert estimate.kind == "neither"
    assert estimate.estimator == estimator.name
    assert estimate.quantity == "mutual information"
    assert estimate.num_samples == 300
    assert estimate.p_value is None
    found = estimate.diagnostics
    assert found.ceiling == (pytest.approx(np.log(3)) if is_plug_in else float("inf"))
    assert found.converged
    assert not found.saturated
    assert found.per_seed.tolist() == [estimate.value]
    assert found.history.steps.size == found.history.values.size == 0
    assert 0 <= found.compile_seconds <= found.seconds
    assert found.warnings == ()
    assert {type(v) for v in estimate.to_dict().values()} <= {
        *(str, float, bool, int, list, type(None))
    }
    assert f"({estimator.name}, neither" in str(estimate)


@each_estimator
def test_the_key_does_not_matter_and_results_repeat(estimator):
    x, y = _rows_for(estimator, np.random.default_rng(0), 300)
    assert estimator(KEY, x, y) == estimator(jax.random.key(1), x, y)
    assert estimate_mutual_information(KEY, x, y, estimator=estimator.name) == (
        estimator(KEY, x, y)
    )


@pytest.mark.parametrize(
    ("estimator", "changes"),
    [
        (KSG(1), {"variant": 2}),
        (KSG(1), {"num_neighbors": 10}),
        (MixedKSG(), {"num_neighbors": 10}),
        (PlugIn(), {"miller_madow": False}),
    ],
)
def test_settings_change_the_value(estimator, changes):
    x, y = _rows_for(estimator, np.random.default_rng(0), 300)
    changed = dataclasses.replace(estimator, **changes)
    assert changed(KEY, x, y).value != estimator(KEY, x, y).value


def test_chunks_do_not_change_the_value():
    x, y = _correlated(np.random.default_rng(0), 100)
    small, large = (KSG(chunk_size=size)(KEY, x, y).value for size in (16, 100))
    assert small == pytest.approx(large, abs=1e-9)


def test_the_correction_of_the_plug_in_is_that_of_miller():
    x, y = _channel(np.random.default_rng(0), 300)
    plain = PlugIn(miller_madow=False)(KEY, x, y).value
    counts = np.zeros((3, 3))
    np.add.at(counts, (x, y), 1 / 300)
    product = np.outer(counts.sum(1), counts.sum(0))
    assert plain == pytest.approx((counts * np.log(counts / product)).sum(), abs=1e-6)
    # (Kx + Ky - Kxy - 1) / (2 N) with 3, 3 and 9 states.
    assert PlugIn()(KEY, x, y).value == pytest.approx(plain - 4 / 600, abs=1e-6)


def test_ksg_standardizes_rows_of_any_shape_and_offset():
    x, y = _correlated(np.random.default_rng(0), 100, 4)
    with jax.enable_x64(True):
        scaled = ((z - z.mean(0)) / z.std(0) for z in (x, y))
        direct = jax.jit(ksg1_information)(*scaled).value
    # At an offset of 1e9, float32 could not distinguish the rows.
    value = KSG()(KEY, 1e9 + 100 * x.reshape(100, 2, 2), y).value
    assert value == pytest.approx(float(direct), abs=1e-9)


@pytest.mark.parametrize("estimator", [Gaussian(), GaussianCopula()])
def test_the_fitted_density_ratio_takes_new_rows(estimator):
    rng = np.random.default_rng(0)
    x, y = _correlated(rng, 2_000)
    with pytest.warns(UserWarning, match="constant in 1 of 2"):
        estimate = estimator(KEY, np.hstack([x, np.ones_like(x)]), y)
    new_x, new_y = _correlated(rng, 500)
    rest = 1 - CORRELATION**2
    residual = (new_y - CORRELATION * new_x) ** 2 / rest
    truth = (new_y**2 - residual - np.log(rest))[:, 0] / 2
    ratio = estimate.density_ratio
    found = ratio(np.hstack([new_x, np.ones_like(new_x)]), new_y)
    assert np.abs(found - truth).mean() < 0.06
    with pytest.raises(ValueError, match="same number of rows, got 500 and 5"):
        ratio(np.hstack([new_x, new_x]), new_y[:5])
    with pytest.raises(ValueError, match="x must have rows of shape"):
        ratio(new_x, new_y)


def test_the_density_ratio_averages_to_the_value():
    x, y = _correlated(np.random.default_rng(0), 1_000, 2)
    estimate = Gaussian()(KEY, x, y)
    # The value is corrected for the bias, which is about D E / (2 N) = 0.002.
    mean = estimate.density_ratio(x, y).mean()
    assert mean == pytest.approx(estimate.value, abs=0.005)


@pytest.mark.parametrize("estimator", [KSG(1), MixedKSG(), PlugIn()])
def test_the_others_have_no_density_ratio(estimator):
    x, y = _rows_for(estimator, np.random.default_rng(0), 300)
    assert estimator(KEY, x, y).density_ratio is None


def test_monotone_maps_leave_the_copula_unchanged():
    x, y = _correlated(np.random.default_rng(0), 300)
    mapped = GaussianCopula()(KEY, np.exp(x), y**3)
    assert mapped.value == pytest.approx(GaussianCopula()(KEY, x, y).value, abs=1e-9)
    assert Gaussian()(KEY, np.exp(x), y**3).value < mapped.value


def test_doubtful_data_give_warnings_at_the_line_of_the_caller():
    x, y = _channel(np.random.default_rng(0), 300)
    for estimate_it in (
        KSG(1),
        lambda *a: estimate_mutual_information(*a, estimator="ksg1"),
    ):
        with pytest.warns(UserWarning, match="^[xy] ") as caught:
            estimate = estimate_it(KEY, x, y)
        found = estimate.diagnostics.warnings
        assert [str(w.message) for w in caught] == list(found)
        assert {w.filename for w in caught} == {__file__}
        assert "x repeats values in 1 of 1 coordinates" in " ".join(found)
    with pytest.warns(UserWarning, match=r"300 states of .* 1\.0 rows for a state"):
        PlugIn()(KEY, np.arange(300), np.arange(300))


@pytest.mark.parametrize(
    ("estimator", "changes", "named"),
    [
        (KSG(), {"y": np.ones(8)}, "x and y must have the same number of rows"),
        (KSG(), {"x": np.full(300, np.nan)}, "x holds 300 values that are NaN"),
        (KSG(num_neighbors=299), {}, "x has 300 rows, too few"),
        (KSG(num_neighbors=300), {}, "x has 300 rows.*give at least 903"),
        (MixedKSG(num_neighbors=100), {}, "x has 300 rows, too few.*at least 303"),
        (Gaussian(), {"x": np.ones(300)}, "x is constant: there is no covariance"),
        (PlugIn(), {"key": 0}, "key must be made by jax.random.key, got int"),
        (Gaussian(), {"key": jax.random.PRNGKey(0)}, "key must be made by jax.random"),
    ],
)
@pytest.mark.filterwarnings("ignore:. is constant")
def test_bad_input_is_named(estimator, changes, named):
    x, y = _correlated(np.random.default_rng(0), 300)
    with pytest.raises(ValueError, match=named):
        estimator(**{"key": KEY, "x": x, "y": y, **changes})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KSG(3), "variant must be 1 or 2, got 3"),
        (lambda: KSG(num_neighbors=0), "num_neighbors must be a positive whole"),
        (lambda: KSG(chunk_size=0), "chunk_size must be a positive whole"),
        (lambda: MixedKSG(num_neighbors=2.5), "num_neighbors must be a positive whole"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("estimator", [Gaussian(), GaussianCopula()])
def test_a_singular_covariance_is_named(estimator):
    x, _ = _correlated(np.random.default_rng(0), 300)
    with pytest.raises(ValueError, match="singular covariance"):
        estimator(KEY, x, 2 * x + 1)


def test_traced_data_are_refused():
    with pytest.raises(TypeError, match="x is traced"):
        jax.jit(lambda x: KSG()(KEY, x, x).value)(np.ones(30))


@pytest.mark.parametrize(
    "estimator",
    [Gaussian(), *map(slowly, (e for e in ESTIMATORS if e != Gaussian()))],
    ids=lambda each: each.name,
)
def test_the_standard_error_is_the_spread_over_fresh_data(estimator):
    rng = np.random.default_rng(0)
    estimates = [
        estimator(KEY, *_rows_for(estimator, rng, 500)) for _ in range(NUM_SETS)
    ]
    spread = np.std([e.value for e in estimates], ddof=1)
    claimed = np.sqrt(np.mean([e.standard_error**2 for e in estimates]))
    # The spread of 200 sets is known to 5 %.
    assert claimed == pytest.approx(spread, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator", [KSG(1), KSG(2), Gaussian(), GaussianCopula()], ids=lambda e: e.name
)
def test_many_rows_of_two_dimensions_come_near_the_truth(estimator):
    estimate = estimator(KEY, *_correlated(np.random.default_rng(0), 10_000, 2))
    assert abs(estimate.value - 2 * INFORMATION) < 4 * estimate.standard_error
