"""Bounds of divergences: laws, references, identities, exact values, MINE's state."""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences as d

from .table import (
    BOUNDS,
    MEMBERS,
    SHIFTED_NORMALS,
    analytic_scores,
    effective_sample_size,
    shifted_normals,
)

every_bound = pytest.mark.parametrize("bound", BOUNDS.values(), ids=BOUNDS.keys())

RNG = np.random.default_rng(0)
P, Q = RNG.normal(0.6, 0.8, 6), RNG.normal(-0.2, 0.9, 8)
MASK_P = np.asarray([1, 1, 0, 1, 0, 1], bool)
MASK_Q = np.asarray([0, 1, 1, 1, 1, 0, 1, 1], bool)


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def close(got, want, tolerance=1e-5, name=""):
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=name)


def every_value(*arguments):
    """The value of every bound, as one program to compile instead of thirty."""
    return {name: bound(*arguments) for name, bound in BOUNDS.items()}


@functools.partial(jax.jit, static_argnames="argnums")
def every_gradient(*arguments, argnums=(0, 1)):
    return {
        name: jax.value_and_grad(bound, argnums)(*arguments)
        for name, bound in BOUNDS.items()
    }


# Laws


def test_vmap_gives_each_value_and_the_order_of_samples_does_not_matter():
    scores_p, scores_q = P.astype(np.float32), Q.astype(np.float32)
    batch_p = np.stack([scores_p, scores_p[::-1], 0.5 * scores_p])
    batch_q = np.stack([scores_q, np.roll(scores_q, 3), scores_q - np.float32(0.1)])
    run = jax.jit(every_value)
    plain, other = run(scores_p, scores_q), run(batch_p[2], batch_q[2])
    mapped = jax.jit(jax.vmap(every_value))(batch_p, batch_q)
    for name in BOUNDS:
        assert plain[name].shape == ()
        close(mapped[name], [plain[name], plain[name], other[name]], name=name)


@every_bound
def test_dtype_is_kept(bound):
    for dtype in (jnp.float32, jnp.bfloat16):
        got = jax.eval_shape(bound, jnp.ones(4, dtype), jnp.ones(5, dtype))
        assert got.dtype == dtype
    with jax.enable_x64(True):
        for dtype in (jnp.float64, jnp.float32):
            arguments = jnp.ones(4, dtype), jnp.ones(5, dtype)
            assert jax.eval_shape(bound, *arguments).dtype == dtype
            weights = jnp.ones(5), jnp.ones(4)  # float64
            assert jax.eval_shape(bound, *arguments, *weights).dtype == dtype


@pytest.mark.slow
def test_masks_drop_rows_and_hide_nan(x64):
    expected = every_gradient(P[MASK_P], Q[MASK_Q])
    hidden_p, hidden_q = np.where(MASK_P, P, np.nan), np.where(MASK_Q, Q, np.nan)
    where_p, where = 2.5 * MASK_P.astype(float), MASK_Q  # Weights and a mask.
    hidden = jax.device_get(every_gradient(hidden_p, hidden_q, where, where_p))
    for name, (value, (gradient_p, gradient_q)) in hidden.items():
        inner, (inner_p, inner_q) = expected[name]
        close(value, inner, 1e-12, name)
        close(gradient_p[MASK_P], inner_p, 1e-10, name)
        close(gradient_q[MASK_Q], inner_q, 1e-10, name)
        assert (gradient_p[~MASK_P] == 0).all(), name
        assert (gradient_q[~MASK_Q] == 0).all(), name


def test_weights_repeat_rows(x64):
    times_p = np.asarray([1, 3, 1, 2, 0, 1])
    times_q = np.asarray([2, 1, 1, 0, 1, 4, 1, 1])
    run = jax.jit(every_value)
    expected = run(np.repeat(P, times_p), np.repeat(Q, times_q))
    for name, value in run(P, Q, times_q.astype(float), times_p).items():
        close(value, expected[name], 1e-12, name)


def test_gradients_with_respect_to_scores_and_weights(x64):
    point = P, Q, 0.5 + MASK_Q, 1.5 - MASK_P
    step, rng = 1e-6, np.random.default_rng(1)
    direction = [rng.normal(size=x.shape) for x in point]
    run = jax.jit(every_value)
    ahead, behind = (
        run(*(x + sign * step * y for x, y in zip(point, direction, strict=True)))
        for sign in (1, -1)
    )
    gradients = every_gradient(*point, argnums=(0, 1, 2, 3))
    for name, (_, parts) in gradients.items():
        if name == "mine_update":  # Its gradient is not that of its value.
            continue
        analytic = sum(np.vdot(x, y) for x, y in zip(parts, direction, strict=True))
        close((ahead[name] - behind[name]) / (2 * step), analytic, 1e-6, name)


