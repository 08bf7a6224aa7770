"""Penalties: their values at simple discriminators, and lazy application."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.adversarial import (
    dragan,
    gradient_penalty,
    r1,
    r2,
)
from jaxinfo.core.types import Network
from tests.adversarial.small_gan import (
    BATCH,
    KEY,
    make_small_gan,
    take_step,
)

LINEAR = Network(
    lambda key, x: {"w": jnp.array([3.0, 4.0])},  # Its gradient has norm 5.
    lambda params, x: x @ params["w"],
)


@pytest.mark.parametrize(
    ("penalty", "value"),
    [(r1, 12.5), (r2, 12.5), (gradient_penalty, 16.0), (dragan, 16.0)],
)
def test_penalties_of_a_linear_discriminator(penalty, value):
    plain = take_step(make_small_gan(discriminator=LINEAR))[2]
    gan = make_small_gan(discriminator=LINEAR, penalties=[penalty(0.5)])
    _, _, info = take_step(gan)
    added = info.discriminator_loss - plain.discriminator_loss
    np.testing.assert_allclose(added, 0.5 * value, rtol=1e-5)


def _bowl_penalty(penalty, batch):
    """Its value for a discriminator with gradient x at x and fake samples at zero."""
    bowl = Network(
        lambda key, x: {"w": jnp.ones(())},
        lambda params, x: params["w"] * jnp.sum(x**2, axis=1) / 2,
    )
    zeros = Network(lambda key, z: {"w": jnp.ones(())}, lambda p, z: 0 * z * p["w"])
    without, with_penalty = (
        take_step(
            make_small_gan(discriminator=bowl, generator=zeros, penalties=penalties),
            batch,
        )[2]
        for penalties in ((), [penalty])
    )
    return with_penalty.discriminator_loss - without.discriminator_loss


@pytest.mark.parametrize(("penalty", "side"), [(r1, 0), (r2, 1)])
def test_r1_is_taken_at_the_data_and_r2_at_the_samples(penalty, side):
    expected = [np.mean(np.sum(BATCH[0] ** 2, axis=1)), 0.0][side]
    added = _bowl_penalty(penalty(2.0), BATCH)
    np.testing.assert_allclose(added, expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_penalty_is_taken_between_data_and_samples():
    batch = np.tile(np.float32([3.0, 0.0]), (1, 20_000, 1))
    # E[(3 u - 1)^2], and the standard error of a mean of 20,000.
    np.testing.assert_allclose(
        _bowl_penalty(gradient_penalty(1.0), batch), 1, atol=0.03
    )


def test_dragan_is_taken_around_the_data():
    batch = np.tile(np.float32([[0.0, 0.0], [2.0, 0.0]]), (1, 10_000, 1))
    rng = np.random.default_rng(0)
    points = batch[0]
    noise = rng.uniform(0, points.std() / 2, points.shape)
    points = points + rng.uniform(size=(len(points), 1)) * noise
    expected = np.mean((np.linalg.norm(points, axis=1) - 1) ** 2)
    np.testing.assert_allclose(_bowl_penalty(dragan(1.0), batch), expected, atol=0.01)


def test_a_lazy_penalty_is_applied_every_third_update_with_three_times_the_weight():
    still = {
        "discriminator_optimizer": optax.sgd(0.0),
        "generator_optimizer": optax.sgd(0.0),
    }
    gan = make_small_gan(discriminator=LINEAR, penalties=[r1(1.0, every=3)], **still)
    plain = make_small_gan(discriminator=LINEAR, **still)
    state, added = gan.init(KEY, BATCH[0]), []
    step, step_without = jax.jit(gan.step), jax.jit(plain.step)
    for number in range(6):
        key = jax.random.fold_in(KEY, number)
        _, without = step_without(key, state, BATCH)
        state, info = step(key, state, BATCH)
        added.append(info.discriminator_loss - without.discriminator_loss)
    np.testing.assert_allclose(added, [37.5, 0, 0, 37.5, 0, 0], rtol=1e-5, atol=1e-4)


def test_penalties_at_a_flat_discriminator_have_finite_gradients():
    flat = Network(
        lambda key, x: {"w": jnp.zeros(2)}, lambda params, x: x @ params["w"]
    )
    gan = make_small_gan(discriminator=flat, penalties=[gradient_penalty(), dragan()])
    assert not take_step(gan)[2].is_stopped
