"""The f-family: laws, references, identities, gradients and traces."""

import itertools
import math
import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences as d
from jaxinfo.divergences.special import log1mexp_of_log, log_lambert_w

from .table import MEMBERS, NAMES, READABLE, numpy_generator, numpy_limits

every_member = pytest.mark.parametrize("member", MEMBERS, ids=NAMES)
every_readable = pytest.mark.parametrize("member", READABLE, ids=str)
FUNCTIONS_OF_V = ("output_activation", "conjugate_of_activation", "log_ratio")


def functions_of_v(member):
    return [
        getattr(member, name)
        for name in FUNCTIONS_OF_V
        if not (member is d.TOTAL_VARIATION and name == "log_ratio")
    ]


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


# Laws


@every_member
def test_jit_and_vmap_change_nothing(member):
    v = jnp.linspace(-3, 3, 5)
    functions = functions_of_v(member)
    mapped = jax.jit(jax.vmap(lambda v: [f(v) for f in functions]))(v)
    for i, function in enumerate(functions):
        one_by_one = jnp.stack([function(x) for x in v])
        for got in (function(v), mapped[i]):
            np.testing.assert_allclose(got, one_by_one, rtol=1e-5, atol=1e-6)


@every_member
def test_dtypes_are_kept_and_numbers_accepted(member):
    functions = [*functions_of_v(member), member.generator, member.derivative]
    functions.append(member.conjugate)
    for function in functions:
        for dtype in (jnp.float16, jnp.bfloat16, jnp.float32):
            result = function(jnp.asarray([0.25, 0.5], dtype))
            assert result.dtype == dtype
            assert result.shape == (2,)
        assert function(0.5).dtype == jnp.float32
        assert function(1).shape == ()
        assert function(np.float64(0.5)).dtype == jnp.float32
    with jax.enable_x64(True):
        for function in functions:
            assert function(jnp.asarray(0.5)).dtype == jnp.float64
            assert function(jnp.float32(0.5)).dtype == jnp.float32


EXTREMES = np.concatenate(
    [
        np.linspace(-1e4, 1e4, 41),
        np.linspace(-100, 100, 101),
        np.linspace(-8, 8, 65),
        [-2, -1 / 2, -1.8545865, 87.0, -87.0, 6.6, 7.4, -11.5, -3.5],
    ]
)


RTOL = {"float32": 1e-4, "bfloat16": 2e-2, "float64": 1e-12}


def values_and_slopes(member, v):
    """Every function of v with its slope, by name."""
    out = {}
    for function in functions_of_v(member):
        value, pull_back = jax.vjp(function, v)
        out[function.__name__] = value, *pull_back(jnp.ones_like(value))
    return out


@every_member
def test_finite_and_right_wherever_representable(member, x64):
    scores = [jnp.asarray(EXTREMES).astype(dtype) for dtype in RTOL]
    # The truth is that of the very numbers which the scores were rounded to.
    wide = jnp.concatenate([v.astype(jnp.float64) for v in scores])
    run = jax.jit(lambda *scores: [values_and_slopes(member, v) for v in scores])
    *narrow, truth = jax.tree.map(
        lambda x: np.asarray(x.astype(jnp.float64)), run(*scores[:2], wide)
    )
    for name, true in truth.items():
        got = [results[name] for results in narrow]
        for i, dtype in enumerate(RTOL):
            part = slice(i * len(EXTREMES), (i + 1) * len(EXTREMES))
            expected = [x[part] for x in true]
            check_extremes(name, dtype, [*got, expected][i], expected)


def check_extremes(name, dtype, got, truth):
    (value, slope), (true, true_slope) = got, truth
    limit = float(jnp.finfo(dtype).max) / 2
    representable = np.abs(true) < limit
    both = representable & (np.abs(true_slope) < limit)
    assert np.isfinite(value[representable]).all()
    assert np.isfinite(slope[both]).all()
    assert not np.isnan(value).any()
    assert not np.isnan(slope).any()
    if name == "log_ratio":  # The floor is a number of the dtype's own.
        both &= true > math.log(jnp.finfo(dtype).tiny)
        both &= np.abs(true_slope) < 1e3
        representable = both
    rtol = RTOL[dtype]
    for got, want, where in (value, true, representable), (slope, true_slope, both):
        np.testing.assert_allclose(got[where], want[where], rtol=rtol, atol=rtol)


