"""InfoNCE with several positives: NumPy, one positive, blocks, masks, memory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import Critic
from jaxinfo.information import (
    blocked_multi_positive_info_nce_bound,
    info_nce_bound,
    multi_positive_info_nce_bound,
)

N = 7
RNG = np.random.default_rng(0)
SCORES = 3 * RNG.normal(size=(N, N))
COLUMNS = np.array([[i, (i + 2) % N, (i + 3) % N if i % 2 else -1] for i in range(N)])
MASK = np.array([[j in row for j in range(N)] for row in COLUMNS])
DOT = Critic(
    lambda key, x, y: (),
    lambda params, x, y: jnp.sum(x * y, axis=1),
    lambda params, x, y: x @ y.T,
)
X, Y = RNG.normal(size=(2, N, 4))
# Value and gradient, compiled once for each kind of positives.
BOUND = jax.jit(
    jax.value_and_grad(multi_positive_info_nce_bound), static_argnames="axis"
)
BLOCKED = jax.jit(
    jax.value_and_grad(
        functools.partial(blocked_multi_positive_info_nce_bound, DOT, ()), (0, 1)
    ),
    static_argnames="block_size",
)
each_form = pytest.mark.parametrize("positives", [COLUMNS, MASK], ids=["list", "mask"])


@each_form
def test_matches_the_loss_of_the_paper(positives):
    # The paper's loss is a constant minus the value.
    e = np.exp(SCORES)
    loss = -np.mean(np.log(np.sum(e * MASK, axis=1) / np.sum(e, axis=1)))
    constant = np.mean(np.log(N / MASK.sum(axis=1)))
    with jax.enable_x64(True):
        value, gradient = BOUND(SCORES, positives)
        np.testing.assert_allclose(value, constant - loss, rtol=1e-12)
        expected = (e * MASK / np.sum(e * MASK, axis=1, keepdims=True)) - (
            e / np.sum(e, axis=1, keepdims=True)
        )
        np.testing.assert_allclose(gradient, expected / N, rtol=1e-10, atol=1e-15)


@each_form
def test_axis_0_is_axis_1_of_the_transposed_matrix(positives):
    with jax.enable_x64(True):
        value, gradient = BOUND(SCORES, positives, axis=0)
        expected, gradient_of_transposed = BOUND(SCORES.T, positives)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(
            gradient, gradient_of_transposed.T, rtol=1e-10, atol=1e-15
        )


def test_one_positive_per_row_is_info_nce():
    own = np.arange(N)[:, None]
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            BOUND(SCORES, own)[0], jax.jit(info_nce_bound)(SCORES), rtol=1e-12
        )


@each_form
@pytest.mark.parametrize("axis", [0, 1])
def test_masked_rows_are_neither_candidates_nor_positives(positives, axis):
    present = np.arange(N) < 5
    kept = np.where((COLUMNS < 5), COLUMNS, -1)[:5]
    with jax.enable_x64(True):
        expected = BOUND(SCORES[:5, :5], kept, axis=axis)[0]
        hidden = np.where(present[:, None] & present, SCORES, np.nan)
        for where in (present, present.astype(float)):
            value, gradient = BOUND(hidden, positives, where, axis=axis)
            np.testing.assert_allclose(value, expected, rtol=1e-12)
            assert np.isfinite(gradient).all()
            assert not np.any(np.asarray(gradient)[5:])


def test_rows_without_positives_are_ignored():
    columns = COLUMNS.copy()
    columns[2] = -1
    with jax.enable_x64(True):
        value, gradient = BOUND(SCORES, columns)
        e, others = np.exp(SCORES), np.arange(N) != 2
        rows = np.log((e * MASK).sum(axis=1) / MASK.sum(axis=1) / e.mean(axis=1))
        np.testing.assert_allclose(value, rows[others].mean(), rtol=1e-12)
    assert np.isfinite(gradient).all()
    assert not np.any(np.asarray(gradient)[2])


@each_form
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_is_finite_at_extreme_scores(positives, size):
    value, gradient = BOUND(np.float32(size * np.eye(N)), positives)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # Up to the rounding of scores of this size.
    assert value <= np.mean(np.log(N / MASK.sum(axis=1))) + 1e-2


@each_form
@pytest.mark.parametrize("block_size", [1, 3, 100])
def test_blocks_match_the_whole_matrix(positives, block_size):
    weights = 1 + np.arange(N) % 3 * 1.0

    def whole(x, y):
        return multi_positive_info_nce_bound(x @ y.T, positives, weights)

    with jax.enable_x64(True):
        value, gradients = jax.jit(jax.value_and_grad(whole, (0, 1)))(X, Y)
        blocked, own = BLOCKED(X, Y, positives, weights, block_size=block_size)
        np.testing.assert_allclose(blocked, value, rtol=1e-12)
        for one, other in zip(own, gradients, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-15)


def test_memory_is_proportional_to_the_block_size():
    size = 2_000
    x = jax.ShapeDtypeStruct((size, 8), jnp.float32)
    positives = jax.ShapeDtypeStruct((size, 5), jnp.int32)

    def peak(block_size):
        program = BLOCKED.lower(x, x, positives, block_size=block_size).compile()
        return program.memory_analysis().temp_size_in_bytes

    assert peak(100) < 0.2 * peak(size)
    assert peak(100) < 6 * 100 * size * 4


@pytest.mark.parametrize(
    ("scores", "positives", "axis", "message"),
    [
        (np.zeros((3, 4)), np.zeros((3, 1), int), 1, "square"),
        (np.zeros((3, 3)), np.zeros((4, 1), int), 1, r"for each of its 3 rows; got"),
        (np.zeros((3, 3)), np.zeros((3, 2), bool), 1, r"mask of the shape \(3, 3\)"),
        (np.zeros((3, 3)), np.zeros((3, 2)), 1, "integer columns, got dtype float"),
        (np.zeros((3, 3)), np.zeros(3, int), 1, "positives must have 2 axes"),
        (np.zeros((3, 3)), np.zeros((3, 1), int), 2, "axis must be 0 or 1, got 2"),
    ],
)
def test_bad_input_is_named(scores, positives, axis, message):
    with pytest.raises(ValueError, match=message):
        multi_positive_info_nce_bound(scores, positives, axis=axis)


def test_bad_blocks_are_named():
    with pytest.raises(ValueError, match="y must have the 7 rows of x, got 6"):
        blocked_multi_positive_info_nce_bound(DOT, (), X, Y[:6], COLUMNS)
    with pytest.raises(ValueError, match=r"where must have the shape \(7,\)"):
        blocked_multi_positive_info_nce_bound(DOT, (), X, Y, COLUMNS, np.ones(6))
    with pytest.raises(ValueError, match="block_size must be a positive"):
        blocked_multi_positive_info_nce_bound(DOT, (), X, Y, COLUMNS, block_size=0)