@every_bound
def test_bad_shapes_name_the_argument(bound):
    row, matrix = jnp.zeros(3), jnp.zeros((3, 3))
    with pytest.raises(ValueError, match="scores_q"):
        bound(row, matrix)
    with pytest.raises(ValueError, match=r"^where must have the shape"):
        bound(row, row, jnp.ones(4))
    if bound is not effective_sample_size:
        with pytest.raises(ValueError, match="scores_p"):
            bound(matrix, row)
        with pytest.raises(ValueError, match=r"^where_p must have the shape"):
            bound(row, row, None, jnp.ones((3, 1)))


LOG_SPACE = [
    "f_divergence_bound[JENSEN_SHANNON]",
    "f_divergence_bound[GAN]",
    "f_divergence_bound[TOTAL_VARIATION]",
    "f_divergence_bound[LE_CAM]",
    "f_divergence_bound[PEARSON]",
    "f_divergence_bound[skewed_jensen_shannon(0.2)]",
    "shift_optimized_bound[KL]",
    "shift_optimized_bound[REVERSE_KL]",
    "shift_optimized_bound[PEARSON]",
    "shift_optimized_bound[JEFFREYS]",
    "donsker_varadhan_bound",
    "logistic_bound",
    "smile_bound",
    "renyi_donsker_varadhan_bound[0.5]",
    "renyi_donsker_varadhan_bound[2]",
    "mine_update",
    "effective_sample_size",
]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_finite_at_extreme_scores(dtype):
    scores = [1e4, 5.0, 9e3], [-1e4, 0, -3.0], [-1e4] * 3
    high, low, lowest = (np.asarray(z, jnp.dtype(dtype)) for z in scores)
    for arguments in ((high, low), (high, lowest), (low, high)):
        gradients = every_gradient(*arguments)
        for name in LOG_SPACE:
            chex.assert_tree_all_finite(jax.device_get(gradients[name]))
    # With the arguments swapped its true value is -exp(1e4).
    name = "shift_optimized_bound[SQUARED_HELLINGER]"
    chex.assert_tree_all_finite(jax.device_get(every_gradient(high, low)[name]))
    close(every_gradient(high, lowest)[name][0], 2.0, name=name)


# References


def test_bounds_match_the_papers_in_numpy(x64):
    p, q, exp, log, mean = P, Q, np.exp, np.log, np.mean
    sigmoid = 1 / (1 + exp(-p)), 1 / (1 + exp(-q))
    lp, lq = (np.asarray(jax.jit(d.JEFFREYS.log_ratio)(x)) for x in (p, q))
    logistic = mean(log(sigmoid[0])) + mean(log(1 - sigmoid[1]))
    donsker_varadhan = mean(p) - log(mean(exp(q)))
    f_divergence = {
        "KL": mean(p) - mean(exp(q - 1)),
        "REVERSE_KL": mean(-exp(-p)) - mean(-1 - log(exp(-q))),
        "PEARSON": mean(p) - mean(np.where(q < -2, -1, q**2 / 4 + q)),
        "GAN": logistic,
        "JENSEN_SHANNON": log(4) + logistic,
        "TOTAL_VARIATION": mean(np.tanh(p)) / 2 - mean(np.tanh(q)) / 2,
    }
    shift_optimized = {
        "KL": donsker_varadhan,
        "REVERSE_KL": -mean(q) - log(mean(exp(-p))),
        "SQUARED_HELLINGER": 2 - 2 * np.sqrt(mean(exp(-p)) * mean(exp(q))),
        "NEYMAN": mean(exp(-q / 2)) ** 2 / mean(exp(-p)) - 1,
        "PEARSON": (mean(p) - mean(q)) ** 2 / np.var(q),
        "JEFFREYS": mean(lp) - log(mean(exp(lq))) - mean(lq) - log(mean(exp(-lp))),
    }
    renyi = {
        0.5: -log(mean(exp(-0.5 * p))) - log(mean(exp(0.5 * q))),
        2: 2 * log(mean(exp(p))) - log(mean(exp(2 * q))),
    }
    expected = {
        **{f"f_divergence_bound[{n}]": value for n, value in f_divergence.items()},
        **{f"shift_optimized_bound[{n}]": v for n, v in shift_optimized.items()},
        **{f"renyi_donsker_varadhan_bound[{n}]": value for n, value in renyi.items()},
        "donsker_varadhan_bound": donsker_varadhan,
        "logistic_bound": log(4) + logistic,
        "nwj_bound": mean(p) - mean(exp(q - 1)),
        "smile_bound": mean(p) - log(mean(np.clip(exp(q), exp(-0.7), exp(0.7)))),
        "mine_update": donsker_varadhan,
        "effective_sample_size": exp(q).sum() ** 2 / exp(2 * q).sum(),
    }
    assert set(BOUNDS) - set(expected) <= {
        f"f_divergence_bound[{member.name}]" for member in MEMBERS
    }
    got = jax.jit(every_value)(p, q)
    for name, value in expected.items():
        close(got[name], value, 1e-12, name)


