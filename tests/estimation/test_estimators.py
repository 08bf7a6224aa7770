"""Estimators by name and by object, and estimators of one's own."""

import dataclasses
import functools
import pickle

import jax
import numpy as np
import pytest

from jaxinfo.divergences import KL
from jaxinfo.estimation import (
    BOUNDS,
    KSG,
    CrossFitted,
    Estimate,
    Estimator,
    Gaussian,
    GaussianCopula,
    MixedKSG,
    PlugIn,
    TrainConfig,
    Variational,
    bound_names,
    check_mutual_information,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
    estimator_names,
    find_estimator,
)
from jaxinfo.estimation.estimators import name_of

KEY = jax.random.key(0)
ALIASES = {"default": "cross_fitted", "gan": "jensen_shannon"}
X, NOISE = np.random.default_rng(0).normal(size=(2, 300, 1))
Y = X + NOISE
CLASSICAL = ("ksg1", "ksg2", "mixed_ksg", "gaussian", "gaussian_copula", "plug_in")


# Names -----------------------------------------------------------------------------


def test_names_are_the_default_the_bounds_and_the_classical_estimators():
    default = ("cross_fitted", "default")
    assert estimator_names() == (*default, *bound_names(), *CLASSICAL)
    assert len(set(estimator_names())) == len(estimator_names())


@pytest.mark.parametrize("name", estimator_names())
def test_every_name_stands_for_a_hashable_value(name):
    estimator = find_estimator(name)
    assert isinstance(estimator, Estimator)
    assert estimator.name == ALIASES.get(name, name)
    assert name_of(estimator) == estimator.name
    assert estimator == find_estimator(name)
    assert hash(estimator) == hash(find_estimator(name))
    assert dataclasses.replace(estimator) == estimator
    assert pickle.loads(pickle.dumps(estimator)) == estimator
    for field in dataclasses.fields(estimator):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(estimator, field.name, getattr(estimator, field.name))


def test_names_resolve_to_their_classes():
    assert find_estimator() == find_estimator("default") == CrossFitted()
    assert find_estimator("ksg2") == KSG(2)
    assert find_estimator("mixed_ksg") == MixedKSG()
    assert find_estimator("gaussian") == Gaussian()
    assert find_estimator("gaussian_copula") == GaussianCopula()
    assert find_estimator("plug_in") == PlugIn()
    assert find_estimator("club") == Variational("club")


@pytest.mark.parametrize(
    ("estimator", "changes"),
    [
        (KSG(1), {"variant": 2}),
        (KSG(1), {"num_neighbors": 5}),
        (MixedKSG(), {"chunk_size": 32}),
        (PlugIn(), {"miller_madow": False}),
        (Variational("mine"), {"settings": {"decay": 0.9}}),
        (Variational("mine"), {"train": TrainConfig(num_seeds=2)}),
        (CrossFitted(), {"train": TrainConfig(num_steps=50)}),
    ],
)
def test_a_replaced_field_makes_another_estimator(estimator, changes):
    changed = dataclasses.replace(estimator, **changes)
    assert changed != estimator
    assert changed == dataclasses.replace(estimator, **changes)
    assert hash(changed) == hash(dataclasses.replace(estimator, **changes))
    assert len({estimator, changed, dataclasses.replace(estimator)}) == 2


def test_an_object_is_returned_as_it_is():
    for estimator in (KSG(2, num_neighbors=5), Variational("nwj"), print):
        assert find_estimator(estimator) is estimator


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("KSG1", "unknown estimator 'KSG1'; did you mean 'ksg1'"),
        ("MINE", "unknown estimator 'MINE'; did you mean 'mine'"),
        ("PEARSON", "did you mean 'pearson'"),
        ("ksg", "unknown estimator 'ksg'; did you mean 'ksg1' or 'ksg2'"),
        ("InfoNCE", "unknown estimator 'InfoNCE'; did you mean 'info_nce'"),
        ("recipe", "unknown estimator 'recipe'; known: .*cross_fitted"),
        (BOUNDS["mine"], r"got a bound or divergence: give Variational\(it\)"),
        (KL, r"got a bound or divergence: give Variational\(it\)"),
        (KSG, r"got the class: give KSG\(\)"),
        (Variational, r"got the class: give Variational\(\)"),
        (3, r"must be a name or a callable estimator\(key, x, y\), got 3"),
        (["mine"], r"must be a name or a callable estimator\(key, x, y\)"),
    ],
)
def test_what_is_no_estimator_gets_an_error_that_names_the_way_out(estimator, message):
    with pytest.raises(ValueError, match=message):
        find_estimator(estimator)
    with pytest.raises(ValueError, match=message):
        estimate_mutual_information(KEY, X, Y, estimator=estimator)


