"""Bounds of the exact critic against reference means, within both standard errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.divergences import donsker_varadhan_bound
from jaxinfo.information import (
    info_nce_bound,
    interpolated_bound,
    leave_one_out_bound,
    off_diagonal,
    split_scores,
    tuba_bound,
)
from tests.marks import slowly

SIZE, NUM_ROWS, NUM_BATCHES, REFERENCE_BATCHES = 20, 64, 1_000, 3_000
# Mean and variance over 3,000 batches of 64 rows of each bound with the exact log ratio
# as critic, for Gaussians of 20 correlated coordinates, from a computation in NumPy.
REFERENCE = {
    ("info_nce", 2): (1.814, 0.038),
    ("info_nce", 4): (3.070, 0.035),
    ("info_nce", 6): (3.741, 0.016),
    ("donsker_varadhan", 2): (2.008, 0.063),
    ("donsker_varadhan", 4): (4.052, 0.21),
    ("donsker_varadhan", 6): (6.236, 0.45),
    # With baseline 1 this is NWJ, whose tail is too heavy at 6 nats.
    ("tuba", 2): (2.003, 0.064),
    ("tuba", 4): (3.993, 0.38),
}


def _exact_scores(key, correlation):
    key_x, key_y = jax.random.split(key)
    x = jax.random.normal(key_x, (NUM_ROWS, SIZE))
    noise = jax.random.normal(key_y, (NUM_ROWS, SIZE))
    rest = 1 - correlation**2
    y = correlation * x + jnp.sqrt(rest) * noise
    differences = y[None] - correlation * x[:, None]
    pointwise = -(differences**2) / (2 * rest) + y[None] ** 2 / 2 - jnp.log(rest) / 2
    return pointwise.sum(axis=2)


def _bounds(key, correlation):
    scores = _exact_scores(key, correlation)
    split = split_scores(scores, off_diagonal(NUM_ROWS))
    return {
        "info_nce": info_nce_bound(scores),
        "donsker_varadhan": donsker_varadhan_bound(*split),
        "tuba": tuba_bound(scores, jnp.zeros(NUM_ROWS)),
        "interpolated": interpolated_bound(scores, jnp.zeros(NUM_ROWS), alpha=0.5),
        "leave_one_out": leave_one_out_bound(scores),
    }


@pytest.mark.parametrize("information", [slowly(2), 4, slowly(6)])
def test_exact_critic_gives_the_reference_means(information):
    correlation = np.sqrt(1 - np.exp(-2 * information / SIZE))
    keys = jax.random.split(jax.random.key(0), NUM_BATCHES)
    values = jax.jit(
        lambda keys: jax.lax.map(lambda key: _bounds(key, correlation), keys)
    )(keys)
    for name, batches in values.items():
        if (name, information) not in REFERENCE:
            continue
        mean, variance = REFERENCE[name, information]
        error = np.sqrt(variance / REFERENCE_BATCHES + batches.var() / NUM_BATCHES)
        assert abs(batches.mean() - mean) < 3 * error + 5e-4, name
    # The exact critic differs from log p(y | x) by log p(y), which cancels here.
    lower, middle, upper = (
        values[name] for name in ("info_nce", "interpolated", "leave_one_out")
    )
    three_errors = 3 / np.sqrt(NUM_BATCHES)
    assert middle.mean() < information + three_errors * middle.std()
    assert upper.mean() > information - three_errors * upper.std()
    assert lower.mean() < middle.mean() < upper.mean()
