"""The classical estimators: values, errors, density ratios, warnings, bad input."""

import dataclasses
import warnings

import jax
import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import norm

from jaxinfo.estimation import (
    KSG,
    Gaussian,
    GaussianCopula,
    MixedKSG,
    PlugIn,
    estimate_mutual_information,
)
from jaxinfo.estimation.classical import _disjoint_parts
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


def _ceiling(estimator, num_rows):
    """The largest value: log 3 of three letters, or k neighbors at all radii."""
    if isinstance(estimator, PlugIn):
        return np.log(3)
    if isinstance(estimator, Gaussian | GaussianCopula):
        return np.inf
    # The counts of both margins are at least k: psi(k) + psi(N) - 2 psi(k).
    return digamma(num_rows) - digamma(3) - (estimator.name == "ksg2") / 3


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
    # Intervals by neighbors are extended by the bias that remains.
    half = 1.959964 * estimate.standard_error
    assert -1e-9 <= estimate.value - half - estimate.lower < half
    assert -1e-9 <= estimate.upper - estimate.value - half < half
    assert estimate.kind == "neither"
    assert estimate.estimator == estimator.name
    assert estimate.quantity == "mutual information"
    assert estimate.num_samples == 300
    assert estimate.p_value is None
    found = estimate.diagnostics
    assert found.ceiling == pytest.approx(_ceiling(estimator, 300))
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


# Limits ----------------------------------------------------------------------------


def _quietly(estimator, *rows, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator(KEY, *rows, **settings)


BY_NEIGHBORS = pytest.mark.parametrize(
    "estimator",
    [KSG(1), slowly(KSG(2)), MixedKSG()],
    ids=lambda each: each.name,
)
INDEPENDENT = {
    "counts": lambda rng: rng.poisson(3, size=(2, 1_000)),
    "many counts": lambda rng: rng.poisson(100, size=(2, 1_000)),
    "a grid": lambda rng: np.round(rng.normal(size=(2, 1_000)), 1),
    "booleans": lambda rng: rng.random((2, 1_000)) < 0.3,
}
FAST = ("counts",)


@BY_NEIGHBORS
@pytest.mark.parametrize("kind", [k if k in FAST else slowly(k) for k in INDEPENDENT])
def test_ties_of_independent_variables_are_no_information(estimator, kind):
    """Truth: 0. Rounding noise that splits the ties gives from .3 to 9 nats."""
    rng = np.random.default_rng(0)
    estimates = [_quietly(estimator, *INDEPENDENT[kind](rng)) for _ in range(8)]
    values = np.array([estimate.value for estimate in estimates])
    # The bias that is left is about a hundredth of a nat.
    assert abs(values.mean()) < 3 * values.std(ddof=1) / np.sqrt(8) + 0.02
    assert np.abs(values).max() < 0.12
    assert sum(e.lower <= 0 <= e.upper for e in estimates) >= 6


@BY_NEIGHBORS
def test_rounded_dependent_variables_keep_their_information(estimator):
    """Truth: .223 nats, less .001 for rounding to a tenth of a deviation or less."""
    x, y = _correlated(np.random.default_rng(0), 1_000)
    estimate = _quietly(estimator, np.round(x, 1), np.round(y, 1))
    assert abs(estimate.value - INFORMATION) < 3 * estimate.standard_error < 0.12


@BY_NEIGHBORS
def test_more_information_than_the_rows_can_show_has_no_upper_end(estimator):
    """Truth: log(e^12) = 12 nats up to 1e-10; 500 rows show at most log 500 = 6.2."""
    x, noise = np.random.default_rng(0).normal(size=(2, 500))
    with pytest.warns(UserWarning, match="500 rows can show about 5"):
        estimate = estimator(KEY, x, x + np.exp(-12) * noise)
    assert estimate.diagnostics.saturated
    assert estimate.lower < estimate.diagnostics.ceiling
    assert estimate.upper == np.inf


@BY_NEIGHBORS
def test_many_coordinates_extend_the_interval_to_the_truth(estimator):
    """Truth: 2 nats, 5 coordinates of .4 each; neighbors alone find about 1.4."""
    x, noise = np.random.default_rng(0).normal(size=(2, 1_000, 5))
    correlation = np.sqrt(1 - np.exp(-0.8))
    y = correlation * x + np.sqrt(1 - correlation**2) * noise
    with pytest.warns(UserWarning, match="10 coordinates in all.*biased towards zero"):
        estimate = estimator(KEY, x, y)
    assert estimate.value < 1.8
    assert estimate.upper > 2 > estimate.value + 5 * estimate.standard_error


@BY_NEIGHBORS
def test_copies_of_rows_are_named_and_widen_the_interval(estimator):
    """Truth: .223 nats; 200 rows five times show 200 states, log 200 = 5.3 nats."""
    x, y = _correlated(np.random.default_rng(0), 200)
    copies = np.repeat(x, 5), np.repeat(y, 5)
    with pytest.warns(UserWarning, match="1000 rows hold 200 different ones"):
        estimate = estimator(KEY, *copies)
    assert estimate.lower < INFORMATION
    grouped = _quietly(estimator, *copies, groups=np.repeat(np.arange(200), 5))
    alone = estimator(KEY, x, y)
    assert abs(grouped.value - alone.value) < 0.1
    assert grouped.standard_error == pytest.approx(alone.standard_error, rel=0.5)


@pytest.mark.slow
@BY_NEIGHBORS
def test_rows_of_a_group_are_no_neighbors_and_widen_the_error(estimator):
    """Truth: .223 nats of 200 pairs, each measured five times with noise .05.

    The measurements of a group are near each other in x and in y, which shows nothing
    of the dependence of x and y. Five measurements at nearly one place flatten the
    counts a little, so the value is up to a tenth of a nat too small.
    """
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(200), 5)
    grouped, apart = [], []
    for _ in range(8):
        x, y = (np.repeat(z, 5) for z in _correlated(rng, 200))
        x, y = (z + 0.05 * rng.normal(size=1_000) for z in (x, y))
        grouped.append(_quietly(estimator, x, y, groups=groups))
        apart.append(_quietly(estimator, x, y))
    values = np.array([estimate.value for estimate in grouped])
    spread = values.std(ddof=1)
    assert abs(values.mean() - INFORMATION) < 0.1 + 3 * spread / np.sqrt(8)
    assert np.mean([estimate.value for estimate in apart]) > INFORMATION + 0.5
    errors = [[e.standard_error for e in found] for found in (grouped, apart)]
    # Without groups the error claims five times as many rows.
    assert np.mean(errors[0]) > 1.5 * np.mean(errors[1])


