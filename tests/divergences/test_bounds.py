"""Bounds from scores: laws, references, identities, truth, gradients, MINE's state."""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import divergences as d

from .table import MEMBERS, SHIFTED_NORMALS, analytic_scores, shifted_normals


def mine_objective(scores_p, scores_q, where=None, where_p=None):
    state = d.mine_init(scores_p.dtype)
    return d.mine_update(state, scores_p, scores_q, where, where_p)[0]


def effective_sample_size(scores_p, scores_q, where=None, where_p=None):
    return d.effective_sample_size(scores_q, where)


BOUNDS = {
    **{
        f"f_divergence[{member.name}]": functools.partial(d.f_divergence_bound, member)
        for member in MEMBERS
    },
    **{
        f"shift_optimised[{member.name}]": functools.partial(
            d.shift_optimised_bound, member
        )
        for member in d.SHIFT_OPTIMISED
    },
    "donsker_varadhan": d.donsker_varadhan_bound,
    "nwj": d.nwj_bound,
    "smile": functools.partial(d.smile_bound, clip=0.7),
    "renyi[0.5]": functools.partial(d.renyi_donsker_varadhan_bound, order=0.5),
    "renyi[2]": functools.partial(d.renyi_donsker_varadhan_bound, order=2.0),
    "mine": mine_objective,
    "effective_sample_size": effective_sample_size,
}
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


def every(*arguments):
    """Every bound at once: one program instead of thirty."""
    return {name: bound(*arguments) for name, bound in BOUNDS.items()}


@functools.partial(jax.jit, static_argnames="argnums")
def every_gradient(*arguments, argnums=(0, 1)):
    return {
        name: jax.value_and_grad(bound, argnums)(*arguments)
        for name, bound in BOUNDS.items()
    }


# Laws


def test_jit_vmap_and_order_of_samples_change_nothing():
    scores_p, scores_q = jnp.asarray(P, jnp.float32), jnp.asarray(Q, jnp.float32)
    batch_p = jnp.stack([scores_p, scores_p[::-1], 0.5 * scores_p])
    batch_q = jnp.stack([scores_q, jnp.roll(scores_q, 3), scores_q - 0.1])
    plain, other = every(scores_p, scores_q), every(batch_p[2], batch_q[2])
    mapped = jax.jit(jax.vmap(every))(batch_p, batch_q)
    for name, bound in BOUNDS.items():
        assert plain[name].shape == ()
        expected = [plain[name], plain[name], other[name]]
        close(mapped[name], expected, name=name)
        close(jax.jit(bound)(scores_p, scores_q), plain[name], name=name)


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


def test_masks_drop_rows_and_hide_nan(x64):
    expected = every_gradient(jnp.asarray(P[MASK_P]), jnp.asarray(Q[MASK_Q]))
    hidden_p, hidden_q = np.where(MASK_P, P, np.nan), np.where(MASK_Q, Q, np.nan)
    where_p, where = 2.5 * MASK_P.astype(float), MASK_Q  # One of either kind.
    arguments = [jnp.asarray(x) for x in (hidden_p, hidden_q, where, where_p)]
    for name, (value, (slope_p, slope_q)) in every_gradient(*arguments).items():
        inner, (inner_p, inner_q) = expected[name]
        close(value, inner, 1e-12, name)
        close(slope_p[MASK_P], inner_p, 1e-10, name)
        close(slope_q[MASK_Q], inner_q, 1e-10, name)
        assert (slope_p[~MASK_P] == 0).all(), name
        assert (slope_q[~MASK_Q] == 0).all(), name


def test_weights_repeat_rows(x64):
    times_p = np.asarray([1, 3, 1, 2, 0, 1])
    times_q = np.asarray([2, 1, 1, 0, 1, 4, 1, 1])
    run = jax.jit(every)
    expected = run(jnp.repeat(P, times_p), jnp.repeat(Q, times_q))
    weights = jnp.asarray(times_q, float), jnp.asarray(times_p)
    for name, value in run(jnp.asarray(P), jnp.asarray(Q), *weights).items():
        close(value, expected[name], 1e-12, name)


