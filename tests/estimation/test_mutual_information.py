"""`estimate_mutual_information`: estimators, renamed arguments, bad input."""

import jax
import numpy as np
import pytest

import jaxinfo
from jaxinfo.estimation import KSG, CrossFitted, TrainConfig, Variational
from tests.fakes import PRODUCT_CRITIC

KEY = jax.random.key(0)
X, NOISE = np.random.default_rng(0).normal(size=(2, 400, 2))
Y = X + NOISE


def _estimate(*arguments, **keywords):
    return jaxinfo.estimate_mutual_information(*arguments, **keywords)


def test_an_estimator_by_name_equals_the_object():
    by_name = _estimate(KEY, X, Y, estimator="ksg1")
    assert by_name == _estimate(KEY, X, Y, estimator=KSG(1))
    assert by_name == KSG(1)(KEY, X, Y)
    assert by_name.estimator == "ksg1"


def test_a_variational_estimator_gets_the_key():
    train = TrainConfig(num_steps=60, eval_every=20, num_seeds=2, batch_size=32)
    estimator = Variational("mine", critic=PRODUCT_CRITIC, train=train)
    assert _estimate(KEY, X, Y, estimator=estimator) == estimator(KEY, X, Y)
    other = _estimate(jax.random.key(1), X, Y, estimator=estimator)
    assert other.value != estimator(KEY, X, Y).value


def test_the_default_is_the_cross_fitted_estimator(monkeypatch):
    seen = []

    def estimate(self, key, samples):
        seen.append((self, key, *samples.rows))
        return KSG().estimate(key, samples)

    monkeypatch.setattr(CrossFitted, "estimate", estimate)
    _estimate(KEY, X, Y)
    [(estimator, key, x, y)] = seen
    assert estimator == CrossFitted()
    assert key is KEY
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("num_steps", r"CrossFitted\(train=TrainConfig\(num_steps=...\)\) or Variat"),
        ("num_seeds", r"TrainConfig\(num_seeds=...\)"),
        ("eval_every", r"TrainConfig\(eval_every=...\)"),
        ("layout", r"TrainConfig\(layout=...\)"),
        ("bound", r"Variational\(bound=...\)"),
        ("critic", r"CrossFitted\(critic=...\) or Variational\(critic=...\)"),
        ("optimizer", r"Variational\(optimizer=...\)"),
        ("split", r"Variational\(split=...\)"),
        ("negative_sampling", r"Variational\(negative_sampling=...\)"),
        ("num_neighbors", r"KSG\(num_neighbors=...\) or MixedKSG\(num_neighbors"),
        ("clip", r'Variational\(BOUND, settings=\{"clip": ...\}\)'),
        ("learning_rate", r'settings=\{"learning_rate": ...\}'),
    ],
)
def test_settings_of_estimators_get_an_error_that_says_where_they_belong(name, home):
    message = f"^{name}= is a setting of the estimator: give estimator=.*{home}"
    with pytest.raises(TypeError, match=message):
        _estimate(KEY, X, Y, **{name: 3})


def test_unknown_arguments_are_named():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        _estimate(KEY, X, Y, colour=3)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (0, "key must be made by jax.random.key, got int"),
        (
            jax.random.PRNGKey(0),
            r"key must be made by jax.random.key, got .* of uint32",
        ),
        (jax.random.split(KEY), "key must have 0 axes"),
    ],
)
def test_a_bad_key_is_named(key, message):
    with pytest.raises(ValueError, match=message):
        _estimate(key, X, Y, estimator=lambda *arguments: None)