# Identities


PLAIN = jax.jit(d.f_divergence_bound, static_argnums=0)
BEST = jax.jit(d.shift_optimized_bound, static_argnums=0)


@functools.partial(jax.jit, static_argnums=0)
@functools.partial(jax.vmap, in_axes=(None, None, None, 0))
def sweep(member, p, q, shift):
    return d.f_divergence_bound(member, p + shift, q + shift)


@pytest.mark.parametrize("member", d.SHIFT_OPTIMIZED, ids=str)
def test_shift_optimized_is_the_supremum_over_shifts(member, x64):
    rng = np.random.default_rng(2)
    shifts = np.linspace(-6, 6, 6001)
    for _ in range(5):
        # Above -2, where the conjugate of PEARSON is not flat.
        p, q = rng.uniform(-1.0, 1.5, 20), rng.uniform(-1.8, 0.5, 30)
        best = BEST(member, p, q)
        assert best >= PLAIN(member, p, q) - 1e-12
        if member == d.PEARSON:
            # The supremum is over scales too, so neither changes the value.
            close(BEST(member, 3 - 2 * p, 3 - 2 * q), best, 1e-12)
            factor = 2 * (p.mean() - q.mean()) / np.var(q)
            p, q = factor * (p - q.mean()), factor * (q - q.mean())
            # The conjugate without its flat branch.
            close(p.mean() - (q**2 / 4 + q).mean(), best, 1e-12)
        elif member == d.JEFFREYS:
            # The sum of KL's and REVERSE_KL's bounds at L.
            lp, lq = (jax.jit(member.log_ratio)(z) for z in (p, q))
            close(sum(BEST(m, lp, lq) for m in (d.KL, d.REVERSE_KL)), best, 1e-12)
        else:
            swept = np.max(sweep(member, p, q, shifts))
            close(swept, best, 1e-5)
            assert swept <= best + 1e-12
            close(BEST(member, p + 2.7, q + 2.7), best, 1e-12)


def test_shift_optimized_holds_where_the_plain_bound_overflows():
    p, q = np.float32([3e3, 3.2e3]), np.float32([2e3, 2.1e3])
    for member in (d.KL, d.REVERSE_KL):
        assert np.isfinite(BEST(member, p, q))
    assert PLAIN(d.KL, p, q) == -np.inf


def test_pearson_of_a_constant_critic_is_zero():
    constant = np.full(4, 0.3, np.float32)
    run = jax.value_and_grad(
        functools.partial(d.shift_optimized_bound, d.PEARSON), (0, 1)
    )
    value, gradients = jax.jit(run)(constant, constant)
    assert value == 0
    chex.assert_trees_all_equal(gradients, (np.zeros(4), np.zeros(4)))


def test_shift_optimized_names_the_divergences_that_have_one():
    with pytest.raises(ValueError, match=r"KL, REVERSE_KL, PEARSON, NEYMAN.*got GAN"):
        d.shift_optimized_bound(d.GAN, jnp.zeros(2), jnp.zeros(2))


def test_relations_between_bounds_of_kl(x64):
    orders, clips = (0.5, 2.0), (0.5, 5.0)
    swept = np.asarray(orders), np.asarray(clips)
    # At the normalizing shift NWJ equals Donsker-Varadhan.
    shift = 1 - np.log(np.mean(np.exp(Q)))

    @jax.jit
    def compute(p, q, orders_swept, clips_swept):
        dv, nwj, smile = d.donsker_varadhan_bound, d.nwj_bound, d.smile_bound

        def renyi(order, moved=0.0):
            return d.renyi_donsker_varadhan_bound(p + moved, q + moved, order=order)

        return {
            "dv": dv(p, q),
            "nwj_bound": nwj(p, q),
            "equal_to_dv": [
                dv(p + 3.3, q + 3.3),
                nwj(p + shift, q + shift),
                smile(p, q, clip=math.inf),
                smile(p, q, clip=100.0),
            ],
            "smile_clipped_to_one": smile(p, q, clip=1e-9),
            "renyi_near_1": renyi(1 + 1e-7),
            "renyi": [(renyi(order), renyi(order, moved=1.7)) for order in orders],
            "renyi_swept": jax.vmap(renyi)(orders_swept),
            "smile_bound": smile(p, q),
            "smile_swept": jax.vmap(lambda c: smile(p, q, clip=c))(clips_swept),
        }

    got = jax.device_get(compute(P, Q, *swept))
    for value in got["equal_to_dv"]:
        close(value, got["dv"], 1e-12)
    assert got["nwj_bound"] < got["dv"]
    close(got["smile_clipped_to_one"], P.mean(), 1e-8)
    close(got["renyi_near_1"], got["dv"], 1e-6)
    for pair, value in zip(got["renyi"], got["renyi_swept"], strict=True):
        close(pair, value, 1e-12)
    close(got["smile_swept"][1], got["smile_bound"], 1e-12)


