"""The calls people type: what they return, what they refuse, what they say."""

import json
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxinfo
from jaxinfo import networks
from jaxinfo.estimation import host, information_bound, information_bound_names
from jaxinfo.training import sweep
from tests.marks import slowly

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = 0.9 * X + np.sqrt(1 - 0.81) * RNG.normal(size=(400, 2))
SHORT = {"num_steps": 60, "eval_every": 20, "num_seeds": 2, "batch_size": 32}


def _weigh(params, x, y):
    return params * (x[:, :2] * y).sum(1)


# Of one weight, where the network does not matter: quickly compiled.
CRITIC = (lambda key, x, y: jnp.zeros(()), _weigh)


def _estimate(x=X, y=Y, **changes):
    chosen = {"bound": "mine"} | SHORT | changes
    return jaxinfo.estimate_mutual_information(KEY, x, y, **chosen)


def _divergence(p=X + 1, q=X, **changes):
    return jaxinfo.estimate_divergence(KEY, p, q, **(SHORT | changes))


def test_an_estimate_holds_everything_it_promises():
    estimate = _estimate()
    assert estimate.lower < estimate.value < estimate.upper
    assert estimate.upper - estimate.value == pytest.approx(
        1.959964 * estimate.standard_error, rel=1e-5
    )
    assert estimate.per_seed.shape == (2,)
    assert estimate.value == pytest.approx(estimate.per_seed.mean())
    assert estimate.kind == "lower_bound"
    assert estimate.ceiling == np.inf
    assert estimate.num_nonfinite == 0
    assert estimate.num_samples == 400
    assert estimate.history.values.shape == (2, 3)
    assert estimate.history.steps.tolist() == [20, 40, 60]
    assert 0 < estimate.compile_seconds < estimate.seconds
    assert not estimate.warnings
    as_json = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert as_json["ceiling"] is None
    assert as_json["per_seed"] == estimate.per_seed.tolist()
    assert "nats" in str(estimate)


def test_the_same_key_gives_the_same_number_and_another_does_not():
    assert _estimate().value == _estimate().value
    other = jaxinfo.estimate_mutual_information(
        jax.random.key(1), X, Y, bound="mine", **SHORT
    )
    assert other.value != _estimate().value


def test_new_numbers_do_not_compile_anew():
    settings = {"num_steps": 61, "critic": CRITIC}
    first = _estimate(learning_rate=1e-3, **settings)
    again = _estimate(learning_rate=2e-3, **settings)
    assert again.compile_seconds < 0.2 * first.compile_seconds


@pytest.mark.slow
def test_the_ceiling_of_info_nce_is_reported_and_reached():
    x = np.repeat(X, 2, axis=1)
    estimate = _estimate(
        x, x, bound="info_nce", num_steps=300, learning_rate=1e-2, batch_size=16
    )
    # 80 test rows in 5 blocks of 16.
    assert estimate.ceiling == pytest.approx(np.log(16))
    assert estimate.value <= estimate.ceiling
    assert estimate.saturated


def test_one_seed_on_few_scores_is_enough_to_doubt_their_mean(monkeypatch):
    assert not _estimate().saturated

    def with_a_poor_seed(*arguments, **options):
        result = sweep(*arguments, **options)
        sizes = result.effective_sample_size.at[..., 0].set(29.0)
        return result._replace(effective_sample_size=sizes)

    monkeypatch.setattr(host, "sweep", with_a_poor_seed)
    assert _estimate().saturated


def test_each_bound_has_its_own_ceiling():
    ceilings = {}
    for name in information_bound_names():
        bound = information_bound(name)
        ceilings[name] = bound.ceiling(16, **bound.own_settings({"alpha": 0.5}))
    assert ceilings.pop("info_nce") == pytest.approx(np.log(16))
    assert ceilings.pop("interpolated") == pytest.approx(np.log(16 / 0.5))
    assert set(ceilings.values()) == {np.inf}
    with pytest.raises(ValueError, match="alpha must lie in"):
        _estimate(bound="interpolated", alpha=0.0)


def test_a_run_that_is_still_climbing_is_not_converged():
    estimate = _estimate(
        critic=CRITIC, num_steps=20, eval_every=1, optimizer=optax.adam(1e-4)
    )
    assert not estimate.converged


def test_club_is_an_upper_bound_with_a_critic_of_its_own():
    estimate = _estimate(bound="club")
    assert estimate.kind == "upper_bound"