def test_gradients_with_respect_to_scores_and_weights(x64):
    point = tuple(jnp.asarray(x) for x in (P, Q, 0.5 + MASK_Q, 1.5 - MASK_P))
    step, rng = 1e-6, np.random.default_rng(1)
    way = tuple(jnp.asarray(rng.normal(size=x.shape)) for x in point)
    run = jax.jit(every)
    ahead, behind = (
        run(*(x + sign * step * y for x, y in zip(point, way, strict=True)))
        for sign in (1, -1)
    )
    slopes = every_gradient(*point, argnums=(0, 1, 2, 3))
    for name, (_, parts) in slopes.items():
        if name == "mine":  # Its gradient is that of no function.
            continue
        analytic = sum(jnp.vdot(x, y) for x, y in zip(parts, way, strict=True))
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
    *("f_divergence[JENSEN_SHANNON]", "f_divergence[GAN]"),
    *("f_divergence[TOTAL_VARIATION]", "f_divergence[LE_CAM]"),
    *("f_divergence[PEARSON]", "f_divergence[skewed_jensen_shannon(0.2)]"),
    *("shift_optimised[KL]", "shift_optimised[REVERSE_KL]"),
    *("shift_optimised[PEARSON]", "shift_optimised[JEFFREYS]"),
    *("donsker_varadhan", "smile", "renyi[0.5]", "renyi[2]", "mine"),
    "effective_sample_size",
]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_finite_at_extreme_scores(dtype):
    high, low = jnp.asarray([1e4, 5.0, 9e3], dtype), jnp.asarray([-1e4, 0, -3.0], dtype)
    lowest = jnp.full(3, -1e4, dtype)
    for arguments in ((high, low), (high, lowest), (low, high)):
        gradients = every_gradient(*arguments)
        for name in LOG_SPACE:
            chex.assert_tree_all_finite(gradients[name])
    # The other way round its true value is -exp(1e4).
    name = "shift_optimised[SQUARED_HELLINGER]"
    chex.assert_tree_all_finite(every_gradient(high, low)[name])
    close(every_gradient(high, lowest)[name][0], 2.0, name=name)


# References


def test_bounds_restate_the_papers(x64):
    p, q, exp, log, mean = P, Q, np.exp, np.log, np.mean
    sigmoid = 1 / (1 + exp(-p)), 1 / (1 + exp(-q))
    log_r = {
        x.tobytes(): np.asarray(d.JEFFREYS.log_ratio(jnp.asarray(x))) for x in (p, q)
    }
    lp, lq = log_r[p.tobytes()], log_r[q.tobytes()]
    expected = {
        "f_divergence[KL]": mean(p) - mean(exp(q - 1)),
        "f_divergence[REVERSE_KL]": mean(-exp(-p)) - mean(-1 - log(exp(-q))),
        "f_divergence[PEARSON]": mean(p) - mean(np.where(q < -2, -1, q**2 / 4 + q)),
        "f_divergence[GAN]": mean(log(sigmoid[0])) + mean(log(1 - sigmoid[1])),
        "f_divergence[JENSEN_SHANNON]": log(4)
        + mean(log(sigmoid[0]))
        + mean(log(1 - sigmoid[1])),
        "f_divergence[TOTAL_VARIATION]": mean(np.tanh(p)) / 2 - mean(np.tanh(q)) / 2,
        "shift_optimised[KL]": mean(p) - log(mean(exp(q))),
        "shift_optimised[REVERSE_KL]": -mean(q) - log(mean(exp(-p))),
        "shift_optimised[SQUARED_HELLINGER]": 2
        - 2 * np.sqrt(mean(exp(-p)) * mean(exp(q))),
        "shift_optimised[NEYMAN]": mean(exp(-q / 2)) ** 2 / mean(exp(-p)) - 1,
        "shift_optimised[PEARSON]": (mean(p) - mean(q)) ** 2 / np.var(q),
        "shift_optimised[JEFFREYS]": mean(lp)
        - log(mean(exp(lq)))
        - mean(lq)
        - log(mean(exp(-lp))),
        "donsker_varadhan": mean(p) - log(mean(exp(q))),
        "nwj": mean(p) - mean(exp(q - 1)),
        "smile": mean(p) - log(mean(np.clip(exp(q), exp(-0.7), exp(0.7)))),
        "renyi[0.5]": -log(mean(exp(-0.5 * p))) - log(mean(exp(0.5 * q))),
        "renyi[2]": 2 * log(mean(exp(p))) - log(mean(exp(2 * q))),
        "mine": mean(p) - log(mean(exp(q))),
        "effective_sample_size": exp(q).sum() ** 2 / exp(2 * q).sum(),
    }
    assert set(BOUNDS) - set(expected) <= {
        f"f_divergence[{member.name}]" for member in MEMBERS
    }
    for name, value in expected.items():
        close(BOUNDS[name](jnp.asarray(p), jnp.asarray(q)), value, 1e-12)