def test_smile_clips_only_the_partition_term():
    p, q = np.float32([10.0, -10.0]), np.float32([10.0, -10.0, 0.5])
    gradient_p, gradient_q = jax.jit(jax.grad(d.smile_bound, (0, 1)))(p, q)
    close(gradient_p, [0.5, 0.5])
    gradient_q = np.asarray(gradient_q)
    assert gradient_q[0] == gradient_q[1] == 0
    assert gradient_q[2] < 0


def test_effective_sample_size(x64):
    size = jax.jit(d.effective_sample_size)
    assert size(np.full(7, 3e3)) == pytest.approx(7)
    assert size(np.asarray([900.0, 0, 0])) == pytest.approx(1)
    weights = np.asarray([2.0, 1.0, 0.0])
    assert size(np.zeros(3), weights) == pytest.approx(3)


def test_static_settings_are_checked():
    p, q = jnp.zeros(2), jnp.zeros(3)
    for clip in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="clip"):
            d.smile_bound(p, q, clip=clip)
    for order in (1, 1.0, 0.0, -2.0, math.inf):
        with pytest.raises(ValueError, match="order"):
            d.renyi_donsker_varadhan_bound(p, q, order=order)
    for decay in (1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match="decay"):
            d.mine_update(d.mine_init(), p, q, decay=decay)


def test_integer_scores_are_converted():
    assert d.donsker_varadhan_bound(np.asarray([1, 1]), np.asarray([0, 0])) == 1.0


# Exact values: the analytic critic on a grid weighted by the two distributions.


def unit_normal(mean):
    return lambda x: -0.5 * (x - mean) ** 2 - 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize("member", MEMBERS, ids=str)
def test_analytic_critic_reaches_the_divergence(member, x64):
    x, weights_p, weights_q, log_ratio = shifted_normals()
    weights = weights_q, weights_p

    exact = jax.jit(
        lambda low, high: d.exact_by_quadrature(
            member, unit_normal(1.0), unit_normal(0.0), low=low, high=high
        )
    )(-12.0, 13.0)
    scores = analytic_scores(member, log_ratio)
    value = PLAIN(member, scores, scores, *weights)
    assert float(value) == pytest.approx(float(exact), abs=1e-5)
    if member.name in SHIFTED_NORMALS:
        assert float(value) == pytest.approx(SHIFTED_NORMALS[member.name], abs=1e-5)
    if member != d.TOTAL_VARIATION:
        inside = np.abs(x - 0.5) < 5
        got = np.asarray(jax.jit(member.log_ratio)(scores))[inside]
        np.testing.assert_allclose(got, log_ratio[inside], rtol=1e-9, atol=1e-9)
    if member in d.SHIFT_OPTIMIZED:
        best = BEST(member, scores, scores, *weights)
        assert float(best) == pytest.approx(float(exact), abs=1e-5)
    # A worse critic gives a lower value.
    worse = PLAIN(member, 0.8 * scores, 0.8 * scores, *weights)
    assert worse <= exact + 1e-9


def test_log_ratio_reaches_kl_and_renyi(x64):
    _, *weights, log_ratio = shifted_normals()
    orders = (0.5, 2.0, 3.0)

    @jax.jit
    def compute(scores, weights_p, weights_q):
        arguments = scores, scores, weights_q, weights_p
        shifted = scores + 1, scores + 1, weights_q, weights_p
        return (
            d.donsker_varadhan_bound(*arguments),
            d.nwj_bound(*shifted),
            [
                d.renyi_donsker_varadhan_bound(*arguments, order=order)
                for order in orders
            ],
        )

    dv, nwj, renyi = jax.device_get(compute(log_ratio, *weights))
    assert dv == pytest.approx(0.5, abs=1e-9)
    assert nwj == pytest.approx(0.5, abs=1e-9)
    # The Renyi divergence of N(1, 1) from N(0, 1) is order / 2.
    assert renyi == pytest.approx([order / 2 for order in orders], abs=1e-9)


def test_equal_divergences_share_a_trace():
    @chex.assert_max_traces(n=1)
    def bound(member, p, q):
        return d.f_divergence_bound(member, p, q)

    jitted = jax.jit(bound, static_argnums=0)
    for _ in range(2):
        jitted(d.alpha_divergence(0.25), jnp.zeros(2), jnp.zeros(2))
