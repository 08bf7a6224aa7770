"""The f-divergences: laws, references, identities, gradients and traces."""

import itertools
import math
import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences as d

from .table import MEMBERS, NAMES, WITH_LOG_RATIO, numpy_generator, numpy_limits

every_member = pytest.mark.parametrize("member", MEMBERS, ids=NAMES)
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


def of_every(compute, *arguments, members=MEMBERS):
    """`compute(member, *arguments)` for each member, in NumPy, by one program."""
    run = jax.jit(lambda *arguments: [compute(m, *arguments) for m in members])
    return zip(members, jax.tree.map(np.asarray, run(*arguments)), strict=True)


def close(got, want, rtol, atol, member):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=str(member))


# Laws


def test_vmap_gives_the_value_of_each_element():
    v = np.linspace(-3, 3, 5, dtype=np.float32)

    def compute(member, v):
        def values(v):
            return [function(v) for function in functions_of_v(member)]

        return values(v), jax.vmap(values)(v)

    for member, (together, mapped) in of_every(compute, v):
        for got, expected in zip(mapped, together, strict=True):
            close(got, expected, 1e-5, 1e-6, member)


@every_member
def test_dtypes_are_kept_and_python_numbers_are_accepted(member):
    functions = [*functions_of_v(member), member.generator, member.derivative]
    functions.append(member.conjugate)
    for function in functions:
        for dtype in (jnp.float16, jnp.bfloat16, jnp.float32):
            result = shape_and_dtype(function, np.asarray([0.25, 0.5], dtype))
            assert result.dtype == dtype
            assert result.shape == (2,)
        assert shape_and_dtype(function, 0.5).dtype == jnp.float32
        assert shape_and_dtype(function, 1).shape == ()
        assert shape_and_dtype(function, np.float64(0.5)).dtype == jnp.float32
    with jax.enable_x64(True):
        for function in functions:
            assert shape_and_dtype(function, np.float64(0.5)).dtype == jnp.float64
            assert shape_and_dtype(function, jnp.float32(0.5)).dtype == jnp.float32


def shape_and_dtype(function, argument):
    """Shape and dtype of the function's result, without computing it."""
    return jax.eval_shape(lambda: function(argument))


EXTREMES = np.concatenate(
    [
        np.linspace(-1e4, 1e4, 41),
        np.linspace(-100, 100, 101),
        np.linspace(-8, 8, 65),
        [-2, -1 / 2, -1.8545865, 87.0, -87.0, 6.6, 7.4, -11.5, -3.5],
    ]
)


RTOL = {"float32": 1e-4, "bfloat16": 2e-2, "float64": 1e-12}


def values_and_derivatives(member, v):
    """Every function of v with its derivative, by name."""
    out = {}
    for function in functions_of_v(member):
        value, pull_back = jax.vjp(function, v)
        out[function.__name__] = value, *pull_back(jnp.ones_like(value))
    return out


@every_member
def test_values_and_derivatives_are_right_wherever_representable(member, x64):
    scores = [EXTREMES.astype(jnp.dtype(dtype)) for dtype in RTOL]
    # The reference is computed at the rounded scores.
    wide = np.concatenate([v.astype(np.float64) for v in scores])
    run = jax.jit(lambda *scores: [values_and_derivatives(member, v) for v in scores])
    *narrow, reference = jax.tree.map(
        lambda x: np.asarray(x, np.float64), run(*scores[:2], wide)
    )
    for name, true in reference.items():
        got = [results[name] for results in narrow]
        for i, dtype in enumerate(RTOL):
            part = slice(i * len(EXTREMES), (i + 1) * len(EXTREMES))
            expected = [x[part] for x in true]
            check_extremes(name, dtype, [*got, expected][i], expected)


def check_extremes(name, dtype, got, reference):
    (value, derivative), (true, true_derivative) = got, reference
    limit = float(jnp.finfo(dtype).max) / 2
    representable = np.abs(true) < limit
    both = representable & (np.abs(true_derivative) < limit)
    assert np.isfinite(value[representable]).all()
    assert np.isfinite(derivative[both]).all()
    assert not np.isnan(value).any()
    assert not np.isnan(derivative).any()
    if name == "log_ratio":  # The smallest log ratio depends on the dtype.
        both &= true > math.log(jnp.finfo(dtype).tiny)
        both &= np.abs(true_derivative) < 1e3
        representable = both
    rtol = RTOL[dtype]
    checks = (value, true, representable), (derivative, true_derivative, both)
    for got, want, where in checks:
        np.testing.assert_allclose(got[where], want[where], rtol=rtol, atol=rtol)


