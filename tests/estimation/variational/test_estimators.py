"""Estimators by a named bound: what they report, their settings, what they refuse."""

import dataclasses
import pickle
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.divergences import KL, LE_CAM, exact_gaussian_kl
from jaxinfo.estimation import (
    BOUNDS,
    TrainConfig,
    Variational,
    VariationalDivergence,
    estimate_mutual_information,
    make_run,
)
from tests.fakes import PRODUCT_CRITIC, SUM_DISCRIMINATOR, init_weight
from tests.marks import slowly

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = 0.9 * X + np.sqrt(1 - 0.81) * RNG.normal(size=(400, 2))
INFORMATION = -np.log(1 - 0.81)
SHORT = TrainConfig(num_steps=60, eval_every=20, num_seeds=2, batch_size=32)


def _split(changes):
    """Changes of the estimator and of its `TrainConfig`, in one dictionary."""
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    train = {name: value for name, value in changes.items() if name in names}
    own = {name: value for name, value in changes.items() if name not in names}
    return {"train": dataclasses.replace(SHORT, **train)} | own


def _estimate(x=X, y=Y, bound="mine", *, key=KEY, **changes):
    chosen = {"critic": PRODUCT_CRITIC} | _split(changes)
    return Variational(bound, **chosen)(key, x, y)


def _divergence(p=X + 1, q=X, divergence="KL", bound=None, **changes):
    chosen = {"discriminator": SUM_DISCRIMINATOR} | _split(changes)
    return VariationalDivergence(bound, **chosen)(KEY, p, q, divergence)


# What is reported ------------------------------------------------------------------


def test_an_estimate_holds_the_value_its_error_and_diagnostics():
    estimate = _estimate()
    found = estimate.diagnostics
    assert estimate.lower < estimate.value < estimate.upper
    assert estimate.upper - estimate.value == pytest.approx(
        1.959964 * estimate.standard_error, rel=1e-5
    )
    assert estimate.value < INFORMATION
    assert estimate.estimator == "mine"
    assert estimate.quantity == "mutual information"
    assert estimate.kind == "lower_bound"
    assert estimate.p_value is None
    assert estimate.num_samples == 400
    assert found.per_seed.shape == (2,)
    assert found.num_seeds == 2
    assert estimate.value == pytest.approx(found.per_seed.mean())
    assert found.ceiling == np.inf
    assert found.num_nonfinite == 0
    assert found.history.values.shape == (2, 3)
    assert found.history.steps.tolist() == [20, 40, 60]
    # Nothing is compiled if an equal estimator has run before.
    assert 0 <= found.compile_seconds < found.seconds
    assert found.warnings == ()


def test_one_weight_reaches_the_best_value_of_its_family():
    # At a correlation of 0.9 the optimal exponentials would have no finite variance.
    x, noise = RNG.normal(size=(2, 4_000, 2))
    y = 0.4 * x + np.sqrt(1 - 0.16) * noise
    estimate = _estimate(x, y, num_steps=200, settings={"learning_rate": 0.01})
    # E exp(w x.y) of independent standard normals is 1 / (1 - w^2) for two coordinates.
    weights = np.linspace(0, 0.95, 200)
    best = np.max(2 * 0.4 * weights + np.log(1 - weights**2))
    assert abs(estimate.value - best) < 3 * estimate.standard_error
    assert estimate.standard_error < 0.03


def test_the_same_key_gives_the_same_number_and_another_does_not():
    assert _estimate() == _estimate()
    assert _estimate(key=jax.random.key(1)).value != _estimate().value


def test_new_settings_do_not_compile_anew():
    first = _estimate(num_steps=61, settings={"learning_rate": 1e-3})
    again = _estimate(num_steps=61, settings={"learning_rate": 2e-3})
    assert again.value != first.value
    saved = first.diagnostics.compile_seconds
    assert again.diagnostics.compile_seconds < 0.2 * saved


