"""The registry of bounds: what each row holds, aliases, and how names are found."""

import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import divergences
from jaxinfo.core.types import Critic
from jaxinfo.divergences import DIVERGENCES, KL
from jaxinfo.estimation import (
    BOUNDS,
    Bound,
    Setting,
    TrainConfig,
    Variational,
    bound_names,
    divergence_bound,
    information_bound,
    make_run,
)
from jaxinfo.estimation.variational import ALIASES, Stateless
from jaxinfo.estimation.variational.registry import DIVERGENCE_BOUNDS
from jaxinfo.information import flo_bound, tuba_bound
from jaxinfo.information.negative_sampling import NEGATIVE_SAMPLERS
from tests.fakes import PRODUCT_CRITIC
from tests.marks import slowly

KEY = jax.random.key(0)
QUICK = TrainConfig(num_steps=6, eval_every=3, num_seeds=2, batch_size=16)
each_row = pytest.mark.parametrize("name", BOUNDS)


# Rows ------------------------------------------------------------------------------


@each_row
def test_a_row_is_found_under_its_own_name_in_lower_case(name):
    row = BOUNDS[name]
    assert row.name == name == name.lower()
    assert information_bound(name) is row
    assert information_bound(row) is row


@each_row
def test_a_row_is_a_hashable_value_that_pickles(name):
    row = BOUNDS[name]
    again = pickle.loads(pickle.dumps(row))
    assert again == row
    assert hash(again) == hash(row)
    assert dataclasses.replace(row, kind="neither", name="other") != row
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if callable(value):
            assert pickle.loads(pickle.dumps(value)) == value, field.name
            hash(value)


@each_row
def test_a_row_names_known_networks_samplers_and_kinds(name):
    row = BOUNDS[name]
    assert isinstance(row.critic(), Critic)
    assert row.kind in ("lower_bound", "upper_bound", "neither")
    assert row.negative_sampling in (None, *NEGATIVE_SAMPLERS)
    if row.form == "matrix":
        assert row.negative_sampling in (None, "off_diagonal")
    for setting in row.settings:
        setting.check(setting.default)


# Exact expectations over a table of four states (x, y) instead of samples.
JOINT = np.array([0.4, 0.1, 0.15, 0.35])
PRODUCT = np.outer(JOINT[:2] + JOINT[2:], JOINT[::2] + JOINT[1::2]).reshape(-1)
LOG_RATIO = np.log(JOINT / PRODUCT)
INFORMATION = float(JOINT @ LOG_RATIO)
OF_PAIRS = [name for name, row in BOUNDS.items() if row.form == "pairs"]


def _scores_of(row, log_ratio):
    """Scores whose log ratio this is, by bisection of a monotone function."""
    increases = row.log_ratio(jnp.array(0.5)) > row.log_ratio(jnp.array(-0.5))
    low, high = np.full_like(log_ratio, -40.0), np.full_like(log_ratio, 40.0)
    for _ in range(80):
        middle = (low + high) / 2
        with np.errstate(all="ignore"):
            below = np.asarray(row.log_ratio(jnp.asarray(middle))) < log_ratio
        goes_up = below == bool(increases)
        low, high = np.where(goes_up, middle, low), np.where(goes_up, high, middle)
    return jnp.asarray(low)


def _value(row, scores):
    return float(row.value(scores, scores, PRODUCT, JOINT, **row.own_settings({})))


@pytest.mark.parametrize("name", [n for n in OF_PAIRS if n != "club"])
def test_the_value_at_the_exact_log_ratio_is_the_information(name):
    with jax.enable_x64(True):
        row = BOUNDS[name]
        assert _value(row, _scores_of(row, LOG_RATIO)) == pytest.approx(
            INFORMATION, abs=1e-6
        )


@pytest.mark.parametrize(
    "name", [n for n in OF_PAIRS if BOUNDS[n].kind == "lower_bound"]
)
def test_no_scores_lift_a_lower_bound_above_the_information(name):
    with jax.enable_x64(True):
        row, rng = BOUNDS[name], np.random.default_rng(0)
        for scale in (0.01, 0.1, 0.4):
            wrong = LOG_RATIO + scale * rng.normal(size=4)
            assert _value(row, _scores_of(row, wrong)) < INFORMATION + 1e-9


