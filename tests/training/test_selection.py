"""Selection of the best state, against the rule in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training.selection import init_selection, select_best

VALUES = [0.1, 0.4, np.nan, 0.3, 0.5, 0.2]


def _select(values, smoothing):
    shape = jax.ShapeDtypeStruct((), jnp.float32)
    selection = init_selection(jnp.array(0), shape, len(values))
    for block, value in enumerate(values):
        step = jnp.array(10 * (block + 1))
        selection = select_best(
            selection, step, jnp.float32(value), step, block, smoothing
        )
    return selection


def _expected(values, smoothing):
    """Best criterion and its step."""
    mean, best, best_step = -np.inf, -np.inf, 0
    for block, value in enumerate(values):
        if smoothing == 0:
            criterion = value
        else:
            if np.isfinite(value):
                mean = (
                    smoothing * mean + (1 - smoothing) * value
                    if mean > -np.inf
                    else value
                )
            criterion = mean
        if criterion > best:
            best, best_step = criterion, 10 * (block + 1)
    return best, best_step


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("values", [VALUES, VALUES[::-1], [np.nan, 0.3, 0.2]])
def test_the_best_state_is_that_of_the_largest_criterion(values, smoothing):
    selection = _select(values, smoothing)
    best, best_step = _expected(values, smoothing)
    assert selection.best_step == selection.best_state == best_step
    np.testing.assert_allclose(selection.best_value, best, rtol=1e-6)
    assert selection.num_waited == 10 * len(values) - best_step
    np.testing.assert_allclose(selection.evaluations, values, rtol=1e-6)


def test_an_evaluated_initial_state_stays_the_best_until_it_is_beaten():
    selection = init_selection(jnp.array(0), jnp.float32(0.45), 2)
    for block, value in enumerate((0.4, 0.5)):
        step = jnp.array(block + 1)
        selection = select_best(selection, step, jnp.float32(value), step, block, 0.0)
        assert selection.best_step == block * 2