@pytest.mark.slow
def test_the_ceiling_of_info_nce_is_reported_and_reached():
    x = np.repeat(X, 2, axis=1)
    estimate = _estimate(
        x,
        x,
        "info_nce",
        critic=None,
        num_steps=300,
        batch_size=16,
        settings={"learning_rate": 1e-2},
    )
    # 80 test rows in 5 blocks of 16.
    assert estimate.diagnostics.ceiling == pytest.approx(np.log(16))
    assert estimate.value <= estimate.diagnostics.ceiling
    assert estimate.diagnostics.saturated


def test_a_run_that_still_improves_is_not_converged():
    settings = {"learning_rate": 1e-4}
    estimate = _estimate(num_steps=20, eval_every=1, settings=settings)
    assert not estimate.diagnostics.converged
    values = estimate.diagnostics.history.values
    assert (np.argmax(values, axis=1) == 19).all()


@pytest.mark.slow
def test_club_has_a_critic_of_its_own_and_is_no_bound():
    estimate = _estimate(bound="club", critic=None)
    assert estimate.kind == "neither"
    assert estimate.estimator == "club"


@pytest.mark.slow
def test_rows_may_have_any_shapes():
    flat = _estimate(X, Y[:, :1])
    critic = (
        init_weight,
        lambda weight, x, y: weight * x[:, 0, 0] * y,
    )
    shaped = _estimate(X.reshape(400, 1, 2), Y[:, 0], critic=critic)
    assert shaped.value == pytest.approx(flat.value, abs=1e-5)


@pytest.mark.slow
def test_seeds_share_the_split():
    """A critic without parameters gives every seed the same number."""
    critic = (lambda key, x, y: (), lambda params, x, y: 0.3 * (x * y).sum(1))
    fixed = _estimate(num_seeds=3, critic=critic).diagnostics.per_seed
    assert len(set(fixed.tolist())) == 1
    assert len(set(_estimate().diagnostics.per_seed.tolist())) == 2


def test_the_order_of_the_rows_does_not_matter_much_to_a_run():
    order = np.argsort(X[:, 0])
    x, y = jnp.asarray(X[order]), jnp.asarray(Y[order])
    critic = (lambda key, x, y: (), lambda params, x, y: 0.5 * (x * y).sum(1))
    run = jax.jit(make_run(critic, num_steps=1, batch_size=32))
    in_order = run(KEY, *[(x, y)] * 3).value
    shuffled = run(KEY, *[(jnp.asarray(X), jnp.asarray(Y))] * 3).value
    assert in_order == pytest.approx(float(shuffled), abs=0.1)


@pytest.mark.slow
def test_a_nearly_constant_column_is_not_scaled_up():
    x = np.c_[X, np.full(400, 0.1)]
    x[7, 2] = 0.9  # In one of the parts only.
    assert abs(_estimate(x, critic=None).value) < 3


def test_seeds_without_a_finite_value_are_left_out_with_a_warning():
    def init(key, x, y):
        return {"scale": jnp.where(jax.random.bernoulli(key), jnp.nan, 0.1)}

    critic = (init, lambda params, x, y: params["scale"] * (x * y).sum(1))
    with pytest.warns(UserWarning, match="seeds|skipped") as caught:
        estimate = _estimate(critic=critic, num_seeds=8)
    found = estimate.diagnostics
    lost = np.isnan(found.per_seed).sum()
    assert 0 < lost < 8
    assert {str(warning.message) for warning in caught} == set(found.warnings)
    assert f"{lost} of 8 seeds gave no finite value" in found.warnings
    assert estimate.value == pytest.approx(np.nanmean(found.per_seed))
    assert estimate.standard_error > 0
    assert found.num_nonfinite == lost * 60
    assert np.isfinite(estimate.density_ratio(X, Y)).all()