def test_club_is_above_the_information_at_the_exact_conditional():
    row, conditional = BOUNDS["club"], JOINT.reshape(2, 2)
    conditional = conditional / conditional.sum(axis=1, keepdims=True)
    value = _value(row, jnp.log(conditional.reshape(-1)))
    expected = (JOINT - PRODUCT) @ np.log(conditional.reshape(-1))
    assert row.kind == "neither"  # The conditional is fitted, and then it may be below.
    assert value == pytest.approx(expected, abs=1e-5)
    assert value > INFORMATION


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nwj", slowly("tuba"), slowly("flo")])
def test_values_are_those_of_the_best_constant(name):
    """The published bound, maximized over a constant in the scores, by a grid.

    The reported value is its maximum, and stays finite where the bound overflows.
    """
    rng = np.random.default_rng(0)
    scores, other = rng.normal(size=(12, 12)), rng.normal(size=12)
    negative = ~np.eye(12, dtype=bool).ravel()
    published = {
        "nwj": lambda c: divergences.nwj_bound(
            jnp.diagonal(scores) + c,
            scores.reshape(-1) + c,
            negative,
        ),
        "tuba": lambda c: tuba_bound(scores, other + c),
        "flo": lambda c: flo_bound(scores, other + c),
    }[name]
    reported = {
        "nwj": lambda scale: BOUNDS["nwj"].value(
            scale * jnp.diagonal(scores),
            scale * scores.reshape(-1),
            negative,
        ),
        "tuba": lambda scale: BOUNDS["tuba"].value(scale * scores, scale * other),
        "flo": lambda scale: BOUNDS["flo"].value(scale * scores, scale * other),
    }[name]
    with jax.enable_x64(True):
        best = max(float(published(c)) for c in np.linspace(-8, 8, 4_001))
        assert float(reported(1.0)) == pytest.approx(best, abs=1e-5)
    assert np.isfinite(reported(1e4))


def test_each_bound_has_its_own_ceiling():
    ceilings = {
        name: row.ceiling(16, **row.own_settings({"alpha": 0.5}))
        for name, row in BOUNDS.items()
    }
    assert ceilings.pop("info_nce") == pytest.approx(np.log(16))
    assert ceilings.pop("interpolated") == pytest.approx(np.log(16 / 0.5))
    assert set(ceilings.values()) == {np.inf}


# Names -----------------------------------------------------------------------------


def test_names_are_the_rows_and_the_aliases():
    assert bound_names() == (*BOUNDS, *ALIASES)
    assert not set(ALIASES) & set(BOUNDS)
    assert set(ALIASES.values()) <= set(BOUNDS)
    assert set(DIVERGENCE_BOUNDS) <= set(BOUNDS)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_an_alias_reports_the_same_number(alias, name):
    assert information_bound(alias) is BOUNDS[name]
    x, noise = np.random.default_rng(0).normal(size=(2, 100, 2))
    values = [
        Variational(bound, critic=PRODUCT_CRITIC, train=QUICK)(KEY, x, x + noise).value
        for bound in (alias, name)
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    "divergence",
    [DIVERGENCES[name.upper()] for name in BOUNDS if name.upper() in DIVERGENCES],
)
def test_a_member_of_the_f_family_means_its_row(divergence):
    assert information_bound(divergence) == BOUNDS[divergence.name.lower()]


