"""The host shell of the classical estimators, and the errors that they claim."""

import warnings

import jax
import numpy as np
import pytest

from jaxinfo.estimation import classical_method_names, estimate_classical
from jaxinfo.information import ksg1_information

OF_NUMBERS = ("ksg1", "ksg2", "mixed_ksg", "gaussian", "gaussian_copula")
CORRELATION, NUM_SETS = 0.6, 200
INFORMATION = -0.5 * np.log(1 - CORRELATION**2)
each_method = pytest.mark.parametrize("method", classical_method_names())


def _correlated(rng, num_rows, size=1):
    x, noise = rng.normal(size=(2, num_rows, size))
    return x, CORRELATION * x + np.sqrt(1 - CORRELATION**2) * noise


def _channel(rng, num_rows):
    """A letter of three, replaced by one of the three half of the time."""
    x, other = rng.integers(3, size=(2, num_rows))
    return x, np.where(rng.random(num_rows) < 0.5, x, other)


def _rows_for(method, rng, num_rows):
    return (_correlated if method in OF_NUMBERS else _channel)(rng, num_rows)


CHANNEL_INFORMATION = np.log(3) + 2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 6)


@each_method
def test_the_estimate_says_what_it_is_and_holds_the_truth(method):
    x, y = _rows_for(method, np.random.default_rng(0), 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = estimate_classical(x, y, method=method)
    truth = INFORMATION if method in OF_NUMBERS else CHANNEL_INFORMATION
    assert abs(estimate.value - truth) < 3 * estimate.standard_error
    width = 2 * 1.959964 * estimate.standard_error
    assert estimate.upper - estimate.lower == pytest.approx(width)
    assert estimate.kind == "neither"
    assert estimate.ceiling == (
        pytest.approx(np.log(3)) if method == "plug_in" else float("inf")
    )
    assert estimate.converged
    assert not estimate.saturated
    assert estimate.per_seed.tolist() == [estimate.value]
    assert estimate.history.steps.size == estimate.history.values.size == 0
    assert estimate.bound == method
    assert estimate.num_samples == 300
    assert 0 <= estimate.compile_seconds <= estimate.seconds
    assert estimate.warnings == ()
    assert {type(v) for v in estimate.to_dict().values()} <= {
        *(str, float, bool, int, list, type(None))
    }
    assert f"({method}, neither" in str(estimate)


def test_ksg_standardises_and_does_not_mind_trailing_shapes_or_offsets():
    x, y = _correlated(np.random.default_rng(0), 100, 4)
    with jax.enable_x64(True):
        scaled = ((z - z.mean(0)) / z.std(0) for z in (x, y))
        direct = jax.jit(ksg1_information)(*scaled).value
    # At 1e9 float32 would not tell rows apart.
    value = estimate_classical(1e9 + 100 * x.reshape(100, 2, 2), y).value
    assert value == pytest.approx(float(direct), abs=1e-9)


@pytest.mark.parametrize("method", ["gaussian", "gaussian_copula"])
def test_the_fitted_log_ratio_takes_new_rows(method):
    rng = np.random.default_rng(0)
    x, y = _correlated(rng, 2_000)
    with pytest.warns(UserWarning, match="constant in 1 of 2"):
        estimate = estimate_classical(np.hstack([x, np.ones_like(x)]), y, method=method)
    new_x, new_y = _correlated(rng, 500)
    rest = 1 - CORRELATION**2
    residual = (new_y - CORRELATION * new_x) ** 2 / rest
    truth = (new_y**2 - residual - np.log(rest))[:, 0] / 2
    found = estimate.log_ratio(np.hstack([new_x, np.ones_like(new_x)]), new_y)
    assert np.abs(found - truth).mean() < 0.06
    with pytest.raises(ValueError, match="y must have the 500 rows of x"):
        estimate.log_ratio(np.hstack([new_x, new_x]), new_y[:5])
    with pytest.raises(ValueError, match="x must have rows of shape"):
        estimate.log_ratio(new_x, new_y)


@pytest.mark.parametrize("method", ["ksg1", "plug_in"])
def test_others_have_no_log_ratio(method):
    x, y = _rows_for(method, np.random.default_rng(0), 300)
    estimate = estimate_classical(x, y, method=method)
    with pytest.raises(ValueError, match=f"method '{method}' fits no pointwise"):
        estimate.log_ratio(x, y)


def test_doubtful_data_are_named():
    x, y = _channel(np.random.default_rng(0), 300)
    with pytest.warns(UserWarning, match="^[xy] ") as caught:
        estimate = estimate_classical(x, y, method="ksg1")
    assert [str(w.message) for w in caught] == list(estimate.warnings)
    assert {w.filename for w in caught} == {__file__}
    assert "x repeats values in 1 of 1 coordinates" in " ".join(estimate.warnings)
    with pytest.warns(UserWarning, match="300 states of .* 1.0 rows for a state"):
        estimate_classical(np.arange(300), np.arange(300), method="plug_in")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"method": "ksg3"}, "unknown method 'ksg3'"),
        ({"y": np.ones(8)}, "x and y must have the same number of rows"),
        ({"x": np.full(300, np.nan)}, "x holds 300 values that are NaN"),
        ({"x": np.ones(300), "method": "gaussian"}, "x is constant"),
        ({"method": "gaussian", "num_neighbors": 3}, "no setting num_neighbors"),
        ({"num_neighbors": 0}, "num_neighbors must be a positive"),
        ({"num_neighbors": 299}, "x has 300 rows, too few"),
        ({"num_neighbors": 300}, "more than 300 rows"),
    ],
)
@pytest.mark.filterwarnings("ignore:. is constant")
def test_bad_input_is_named(change, named):
    x, y = _correlated(np.random.default_rng(0), 300)
    with pytest.raises(ValueError, match=named):
        estimate_classical(**{"x": x, "y": y, **change})


@pytest.mark.parametrize("method", ["gaussian", "gaussian_copula"])
def test_a_singular_covariance_is_named(method):
    x, _ = _correlated(np.random.default_rng(0), 300)
    with pytest.raises(ValueError, match="singular covariance"):
        estimate_classical(x, 2 * x + 1, method=method)


def test_traced_data_are_refused():
    with pytest.raises(TypeError, match="x is traced"):
        jax.jit(lambda x: estimate_classical(x, x).value)(np.ones(30))


@pytest.mark.slow
@each_method
def test_the_standard_error_is_the_spread_over_fresh_data(method):
    rng = np.random.default_rng(0)
    estimates = [
        estimate_classical(*_rows_for(method, rng, 500), method=method)
        for _ in range(NUM_SETS)
    ]
    spread = np.std([e.value for e in estimates], ddof=1)
    claimed = np.sqrt(np.mean([e.standard_error**2 for e in estimates]))
    # The spread of 200 sets is known to 5 %.
    assert claimed == pytest.approx(spread, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ksg1", "ksg2", "gaussian", "gaussian_copula"])
def test_many_rows_of_two_dimensions_come_near_the_truth(method):
    estimate = estimate_classical(
        *_correlated(np.random.default_rng(0), 10_000, 2), method=method
    )
    assert abs(estimate.value - 2 * INFORMATION) < 4 * estimate.standard_error