# Identities


@functools.partial(jax.jit, static_argnums=0)
@functools.partial(jax.vmap, in_axes=(None, None, None, 0))
def sweep(member, p, q, shift):
    return d.f_divergence_bound(member, p + shift, q + shift)


@pytest.mark.parametrize("member", d.SHIFT_OPTIMISED, ids=str)
def test_shift_optimised_is_the_supremum_over_shifts(member, x64):
    rng = np.random.default_rng(2)
    shifts = jnp.linspace(-6, 6, 6001)
    for _ in range(5):
        # Above -2, where Pearson's conjugate is not flat.
        p, q = rng.uniform(-1.0, 1.5, 20), rng.uniform(-1.8, 0.5, 30)
        p, q = jnp.asarray(p), jnp.asarray(q)
        best = d.shift_optimised_bound(member, p, q)
        assert best >= d.f_divergence_bound(member, p, q) - 1e-12
        if member == d.PEARSON:
            # Scales too; and unaffected by any of them.
            close(d.shift_optimised_bound(member, 3 - 2 * p, 3 - 2 * q), best, 1e-12)
            factor = 2 * (p.mean() - q.mean()) / jnp.var(q)
            p, q = factor * (p - q.mean()), factor * (q - q.mean())
            t = q  # The quadratic without its flat branch.
            close(p.mean() - (t**2 / 4 + t).mean(), best, 1e-12)
        elif member == d.JEFFREYS:
            # At L, the sum of KL's and REVERSE_KL's, each at its own best shift.
            lp, lq = member.log_ratio(p), member.log_ratio(q)
            halves = [d.shift_optimised_bound(m, lp, lq) for m in (d.KL, d.REVERSE_KL)]
            close(sum(halves), best, 1e-12)
        else:
            swept = sweep(member, p, q, shifts).max()
            close(swept, best, 1e-5)
            assert swept <= best + 1e-12
            moved = d.shift_optimised_bound(member, p + 2.7, q + 2.7)
            close(moved, best, 1e-12)


def test_shift_optimised_holds_where_the_plain_bound_overflows():
    p, q = jnp.asarray([3e3, 3.2e3]), jnp.asarray([2e3, 2.1e3])
    for member in (d.KL, d.REVERSE_KL):
        assert jnp.isfinite(d.shift_optimised_bound(member, p, q))
    assert d.f_divergence_bound(d.KL, p, q) == -jnp.inf


def test_pearson_of_a_constant_critic_is_zero():
    constant = jnp.full(4, 0.3)
    run = jax.value_and_grad(d.shift_optimised_bound, argnums=(1, 2))
    value, slopes = run(d.PEARSON, constant, constant)
    assert value == 0
    chex.assert_trees_all_equal(slopes, (jnp.zeros(4), jnp.zeros(4)))


def test_shift_optimised_lists_the_members_it_knows():
    with pytest.raises(ValueError, match=r"GAN.*KL, REVERSE_KL, PEARSON, NEYMAN"):
        d.shift_optimised_bound(d.GAN, jnp.zeros(2), jnp.zeros(2))