def test_parts_of_the_rows_share_no_cluster():
    clusters = np.random.default_rng(0).integers(40, size=600)
    parts = _disjoint_parts(600, clusters)
    sizes = {len(part) for split in parts for part in split}
    assert len(sizes) == 1
    assert 120 < sizes.pop() <= 200
    for split in parts:
        owners = [set(clusters[part]) for part in split]
        assert not owners[0] & owners[1]
        assert not (owners[0] | owners[1]) & owners[2]


@pytest.mark.parametrize("scale", [1e300, 1e-300, 4e307])
@pytest.mark.parametrize(
    "estimator",
    [KSG(1), MixedKSG(), Gaussian(), GaussianCopula()],
    ids=lambda each: each.name,
)
def test_scales_near_the_end_of_the_numbers_change_nothing(estimator, scale):
    x, y = _correlated(np.random.default_rng(0), 300)
    x = np.tanh(x)
    plain, scaled = estimator(KEY, x, y), estimator(KEY, scale * x, -scale * y)
    assert scaled.value == pytest.approx(plain.value, abs=1e-9)
    assert scaled.lower == pytest.approx(plain.lower, abs=1e-9)


@pytest.mark.parametrize("estimator", [KSG(1), Gaussian()], ids=lambda each: each.name)
def test_heavy_tails_are_named(estimator):
    x, y = _correlated(np.random.default_rng(0), 500)
    with pytest.warns(UserWarning, match="x has heavy tails in 1 of 1.*give ranks"):
        estimator(KEY, np.exp(5 * x), y)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: (x := rng.normal(size=500), x**2 + 0.3 * rng.normal(size=500)),
        lambda rng: (x := rng.standard_cauchy(500), x + rng.standard_cauchy(500)),
    ],
    ids=["a square", "a sum of Cauchy variables"],
)
def test_dependence_beyond_a_gaussian_leaves_no_upper_end(make):
    """Truth: above 1 nat for the square; log 2 for the sum, whose copula shows .3."""
    x, y = make(np.random.default_rng(1))
    with pytest.warns(UserWarning, match="beyond a Gaussian.*compare with"):
        estimate = GaussianCopula()(KEY, x, y)
    assert estimate.value < 0.5
    assert estimate.upper == np.inf