# Pointwise information -------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "expected"),
    [slowly("tuba", 0.2), slowly("interpolated", 0.0), ("flo", -0.1)],
)
def test_the_pointwise_information_of_constant_networks(bound, expected):
    """Critic 0.3, auxiliary 0.1: T - log a, T - log mean exp T, and -u."""
    estimate = _estimate(
        bound=bound,
        critic=(init_weight, lambda p, x, y: 0 * x[:, 0] + p + 0.3),
        auxiliary=(init_weight, lambda p, *z: 0 * z[0][:, 0] + 0.1),
        optimizer=optax.sgd(0.0),
        num_steps=1,
        num_seeds=1,
    )
    np.testing.assert_allclose(estimate.density_ratio(X, Y), expected, atol=1e-6)


def test_the_pointwise_information_of_a_fixed_critic_is_normalized():
    """DV leaves a constant free: the scores less the log mean exp of negatives."""
    critic = (lambda key, x, y: (), lambda params, x, y: 0.3 * (x * y).sum(1) + 7)
    estimate = _estimate(bound="donsker_varadhan", critic=critic, num_steps=1)
    found = estimate.density_ratio(X, Y)
    x, y = (z.standard_normal((4_000, 2)) for z in (RNG, RNG))
    constant = np.log(np.mean(np.exp(estimate.density_ratio(x, y))))
    assert abs(constant) < 0.1
    assert found.mean() == pytest.approx(estimate.value, abs=0.1)
    assert np.std(found) == pytest.approx(np.std(0.3 * (X * Y).sum(1)), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bound", ["mine", "info_nce", "club", "gan_dime", "doe_gaussian", "doe_logistic"]
)
def test_the_pointwise_information_averages_to_the_value(bound):
    rng = np.random.default_rng(0)
    x, fresh_x = rng.normal(size=(4000, 1)), rng.normal(size=(2000, 1))
    y, fresh_y = (
        0.9 * z + np.sqrt(1 - 0.81) * rng.normal(size=z.shape) for z in (x, fresh_x)
    )
    truth = -0.5 * np.log(1 - 0.81)
    exact = (
        truth
        - (fresh_x**2 + fresh_y**2 - 2 * 0.9 * fresh_x * fresh_y) / (2 * (1 - 0.81))
        + (fresh_x**2 + fresh_y**2) / 2
    )[:, 0]
    settings = {"learning_rate": 5e-3}
    estimate = _estimate(x, y, bound, critic=None, num_steps=200, settings=settings)
    pointwise = estimate.density_ratio(fresh_x, fresh_y)
    assert pointwise.shape == (2000,)
    # After short training the separable critic of InfoNCE is less accurate in the rare
    # rows far out, which dominate the correlation.
    least = 0.75 if bound == "info_nce" else 0.85
    assert np.corrcoef(pointwise, exact)[0, 1] > least
    # The mean over 2,000 rows has a standard deviation of about 0.02.
    assert pointwise.mean() == pytest.approx(truth, abs=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r(X[:, :1], Y), r"x must have rows of shape \(2,\)"),
        (lambda r: r(X[:3], Y), "same number of rows, got 3 and 400"),
        (lambda r: r(X * np.nan, Y), "x holds 800 values"),
    ],
)
def test_the_density_ratio_checks_its_rows(call, message):
    with pytest.raises(ValueError, match=message):
        call(_estimate().density_ratio)


# Divergences -----------------------------------------------------------------------


@pytest.mark.parametrize("divergence", [slowly("KL"), LE_CAM])
def test_divergences_are_estimated_by_name_and_by_object(divergence):
    p, q = RNG.normal(size=(2, 2000, 2))
    settings = {"learning_rate": 0.02}
    estimate = _divergence(p + 1, q, divergence, num_steps=100, settings=settings)
    assert estimate.value > 3 * estimate.standard_error
    assert estimate.num_samples == 4000
    assert "divergence" in estimate.quantity
    assert estimate.kind == "lower_bound"
    assert estimate.density_ratio(X).shape == (400,)
    assert estimate.diagnostics.per_seed.mean() == pytest.approx(estimate.value)


