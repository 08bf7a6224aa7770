"""The staircase of mutual information."""

import jax
import numpy as np

from jaxinfo.tasks import (
    suite,
)


def test_staircase_levels():
    gaussian, cubic = suite("staircase")[:5], suite("staircase")[5:]
    for tasks in (gaussian, cubic):
        np.testing.assert_allclose([task.mi for task in tasks], [2, 4, 6, 8, 10])
    key = jax.random.key(0)
    x, y = gaussian[0].sample(key, 4)
    x_cubic, y_cubic = cubic[0].sample(key, 4)
    np.testing.assert_array_equal(x, x_cubic)
    np.testing.assert_allclose(y**3, y_cubic, rtol=1e-5)
