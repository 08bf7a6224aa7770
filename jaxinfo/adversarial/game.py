"""The gradients of both players of a GAN, each of its own loss and nothing else's."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial.objectives import Loss, Objective
from jaxinfo.adversarial.penalties import Penalty
from jaxinfo.adversarial.solvers import Game, Players
from jaxinfo.core.types import Array, Float, Int, Key, Network, PyTree

__all__ = ["Draws", "Networks", "make_game"]


Scores = tuple[Array, Array]


class Draws(NamedTuple):
    """The data and the random numbers of one update.

    Attributes:
        number: discriminator updates before this one.
        real: samples of the data, [N, ...].
        noise: of the generator, [N, Z], where the discriminator is trained.
        generator_noise: fresh noise, [N, Z], for the generator's own update.
        key: for dropout and penalties.
    """

    number: Int[Array, ""]
    real: Float[Array, "n ..."]
    noise: Float[Array, "n z"]
    generator_noise: Float[Array, "n z"]
    key: Key[Array, ""]


class Networks(NamedTuple):
    """The two networks.

    Attributes:
        generator: noise [N, Z] -> samples [N, ...].
        discriminator: samples [N, ...] -> scores [N].
    """

    generator: Network
    discriminator: Network


def make_game(
    networks: Networks,
    objective: Objective,
    penalties: Sequence[Penalty],
    axis_name: str | None,
) -> Game:
    """The gradients of a game, see `Game`.

    Args:
        networks: of both players.
        objective: their losses.
        penalties: of the discriminator.
        axis_name: the mesh axis over which draws are split; None for none.

    Returns:
        The `Game`.
    """
    over = _Devices(axis_name)

    def generate(params: PyTree, key: Array, noise: Array) -> Array:
        return _apply(networks.generator, jax.random.fold_in(key, 0), params, noise)

    def score(params: PyTree, key: Array, real: Array, fake: Array) -> Scores:
        """Scores of both, in one pass."""
        joined = jnp.concatenate([real, fake])
        key = jax.random.fold_in(key, 1)
        scores = _apply(networks.discriminator, key, params, joined)
        return scores[: len(real)], scores[len(real) :]

    def penalised(params: PyTree, draws: Draws, fake: Array) -> tuple[Array, PyTree]:
        """Weighted penalties, and their gradient."""
        total, gradient = jnp.zeros(()), jax.tree.map(jnp.zeros_like, params)
        for place, penalty in enumerate(penalties):
            key = jax.random.fold_in(draws.key, 2 + place)
            value, slope = _penalty(penalty, networks, params, key, draws, fake)
            total += value
            gradient = jax.tree.map(jnp.add, gradient, slope)
        return over.mean((total, gradient))

    def discriminator(players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        own, other = over.vary(players)
        fake = generate(other, draws.key, draws.noise)
        scores, pull = jax.vjp(lambda p: score(p, draws.key, draws.real, fake), own)
        loss, slopes = over.slopes(objective.discriminator_loss, scores)
        gradient = over.total(pull(slopes)[0])
        penalty, more = penalised(own, draws, fake)
        gradient = jax.tree.map(jnp.add, gradient, more)
        told = _discriminator_info(loss + penalty, gradient)
        return gradient, told | {"bound": over.value(objective.bound, scores)}

    def generator(players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        other, own = over.vary(players)
        key = jax.random.fold_in(draws.key, 1)

        def scores_of(params: PyTree) -> Scores:
            fake = generate(params, key, draws.generator_noise)
            real = draws.real if objective.is_paired else draws.real[:0]
            scores_p, scores_q = score(other, key, real, fake)
            # Where they are not needed, any will do.
            return scores_p if objective.is_paired else scores_q, scores_q

        scores, pull = jax.vjp(scores_of, own)
        loss, slopes = over.slopes(objective.generator_loss, scores)
        gradient = over.total(pull(slopes)[0])
        return gradient, _generator_info(loss, gradient, over.slope(slopes[1]))

    def both(players: Players, draws: Draws) -> tuple[Players, PyTree]:
        players = over.vary(players)

        def scores_of(players: Players) -> tuple[Scores, Array]:
            fake = generate(players.generator, draws.key, draws.noise)
            return score(players.discriminator, draws.key, draws.real, fake), fake

        scores, pull, fake = jax.vjp(scores_of, players, has_aux=True)
        loss, slopes = over.slopes(objective.discriminator_loss, scores)
        own = over.total(pull(slopes)[0].discriminator)
        penalty, more = penalised(players.discriminator, draws, fake)
        own = jax.tree.map(jnp.add, own, more)
        told = _discriminator_info(loss + penalty, own)
        loss, slopes = over.slopes(objective.generator_loss, scores)
        other = over.total(pull(slopes)[0].generator)
        told |= _generator_info(loss, other, over.slope(slopes[1]))
        return Players(own, other), told | {
            "bound": over.value(objective.bound, scores)
        }

    return Game(discriminator, generator, both)


def _apply(network: Network, key: Array, params: PyTree, inputs: Array) -> Array:
    if network.apply_train is None:
        return network.apply(params, inputs)
    return network.apply_train(key, params, (), inputs)[0]


def _penalty(
    penalty: Penalty,
    networks: Networks,
    params: PyTree,
    key: Array,
    draws: Draws,
    fake: Array,
) -> tuple[Array, PyTree]:
    def value(params: PyTree) -> Array:
        def score(sample: Array) -> Array:
            return _apply(networks.discriminator, key, params, sample[None])[0]

        mean = penalty.value(key, score, draws.real, fake)
        return penalty.weight * penalty.every * mean

    with_gradient = jax.value_and_grad(value)
    if penalty.every == 1:
        return with_gradient(params)
    return jax.lax.cond(
        draws.number % penalty.every == 0,
        with_gradient,
        lambda params: (jnp.zeros(()), jax.tree.map(jnp.zeros_like, params)),
        params,
    )


def _discriminator_info(loss: Array, gradient: PyTree) -> dict[str, Array]:
    norm = optax.tree.norm(gradient)
    return {"discriminator_loss": loss, "discriminator_gradient_norm": norm}


def _generator_info(loss: Array, gradient: PyTree, slope: Array) -> dict[str, Array]:
    norm = optax.tree.norm(gradient)
    told = {"generator_loss": loss, "generator_gradient_norm": norm}
    return told | {"generator_slope": slope}


class _Devices(NamedTuple):
    """Reductions over the devices that share a batch; with no axis, nothing to reduce.

    A loss may be any function of all scores, a log-mean-exp or pairs among them: every
    device computes it of the scores of all, and takes back the slopes of its own.
    """

    axis_name: str | None

    def vary(self, tree: PyTree) -> PyTree:
        """Parameters whose gradients are those of this device's samples alone."""
        if self.axis_name is None:
            return tree
        return jax.tree.map(
            lambda x: jax.lax.pcast(x, self.axis_name, to="varying"), tree
        )

    def total(self, tree: PyTree) -> PyTree:
        return tree if self.axis_name is None else jax.lax.psum(tree, self.axis_name)

    def mean(self, tree: PyTree) -> PyTree:
        return tree if self.axis_name is None else jax.lax.pmean(tree, self.axis_name)

    def slopes(self, loss: Loss, scores: Scores) -> tuple[Array, Scores]:
        """The loss of all scores, and its slope in each score of this device."""
        value, slopes = jax.value_and_grad(loss, (0, 1))(*map(self._all, scores))
        if self.axis_name is None:
            return value, slopes
        place = jax.lax.axis_index(self.axis_name)
        own = [
            s.reshape(-1, len(x))[place] for s, x in zip(slopes, scores, strict=True)
        ]
        return self.mean(value), tuple(own)

    def value(self, loss: Loss, scores: Scores) -> Array:
        return self.mean(loss(*map(self._all, scores)))

    def slope(self, slopes: Array) -> Array:
        """The mean absolute slope, as if each sample's loss were its own."""
        return self.total(jnp.sum(jnp.abs(slopes)))

    def _all(self, scores: Array) -> Array:
        if self.axis_name is None:
            return scores
        return jax.lax.all_gather(scores, self.axis_name, tiled=True)
