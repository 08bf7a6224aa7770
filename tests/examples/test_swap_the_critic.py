"""Example: swap the network of the default estimator.

Any pair of functions (init, apply) is a critic; `networks.from_linen` and
`networks.from_nnx` make one from a Flax module. The critic sees the features of x and y
that the default estimator computes, and corrects its closed-form density ratio.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.estimation import CrossFitted, TrainConfig


def init(key, x, y):
    return jnp.zeros((x.shape[1], y.shape[1]))


def apply(params, x, y):
    return jnp.sum((x @ params) * y, axis=1)


def test_the_default_estimator_takes_another_critic():
    x, noise = np.random.default_rng(0).normal(size=(2, 800, 1))
    estimator = CrossFitted(critic=(init, apply), train=TrainConfig(num_steps=100))
    estimate = estimator(jax.random.key(0), x, x + noise)
    assert abs(estimate.value - 0.5 * np.log(2)) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.1


@pytest.mark.slow
def test_a_critic_that_starts_with_noise_starts_from_the_closed_form_too():
    x, noise = np.random.default_rng(0).normal(size=(2, 800, 1))
    train = TrainConfig(num_steps=1, num_seeds=4, eval_every=1)
    noisy = (
        lambda key, x, y: (),
        lambda params, x, y: 9 * jnp.sin(50 * x[:, 0] * y[:, 0]),
    )
    silent = (init, apply)
    values = [
        CrossFitted(critic=critic, train=train)(jax.random.key(0), x, x + noise).value
        for critic in (noisy, silent)
    ]
    assert abs(values[0] - values[1]) < 0.02