def test_inputs_of_any_shape_and_unequal():
    estimate = _estimate(X.reshape(400, 1, 2), Y[:, 0])
    assert np.isfinite(estimate.value)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [slowly("tuba", 0.2), slowly("interpolated", 0.0), ("flo", -0.1)],
)
def test_the_pointwise_information_of_constant_networks(bound, expected):
    """Critic 0.3, auxiliary 0.1: T - log a, T - log mean exp T, and -u."""
    estimate = _estimate(
        bound=bound,
        critic=(lambda key, x, y: jnp.zeros(()), lambda p, x, y: 0 * x[:, 0] + p + 0.3),
        auxiliary=(lambda key, *z: jnp.zeros(()), lambda p, *z: 0 * z[0][:, 0] + 0.1),
        optimizer=optax.sgd(0.0),
        num_steps=1,
        num_seeds=1,
    )
    np.testing.assert_allclose(estimate.log_ratio(X, Y), expected, atol=1e-6)


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
    estimate = _estimate(x, y, bound=bound, num_steps=200, learning_rate=5e-3)
    pointwise = estimate.log_ratio(fresh_x, fresh_y)
    assert pointwise.shape == (2000,)
    # Short training leaves the rare rows far out, which dominate this, half learned by
    # the two towers of InfoNCE.
    floor = 0.75 if bound == "info_nce" else 0.85
    assert np.corrcoef(pointwise, exact)[0, 1] > floor
    # The mean over 2,000 rows has a standard deviation of about 0.02.
    assert pointwise.mean() == pytest.approx(truth, abs=0.15)


def test_seeds_share_the_split():
    """A critic without parameters gives every seed the same number."""
    critic = (lambda key, x, y: (), lambda params, x, y: 0.3 * (x * y).sum(1))
    estimate = _estimate(num_seeds=3, critic=critic)
    assert len(set(estimate.per_seed.tolist())) == 1
    assert len(set(_estimate().per_seed.tolist())) == 2


def test_rows_in_order_do_no_harm_to_a_run():
    order = np.argsort(X[:, 0])
    x, y = jnp.asarray(X[order]), jnp.asarray(Y[order])
    critic = (lambda key, x, y: (), lambda params, x, y: 0.5 * (x * y).sum(1))
    run = jax.jit(jaxinfo.estimation.make_run(critic, num_steps=1, batch_size=32))
    in_order = run(KEY, *[(x, y)] * 3).value
    shuffled = run(KEY, *[(jnp.asarray(X), jnp.asarray(Y))] * 3).value
    assert in_order == pytest.approx(float(shuffled), abs=0.1)


@pytest.mark.slow
def test_a_nearly_constant_column_is_not_blown_up():
    x = np.c_[X, np.full(400, 0.1)]
    x[7, 2] = 0.9  # Falls into one of the parts only.
    assert abs(_estimate(x).value) < 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.log_ratio(X[:, :1], Y), r"x must have rows of shape \(2,\)"),
        (lambda e: e.log_ratio(X[:3], Y), "same number of rows, got 3 and 400"),
        (lambda e: e.log_ratio(X * np.nan, Y), "x holds 800 values"),
    ],
)
def test_the_log_ratio_checks_what_it_is_given(call, message):
    with pytest.raises(ValueError, match=message):
        call(_estimate())


def test_the_spread_over_seeds_and_the_rows_both_count():
    from jaxinfo.estimation import summarize

    values = np.array([1.0, 2.0, 3.0, np.nan])
    psi = RNG.normal(size=(4, 50))
    summary = summarize(values, [psi])
    expected = np.var(psi[:3].mean(0), ddof=1) / 50 + 1.0 / 3
    assert summary.value == 2
    assert summary.standard_error == pytest.approx(np.sqrt(expected))
    assert np.isnan(summarize(np.array([np.nan]), [psi[:1]]).value)


@pytest.mark.parametrize("divergence", [slowly("KL"), jaxinfo.divergences.LE_CAM])
def test_divergences_by_name_and_by_member(divergence):
    p, q = RNG.normal(size=(2, 2000, 2))
    estimate = _divergence(p + 0.5, q, divergence=divergence, num_steps=100)
    assert estimate.value > 0
    assert estimate.num_samples == 4000
    assert "divergence" in estimate.quantity
    assert estimate.log_ratio(X).shape == (400,)


def test_samples_of_two_sizes():
    discriminator = (lambda key, x: jnp.zeros(2), lambda params, x: x @ params)
    estimate = _divergence(X[:200] + 1, X, discriminator=discriminator)
    assert np.isfinite(estimate.value)


@pytest.mark.slow
def test_renyi_takes_its_order_and_grows_with_it():
    p, q = RNG.normal(size=(2, 2000, 2))
    low, high = (
        _divergence(p + 0.5, q, bound="renyi", order=order, num_steps=100).value
        for order in (0.2, 1.5)
    )
    assert 0 < low < high


