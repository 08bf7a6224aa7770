"""What every estimate of information is checked for after it was made."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxinfo.estimation import KSG, Gaussian
from jaxinfo.estimation.pair_estimator import at_limits, estimate_pair, with_warnings
from jaxinfo.estimation.samples import read_samples
from tests.fakes import make_estimate

KEY = jax.random.key(0)
X, Y = np.random.default_rng(0).normal(size=(2, 300, 1))


def _pair(x=X, y=Y, **settings):
    return read_samples(x=x, y=y, **settings)


def test_an_interval_below_zero_is_widened_to_zero():
    negative = dataclasses.replace(
        make_estimate(-0.3), kind="neither", standard_error=0.01, upper=-0.28
    )
    found = at_limits(negative, _pair())
    assert found.value == -0.3
    assert found.upper == pytest.approx(0.0, abs=1e-9)
    assert found.lower == pytest.approx(-0.6)
    bound = dataclasses.replace(negative, kind="lower_bound")
    assert at_limits(bound, _pair()) == bound  # It is a correct bound.


def test_an_interval_has_a_width():
    exact = dataclasses.replace(
        make_estimate(0.0), kind="neither", standard_error=0.0, lower=0.0, upper=0.0
    )
    found = at_limits(exact, _pair())
    assert found.standard_error == 1 / exact.num_samples
    assert found.lower < 0 < found.upper


def test_relations_without_noise_have_no_upper_end():
    found = at_limits(make_estimate(5.0), _pair(Y, Y), _pair(X, X**2))
    assert found.upper == np.inf
    assert found.diagnostics.saturated
    [warning] = found.diagnostics.warnings
    assert "the value is what 300 rows can show of it" in warning
    assert at_limits(make_estimate(5.0), _pair()).upper < np.inf


def test_warnings_come_before_those_of_the_estimate():
    estimate = with_warnings(with_warnings(make_estimate(1.0), ["late"]), ["early"])
    assert estimate.diagnostics.warnings[:2] == ("early", "late")


def test_estimators_of_the_library_and_others_are_called_alike():
    def own(key, x, y):
        assert x.dtype == y.dtype == np.float64
        return Gaussian()(key, x, y)

    assert estimate_pair(own, KEY, _pair()) == estimate_pair(Gaussian(), KEY, _pair())
    with pytest.raises(ValueError, match="groups needs an estimator of jaxinfo"):
        estimate_pair(own, KEY, _pair(groups=np.arange(300) // 3))
    with pytest.raises(ValueError, match="must return an Estimate, got float"):
        estimate_pair(lambda *arguments: 1.0, KEY, _pair())


def test_labels_reach_estimators_that_use_their_codes_as_numbers():
    x = np.array(["low", "middle", "high"])[np.digitize(X[:, 0], [-0.4, 0.4])]
    found = KSG()(KEY, x, Y)
    assert any("label" in warning for warning in found.diagnostics.warnings)
