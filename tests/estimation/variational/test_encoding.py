"""The encoding of numbers and labels for networks."""

import jax
import numpy as np
import pytest

from jaxinfo.data import read_table
from jaxinfo.estimation import TrainConfig, Variational
from jaxinfo.estimation.variational.encoding import (
    MAX_LEVELS,
    Encoding,
    warnings_of_levels,
)

KEY = jax.random.key(0)


def test_numbers_and_two_levels_keep_their_shape():
    rows = np.random.default_rng(0).normal(size=(50, 2, 3))
    encoding = Encoding.fit(read_table("x", rows), np.arange(50))
    assert encoding.levels == ()
    np.testing.assert_allclose(
        encoding.apply(rows), (rows - rows.mean(0)) / rows.std(0), rtol=1e-4, atol=1e-5
    )
    truth = read_table("x", rows[:, 0, 0] > 0)
    assert Encoding.fit(truth, np.arange(50)).apply(truth.values).shape == (50,)


def test_labels_get_a_coordinate_for_each_level():
    table = read_table("x", [["a", 1.0], ["b", 2.0], ["c", 3.0], ["a", 4.0]])
    encoding = Encoding.fit(table, np.arange(4))
    encoded = np.asarray(encoding.apply(table.values))
    assert encoded.shape == (4, 4)
    # Two values in each column of a level, and equal rows for equal labels.
    np.testing.assert_array_equal(encoded[0, :3], encoded[3, :3])
    assert all(len(np.unique(column)) == 2 for column in encoded[:, :3].T)
    traced = jax.jit(encoding.apply)(table.values)
    np.testing.assert_allclose(traced, encoded, rtol=1e-5)
    unknown = np.asarray(encoding.apply(np.array([[7.0, 1.0]])))
    np.testing.assert_array_equal(unknown[0, :3], encoded.min(axis=0)[:3])


def test_the_rarest_of_many_levels_share_a_code():
    codes = np.concatenate([np.repeat(np.arange(MAX_LEVELS), 2), [900, 901]])
    table = read_table("x", codes, discrete=True)
    encoding = Encoding.fit(table, np.arange(len(codes)))
    encoded = np.asarray(encoding.apply(table.values))
    assert encoded.shape == (len(codes), MAX_LEVELS)
    np.testing.assert_array_equal(encoded[-1], encoded[-2])
    assert len(np.unique(encoded, axis=0)) == MAX_LEVELS + 1
    [message] = warnings_of_levels("x", table)
    assert "x holds 258 levels" in message
    assert warnings_of_levels("x", read_table("x", codes)) == []


@pytest.mark.slow
def test_the_order_of_labels_does_not_matter_to_a_bound():
    """Truth: .63 nats by quadrature, for +-2 of eight labels with alternating signs.

    A network that takes the codes for numbers finds .25 in twice as many steps.
    """
    rng = np.random.default_rng(0)
    number = rng.integers(8, size=1_000)
    labels = np.array([f"level {i}" for i in range(8)])[number]
    y = np.where(number % 2, -2.0, 2.0) + rng.normal(size=1_000)
    train = TrainConfig(num_steps=300, num_seeds=2)
    estimate = Variational("mine", train=train)(KEY, labels, y)
    grid = np.linspace(-9, 9, 4_001)
    density = (np.exp(-((grid - 2) ** 2) / 2) + np.exp(-((grid + 2) ** 2) / 2)) / (
        2 * np.sqrt(2 * np.pi)
    )
    entropy = -np.sum(density * np.log(density)) * (grid[1] - grid[0])
    truth = entropy - 0.5 * np.log(2 * np.pi * np.e)
    assert abs(estimate.value - truth) < 0.1
    ratio = estimate.density_ratio(["level 0", "level 1"], [2.0, 2.0])
    assert ratio[0] > 0.3 > -1 > ratio[1]
    with pytest.raises(ValueError, match="x must hold the labels that were fitted"):
        estimate.density_ratio(["level 9"], [2.0])