def test_only_divergences_with_an_exponential_overflow():
    scores = EXTREMES.astype(np.float32)
    bounded = {"PEARSON", "JENSEN_SHANNON", "GAN", "TOTAL_VARIATION", "LE_CAM"}
    bounded |= {"skewed_jensen_shannon(0.2)", "skewed_jensen_shannon(0.5)"}
    values = of_every(lambda member, v: [f(v) for f in functions_of_v(member)], scores)
    finite = {member.name for member, got in values if np.isfinite(got).all()}
    assert bounded <= finite
    assert not finite & {"KL", "REVERSE_KL", "NEYMAN", "SQUARED_HELLINGER", "JEFFREYS"}


# References


def test_generator_and_perspective_match_the_paper(x64):
    u, q = np.logspace(-3, 3, 61), 0.3

    def compute(member, u, log_p):
        return member.generator(u), member.perspective(log_p, math.log(q))

    for member, (generator, perspective) in of_every(compute, u, np.log(q * u)):
        expected = numpy_generator(member, u)
        close(generator, expected, 1e-10, 1e-12, member)
        close(perspective, q * expected, 1e-10, 1e-12, member)


def test_perspective_has_its_limits_at_zero_densities():
    log_p = np.asarray([-np.inf, math.log(0.4), -np.inf], np.float32)
    log_q = np.asarray([math.log(0.4), -np.inf, -np.inf], np.float32)

    def compute(member, zero, log_p, log_q):
        return member.generator(zero), member.perspective(log_p, log_q)

    for member, (generator, got) in of_every(compute, 0.0, log_p, log_q):
        at_zero, at_infinity = numpy_limits(member)
        expected = [0.4 * at_zero, 0.4 * at_infinity, 0.0]
        close(got, expected, 1e-5, 1e-7, member)
        close(generator, at_zero, 1e-5, 1e-7, member)