def test_only_exponential_members_ever_overflow():
    scores = jnp.asarray(EXTREMES, jnp.float32)
    bounded = {"PEARSON", "JENSEN_SHANNON", "GAN", "TOTAL_VARIATION", "LE_CAM"}
    bounded |= {"skewed_jensen_shannon(0.2)", "skewed_jensen_shannon(0.5)"}
    finite = {
        member.name
        for member in MEMBERS
        if all(jnp.isfinite(f(scores)).all() for f in functions_of_v(member))
    }
    assert bounded <= finite
    assert not finite & {"KL", "REVERSE_KL", "NEYMAN", "SQUARED_HELLINGER", "JEFFREYS"}


# References


@every_member
def test_generator_and_perspective_restate_the_paper(member, x64):
    u = np.logspace(-3, 3, 61)
    expected = numpy_generator(member, u)
    np.testing.assert_allclose(member.generator(u), expected, rtol=1e-10, atol=1e-12)
    q = 0.3
    got = member.perspective(np.log(q * u), math.log(q))
    np.testing.assert_allclose(got, q * expected, rtol=1e-10, atol=1e-12)


@every_member
def test_perspective_takes_its_limits(member):
    at_zero, at_infinity = numpy_limits(member)
    log_p = jnp.asarray([-jnp.inf, math.log(0.4), -jnp.inf])
    log_q = jnp.asarray([math.log(0.4), -jnp.inf, -jnp.inf])
    expected = [0.4 * at_zero, 0.4 * at_infinity, 0.0]
    got = member.perspective(log_p, log_q)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(member.generator(0.0), at_zero, rtol=1e-5, atol=1e-7)


def test_activations_are_the_printed_ones(x64):
    v = np.linspace(-4, 4, 33)
    log_sigmoid = -np.log1p(np.exp(-v))
    printed = {
        "KL": v,
        "REVERSE_KL": -np.exp(-v),
        "PEARSON": v,
        "NEYMAN": 1 - np.exp(-v),
        "SQUARED_HELLINGER": 1 - np.exp(-v),
        "JEFFREYS": v,
        "JENSEN_SHANNON": math.log(2) + log_sigmoid,
        "GAN": log_sigmoid,
        "TOTAL_VARIATION": 0.5 * np.tanh(v),
        "LE_CAM": 0.5 + log_sigmoid,
        "alpha_divergence(-1.0)": 0.5 + log_sigmoid,
        "alpha_divergence(0.3)": 1 / 0.7 + log_sigmoid,
        "alpha_divergence(0.9)": 10 + log_sigmoid,
        "alpha_divergence(1.5)": v,
        "alpha_divergence(3.0)": v,
        "skewed_jensen_shannon(0.2)": -0.2 * math.log(0.2) + log_sigmoid,
        "skewed_jensen_shannon(0.5)": -0.5 * math.log(0.5) + log_sigmoid,
    }
    assert set(printed) == set(NAMES)
    for member in MEMBERS:
        got = member.output_activation(v)
        np.testing.assert_allclose(got, printed[member.name], rtol=1e-13, atol=1e-13)


@every_member
def test_conjugate_is_the_supremum_over_positive_ratios(member, x64):
    u = np.logspace(-9, 6, 20_001)
    slopes = np.asarray(member.derivative(np.logspace(-3, 3, 13)))
    t = np.concatenate([slopes[0] - [10.0, 1.0], slopes])  # Flat branches first.
    f_u = numpy_generator(member, u)
    brute = (t[:, None] * u - f_u).max(axis=1)
    got = np.asarray(member.conjugate(t))
    assert (brute <= got + 1e-9 * (1 + np.abs(got))).all()
    np.testing.assert_allclose(brute, got, rtol=1e-4, atol=1e-4)


# Identities


@every_member
def test_conjugate_at_the_derivative(member, x64):
    u = jnp.logspace(-3, 3, 601)
    t = member.derivative(u)
    gap = member.conjugate(t) - (u * t - member.generator(u))
    assert jnp.max(jnp.abs(gap) / (1 + jnp.abs(u * t))) < 1e-6


@every_member
def test_derivative_is_that_of_the_generator(member, x64):
    u = jnp.logspace(-3, 3, 60)
    slope = jax.vmap(jax.grad(member.generator))(u)
    np.testing.assert_allclose(member.derivative(u), slope, rtol=1e-9, atol=1e-12)


