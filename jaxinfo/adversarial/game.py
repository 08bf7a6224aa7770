"""The gradients of both players of a GAN, each of the player's own loss."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial.objectives import Loss, Objective
from jaxinfo.adversarial.penalties import Penalty, penalty_value_and_grad
from jaxinfo.adversarial.solvers import Game, Players
from jaxinfo.core.types import (
    Array,
    Float,
    Int,
    Key,
    Network,
    PyTree,
    apply_in_training,
)

__all__ = ["Draws", "Networks", "make_game"]

# Numbers folded into the key of an update; those from PENALTIES on are for penalties.
GENERATOR, DISCRIMINATOR, GENERATOR_UPDATE, PENALTIES = range(4)

Scores = tuple[Array, Array]


class Draws(NamedTuple):
    """The data and the random numbers of one update.

    Attributes:
        number: discriminator updates before this one, [].
        real: samples of the data, [N, ...].
        noise: the generator's noise in the discriminator's update, [N, Z].
        generator_noise: noise for the generator's own update, [N, Z].
        key: for dropout and penalties.
    """

    number: Int[Array, ""]
    real: Float[Array, "n ..."]
    noise: Float[Array, "n z"]
    generator_noise: Float[Array, "n z"]
    key: Key[Array, ""]


class Networks(NamedTuple):
    """The two networks of a GAN.

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
    """Makes the gradients of a GAN, see `Game`.

    Args:
        networks: the generator and the discriminator.
        objective: their losses.
        penalties: terms of the discriminator's loss.
        axis_name: the mesh axis over which draws are split; None for no split.

    Returns:
        The `Game`.
    """
    gan = _GanGame(networks, objective, tuple(penalties), _Devices(axis_name))
    return Game(gan.discriminator, gan.generator, gan.both)