def test_donsker_varadhan_nwj_smile_renyi(x64):
    p, q = jnp.asarray(P), jnp.asarray(Q)
    dv = d.donsker_varadhan_bound(p, q)
    close(d.donsker_varadhan_bound(p + 3.3, q + 3.3), dv, 1e-12)
    assert d.nwj_bound(p, q) < dv
    # NWJ meets Donsker-Varadhan at the shift that normalises.
    shift = 1 - jnp.log(jnp.mean(jnp.exp(q)))
    close(d.nwj_bound(p + shift, q + shift), dv, 1e-12)
    close(d.smile_bound(p, q, clip=math.inf), dv, 1e-12)
    close(d.smile_bound(p, q, clip=100.0), dv, 1e-12)
    close(d.smile_bound(p, q, clip=1e-9), p.mean(), 1e-8)
    close(d.renyi_donsker_varadhan_bound(p, q, order=1 + 1e-7), dv, 1e-6)
    orders = jnp.asarray([0.5, 2.0])
    swept = jax.vmap(lambda o: d.renyi_donsker_varadhan_bound(p, q, order=o))(orders)
    for order, value in zip((0.5, 2.0), swept, strict=True):
        close(d.renyi_donsker_varadhan_bound(p, q, order=order), value, 1e-12)
        moved = d.renyi_donsker_varadhan_bound(p + 1.7, q + 1.7, order=order)
        close(moved, value, 1e-12)
    clips = jax.vmap(lambda c: d.smile_bound(p, q, clip=c))(jnp.asarray([0.5, 5.0]))
    close(clips[1], d.smile_bound(p, q), 1e-12)


def test_smile_clips_only_the_partition_term():
    p, q = jnp.asarray([10.0, -10.0]), jnp.asarray([10.0, -10.0, 0.5])
    slope_p, slope_q = jax.grad(d.smile_bound, (0, 1))(p, q)
    close(slope_p, [0.5, 0.5])
    assert slope_q[0] == slope_q[1] == 0
    assert slope_q[2] < 0


def test_effective_sample_size(x64):
    assert d.effective_sample_size(jnp.full(7, 3e3)) == pytest.approx(7)
    assert d.effective_sample_size(jnp.asarray([900.0, 0, 0])) == pytest.approx(1)
    weights = jnp.asarray([2.0, 1.0, 0.0])
    assert d.effective_sample_size(jnp.zeros(3), weights) == pytest.approx(3)


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
    # Whole numbers are scores too.
    assert d.donsker_varadhan_bound(np.asarray([1, 1]), np.asarray([0, 0])) == 1.0


# Truth: the analytic critic under the two laws themselves, as weights of a grid.


@pytest.mark.parametrize("member", MEMBERS, ids=str)
def test_analytic_critic_reaches_the_divergence(member, x64):
    x, weights_p, weights_q, log_ratio = shifted_normals()
    scores = jnp.asarray(analytic_scores(member, log_ratio))
    weights = jnp.asarray(weights_q), jnp.asarray(weights_p)
    value = d.f_divergence_bound(member, scores, scores, *weights)
    exact = d.exact_by_quadrature(
        member,
        lambda x: -0.5 * (x - 1) ** 2 - 0.5 * math.log(2 * math.pi),
        lambda x: -0.5 * x**2 - 0.5 * math.log(2 * math.pi),
        low=-12.0,
        high=13.0,
    )
    assert float(value) == pytest.approx(float(exact), abs=1e-5)
    if member.name in SHIFTED_NORMALS:
        assert float(value) == pytest.approx(SHIFTED_NORMALS[member.name], abs=1e-5)
    if member != d.TOTAL_VARIATION:
        inside = np.abs(x - 0.5) < 5
        got = member.log_ratio(scores)[inside]
        np.testing.assert_allclose(got, log_ratio[inside], rtol=1e-9, atol=1e-9)
    if member in d.SHIFT_OPTIMISED:
        best = d.shift_optimised_bound(member, scores, scores, *weights)
        assert float(best) == pytest.approx(float(exact), abs=1e-5)
    # A worse critic stays below.
    worse = d.f_divergence_bound(member, 0.8 * scores, 0.8 * scores, *weights)
    assert worse <= exact + 1e-9