def test_samples_may_have_two_sizes():
    p, q = RNG.normal(size=(3_000, 2)) + 0.5, RNG.normal(size=(4_000, 2))
    settings = {"learning_rate": 0.02}
    estimate = _divergence(p, q, num_steps=200, batch_size=256, settings=settings)
    truth = exact_gaussian_kl(np.full(2, 0.5), np.eye(2), np.zeros(2), np.eye(2))
    assert abs(estimate.value - truth) < 3 * estimate.standard_error
    assert estimate.num_samples == 7_000
    # log p / q = (x_1 + x_2) / 2 - 1/4.
    expected = (X.sum(1) / 2) - 0.25
    np.testing.assert_allclose(estimate.density_ratio(X), expected, atol=0.25)


@pytest.mark.slow
def test_renyi_takes_its_order_and_grows_with_it():
    p, q = RNG.normal(size=(2, 2000, 2))
    low, high = (
        _divergence(
            p + 0.5, q, bound="renyi", num_steps=100, settings={"order": order}
        ).value
        for order in (0.2, 1.5)
    )
    assert 0 < low < high


# Frozen values ---------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [Variational, VariationalDivergence])
def test_estimators_are_values(estimator):
    one = estimator("smile", settings={"clip": 1, "learning_rate": 0.1}, train=SHORT)
    two = estimator(
        "smile", settings=(("learning_rate", 0.1), ("clip", 1.0)), train=SHORT
    )
    assert one == two
    assert hash(one) == hash(two)
    assert one != estimator("smile", settings={"clip": 2.0}, train=SHORT)
    assert dataclasses.replace(one, settings={"clip": 2.0}).settings == (("clip", 2.0),)
    assert dataclasses.replace(one, split=[0.5, 0.3, 0.2]).split == (0.5, 0.3, 0.2)
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.train = TrainConfig()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_bound_may_be_a_name_a_row_or_a_member():
    estimates = [_estimate(bound=bound) for bound in ("kl", BOUNDS["kl"], KL)]
    assert estimates[0] == estimates[1] == estimates[2]
    assert Variational(KL).name == Variational("kl").name == "kl"
    assert Variational("gan").name == "jensen_shannon"


def test_equal_estimators_make_equal_runs():
    estimator = Variational("nwj", critic=PRODUCT_CRITIC, train=SHORT)
    assert estimator.make_run() == estimator.make_run()
    run = VariationalDivergence(discriminator=SUM_DISCRIMINATOR, train=SHORT)
    assert run.make_run("KL") == run.make_run(KL) != run.make_run(LE_CAM)


def test_the_run_of_an_estimator_has_its_settings():
    run = Variational(
        "nwj", critic=PRODUCT_CRITIC, negative_sampling="derangement", train=SHORT
    ).make_run()
    assert run.bound == BOUNDS["nwj"]
    assert run.negative_sampling == "derangement"
    assert (run.num_steps, run.eval_every, run.batch_size) == (60, 20, 32)
    assert run.patience == SHORT.patience
    parts = [(jnp.asarray(X), jnp.asarray(Y))] * 3
    assert jax.jit(run)(KEY, *parts, learning_rate=0.0).params == 0


# Bad input -------------------------------------------------------------------------


def test_integers_are_the_numbers_that_they_are():
    x, y = X.reshape(400, 2), (Y[:, :1] > 0).astype(np.int64)
    estimate = _estimate(x, y)
    assert estimate.value == _estimate(x, y.astype(float)).value
    assert estimate.diagnostics.warnings == ()


def test_a_warning_points_at_the_line_of_the_caller():
    with pytest.warns(UserWarning, match="x is constant") as caught:
        estimate = _estimate(np.c_[X, np.ones(400)])
    assert [warning.filename for warning in caught] == [__file__]
    assert [str(w.message) for w in caught] == list(estimate.diagnostics.warnings)