# Estimators of one's own -----------------------------------------------------------


def covariance_information(key, x, y):
    """-log(1 - r^2) / 2 with the correlation r of two columns, and its delta error."""
    r = np.corrcoef(np.ravel(x), np.ravel(y))[0, 1]
    error = abs(r) / np.sqrt(len(x))
    value = -0.5 * np.log(1 - r**2)
    ends = value - 1.96 * error, value + 1.96 * error
    return Estimate(value, error, *ends, "neither", "covariance", len(x))


@dataclasses.dataclass(frozen=True)
class Scaled:
    """The Gaussian estimator with its value scaled, as a frozen dataclass."""

    factor: float = 1.0

    @property
    def name(self):
        return f"scaled_{self.factor:g}"

    def __call__(self, key, x, y):
        estimate = Gaussian()(key, x, y)
        return dataclasses.replace(estimate, value=self.factor * estimate.value)


def test_a_plain_function_is_an_estimator():
    assert isinstance(covariance_information, Estimator)
    estimate = estimate_mutual_information(KEY, X, Y, estimator=covariance_information)
    assert estimate == covariance_information(KEY, X, Y)
    gaussian = estimate_mutual_information(KEY, X, Y, estimator="gaussian")
    assert estimate.value == pytest.approx(gaussian.value, abs=0.01)
    assert name_of(covariance_information) == "covariance_information"


def test_a_frozen_dataclass_is_an_estimator_for_everything_that_takes_one():
    estimate = estimate_mutual_information(KEY, X, Y, estimator=Scaled())
    assert estimate.value == Gaussian()(KEY, X, Y).value
    assert name_of(Scaled(2.0)) == "scaled_2"
    assert check_mutual_information(KEY, X, Y, estimator=Scaled()).passed
    given, doubled = (
        estimate_conditional_mutual_information(
            KEY, X, Y, NOISE[::-1], estimator=Scaled(factor)
        )
        for factor in (1.0, 2.0)
    )
    assert doubled.value == pytest.approx(2 * given.value)
    assert doubled.estimator == "scaled_2"


def test_an_own_estimator_is_checked_by_check_mutual_information():
    def shifted(key, x, y):
        estimate = Gaussian()(key, x, y)
        return dataclasses.replace(estimate, value=estimate.value + 1.0)

    checks = check_mutual_information(KEY, X, Y, estimator=shifted)
    assert not checks.passed
    assert checks.estimate == shifted(KEY, X, Y)


def test_an_own_estimator_gets_arrays_of_the_rows():
    seen = []

    def estimator(key, x, y):
        seen.append((key, x, y))
        return covariance_information(key, x, y)

    estimate_mutual_information(KEY, X, Y, estimator=estimator)
    [(key, x, y)] = seen
    assert key is KEY
    for given, rows in ((x, X), (y, Y)):
        assert given.dtype == np.float64
        np.testing.assert_array_equal(given, rows)


def test_functions_without_a_name_are_named_after_their_type():
    partial = functools.partial(covariance_information)
    assert name_of(partial) == "partial"
    assert name_of(None) == "cross_fitted"
    assert name_of("mine") == "mine"


def test_an_estimator_must_return_an_estimate():
    with pytest.raises(ValueError, match="must return an Estimate, got float"):
        estimate_mutual_information(KEY, X, Y, estimator=lambda key, x, y: 0.5)
    with pytest.raises(ValueError, match="must return an Estimate, got float"):
        estimate_conditional_mutual_information(
            KEY, X, Y, X, estimator=lambda key, x, y: 0.5
        )
