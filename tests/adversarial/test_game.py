"""Gradients of the game: each player descends its own loss."""

import jax
import numpy as np
import pytest

from jaxinfo.adversarial import (
    OBJECTIVES,
    Players,
)
from jaxinfo.adversarial.game import Draws, Networks, make_game
from tests.adversarial.small_gan import (
    BATCH,
    DISCRIMINATOR,
    GENERATOR,
    KEY,
    assert_close,
    make_small_gan,
)
from tests.marks import slowly

DRAWS = Draws(
    number=np.int32(0),
    real=BATCH[0],
    noise=jax.random.normal(jax.random.key(2), (8, 2)),
    generator_noise=jax.random.normal(jax.random.key(3), (8, 2)),
    key=jax.random.key(4),
)

PLAYERS = Players(
    {"w": np.float32([0.5, -0.3]), "b": np.float32(0.1)},
    {"shift": np.float32([0.2, 0.4]), "scale": np.float32([1.5, 0.7])},
)


def _loss(loss, players, noise):
    """A player's loss, written out."""
    fake = GENERATOR.apply(players.generator, noise)
    scores = (DISCRIMINATOR.apply(players.discriminator, x) for x in (BATCH[0], fake))
    return loss(*scores)


# The paired objective is the only one that the game treats differently.
OBJECTIVES_FAST = {"minimax", "non_saturating", "hinge", "relativistic", "LE_CAM"}


@pytest.mark.parametrize(
    "name", [name if name in OBJECTIVES_FAST else slowly(name) for name in OBJECTIVES]
)
def test_each_gradient_is_that_of_the_players_own_loss(name):
    objective = OBJECTIVES[name]
    game = make_game(Networks(GENERATOR, DISCRIMINATOR), objective, (), None)

    @jax.jit
    def compute(players, draws):
        def by_hand(loss, noise):
            return jax.value_and_grad(lambda p: _loss(loss, p, noise))(players)

        return (
            game.discriminator(players, draws),
            game.generator(players, draws),
            game.both(players, draws),
            by_hand(objective.discriminator_loss, draws.noise)[1].discriminator,
            by_hand(objective.generator_loss, draws.generator_noise),
            by_hand(objective.generator_loss, draws.noise)[1].generator,
            _loss(objective.bound, players, draws.noise),
        )

    *found, own, (value, by_hand), other, bound = compute(PLAYERS, DRAWS)
    gradient, _ = found[0]
    assert_close(gradient, own)
    gradient, metrics = found[1]
    assert_close(gradient, by_hand.generator)
    assert_close(metrics["generator_loss"], value)
    gradients, metrics = found[2]
    assert_close(gradients, Players(own, other))
    assert_close(metrics["bound"], bound)


def test_both_gradients_come_from_one_pass():
    # Algorithm 1 of the f-GAN paper: both players' losses are the same F.
    passes = []

    def counted(params, x):
        passes.append(len(x))
        return DISCRIMINATOR.apply(params, x)

    spied = DISCRIMINATOR._replace(apply=counted)
    gan = make_small_gan("KL", update="simultaneous", discriminator=spied)
    state = gan.init(KEY, BATCH[0])
    passes.clear()
    _, info = jax.jit(gan.step)(KEY, state, BATCH)
    assert passes == [2 * len(BATCH[0])]
    assert info.bound == -info.discriminator_loss