def test_members_without_a_row_train_too():
    member = divergences.alpha_divergence(0.3)
    row = information_bound(member)
    assert row.kind == "lower_bound"
    assert row == information_bound(divergences.alpha_divergence(0.3))
    assert row != information_bound(divergences.alpha_divergence(0.4))
    x, noise = jax.random.normal(KEY, (2, 2_000, 2))
    run = make_run(PRODUCT_CRITIC, bound=member, num_steps=40, optimizer=optax.sgd(0.1))
    result = jax.jit(run)(KEY, *[(x, x + noise)] * 3)
    error = result.influence[0].std() / np.sqrt(2_000)
    assert 10 * error < result.value < np.log(2) + 3 * error


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ("MINE", "unknown bound 'MINE'; did you mean 'mine'"),
        ("GAN", "unknown bound 'GAN'; did you mean 'gan'"),
        ("dv", "unknown bound 'dv'; known: .*donsker_varadhan"),
        (None, "unknown bound None"),
        (["mine"], "unknown bound"),
        (divergences.TOTAL_VARIATION, "TOTAL_VARIATION|sign"),
    ],
)
def test_unknown_bounds_are_named(bound, message):
    with pytest.raises(ValueError, match=message):
        information_bound(bound)


# Bounds of a divergence ------------------------------------------------------------


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_tightest_bound_of_a_divergence_is_the_default(name):
    quantity, tightest = divergence_bound(name, None)
    _, plain = divergence_bound(name, "f_divergence")
    assert quantity == f"{name} divergence"
    assert tightest.kind == plain.kind == "lower_bound"
    assert plain.name == "f_divergence"
    assert plain.identifiable_up_to == "nothing"
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        p, q = 0.1 * rng.normal(size=(2, 50)) + [[0.2], [0.0]]
        assert tightest.value(p, q) >= plain.value(p, q) - 1e-12
        if tightest.identifiable_up_to == "constant":
            ratios = tightest.log_ratio(p), tightest.log_ratio(q)
            shifted = [_scores_of(tightest, ratio + 0.3) for ratio in ratios]
            assert tightest.value(*shifted) == pytest.approx(
                float(tightest.value(p, q)), abs=1e-9
            )


def test_a_divergence_is_found_by_name_or_object():
    assert divergence_bound("KL", None) == divergence_bound(KL, None)
    assert divergence_bound("KL", "mine") == ("KL divergence", BOUNDS["mine"])
    quantity, renyi = divergence_bound("KL", "renyi")
    assert quantity == "Renyi divergence"
    assert [setting.name for setting in renyi.settings] == ["order"]
    own = Bound("own", "neither", Stateless(jnp.subtract), jnp.subtract)
    assert divergence_bound("LE_CAM", own) == ("LE_CAM divergence", own)


@pytest.mark.parametrize("bound", [None, "f_divergence", "renyi", *DIVERGENCE_BOUNDS])
def test_bounds_of_divergences_pickle(bound):
    for name in DIVERGENCES if bound in (None, "f_divergence") else ["KL"]:
        found = divergence_bound(name, bound)
        assert pickle.loads(pickle.dumps(found)) == found
        hash(found)


@pytest.mark.parametrize(
    ("divergence", "bound", "message"),
    [
        ("kl", None, "unknown divergence 'kl'; did you mean 'KL'"),
        ("CHI", None, "unknown divergence 'CHI'; known: .*PEARSON"),
        (None, None, "unknown divergence None"),
        ("KL", "tuba", "unknown bound 'tuba'; known: .*f_divergence"),
        ("GAN", "mine", "'mine' estimates KL, not GAN"),
        ("LE_CAM", "renyi", "'renyi' estimates the Renyi divergence, not LE_CAM"),
    ],
)
def test_divergences_and_bounds_that_do_not_fit_are_named(divergence, bound, message):
    with pytest.raises(ValueError, match=message):
        divergence_bound(divergence, bound)


# Settings --------------------------------------------------------------------------


def test_settings_have_defaults_and_limits():
    mine = BOUNDS["mine"]
    assert mine.own_settings({}) == {"decay": 0.99}
    assert mine.own_settings({"decay": 0.9, "learning_rate": 0.1}) == {"decay": 0.9}
    mine.check_settings({"decay": 0.5, "learning_rate": -1.0})
    with pytest.raises(ValueError, match=r"decay must lie in \(0.0, 1.0\), got 1.0"):
        mine.check_settings({"decay": 1.0})
    order = Setting("order", 0.5, 0.0, np.inf, excluded=1.0)
    order.check(2.0)
    with pytest.raises(ValueError, match="order must not be 1"):
        order.check(1.0)