@every_member
def test_fused_is_the_composition(member, x64):
    v = jnp.linspace(-12, 12, 97)
    composed = member.conjugate(member.output_activation(v))
    fused = member.conjugate_of_activation(v)
    # Composing loses what the fused form is there to keep.
    np.testing.assert_allclose(fused, composed, rtol=1e-6, atol=1e-10)


@every_readable
def test_log_ratio_inverts_the_activation(member, x64):
    v = jnp.linspace(-8, 8, 65)
    ratio = jnp.exp(member.log_ratio(v))
    positive = ratio > 1e-300
    assert positive.sum() > 20
    np.testing.assert_allclose(
        member.derivative(ratio)[positive],
        member.output_activation(v)[positive],
        rtol=1e-8,
        atol=1e-10,
    )


@every_member
def test_fenchel_young(member, x64):
    u = jnp.logspace(-4, 4, 81)[:, None]
    t = member.output_activation(jnp.linspace(-9, 9, 61))
    gap = member.generator(u) + member.conjugate(t) - u * t
    assert jnp.min(gap / (1 + jnp.abs(u * t))) > -1e-9


@every_member
def test_value_and_slope_at_one(member, x64):
    at_one = -2 * math.log(2) if member is d.GAN else 0.0
    assert float(member.generator(1.0)) == pytest.approx(at_one, abs=1e-15)
    assert float(member.derivative(1.0)) == pytest.approx(member.threshold, abs=1e-15)


@every_member
def test_activation_increases(member):
    assert (jnp.diff(member.output_activation(jnp.linspace(-6, 6, 49))) > 0).all()


@pytest.mark.parametrize(
    ("member", "edge", "value"),
    [
        (d.PEARSON, -2.0, -1.0),
        (d.LE_CAM, -1.5, -0.5),
        (d.TOTAL_VARIATION, -0.5, -0.5),
        (d.alpha_divergence(2.0), -1.0, -0.5),
        (d.alpha_divergence(3.0), -0.5, -1 / 3),
    ],
    ids=str,
)
def test_flat_branches(member, edge, value):
    t = jnp.asarray([edge, edge - 0.1, edge - 100])
    np.testing.assert_allclose(member.conjugate(t), value, rtol=1e-6)
    slope = jax.vmap(jax.grad(member.conjugate))(t[1:])
    np.testing.assert_array_equal(slope, 0)
    assert member.conjugate(edge + 0.1) > value


@pytest.mark.parametrize(
    ("member", "v"),
    [
        (d.PEARSON, -5.0),
        (d.LE_CAM, -5.0),
        (d.alpha_divergence(1.5), -5.0),
        (d.alpha_divergence(3.0), -5.0),
    ],
    ids=str,
)
def test_log_ratio_has_a_floor_on_flat_branches(member, v):
    for dtype in (jnp.float32, jnp.bfloat16):
        v = jnp.asarray(v, dtype)
        floor = math.log(jnp.finfo(dtype).tiny)
        assert float(member.log_ratio(v)) == pytest.approx(floor, rel=4e-3)
        assert jax.grad(member.log_ratio)(v) == 0


@pytest.mark.parametrize(
    ("member", "beyond"),
    [
        (d.REVERSE_KL, 0.1),
        (d.NEYMAN, 1.1),
        (d.SQUARED_HELLINGER, 1.0),
        (d.JENSEN_SHANNON, 0.7),
        (d.GAN, 0.0),
        (d.TOTAL_VARIATION, 0.6),
        (d.LE_CAM, 0.6),
        (d.alpha_divergence(0.5), 2.1),
        (d.skewed_jensen_shannon(0.5), 0.4),
    ],
    ids=str,
)
def test_conjugate_is_infinite_outside_its_domain(member, beyond):
    assert member.conjugate(beyond) == jnp.inf
    assert not jnp.isnan(jax.grad(member.conjugate)(beyond))


def test_relations_between_members(x64):
    u = np.logspace(-2, 2, 41)
    pairs = [
        (d.alpha_divergence(2.0), d.PEARSON, 0.5),
        (d.alpha_divergence(-1.0), d.NEYMAN, 0.5),
        (d.alpha_divergence(0.5), d.SQUARED_HELLINGER, 2.0),
        (d.skewed_jensen_shannon(0.5), d.JENSEN_SHANNON, 0.5),
    ]
    for member, other, factor in pairs:
        np.testing.assert_allclose(
            member.generator(u), factor * other.generator(u), rtol=1e-11, atol=1e-13
        )


