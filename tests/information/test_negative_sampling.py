"""Negatives contain no joint pair, and cover the other pairs uniformly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import information
from jaxinfo.information import NEGATIVE_SAMPLERS

KEY = jax.random.key(0)


def _sample_many(num_keys, num_rows, num_negatives, name):
    """Negatives for each of many keys, by one program."""

    def sample(key):
        return information.sample_negatives(key, num_rows, num_negatives, name=name)

    draw = jax.jit(lambda key: jax.vmap(sample)(jax.random.split(key, num_keys)))
    return np.asarray(draw(KEY))


@pytest.mark.parametrize("name", NEGATIVE_SAMPLERS)
@pytest.mark.parametrize(("num_rows", "num_negatives"), [(2, 1), (7, 3), (7, 6)])
def test_negatives_contain_no_joint_pair(name, num_rows, num_negatives):
    expected = num_rows - 1 if name == "off_diagonal" else num_negatives
    for partners in _sample_many(20, num_rows, num_negatives, name):
        assert partners.shape == (num_rows, expected)
        assert (partners != np.arange(num_rows)[:, None]).all()
        assert ((partners >= 0) & (partners < num_rows)).all()


@pytest.mark.parametrize("name", ["roll", "derangement", "draws"])
def test_other_rows_are_equally_likely(name):
    num_rows, repeats = 5, 4_000
    partners = _sample_many(repeats, num_rows, 1, name)[..., 0]
    counts = np.stack(
        [np.bincount(partners[:, i], minlength=num_rows) for i in range(num_rows)]
    )
    off_diagonal = counts[~np.eye(num_rows, dtype=bool)]
    expected = repeats / (num_rows - 1)
    # Five standard deviations of a binomial count.
    assert abs(off_diagonal - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("name", ["roll", "derangement"])
def test_one_negative_per_row_is_a_permutation(name):
    for partners in _sample_many(10, 9, 1, name)[..., 0]:
        assert sorted(partners.tolist()) == list(range(9))


def test_rolls_of_one_sample_are_distinct():
    for partners in _sample_many(20, 11, 4, "roll"):
        assert all(len(set(row)) == 4 for row in partners.tolist())


def test_off_diagonal_contains_every_other_row_once():
    pairs = information.off_diagonal(6)
    assert all(
        sorted([i, *row]) == list(range(6)) for i, row in enumerate(pairs.tolist())
    )


def test_split_scores_takes_the_diagonal_and_the_negatives():
    scores = jnp.arange(9.0).reshape(3, 3)
    joint, product = information.split_scores(scores, information.off_diagonal(3))
    np.testing.assert_array_equal(joint, [0, 4, 8])
    np.testing.assert_array_equal(product, [1, 2, 5, 3, 6, 7])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: information.off_diagonal(1), "num_rows"),
        (
            lambda: information.sample_negatives(KEY, 4, 1, name="shuffle"),
            "derangement",
        ),
        (
            lambda: information.split_scores(jnp.ones((3, 2)), jnp.ones((3, 1), int)),
            "square",
        ),
        (
            lambda: information.split_scores(jnp.ones((3, 3)), jnp.ones((2, 1), int)),
            "negatives.*3 rows",
        ),
        (lambda: information.split_scores(jnp.ones(3), jnp.ones((3, 1), int)), "axes"),
        (lambda: information.sample_draws(KEY, 1, 2), "num_rows must be at least 2"),
        (lambda: information.sample_derangement(KEY, 1), "num_rows.*got 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
