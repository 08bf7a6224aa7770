"""InfoNCE, leave-one-out, CLUB, difference of entropies: NumPy, limits, masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.information import (
    club_bound,
    difference_of_entropies,
    info_nce_bound,
    leave_one_out_bound,
    local_info_nce_bound,
)

SCORES = 3 * np.random.default_rng(0).normal(size=(8, 8))
# Value and gradient, compiled once for each shape.
INFO_NCE = jax.jit(jax.value_and_grad(info_nce_bound))
LEAVE_ONE_OUT = jax.jit(jax.value_and_grad(leave_one_out_bound))
LOCAL = jax.jit(jax.value_and_grad(local_info_nce_bound))
LOCATIONS = 3 * np.random.default_rng(2).normal(size=(6, 4, 6))


def test_info_nce_matches_numpy():
    rows = [SCORES[i, i] - np.log(np.mean(np.exp(SCORES[i]))) for i in range(8)]
    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.jit(info_nce_bound)(SCORES), np.mean(rows))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_info_nce_is_finite_and_at_most_log_n(dtype, size):
    with jax.enable_x64(True):
        scores = (size * np.eye(8)).astype(dtype)
        value, gradient = jax.device_get(INFO_NCE(scores))
    assert value.dtype == dtype
    assert np.isfinite(gradient).all()
    # Scores of size 1e4 carry rounding errors of that size times eps.
    rounding = float(jnp.finfo(dtype).eps) * 1e4
    assert value <= np.log(8) + rounding
    if size > 0:
        np.testing.assert_allclose(float(value), np.log(8), atol=rounding)


def test_info_nce_is_invariant_to_functions_of_x_and_the_order_of_rows():
    scores = SCORES.astype(np.float32)
    value, _ = INFO_NCE(scores)
    shifted, _ = INFO_NCE(scores + np.arange(8, dtype=np.float32)[:, None])
    np.testing.assert_allclose(shifted, value, rtol=1e-5)
    order = np.random.default_rng(0).permutation(8)
    shuffled, _ = INFO_NCE(scores[order][:, order])
    np.testing.assert_allclose(shuffled, value, rtol=1e-5)


def test_info_nce_ignores_masked_rows():
    scores = SCORES.astype(np.float32)
    value, _ = INFO_NCE(scores)
    padded = np.pad(scores, ((0, 2), (0, 2)), constant_values=np.nan)
    for where in (np.arange(10) < 8, (np.arange(10) < 8).astype(np.float32)):
        masked, gradient = jax.device_get(INFO_NCE(padded, where))
        np.testing.assert_allclose(masked, value, rtol=1e-6)
        assert np.isfinite(gradient).all()


def test_leave_one_out_matches_numpy_and_is_above_info_nce():
    with jax.enable_x64(True):
        rows = [
            SCORES[i, i] - np.log(np.mean(np.delete(np.exp(SCORES[:, i]), i)))
            for i in range(8)
        ]
        value, _ = jax.device_get(LEAVE_ONE_OUT(SCORES))
        np.testing.assert_allclose(value, np.mean(rows), rtol=1e-12)
        # log((r + N - 1) / N) is at least log(r) / N.
        assert INFO_NCE(SCORES.T)[0] <= (1 - 1 / 8) * value
        # Adding a function of y changes nothing.
        shifted, _ = LEAVE_ONE_OUT(SCORES + np.arange(8))
        np.testing.assert_allclose(shifted, value, rtol=1e-12)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float64])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_leave_one_out_is_finite_at_extreme_scores(dtype, size):
    with jax.enable_x64(True):
        scores = (size * np.eye(8)).astype(dtype)
        value, gradient = jax.device_get(LEAVE_ONE_OUT(scores))
    np.testing.assert_allclose(float(value), size, rtol=1e-2)
    assert np.isfinite(gradient).all()


def test_leave_one_out_ignores_masked_rows_and_the_order_of_rows():
    scores = SCORES.astype(np.float32)
    value, _ = LEAVE_ONE_OUT(scores)
    order = np.random.default_rng(0).permutation(8)
    shuffled, _ = LEAVE_ONE_OUT(scores[order][:, order])
    np.testing.assert_allclose(shuffled, value, rtol=1e-5)
    padded = np.pad(scores, ((0, 2), (0, 2)), constant_values=np.nan)
    masked, gradient = jax.device_get(LEAVE_ONE_OUT(padded, np.arange(10) < 8))
    np.testing.assert_allclose(masked, value, rtol=1e-5)
    assert np.isfinite(gradient).all()


def test_local_info_nce_matches_numpy():
    terms = []
    for i in range(6):
        others = np.exp(np.delete(LOCATIONS[:, :, i], i, axis=0)).ravel()
        for own in LOCATIONS[i, :, i]:
            terms.append(own - np.log(np.mean(np.append(others, np.exp(own)))))
    with jax.enable_x64(True):
        value, gradient = jax.device_get(LOCAL(LOCATIONS))
        np.testing.assert_allclose(value, np.mean(terms), rtol=1e-12)
        # Adding a function of y changes nothing.
        shifted, _ = LOCAL(LOCATIONS + np.arange(6))
        np.testing.assert_allclose(shifted, value, rtol=1e-12)
        up, down = (
            LOCAL(LOCATIONS + sign * 1e-5 * np.cos(LOCATIONS))[0] for sign in (1, -1)
        )
        numerical = np.sum(gradient * np.cos(LOCATIONS))
        np.testing.assert_allclose((up - down) / 2e-5, numerical, rtol=1e-7)


@pytest.mark.parametrize("where", [None, np.array([1, 0, 2, 1, 1, 3, 0.5, 1.0])])
def test_local_info_nce_of_one_location_is_info_nce(where):
    with jax.enable_x64(True):
        value, gradient = LOCAL(SCORES[:, None], where)
        plain, expected = INFO_NCE(SCORES.T, where)
        np.testing.assert_allclose(value, plain, rtol=1e-12)
        np.testing.assert_allclose(gradient[:, 0], expected.T, atol=1e-12)


def test_local_info_nce_ignores_masked_rows():
    scores = LOCATIONS.astype(np.float32)
    value, _ = LOCAL(scores)
    padded = np.pad(scores, ((0, 2), (0, 0), (0, 2)), constant_values=np.nan)
    masked, gradient = jax.device_get(LOCAL(padded, np.arange(8) < 6))
    np.testing.assert_allclose(masked, value, rtol=1e-6)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_local_info_nce_is_finite_at_extreme_scores(dtype, size):
    scores = np.repeat(size * np.eye(6)[:, None], 4, axis=1).astype(dtype)
    value, gradient = jax.device_get(LOCAL(scores))
    assert value <= np.log(1 + 5 * 4) + float(jnp.finfo(dtype).eps) * 1e4
    assert np.isfinite(gradient).all()
    alone, gradient = jax.device_get(LOCAL(scores[:1, :, :1]))
    assert alone == 0
    assert np.isfinite(gradient).all()


def test_difference_of_entropies_matches_numpy_and_masks():
    conditional, marginal = np.random.default_rng(1).normal(size=(2, 6))
    difference = jax.jit(difference_of_entropies)
    value = difference(conditional, marginal)
    expected = -np.mean(marginal) + np.mean(conditional)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    padded = [np.append(z, np.nan) for z in (conditional, marginal)]
    masked = difference(*padded, np.arange(7) < 6)
    np.testing.assert_allclose(masked, expected, rtol=1e-5)
    gradient = jax.jit(jax.grad(difference_of_entropies))(
        np.full(3, 1e4), np.full(3, -1e4)
    )
    np.testing.assert_allclose(gradient, 1 / 3, rtol=1e-6)


def test_club_matches_numpy_and_is_zero_for_a_density_independent_of_x():
    p, q = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0])
    np.testing.assert_allclose(jax.jit(club_bound)(p, q), 7 / 3 - 0.5, rtol=1e-6)
    masked = jax.jit(club_bound)(p, q, np.array([1.0, 3.0]), np.array([1, 1, 0]))
    np.testing.assert_allclose(masked, 1.5 - 0.75, rtol=1e-6)
    assert jax.jit(club_bound)(np.full(5, -1.5), np.full(20, -1.5)) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: info_nce_bound(jnp.ones(3)),
        lambda: info_nce_bound(jnp.ones((3, 2))),
        lambda: local_info_nce_bound(jnp.ones((3, 3))),
        lambda: local_info_nce_bound(jnp.ones((3, 2, 2))),
        lambda: local_info_nce_bound(jnp.ones((3, 2, 3)), jnp.ones(2)),
        lambda: club_bound(jnp.ones((2, 2)), jnp.ones(2)),
        lambda: club_bound(jnp.ones(2), jnp.ones(3), jnp.ones(2)),
        lambda: leave_one_out_bound(jnp.ones((3, 2))),
        lambda: leave_one_out_bound(jnp.ones((3, 3)), jnp.ones(2)),
    ],
)
def test_bad_shapes_are_named(call):
    with pytest.raises(ValueError, match="scores"):
        call()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 2), (2,)), "log_conditional"),
        (((2,), (3,)), "log_marginal"),
        (((2,), (2,), (3,)), "where"),
    ],
)
def test_bad_shapes_of_entropies_are_named(shapes, message):
    with pytest.raises(ValueError, match=message):
        difference_of_entropies(*map(jnp.ones, shapes))