def test_activations_match_the_paper(x64):
    v = np.linspace(-4, 4, 33)
    log_sigmoid = -np.log1p(np.exp(-v))
    published = {
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
    assert set(published) == set(NAMES)
    for member, got in of_every(lambda member, v: member.output_activation(v), v):
        close(got, published[member.name], 1e-13, 1e-13, member)


def test_conjugate_is_the_supremum_over_positive_ratios(x64):
    u = np.logspace(-9, 6, 20_001)

    def compute(member, ratios):
        derivatives = member.derivative(ratios)
        # With two points on the flat branch, if there is one.
        flat = derivatives[0] - jnp.asarray([10.0, 1.0])
        t = jnp.concatenate([flat, derivatives])
        return t, member.conjugate(t)

    for member, (t, got) in of_every(compute, np.logspace(-3, 3, 13)):
        f_u = numpy_generator(member, u)
        brute = (t[:, None] * u - f_u).max(axis=1)
        assert (brute <= got + 1e-9 * (1 + np.abs(got))).all(), member
        close(brute, got, 1e-4, 1e-4, member)


# Identities


def test_conjugate_at_the_derivative(x64):
    u = np.logspace(-3, 3, 601)

    def compute(member, u):
        t = member.derivative(u)
        return t, member.conjugate(t), member.generator(u)

    for member, (t, conjugate, generator) in of_every(compute, u):
        gap = conjugate - (u * t - generator)
        assert np.max(np.abs(gap) / (1 + np.abs(u * t))) < 1e-6, member


def test_derivative_matches_autodiff_of_the_generator(x64):
    def compute(member, u):
        return member.derivative(u), jax.vmap(jax.grad(member.generator))(u)

    for member, (derivative, autodiff) in of_every(compute, np.logspace(-3, 3, 60)):
        close(derivative, autodiff, 1e-9, 1e-12, member)


def test_conjugate_of_activation_is_the_composition(x64):
    def compute(member, v):
        composed = member.conjugate(member.output_activation(v))
        return member.conjugate_of_activation(v), composed

    for member, (fused, composed) in of_every(compute, np.linspace(-12, 12, 97)):
        # The composition is less accurate, hence the wide tolerance.
        close(fused, composed, 1e-6, 1e-10, member)


def test_log_ratio_inverts_the_activation(x64):
    def compute(member, v):
        ratio = jnp.exp(member.log_ratio(v))
        return ratio, member.derivative(ratio), member.output_activation(v)

    v = np.linspace(-8, 8, 65)
    for member, (ratio, *both) in of_every(compute, v, members=WITH_LOG_RATIO):
        positive = ratio > 1e-300
        assert positive.sum() > 20, member
        close(*[x[positive] for x in both], 1e-8, 1e-10, member)


def test_fenchel_young(x64):
    def compute(member, u, v):
        t = member.output_activation(v)
        return t, member.generator(u), member.conjugate(t)

    u = np.logspace(-4, 4, 81)[:, None]
    results = of_every(compute, u, np.linspace(-9, 9, 61))
    for member, (t, generator, conjugate) in results:
        gap = generator + conjugate - u * t
        assert np.min(gap / (1 + np.abs(u * t))) > -1e-9, member


def test_value_and_derivative_at_one(x64):
    def compute(member, u):
        return member.generator(u), member.derivative(u)

    for member, (value, derivative) in of_every(compute, 1.0):
        at_one = -2 * math.log(2) if member is d.GAN else 0.0
        assert value == pytest.approx(at_one, abs=1e-15), member
        assert derivative == pytest.approx(member.threshold, abs=1e-15), member


def test_activation_increases():
    v = np.linspace(-6, 6, 49, dtype=np.float32)
    for member, got in of_every(lambda member, v: member.output_activation(v), v):
        assert (np.diff(got) > 0).all(), member


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
def test_conjugate_is_constant_on_its_flat_branch(member, edge, value):
    t = np.asarray([edge, edge - 0.1, edge - 100, edge + 0.1], np.float32)
    run = jax.jit(jax.vmap(jax.value_and_grad(member.conjugate)))
    values, derivatives = map(np.asarray, run(t))
    np.testing.assert_allclose(values[:3], value, rtol=1e-6)
    np.testing.assert_array_equal(derivatives[1:3], 0)
    assert values[3] > value


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
def test_log_ratio_is_finite_on_flat_branches(member, v):
    for dtype in (jnp.float32, jnp.bfloat16):
        v = jnp.asarray(v, dtype)
        floor = math.log(jnp.finfo(dtype).tiny)
        value, derivative = jax.jit(jax.value_and_grad(member.log_ratio))(v)
        assert float(value) == pytest.approx(floor, rel=4e-3)
        assert derivative == 0


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
    value, derivative = jax.jit(jax.value_and_grad(member.conjugate))(beyond)
    assert value == np.inf
    assert not np.isnan(derivative)


def test_relations_between_members(x64):
    u = np.logspace(-2, 2, 41)
    pairs = [
        (d.alpha_divergence(2.0), d.PEARSON, 0.5),
        (d.alpha_divergence(-1.0), d.NEYMAN, 0.5),
        (d.alpha_divergence(0.5), d.SQUARED_HELLINGER, 2.0),
        (d.skewed_jensen_shannon(0.5), d.JENSEN_SHANNON, 0.5),
    ]
    members = [member for pair in pairs for member in pair[:2]]
    results = of_every(lambda member, u: member.generator(u), u, members=members)
    generator = {member.name: values for member, values in results}
    for member, other, factor in pairs:
        expected = factor * generator[other.name]
        close(generator[member.name], expected, 1e-11, 1e-13, member)


# Gradients


@every_member
def test_gradients_to_second_order(member, x64):
    step = 1e-4
    center = np.asarray([-1.3, -0.4, 0.2, 0.9, 1.7])
    v = np.asarray([center - step, center, center + step])

    def derivatives(function, v):
        first = jax.grad(lambda v: function(v).sum())
        return function(v), first(v), jax.grad(lambda v: first(v).sum())(v)

    functions = functions_of_v(member)
    for orders in jax.jit(lambda v: [derivatives(f, v) for f in functions])(v):
        for primitive, derivative in itertools.pairwise(map(np.asarray, orders)):
            numerical = (primitive[2] - primitive[0]) / (2 * step)
            np.testing.assert_allclose(derivative[1], numerical, rtol=1e-5, atol=1e-6)


def test_jeffreys_second_derivative(x64):
    # d2 f* = 1 / f''(u) at the maximizer u, with f'' = 1/u + 1/u^2.
    t = np.asarray([-30.0, -1.0, 0.0, 1.0, 3.0])
    second = jax.vmap(jax.grad(jax.grad(d.JEFFREYS.conjugate)))
    log_u, second = jax.jit(lambda t: (d.JEFFREYS.log_ratio(t), second(t)))(t)
    u = np.exp(log_u)
    np.testing.assert_allclose(second, 1 / (1 / u + 1 / u**2), rtol=1e-12)


# Equality, names, traces and errors


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


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"alpha.*REVERSE_KL"):
        d.alpha_divergence(0)
    with pytest.raises(ValueError, match=r"alpha.*limit there is KL"):
        d.alpha_divergence(1.0)
    with pytest.raises(ValueError, match="alpha"):
        d.alpha_divergence(math.nan)
    for pi in (0.0, 1.0, -0.1, math.inf):
        with pytest.raises(ValueError, match="pi"):
            d.skewed_jensen_shannon(pi)
    with pytest.raises(ValueError, match="only a sign"):
        d.TOTAL_VARIATION.log_ratio(0.0)
    with pytest.raises(TypeError):
        d.FDivergence("custom", 0.0)  # Abstract.
