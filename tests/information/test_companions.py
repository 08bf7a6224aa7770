"""TUBA, I_alpha and FLO against NumPy, their limits, their laws."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.divergences import nwj_bound
from jaxinfo.information import (
    flo_bound,
    info_nce_bound,
    interpolated_bound,
    leave_one_out_bound,
    off_diagonal,
    split_scores,
    tuba_bound,
)

RNG = np.random.default_rng(0)
SIZE = 8
SCORES = 3 * RNG.normal(size=(SIZE, SIZE))
COMPANION = RNG.normal(size=SIZE)
BOUNDS = {
    "tuba": tuba_bound,
    "flo": flo_bound,
    "interpolated": functools.partial(interpolated_bound, alpha=0.3),
    "interpolated_0": functools.partial(interpolated_bound, alpha=0.0),
    "interpolated_1": functools.partial(interpolated_bound, alpha=1.0),
}
each_bound = pytest.mark.parametrize("bound", BOUNDS.values(), ids=BOUNDS)


def _without(values, k):
    return np.mean(np.delete(np.exp(values), k))


def _tuba(scores, log_a):
    pairs = [(i, j) for i in range(SIZE) for j in range(SIZE) if i != j]
    joint = np.mean([scores[i, i] - log_a[i] for i in range(SIZE)])
    return (
        1 + joint - np.mean([np.exp(scores[i, j]) / np.exp(log_a[j]) for i, j in pairs])
    )


def _interpolated(scores, log_q, alpha):
    joint, product = [], []
    for i in range(SIZE):
        own = scores[:, i]
        for j in range(SIZE):
            if j != i:
                a = alpha * _without(own, j) + (1 - alpha) * np.exp(log_q[i])
                joint.append(own[i] - np.log(a))
                a = alpha * _without(own, i) + (1 - alpha) * np.exp(log_q[i])
                product.append(np.exp(own[j]) / a)
    return 1 + np.mean(joint) - np.mean(product)


def _flo(scores, u):
    rows = [
        u[i] + np.exp(-u[i]) * _without(scores[i] - scores[i, i], i)
        for i in range(SIZE)
    ]
    return 1 - np.mean(rows)


@pytest.mark.parametrize(
    ("bound", "restated"),
    [
        (tuba_bound, _tuba),
        (flo_bound, _flo),
        *[
            (
                functools.partial(interpolated_bound, alpha=alpha),
                functools.partial(_interpolated, alpha=alpha),
            )
            for alpha in (0.0, 0.01, 0.5, 1.0)
        ],
    ],
)
def test_matches_numpy(bound, restated):
    with jax.enable_x64(True):
        value = bound(jnp.asarray(SCORES), jnp.asarray(COMPANION))
        np.testing.assert_allclose(value, restated(SCORES, COMPANION), rtol=1e-12)


@each_bound
def test_gradient_matches_differences(bound):
    with jax.enable_x64(True):
        arguments = jnp.asarray(SCORES), jnp.asarray(COMPANION), jnp.ones(SIZE)
        jax.test_util.check_grads(bound, arguments, order=1, modes=["rev"], rtol=1e-6)


@each_bound
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
def test_is_finite_at_extreme_scores(bound, dtype):
    bound = jax.jit(jax.value_and_grad(bound, argnums=(0, 1)))
    with jax.enable_x64(True):
        # Positives up, and the other rows' far down: the exponentials are at most 1.
        for scores in (1e4 * jnp.eye(SIZE), 1e4 * (jnp.eye(SIZE) - 1)):
            arguments = scores.astype(dtype), jnp.zeros(SIZE, dtype)
            value, slopes = bound(*arguments)
            assert value.dtype == dtype
            assert jnp.isfinite(value)
            assert all(jnp.isfinite(slope).all() for slope in slopes)


@each_bound
def test_order_of_rows_does_not_matter_and_absent_rows_are_absent(bound):
    bound = jax.jit(bound)
    scores, companion = (jnp.asarray(z, jnp.float32) for z in (SCORES, COMPANION))
    value = bound(scores, companion)
    order = jax.random.permutation(jax.random.key(0), SIZE)
    shuffled = bound(scores[order][:, order], companion[order])
    np.testing.assert_allclose(shuffled, value, rtol=1e-5)
    padded = [
        jnp.pad(z, [(0, 2)] * z.ndim, constant_values=jnp.nan)
        for z in (scores, companion)
    ]
    for where in (jnp.arange(10) < SIZE, (jnp.arange(10) < SIZE).astype(jnp.float32)):
        np.testing.assert_allclose(bound(*padded, where), value, rtol=1e-5)
        slopes = jax.jit(jax.grad(bound, argnums=(0, 1)))(*padded, where)
        assert all(jnp.isfinite(slope).all() for slope in slopes)


def test_tuba_with_a_of_e_is_nwj():
    scores = jnp.asarray(SCORES, jnp.float32)
    split = split_scores(scores, off_diagonal(SIZE))
    np.testing.assert_allclose(
        tuba_bound(scores, jnp.ones(SIZE)), nwj_bound(*split), rtol=1e-5
    )


def test_interpolated_at_0_is_tuba():
    scores, companion = jnp.asarray(SCORES), jnp.asarray(COMPANION)
    np.testing.assert_allclose(
        interpolated_bound(scores, companion, alpha=0.0),
        tuba_bound(scores, companion),
        rtol=1e-5,
    )


def test_interpolated_at_1_is_info_nce_averaged_over_the_row_left_out():
    with jax.enable_x64(True):
        candidates = SCORES.T  # InfoNCE's candidates lie along a row.
        values = []
        for j in range(SIZE):
            kept = np.delete(np.arange(SIZE), j)
            values.append(info_nce_bound(jnp.asarray(candidates[np.ix_(kept, kept)])))
        value = interpolated_bound(
            jnp.asarray(SCORES), jnp.asarray(COMPANION), alpha=1.0
        )
        np.testing.assert_allclose(value, np.mean(values), rtol=1e-12)
        free = interpolated_bound(jnp.asarray(SCORES), jnp.zeros(SIZE), alpha=1.0)
        np.testing.assert_allclose(free, value, rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.5])
def test_interpolated_reaches_its_ceiling_and_no_more(alpha):
    scores = 1e4 * jnp.eye(SIZE)
    ceiling = np.log((SIZE - 1) / alpha)
    plain = interpolated_bound(scores, jnp.zeros(SIZE), alpha=alpha)
    np.testing.assert_allclose(plain, ceiling, rtol=1e-3)
    raised = interpolated_bound(scores, jnp.full(SIZE, 50.0), alpha=alpha)
    np.testing.assert_allclose(raised, 1 + ceiling, rtol=1e-3)


def test_alpha_may_be_traced():
    scores, companion = jnp.asarray(SCORES), jnp.asarray(COMPANION)
    alphas = jnp.array([0.0, 0.3, 1.0])
    traced = jax.jit(
        jax.vmap(lambda alpha: interpolated_bound(scores, companion, alpha=alpha))
    )(alphas)
    static = [interpolated_bound(scores, companion, alpha=float(a)) for a in alphas]
    np.testing.assert_allclose(traced, jnp.array(static), rtol=1e-5)


def test_flo_at_its_best_companion_is_tight_and_below_elsewhere():
    """On the rows at hand: the log of the mean ratio, where u drops out."""
    with jax.enable_x64(True):
        scores = jnp.asarray(SCORES)
        best = jnp.array(
            [np.log(_without(SCORES[i] - SCORES[i, i], i)) for i in range(SIZE)]
        )
        tight = flo_bound(scores, best)
        np.testing.assert_allclose(tight, -best.mean(), rtol=1e-12)
        np.testing.assert_allclose(tight, leave_one_out_bound(scores.T), rtol=1e-12)
        slope = jax.grad(flo_bound, argnums=1)(scores, best)
        np.testing.assert_allclose(slope, 0, atol=1e-12)
        assert flo_bound(scores, best + jnp.asarray(COMPANION)) < tight


def test_flo_at_minus_the_scores_is_tuba():
    """Where T is the log ratio itself, u = -T is the optimum of both."""
    scores = jnp.asarray(SCORES, jnp.float32)
    np.testing.assert_allclose(
        flo_bound(scores, -jnp.diagonal(scores)),
        tuba_bound(scores, jnp.zeros(SIZE)),
        rtol=1e-5,
    )


@each_bound
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((3,), (3,)), "^scores"),
        (((3, 2), (3,)), "^scores"),
        (((3, 3), (2,)), "^log_"),
        (((3, 3), (3, 1)), "^log_"),
        (((3, 3), (3,), (2,)), "^where"),
    ],
)
def test_wrong_shapes_are_named(bound, shapes, message):
    with pytest.raises(ValueError, match=message):
        bound(*map(jnp.ones, shapes))


def test_a_wrong_alpha_is_named():
    with pytest.raises(ValueError, match="alpha"):
        interpolated_bound(jnp.zeros((3, 3)), jnp.zeros(3), alpha=1.5)