class _GanGame(NamedTuple):
    networks: Networks
    objective: Objective
    penalties: tuple[Penalty, ...]
    devices: "_Devices"

    def discriminator(self, players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        params, generator = self.devices.vary(players)
        fake = self._generate(generator, draws.key, draws.noise)
        scores, vjp = jax.vjp(
            lambda params: self._score(params, draws.key, draws.real, fake), params
        )
        return self._discriminator_gradient(
            params, draws, fake, scores, lambda cotangents: vjp(cotangents)[0]
        )

    def generator(self, players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        discriminator, params = self.devices.vary(players)
        key = jax.random.fold_in(draws.key, GENERATOR_UPDATE)

        def scores_of(fake: Array) -> Scores:
            real = draws.real if self.objective.is_paired else draws.real[:0]
            scores_p, scores_q = self._score(discriminator, key, real, fake)
            # An unpaired generator loss ignores the scores of P.
            return scores_p if self.objective.is_paired else scores_q, scores_q

        fake, params_vjp = jax.vjp(
            lambda params: self._generate(params, key, draws.generator_noise), params
        )
        scores, samples_vjp = jax.vjp(scores_of, fake)
        return self._generator_gradient(
            draws,
            scores,
            lambda cotangents: samples_vjp(cotangents)[0],
            lambda cotangents: params_vjp(cotangents)[0],
        )

    def both(self, players: Players, draws: Draws) -> tuple[Players, PyTree]:
        players = self.devices.vary(players)

        fake, params_vjp = jax.vjp(
            lambda params: self._generate(params, draws.key, draws.noise),
            players.generator,
        )
        scores, scores_vjp = jax.vjp(
            lambda params, fake: self._score(params, draws.key, draws.real, fake),
            players.discriminator,
            fake,
        )
        discriminator_gradient, discriminator_info = self._discriminator_gradient(
            players.discriminator,
            draws,
            fake,
            scores,
            lambda cotangents: scores_vjp(cotangents)[0],
        )
        generator_gradient, generator_info = self._generator_gradient(
            draws,
            scores,
            lambda cotangents: scores_vjp(cotangents)[1],
            lambda cotangents: params_vjp(cotangents)[0],
        )
        gradients = Players(discriminator_gradient, generator_gradient)
        return gradients, discriminator_info | generator_info

    def _generate(self, params: PyTree, key: Array, noise: Array) -> Array:
        key = jax.random.fold_in(key, GENERATOR)
        return apply_in_training(self.networks.generator, key, params, noise)[0]

    def _score(self, params: PyTree, key: Array, real: Array, fake: Array) -> Scores:
        """Scores of real and generated samples, in one pass."""
        joined = jnp.concatenate([real, fake])
        key = jax.random.fold_in(key, DISCRIMINATOR)
        scores, _ = apply_in_training(self.networks.discriminator, key, params, joined)
        return scores[: len(real)], scores[len(real) :]

    def _score_one(self, key: Array, params: PyTree, sample: Array) -> Array:
        discriminator = self.networks.discriminator
        scores, _ = apply_in_training(discriminator, key, params, sample[None])
        return scores[0]

    def _discriminator_gradient(
        self,
        params: PyTree,
        draws: Draws,
        fake: Array,
        scores: Scores,
        params_vjp: Callable[[Scores], PyTree],
    ) -> tuple[PyTree, dict[str, Array]]:
        """Gradient and metrics, from the scores and their vjp in the parameters."""
        loss, cotangents = self.devices.value_and_grad(
            self.objective.discriminator_loss, scores
        )
        gradient = self.devices.sum(params_vjp(cotangents))
        for index, penalty in enumerate(self.penalties):
            key = jax.random.fold_in(draws.key, PENALTIES + index)
            penalty_key, dropout_key = jax.random.split(key)
            value, penalty_gradient = self.devices.mean(
                penalty_value_and_grad(
                    penalty,
                    penalty_key,
                    functools.partial(self._score_one, dropout_key),
                    params,
                    draws.real,
                    fake,
                    number=draws.number,
                )
            )
            loss += value
            gradient = optax.tree.add(gradient, penalty_gradient)
        return gradient, {
            "discriminator_loss": loss,
            "discriminator_gradient_norm": optax.tree.norm(gradient),
            "bound": self.devices.value(self.objective.bound, scores),
        }

    def _generator_gradient(
        self,
        draws: Draws,
        scores: Scores,
        samples_vjp: Callable[[Scores], Array],
        params_vjp: Callable[[Array], PyTree],
    ) -> tuple[PyTree, dict[str, Array]]:
        """Gradient and metrics, through the generated samples to the parameters."""
        loss, cotangents = self.devices.value_and_grad(
            self.objective.generator_loss, scores
        )
        sample_gradients = samples_vjp(cotangents)
        gradient = self.devices.sum(params_vjp(sample_gradients))
        return gradient, {
            "generator_loss": loss,
            "generator_gradient_norm": optax.tree.norm(gradient),
            "sample_gradient_norm": self.devices.mean_norm(sample_gradients)
            * self.devices.spread(draws.real),
        }


def _squared_norms(rows: Array) -> Float[Array, " n"]:
    return jnp.sum(rows.reshape(len(rows), -1) ** 2, axis=1)


class _Devices(NamedTuple):
    """Reductions over the devices that share a batch; with no axis, identities.

    A loss may be any function of all scores, such as a log-mean-exp or a function of
    pairs. Every device computes it from the gathered scores and differentiates it with
    respect to its own scores, so that no collective operation is differentiated.
    """

    axis_name: str | None

    def vary(self, tree: PyTree) -> PyTree:
        """Marks parameters so that their gradients use this device's samples only."""
        if self.axis_name is None:
            return tree
        return jax.tree.map(
            lambda x: jax.lax.pcast(x, self.axis_name, to="varying"), tree
        )

    def sum(self, tree: PyTree) -> PyTree:
        return tree if self.axis_name is None else jax.lax.psum(tree, self.axis_name)

    def mean(self, tree: PyTree) -> PyTree:
        return tree if self.axis_name is None else jax.lax.pmean(tree, self.axis_name)

    def value_and_grad(self, loss: Loss, scores: Scores) -> tuple[Array, Scores]:
        """The loss of all scores, and its gradient in the scores of this device."""
        value, gradients = jax.value_and_grad(loss, (0, 1))(*map(self._gather, scores))
        if self.axis_name is None:
            return value, gradients
        device = jax.lax.axis_index(self.axis_name)
        own = [
            gradient.reshape(-1, len(x))[device]
            for gradient, x in zip(gradients, scores, strict=True)
        ]
        return self.mean(value), tuple(own)

    def value(self, loss: Loss, scores: Scores) -> Array:
        return self.mean(loss(*map(self._gather, scores)))

    def mean_norm(self, gradients: Array) -> Array:
        """The mean norm of each sample's gradient of its own loss.

        The loss is a mean over samples: the sum of these norms is that mean.
        """
        return self.sum(jnp.sum(jnp.sqrt(_squared_norms(gradients))))

    def spread(self, samples: Array) -> Array:
        """The root mean squared distance of samples from their mean."""
        center = self.mean(jnp.mean(samples, axis=0, keepdims=True))
        return jnp.sqrt(self.mean(jnp.mean(_squared_norms(samples - center))))

    def _gather(self, scores: Array) -> Array:
        if self.axis_name is None:
            return scores
        return jax.lax.all_gather(scores, self.axis_name, tiled=True)