def test_a_constant_column_gives_a_warning():
    with pytest.warns(UserWarning, match=r"x is constant in 1 of 3 coordinates \(2\)"):
        estimate = _estimate(np.c_[X, np.ones(400)])
    assert estimate.value == pytest.approx(_estimate().value, abs=1e-5)


def test_low_precision_arrays_are_numbers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = _estimate(jnp.asarray(X, jnp.bfloat16), Y)
    assert estimate.value == pytest.approx(_estimate().value, abs=0.01)


def _with(value, row):
    spoilt = X.copy()
    spoilt[row:] = np.where(np.arange(row, 400)[:, None] % 2, spoilt[row:], value)
    return spoilt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _estimate(_with(np.nan, 390)), "x holds 10 values.*first in row 390"),
        (
            lambda: _estimate(y=_with(-np.inf, 396)),
            "y holds 4 infinite.*row 396",
        ),
        (lambda: _estimate(y=Y[:-1]), "same number of rows, got 400 and 399"),
        (lambda: _estimate(X[:20], Y[:20]), "parts of .* rows from 20"),
        (lambda: _estimate(batch_size=241), "batch_size must be at most the 240"),
        (lambda: _estimate(bound="dv"), "unknown bound 'dv'.*donsker_varadhan"),
        (lambda: _estimate(bound="MINE"), "did you mean 'mine'"),
        (lambda: _estimate(bound=["mine"]), "unknown bound"),
        (lambda: _estimate(split=(0.5, 0.5)), "split must be three"),
        (lambda: _estimate(split=(0.6, 0.3, 0.3)), "adding up"),
        (lambda: _estimate(num_negatives=0), "num_negatives must be a positive whole"),
        (lambda: _estimate(negative_sampling="all"), "unknown negative_sampling 'all'"),
        (lambda: _estimate(critic=networks.discriminator), "critic must be"),
        (lambda: _estimate(settings={"clip": 3.0}), r"settings \['clip'\] do not fit"),
        (
            lambda: _estimate(settings={"clip": 3.0}, optimizer=optax.sgd(0.1)),
            r"unknown settings \['clip'\]: bound 'mine' has the settings: decay",
        ),
        (
            lambda: _estimate(settings={"learning_rate": [0.1, 0.2]}),
            r"settings\['learning_rate'\] must be one number, got list.*sweep",
        ),
        (
            lambda: _estimate(settings={"learning_rate": optax.adam}),
            r"settings\['learning_rate'\] must be one number, got function",
        ),
        (
            lambda: _estimate(bound="smile", settings={"clip": -3.0}),
            r"clip must lie in \(0",
        ),
        (
            lambda: _estimate(bound="interpolated", settings={"alpha": 0.0}),
            "alpha must lie in",
        ),
        (lambda: _estimate(key=0), "key must be made by jax.random.key, got int"),
        (lambda: _divergence(p=X[:, :1]), "rows of the same shape"),
        (lambda: _divergence(p=X * np.nan), "samples_p holds 800 values"),
        (lambda: _divergence(divergence="kl"), "unknown divergence 'kl'.*KL"),
        (lambda: _divergence(divergence="GAN", bound="mine"), "mine.*KL, not GAN"),
        (lambda: _divergence(bound="tuba"), "unknown bound 'tuba'.*f_divergence"),
        (lambda: _divergence(discriminator=3), "discriminator must be"),
        (
            lambda: _divergence(bound="renyi", settings={"order": 1.0}),
            "order must not be 1",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_traced_data_are_refused_with_the_name_of_the_pure_run():
    estimator = Variational("mine", critic=PRODUCT_CRITIC, train=SHORT)
    with pytest.raises(TypeError, match=r"x is traced.*make_run"):
        jax.jit(lambda x: estimator(KEY, x, Y).value)(X)
    with pytest.raises(TypeError, match="make_run"):
        jax.jit(
            lambda x: estimate_mutual_information(KEY, x, Y, estimator="mine").value
        )(X)
