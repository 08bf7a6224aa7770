"""Pure functions of `training` give equal results with and without jit."""

import functools
from typing import NamedTuple

import jax
import numpy as np

from jaxinfo import training
from jaxinfo.training.selection import init_selection, select_best
from tests.variants import make_variants_test


class State(NamedTuple):
    step: np.ndarray
    weights: np.ndarray
    stopped_at: np.ndarray


OLD = State(np.array(3), np.array([1.0, 2.0]), np.array(-1))
NEW = State(np.array(4), np.array([1.5, 2.5]), np.array(-1))


def _select(values, *, smoothing):
    """The selection after all values, with the number of the block as the state."""
    selection = init_selection(np.array(0), values[0], len(values) - 1)
    for block, value in enumerate(values[1:]):
        step = np.array(block + 1)
        selection = select_best(selection, step, value, step, block, smoothing)
    return selection


CASES = {
    **{
        f"{policy.__name__}[{is_finite}, {stopped_at}]": (
            policy,
            (OLD._replace(stopped_at=np.array(stopped_at)), NEW, np.array(is_finite)),
        )
        for policy in (training.skip_nonfinite, training.stop_at_nonfinite)
        for is_finite in (True, False)
        for stopped_at in (-1, 2)
    },
    **{
        f"select_best[{smoothing}]": (
            functools.partial(_select, smoothing=smoothing),
            (np.array([0.1, 0.4, np.nan, 0.3, 0.5, 0.2]),),
        )
        for smoothing in (0.0, 0.7)
    },
}
SAMPLED = {
    "sample_rows[strata]": lambda key: training.sample_rows(key, 23, 5),
    "sample_rows[all]": lambda key: training.sample_rows(key, 23, 23),
    "make_row_sampler": lambda key: jax.tree.map(
        lambda x: jax.random.key_data(x) if x.ndim == 0 else x,
        training.make_row_sampler(23, 5)(key),
    ),
}

# A selection starts from the value -inf.
VariantsTest = make_variants_test(CASES, SAMPLED, debug_infs=False)
