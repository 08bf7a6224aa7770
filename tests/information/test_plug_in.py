"""Plug-in information against the entropies of counts."""

import functools

import jax
import numpy as np
import pytest

from jaxinfo.information import plug_in_information


@pytest.mark.parametrize("miller_madow", [False, True])
def test_matches_entropies_of_counts(miller_madow):
    rng = np.random.default_rng(0)
    x, y = rng.integers(3, size=(100, 2)), rng.integers(4, size=(100, 1))

    def entropy(rows):
        shares = np.unique(rows, axis=0, return_counts=True)[1] / 100
        correction = (len(shares) - 1) / 200 if miller_madow else 0
        return -(shares * np.log(shares)).sum() + correction

    expected = entropy(x) + entropy(y) - entropy(np.hstack([x, y]))
    plug_in = functools.partial(plug_in_information, miller_madow=miller_madow)
    found = jax.jit(plug_in)(x, y).value
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_binary_symmetric_channel_has_its_capacity():
    flips = np.repeat([0, 0, 0, 0, 1], 20)  # A fifth of each input is flipped.
    x = np.repeat([[0], [1]], 100, axis=0)
    y = (x[:, 0] + np.tile(flips, 2))[:, None] % 2
    capacity = np.log(2) + 0.2 * np.log(0.2) + 0.8 * np.log(0.8)
    plug_in = functools.partial(plug_in_information, miller_madow=False)
    found = jax.jit(plug_in)(x, y).value
    np.testing.assert_allclose(found, capacity, rtol=1e-5)
