"""`estimate_divergence`: members, estimators, renamed arguments, bad input."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.divergences import KL, exact_gaussian_kl
from jaxinfo.estimation import TrainConfig, VariationalDivergence
from tests.fakes import SUM_DISCRIMINATOR

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
P, Q = RNG.normal(size=(4_000, 2)) + 0.5, RNG.normal(size=(4_000, 2))
TRAIN = TrainConfig(num_steps=100, num_seeds=2)
ESTIMATOR = VariationalDivergence(
    discriminator=SUM_DISCRIMINATOR, settings={"learning_rate": 0.02}, train=TRAIN
)
TRUTH = float(exact_gaussian_kl(np.full(2, 0.5), np.eye(2), np.zeros(2), np.eye(2)))


def _estimate(p=P, q=Q, **changes):
    return jaxinfo.estimate_divergence(KEY, p, q, **{"estimator": ESTIMATOR, **changes})


def test_kl_is_the_default_and_the_interval_holds_the_truth():
    estimate = _estimate()
    assert estimate == _estimate(divergence="KL") == _estimate(divergence=KL)
    assert estimate == ESTIMATOR(KEY, P, Q)
    assert estimate.quantity == "KL divergence"
    assert estimate.estimator == "shift_optimized"
    assert estimate.num_samples == 8_000
    assert abs(estimate.value - TRUTH) < 3 * estimate.standard_error
    assert estimate.standard_error < 0.2 * TRUTH
    assert float(estimate) == pytest.approx(estimate.diagnostics.per_seed.mean())


def test_the_divergence_is_passed_to_the_estimator():
    reverse = _estimate(Q, P, divergence="REVERSE_KL")
    assert reverse.quantity == "REVERSE_KL divergence"
    # KL(P || Q) = reverse KL(Q || P), with the same networks and rows exchanged.
    assert reverse.value == pytest.approx(TRUTH, abs=4 * reverse.standard_error)


def test_the_default_estimator_has_default_settings(monkeypatch):
    seen = []

    def call(self, key, samples_p, samples_q, divergence="KL"):
        seen.append((self, divergence))

    monkeypatch.setattr(VariationalDivergence, "__call__", call)
    _estimate(estimator=None, divergence="LE_CAM")
    assert seen == [(VariationalDivergence(), "LE_CAM")]


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("num_steps", r"VariationalDivergence\(train=TrainConfig\(num_steps=...\)\)"),
        ("num_seeds", r"VariationalDivergence\(train=TrainConfig\(num_seeds=...\)\)"),
        ("bound", r"VariationalDivergence\(bound=...\)"),
        ("discriminator", r"VariationalDivergence\(discriminator=...\)"),
        ("split", r"VariationalDivergence\(split=...\)"),
        ("order", r'VariationalDivergence\(BOUND, settings=\{"order": ...\}\)'),
    ],
)
def test_settings_get_an_error_that_says_where_they_belong(name, replacement):
    message = f"^{name}= is a setting of the estimator: give estimator={replacement}"
    with pytest.raises(TypeError, match=message):
        _estimate(**{name: 3})


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"colour": 3}, TypeError, "unexpected keyword argument 'colour'"),
        ({"p": P[:, :1]}, ValueError, "rows of the same shape"),
        ({"q": Q * np.nan}, ValueError, "samples_q holds 8000 values"),
        ({"divergence": "kl"}, ValueError, "unknown divergence 'kl'.*'KL'"),
        ({"divergence": None}, ValueError, "unknown divergence None"),
    ],
)
def test_bad_input_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        _estimate(**changes)


@pytest.mark.parametrize("estimator", ["ksg1", KL, VariationalDivergence])
def test_what_is_no_estimator_of_a_divergence_gets_an_error(estimator):
    with pytest.raises(ValueError, match=r"give VariationalDivergence\(BOUND\)"):
        _estimate(estimator=estimator)


def test_a_bad_key_is_named():
    with pytest.raises(ValueError, match=r"key must be made by jax.random.key"):
        jaxinfo.estimate_divergence(jax.random.PRNGKey(0), P, Q, estimator=ESTIMATOR)