def test_lambert_w_solves_its_equation(x64):
    z = jnp.concatenate([jnp.linspace(-40, 40, 161), jnp.logspace(1, 6, 30)])
    root = log_lambert_w(z)
    np.testing.assert_allclose(jnp.exp(root) + root, z, rtol=1e-13, atol=1e-13)
    # W(1) is the omega constant.
    assert float(jnp.exp(log_lambert_w(0.0))) == pytest.approx(0.5671432904097838)


def test_log1mexp_beyond_underflow(x64):
    log_x = jnp.asarray([-700.0, -5000.0, -26.0, -25.9, 0.0, 5.0])
    x = np.exp(np.asarray(log_x[2:]))
    got = log1mexp_of_log(log_x)
    np.testing.assert_allclose(got[:2], log_x[:2], rtol=1e-14)
    np.testing.assert_allclose(got[2:], np.log(-np.expm1(-x)), rtol=1e-13, atol=1e-15)


# Gradients


@every_member
def test_gradients_to_second_order(member, x64):
    step = 1e-4
    centre = np.asarray([-1.3, -0.4, 0.2, 0.9, 1.7])
    v = jnp.asarray([centre - step, centre, centre + step])

    def derivatives(function, v):
        first = jax.grad(lambda v: function(v).sum())
        return function(v), first(v), jax.grad(lambda v: first(v).sum())(v)

    functions = functions_of_v(member)
    for orders in jax.jit(lambda v: [derivatives(f, v) for f in functions])(v):
        for primitive, derivative in itertools.pairwise(orders):
            numerical = (primitive[2] - primitive[0]) / (2 * step)
            np.testing.assert_allclose(derivative[1], numerical, rtol=1e-5, atol=1e-6)


def test_jeffreys_second_derivative(x64):
    # d2 f* = 1 / f''(u) at the maximiser u, with f'' = 1/u + 1/u^2.
    t = jnp.asarray([-30.0, -1.0, 0.0, 1.0, 3.0])
    u = jnp.exp(d.JEFFREYS.log_ratio(t))
    second = jax.vmap(jax.grad(jax.grad(d.JEFFREYS.conjugate)))(t)
    np.testing.assert_allclose(second, 1 / (1 / u + 1 / u**2), rtol=1e-12)


# Values: equality, names, traces, errors


def test_equal_parameters_are_equal_and_do_not_retrace():
    @chex.assert_max_traces(n=1)
    def activate(divergence, v):
        return divergence.output_activation(v)

    jitted = jax.jit(activate, static_argnums=0)
    for member in (d.alpha_divergence(2), d.alpha_divergence(np.float32(2.0))):
        jitted(member, jnp.ones(2))
    assert d.alpha_divergence(2) == d.alpha_divergence(2.0)
    assert hash(d.alpha_divergence(2)) == hash(d.alpha_divergence(2.0))
    assert d.skewed_jensen_shannon(0.5) == d.skewed_jensen_shannon(0.5)
    assert pickle.loads(pickle.dumps(d.KL)) == d.KL
    assert len(set(MEMBERS)) == len(MEMBERS)
    with pytest.raises(AttributeError):
        d.KL.name = "other"


def test_names():
    assert list(d.DIVERGENCES) == [
        *("KL", "REVERSE_KL", "PEARSON", "NEYMAN", "SQUARED_HELLINGER", "JEFFREYS"),
        *("JENSEN_SHANNON", "GAN", "TOTAL_VARIATION", "LE_CAM"),
    ]
    for name, member in d.DIVERGENCES.items():
        assert member.name == name == repr(member)
        assert getattr(d, name) is member
    assert d.alpha_divergence(0.5).name == "alpha_divergence(0.5)"
    assert d.skewed_jensen_shannon(0.5).name == "skewed_jensen_shannon(0.5)"


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match=r"alpha.*REVERSE_KL"):
        d.alpha_divergence(0)
    with pytest.raises(ValueError, match=r"alpha.*limit there is KL"):
        d.alpha_divergence(1.0)
    with pytest.raises(ValueError, match="alpha"):
        d.alpha_divergence(math.nan)
    for pi in (0.0, 1.0, -0.1, math.inf):
        with pytest.raises(ValueError, match="pi"):
            d.skewed_jensen_shannon(pi)
    with pytest.raises(ValueError, match="only the sign"):
        d.TOTAL_VARIATION.log_ratio(0.0)
    with pytest.raises(TypeError):
        d.FDivergence("mine", 0.0)  # Abstract.
