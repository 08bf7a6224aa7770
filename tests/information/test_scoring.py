"""Blocks partition the rows, and every way of scoring gives the critic's scores."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import Critic
from jaxinfo.information import scoring

PRODUCT = Critic(lambda key, x, y: (), lambda params, x, y: x[:, 0] * y[:, 0] + y[:, 1])
ROWS = jax.random.normal(jax.random.key(0), (23, 2))


@pytest.mark.parametrize(("num_rows", "size"), [(10, 5), (11, 4), (7, 7), (3, 8)])
def test_blocks_partition_the_rows_evenly(num_rows, size):
    blocks = scoring.make_blocks(num_rows, size)
    assert sorted(blocks.rows[blocks.valid].tolist()) == list(range(num_rows))
    sizes = blocks.valid.sum(axis=1)
    assert sizes.max() <= size
    assert np.ptp(sizes) <= 1


@pytest.mark.parametrize("at_once", [16, 65_536])
def test_pairwise_scores_match_in_chunks_and_at_once(monkeypatch, at_once):
    monkeypatch.setattr(scoring, "PAIRS_AT_ONCE", at_once)
    matrix = scoring.pairwise_scores(PRODUCT, (), ROWS, ROWS[:9])
    expected = np.outer(ROWS[:, 0], ROWS[:9, 0]) + ROWS[:9, 1]
    np.testing.assert_allclose(matrix, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("at_once", [16, 65_536])
def test_score_blocks_match_the_whole_matrix(monkeypatch, at_once):
    monkeypatch.setattr(scoring, "PAIRS_AT_ONCE", at_once)
    blocks = scoring.make_blocks(23, 6)
    whole = scoring.pairwise_scores(PRODUCT, (), ROWS, ROWS)
    matrices = scoring.score_blocks(PRODUCT, (), ROWS, ROWS, blocks)
    for rows, matrix in zip(blocks.rows, matrices, strict=True):
        np.testing.assert_allclose(
            matrix, whole[np.ix_(rows, rows)], rtol=1e-5, atol=1e-6
        )


def test_score_negatives_matches_the_whole_matrix():
    partners = jnp.array([[1, 2], [2, 0], [0, 1]])
    joint, product = scoring.score_negatives(PRODUCT, (), ROWS[:3], ROWS[:3], partners)
    matrix = scoring.pairwise_scores(PRODUCT, (), ROWS[:3], ROWS[:3])
    np.testing.assert_allclose(joint, jnp.diagonal(matrix), rtol=1e-6)
    expected = jnp.take_along_axis(matrix, partners, axis=1).reshape(-1)
    np.testing.assert_allclose(product, expected, rtol=1e-6)


@pytest.mark.parametrize(("num_rows", "shape"), [(20, (1, 20)), (100, (2, 50))])
def test_equal_blocks_are_consecutive_without_padding(num_rows, shape):
    blocks = scoring.equal_blocks(num_rows)
    assert blocks.valid.all()
    np.testing.assert_array_equal(blocks.rows, np.arange(num_rows).reshape(shape))


def test_equal_blocks_drop_as_few_rows_as_possible():
    assert scoring.equal_blocks(127).rows.shape == (2, 63)