@pytest.mark.parametrize("estimator", [Gaussian(), slowly(GaussianCopula())])
@pytest.mark.parametrize("size", [1, slowly(5)])
def test_gaussian_rows_raise_no_suspicion(estimator, size):
    """The level of the test is .001, so 40 data sets rarely fail it once."""
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(40):
            assert np.isfinite(estimator(KEY, *_correlated(rng, 200, size)).upper)


@pytest.mark.parametrize(
    "estimator", [KSG(1), Gaussian(), GaussianCopula()], ids=lambda each: each.name
)
def test_labels_whose_codes_are_taken_for_numbers_are_named(estimator):
    rng = np.random.default_rng(0)
    letters = np.array(["a", "b", "c"])[rng.integers(3, size=300)]
    with pytest.warns(UserWarning, match="x holds labels in 1 of 1.*no order"):
        estimator(KEY, letters, rng.normal(size=300))
    words = " ".join(
        _quietly(estimator, letters == "a", rng.normal(size=300)).diagnostics.warnings
    )
    assert "labels" not in words  # Two levels have no other order.


@pytest.mark.slow
def test_mixed_ksg_takes_labels_for_states():
    """Truth: by quadrature, .527 nats for +-1.5 of 40 labels in any order."""
    rng = np.random.default_rng(0)
    effect = rng.permutation(np.repeat([-1.5, 1.5], 20))
    level = rng.integers(40, size=2_000)
    y = effect[level] + rng.normal(size=2_000)
    names = np.array([f"level {number}" for number in range(40)])[level]
    estimate = _quietly(MixedKSG(), names, y)
    grid = np.linspace(-9, 9, 4_001)
    density = (norm.pdf(grid, 1.5) + norm.pdf(grid, -1.5)) / 2
    entropy = -np.sum(density * np.log(density)) * (grid[1] - grid[0])
    truth = entropy - norm.entropy()
    assert truth == pytest.approx(0.527, abs=0.001)
    assert abs(estimate.value - truth) < 4 * estimate.standard_error < 0.12


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.integers(1_000, size=(2, 1_000)),
        lambda rng: rng.normal(size=(2, 300)),
        lambda rng: rng.integers(30, size=(2, 1_000)),
    ],
    ids=["a thousand classes", "continuous", "thirty classes"],
)
def test_states_without_enough_rows_widen_the_interval_to_zero(make):
    """Truth: 0. Counts of one row for a state look like log N nats."""
    x, y = make(np.random.default_rng(0))
    with pytest.warns(UserWarning, match="shuffled pairs give"):
        estimate = PlugIn()(KEY, x, y)
    assert estimate.lower < 0
    assert estimate.value <= estimate.diagnostics.ceiling
    assert estimate.diagnostics.saturated == (estimate.upper == np.inf)


def test_identifiers_have_no_upper_end():
    estimate = _quietly(PlugIn(), np.arange(300), np.arange(300) ** 2)
    assert estimate.value == pytest.approx(np.log(300))
    assert estimate.diagnostics.saturated
    assert (estimate.lower < 0, estimate.upper) == (True, np.inf)


@pytest.mark.parametrize(
    "estimator",
    [KSG(1), KSG(2), MixedKSG(), Gaussian(), GaussianCopula()],
    ids=lambda each: each.name,
)
def test_eleven_rows_have_a_wide_interval(estimator):
    """Truth: .56 nats for correlation .82, of which neighbors find about .3.

    The 95 % interval is an approximation for many rows; it holds the truth for 7 or 8
    of 10 sets of eleven rows.
    """
    rng, covered, widths = np.random.default_rng(0), 0, []
    truth = -0.5 * np.log(1 - 0.82**2)
    for _ in range(40):
        x, noise = rng.normal(size=(2, 11))
        estimate = _quietly(estimator, x, 0.82 * x + np.sqrt(1 - 0.82**2) * noise)
        covered += estimate.lower < truth < estimate.upper
        widths.append(estimate.upper - estimate.lower)
    assert covered > 20
    assert np.median(widths) > 0.7


@pytest.mark.parametrize(
    ("estimator", "changes", "named"),
    [
        (KSG(), {"y": np.ones(8)}, "x and y must have the same number of rows"),
        (KSG(), {"x": np.full(300, np.nan)}, "x holds 300 values that are NaN"),
        (KSG(num_neighbors=299), {}, "x has 300 rows, too few"),
        (KSG(num_neighbors=300), {}, "x has 300 rows.*give at least 302"),
        (MixedKSG(num_neighbors=300), {}, "x has 300 rows, too few.*at least 302"),
        (KSG(), {"groups": np.zeros(300)}, "groups leave 0 rows outside the largest"),
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


@pytest.mark.slow
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
