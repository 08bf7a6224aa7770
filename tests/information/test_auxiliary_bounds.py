"""TUBA, I_alpha and FLO: NumPy, limits, relations, gradients, masks."""

import functools

import chex
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
AUXILIARY = RNG.normal(size=SIZE)
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
        value = jax.jit(bound)(SCORES, AUXILIARY)
        np.testing.assert_allclose(value, restated(SCORES, AUXILIARY), rtol=1e-12)


@each_bound
def test_gradient_matches_differences(bound):
    with jax.enable_x64(True):
        arguments = SCORES, AUXILIARY, np.ones(SIZE)
        jax.test_util.check_grads(
            jax.jit(bound), arguments, order=1, modes=["rev"], rtol=1e-6
        )


@each_bound
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
def test_is_finite_at_extreme_scores(bound, dtype):
    bound = jax.jit(jax.value_and_grad(bound, argnums=(0, 1)))
    with jax.enable_x64(True):
        # Positives above or negatives below: no exponential exceeds 1.
        for scores in (1e4 * np.eye(SIZE), 1e4 * (np.eye(SIZE) - 1)):
            arguments = scores.astype(dtype), np.zeros(SIZE, dtype)
            value, gradients = jax.device_get(bound(*arguments))
            assert value.dtype == dtype
            chex.assert_tree_all_finite((value, gradients))


@each_bound
def test_order_of_rows_does_not_matter_and_masked_rows_are_ignored(bound):
    run = jax.jit(jax.value_and_grad(bound, argnums=(0, 1)))
    scores, auxiliary = SCORES.astype(np.float32), AUXILIARY.astype(np.float32)
    value, _ = run(scores, auxiliary)
    order = np.random.default_rng(0).permutation(SIZE)
    shuffled, _ = run(scores[order][:, order], auxiliary[order])
    np.testing.assert_allclose(shuffled, value, rtol=1e-5)
    padded = [
        np.pad(z, [(0, 2)] * z.ndim, constant_values=np.nan)
        for z in (scores, auxiliary)
    ]
    for where in (np.arange(10) < SIZE, (np.arange(10) < SIZE).astype(np.float32)):
        masked, gradients = jax.device_get(run(*padded, where))
        np.testing.assert_allclose(masked, value, rtol=1e-5)
        chex.assert_tree_all_finite(gradients)


@jax.jit
def _identities(scores, auxiliary):
    """The bounds that tests of relations compare, as one program."""
    zeros = jnp.zeros(len(auxiliary))
    interpolated = {
        alpha: interpolated_bound(scores, auxiliary, alpha=alpha)
        for alpha in (0.0, 0.3, 1.0)
    }
    return {
        "tuba": tuba_bound(scores, auxiliary),
        "tuba_with_log_baseline_1": tuba_bound(scores, zeros + 1),
        "nwj": nwj_bound(*split_scores(scores, off_diagonal(SIZE))),
        "interpolated": interpolated,
        "interpolated_1_without_baseline": interpolated_bound(scores, zeros, alpha=1.0),
        "flo_at_minus_the_scores": flo_bound(scores, -jnp.diagonal(scores)),
        "tuba_with_log_baseline_0": tuba_bound(scores, zeros),
    }


def test_tuba_with_baseline_e_is_nwj():
    values = _identities(SCORES, AUXILIARY)
    np.testing.assert_allclose(
        values["tuba_with_log_baseline_1"], values["nwj"], rtol=1e-5
    )


def test_interpolated_at_0_is_tuba():
    values = _identities(SCORES, AUXILIARY)
    np.testing.assert_allclose(values["interpolated"][0.0], values["tuba"], rtol=1e-5)


def test_interpolated_at_1_is_the_mean_info_nce_without_one_row():
    candidates = SCORES.T  # The candidates of InfoNCE lie along a row.
    kept = [np.delete(np.arange(SIZE), j) for j in range(SIZE)]
    parts = np.stack([candidates[np.ix_(rows, rows)] for rows in kept])
    with jax.enable_x64(True):
        each = np.asarray(jax.jit(jax.vmap(info_nce_bound))(parts))
        values = _identities(SCORES, AUXILIARY)
    value = values["interpolated"][1.0]
    np.testing.assert_allclose(value, each.mean(), rtol=1e-12)
    np.testing.assert_allclose(
        values["interpolated_1_without_baseline"], value, rtol=1e-12
    )


@pytest.mark.parametrize("alpha", [0.01, 0.5])
def test_interpolated_saturates_at_its_ceiling(alpha):
    bound = jax.jit(functools.partial(interpolated_bound, alpha=alpha))
    scores = 1e4 * np.eye(SIZE, dtype=np.float32)
    ceiling = np.log((SIZE - 1) / alpha)
    plain = bound(scores, np.zeros(SIZE, np.float32))
    np.testing.assert_allclose(plain, ceiling, rtol=1e-3)
    raised = bound(scores, np.full(SIZE, 50, np.float32))
    np.testing.assert_allclose(raised, 1 + ceiling, rtol=1e-3)


def test_alpha_can_be_traced():
    traced = jax.jit(
        jax.vmap(
            lambda scores, auxiliary, alpha: interpolated_bound(
                scores, auxiliary, alpha=alpha
            ),
            in_axes=(None, None, 0),
        )
    )(SCORES, AUXILIARY, np.array([0.0, 0.3, 1.0]))
    static = _identities(SCORES, AUXILIARY)["interpolated"]
    np.testing.assert_allclose(traced, list(static.values()), rtol=1e-5)


def test_flo_is_largest_at_the_log_mean_ratio_of_the_batch():
    best = np.array(
        [np.log(_without(SCORES[i] - SCORES[i, i], i)) for i in range(SIZE)]
    )
    with jax.enable_x64(True):
        flo = jax.jit(jax.value_and_grad(flo_bound, argnums=1))
        tight, gradient = jax.device_get(flo(SCORES, best))
        below, _ = jax.device_get(flo(SCORES, best + AUXILIARY))
        left_out = jax.jit(leave_one_out_bound)(SCORES.T)
    np.testing.assert_allclose(tight, -best.mean(), rtol=1e-12)
    np.testing.assert_allclose(tight, left_out, rtol=1e-12)
    np.testing.assert_allclose(gradient, 0, atol=1e-12)
    assert below < tight


def test_flo_with_minus_the_scores_is_tuba_without_baseline():
    values = _identities(SCORES, AUXILIARY)
    np.testing.assert_allclose(
        values["flo_at_minus_the_scores"], values["tuba_with_log_baseline_0"], rtol=1e-5
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
def test_bad_shapes_are_named(bound, shapes, message):
    with pytest.raises(ValueError, match=message):
        bound(*map(jnp.ones, shapes))


def test_bad_alpha_is_named():
    with pytest.raises(ValueError, match=r"alpha must lie in \[0, 1\], got 1.5"):
        interpolated_bound(jnp.zeros((3, 3)), jnp.zeros(3), alpha=1.5)