def test_integers_are_converted_and_said_so():
    # Of the shapes of another test, so that both share a program.
    x, y = X.reshape(400, 1, 2), (Y[:, 0] > 0).astype(np.int64)
    with pytest.warns(UserWarning, match="y holds int64 values"):
        estimate = _estimate(x, y)
    assert "y holds int64" in estimate.warnings[0]


def test_a_constant_column_is_a_warning_and_no_crash():
    with pytest.warns(UserWarning, match=r"x is constant in 1 of 3 coordinates \(2\)"):
        estimate = _estimate(np.c_[X, np.ones(400)], critic=CRITIC)
    assert np.isfinite(estimate.value)


def test_low_precision_arrays_are_numbers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(_estimate(jnp.asarray(X, jnp.bfloat16), Y).value)


def _with(value, row):
    spoilt = X.copy()
    spoilt[row:] = np.where(np.arange(row, 400)[:, None] % 2, spoilt[row:], value)
    return spoilt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _estimate(_with(np.nan, 390)), "x holds 10 values.*first in row 390"),
        (lambda: _estimate(y=_with(-np.inf, 396)), "y holds 4 values.*row 396"),
        (lambda: _estimate(y=Y[:-1]), "same number of rows, got 400 and 399"),
        (lambda: _estimate(X[:20], Y[:20]), "parts of .* rows from 20"),
        (lambda: _estimate(batch_size=241), "batch_size must be at most the 240"),
        (lambda: _estimate(X[:0], Y[:0]), "x must have rows"),
        (lambda: _estimate(3.0), "x must have rows"),
        (
            lambda: _estimate(X.astype(object)),
            "x must hold real numbers, got dtype obj",
        ),
        (lambda: _estimate(X.astype(str)), "x must hold real numbers"),
        (lambda: _estimate(X + 1j), "x must hold real numbers"),
        (lambda: _estimate(bound="dv"), "unknown bound 'dv'.*donsker_varadhan"),
        (lambda: _estimate(num_seeds=0), "num_seeds"),
        (lambda: _estimate(split=(0.5, 0.5)), "split must be three"),
        (lambda: _estimate(split=(0.6, 0.3, 0.3)), "adding up"),
        (lambda: _estimate(layout="pmap"), "layout"),
        (lambda: _estimate(clip=3.0), "clip"),
        (lambda: _estimate(critic=networks.discriminator), "critic must be"),
        (lambda: _divergence(p=X[:, :1]), "same shape"),
        (lambda: _divergence(divergence="kl"), "unknown divergence 'kl'.*KL"),
        (lambda: _divergence(divergence="GAN", bound="mine"), "mine.*KL, not GAN"),
        (lambda: _divergence(bound="tuba"), "unknown bound 'tuba'.*f_divergence"),
        (lambda: _divergence(discriminator=3), "discriminator must be"),
        (lambda: _divergence(divergence=None), "unknown divergence None"),
        (lambda: _divergence(divergence="LE_CAM", bound="renyi"), "not LE_CAM"),
        (lambda: _divergence(bound="renyi", order=1.0), "order must not be 1"),
        (lambda: _estimate(bound="smile", clip=-3.0), r"clip must lie in \(0"),
        (lambda: _estimate(bound="mine", decay=1.0), r"decay must lie in \(0"),
        (lambda: _estimate(bound=["mine"]), "unknown bound"),
        (lambda: _estimate(num_steps=3.0), "num_steps must be a positive whole"),
        (lambda: _estimate(batch_size=64.5), "batch_size must be a positive whole"),
        (lambda: _estimate(num_seeds=2.0), "num_seeds must be a positive whole"),
        (
            lambda: jaxinfo.estimate_mutual_information(0, X, Y),
            "key must be made by jax.random.key, got int",
        ),
        (
            lambda: jaxinfo.estimate_divergence(jax.random.PRNGKey(0), X, Y),
            "key must be made by jax.random.key, got .* of uint32",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inside_jit_the_pure_run_is_pointed_out():
    with pytest.raises(TypeError, match="make_run"):
        jax.jit(lambda x: jaxinfo.estimate_mutual_information(KEY, x, Y).value)(X)


def test_seeds_without_a_finite_value_are_left_out_and_said_so():
    def apply(params, x, y):
        return params["scale"] * (x * y).sum(1)

    critic = (
        lambda key, x, y: {"scale": jnp.where(jax.random.bernoulli(key), jnp.nan, 0.1)},
        apply,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimate = _estimate(critic=critic, num_seeds=8)
    lost = np.isnan(estimate.per_seed).sum()
    assert 0 < lost < 8
    assert any(f"{lost} of 8 seeds" in str(w.message) for w in caught)
    assert np.isfinite([estimate.value, estimate.standard_error]).all()
    assert estimate.num_nonfinite == lost * 60
    assert np.isfinite(estimate.log_ratio(X, Y)).all()