def test_log_ratio_reaches_kl_and_renyi(x64):
    _, weights_p, weights_q, log_ratio = shifted_normals()
    scores = jnp.asarray(log_ratio)
    arguments = scores, scores, jnp.asarray(weights_q), jnp.asarray(weights_p)
    assert float(d.donsker_varadhan_bound(*arguments)) == pytest.approx(0.5, abs=1e-9)
    shifted = scores + 1, scores + 1, *arguments[2:]
    assert float(d.nwj_bound(*shifted)) == pytest.approx(0.5, abs=1e-9)
    for order in (0.5, 2.0, 3.0):
        # Renyi of unit normals one apart is order / 2.
        got = d.renyi_donsker_varadhan_bound(*arguments, order=order)
        assert float(got) == pytest.approx(order / 2, abs=1e-9)


# MINE


def numpy_mine(batches, decay):
    """Gradients of every step, from the definition."""
    average, out = 0.0, []
    for step, (p, q) in enumerate(batches, start=1):
        average = decay * average + (1 - decay) * np.exp(q).mean()
        corrected = average / (1 - decay**step)
        gradients = np.full(len(p), 1 / len(p)), -np.exp(q) / len(q) / corrected
        out.append((p.mean() - np.log(np.exp(q).mean()), *gradients))
    return out


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_mine_restates_its_definition(decay, x64):
    rng = np.random.default_rng(3)
    batches = [(rng.normal(1, 1, 5), rng.normal(0, 2, 7)) for _ in range(4)]
    state = d.mine_init()

    @jax.jit
    def update(state, p, q):
        def objective(p, q):
            return d.mine_update(state, p, q, decay=decay)

        return jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)(p, q)

    for (p, q), (value, slope_p, slope_q) in zip(
        batches, numpy_mine(batches, decay), strict=True
    ):
        (got, state), slopes = update(state, jnp.asarray(p), jnp.asarray(q))
        close(got, value, 1e-12)
        close(slopes[0], slope_p, 1e-12)
        close(slopes[1], slope_q, 1e-12)


def test_mine_first_step_is_not_smoothed(x64):
    p, q = jnp.asarray(P), jnp.asarray(Q)
    close(
        jax.grad(mine_objective, argnums=1)(p, q),
        jax.grad(d.donsker_varadhan_bound, argnums=1)(p, q),
        1e-12,
    )


def test_mine_scans_and_sweeps_decay_with_one_trace():
    p, q = jnp.asarray(P, jnp.bfloat16), jnp.asarray(Q, jnp.bfloat16)

    @jax.jit
    @jax.vmap
    @chex.assert_max_traces(n=1)
    def run(decay):
        def step(state, _):
            objective, state = d.mine_update(state, p, q, decay=decay)
            return state, objective

        return jax.lax.scan(step, d.mine_init(), None, length=5)

    state, objectives = run(jnp.asarray([0.5, 0.99]))
    assert state.log_denominator.dtype == jnp.float32
    assert objectives.dtype == jnp.bfloat16
    np.testing.assert_array_equal(state.num_batches, [5, 5])
    chex.assert_tree_all_finite(state)
    # The same batch over and over: its average is itself.
    correction = np.log(1 - np.asarray([0.5, 0.99]) ** 5)
    expected = np.log(np.exp(np.asarray(q, np.float32)).mean())
    np.testing.assert_allclose(
        state.log_denominator - correction, expected, rtol=0, atol=0.02
    )


def test_equal_members_share_a_trace():
    @chex.assert_max_traces(n=1)
    def bound(member, p, q):
        return d.f_divergence_bound(member, p, q)

    jitted = jax.jit(bound, static_argnums=0)
    for _ in range(2):
        jitted(d.alpha_divergence(0.25), jnp.zeros(2), jnp.zeros(2))
