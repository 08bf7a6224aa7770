"""The gradients of both players of a GAN, each of its own loss and nothing else's."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial.objectives import Loss, Objective
from jaxinfo.adversarial.penalties import Penalty, penalty_slope
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

# What the random numbers of an update are for; those of the penalties come after.
GENERATED, SCORED, GENERATORS_OWN, PENALTIES = range(4)

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
    rules = _Rules(networks, objective, tuple(penalties), _Devices(axis_name))
    return Game(rules.discriminator, rules.generator, rules.both)


class _Rules(NamedTuple):
    networks: Networks
    objective: Objective
    penalties: tuple[Penalty, ...]
    over: "_Devices"

    def discriminator(self, players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        own, other = self.over.vary(players)
        fake = self._generate(other, draws.key, draws.noise)
        scores, pull = jax.vjp(
            lambda params: self._score(params, draws.key, draws.real, fake), own
        )
        return self._of_discriminator(
            own, draws, fake, scores, lambda slopes: pull(slopes)[0]
        )

    def generator(self, players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        other, own = self.over.vary(players)
        key = jax.random.fold_in(draws.key, GENERATORS_OWN)

        def scores_of(fake: Array) -> Scores:
            real = draws.real if self.objective.is_paired else draws.real[:0]
            scores_p, scores_q = self._score(other, key, real, fake)
            # Where they are not needed, any will do.
            return scores_p if self.objective.is_paired else scores_q, scores_q

        fake, to_params = jax.vjp(
            lambda params: self._generate(params, key, draws.generator_noise), own
        )
        scores, to_samples = jax.vjp(scores_of, fake)
        return self._of_generator(
            draws,
            scores,
            lambda slopes: to_samples(slopes)[0],
            lambda slopes: to_params(slopes)[0],
        )

    def both(self, players: Players, draws: Draws) -> tuple[Players, PyTree]:
        players = self.over.vary(players)

        fake, to_params = jax.vjp(
            lambda params: self._generate(params, draws.key, draws.noise),
            players.generator,
        )
        scores, pull = jax.vjp(
            lambda params, fake: self._score(params, draws.key, draws.real, fake),
            players.discriminator,
            fake,
        )
        own, first = self._of_discriminator(
            players.discriminator,
            draws,
            fake,
            scores,
            lambda slopes: pull(slopes)[0],
        )
        other, second = self._of_generator(
            draws,
            scores,
            lambda slopes: pull(slopes)[1],
            lambda slopes: to_params(slopes)[0],
        )
        return Players(own, other), first | second

    def _generate(self, params: PyTree, key: Array, noise: Array) -> Array:
        key = jax.random.fold_in(key, GENERATED)
        return apply_in_training(self.networks.generator, key, params, noise)[0]

    def _score(self, params: PyTree, key: Array, real: Array, fake: Array) -> Scores:
        """Scores of both, in one pass."""
        if real.shape[1:] != fake.shape[1:]:
            raise ValueError(
                f"batch must hold samples of shape {fake.shape[1:]}, like the "
                f"generator's, got {real.shape[1:]}"
            )
        joined = jnp.concatenate([real, fake])
        key = jax.random.fold_in(key, SCORED)
        scores, _ = apply_in_training(self.networks.discriminator, key, params, joined)
        return scores[: len(real)], scores[len(real) :]

    def _score_one(self, key: Array, params: PyTree, sample: Array) -> Array:
        discriminator = self.networks.discriminator
        scores, _ = apply_in_training(discriminator, key, params, sample[None])
        return scores[0]

    def _of_discriminator(
        self,
        own: PyTree,
        draws: Draws,
        fake: Array,
        scores: Scores,
        pull: Callable[[Scores], PyTree],
    ) -> tuple[PyTree, dict[str, Array]]:
        """Gradient and info, from the scores and the way back to the parameters."""
        loss, slopes = self.over.slopes(self.objective.discriminator_loss, scores)
        gradient = self.over.total(pull(slopes))
        for place, penalty in enumerate(self.penalties):
            key = jax.random.fold_in(draws.key, PENALTIES + place)
            for_value, for_dropout = jax.random.split(key)
            found = penalty_slope(
                penalty,
                for_value,
                functools.partial(self._score_one, for_dropout),
                own,
                draws.real,
                fake,
                number=draws.number,
            )
            value, slope = self.over.mean(found)
            loss += value
            gradient = jax.tree.map(jnp.add, gradient, slope)
        return gradient, {
            "discriminator_loss": loss,
            "discriminator_gradient_norm": optax.tree.norm(gradient),
            "bound": self.over.value(self.objective.bound, scores),
        }

    def _of_generator(
        self,
        draws: Draws,
        scores: Scores,
        to_samples: Callable[[Scores], Array],
        to_params: Callable[[Array], PyTree],
    ) -> tuple[PyTree, dict[str, Array]]:
        """The same for the generator, whose way back leads through its samples."""
        loss, slopes = self.over.slopes(self.objective.generator_loss, scores)
        slopes = to_samples(slopes)
        gradient = self.over.total(to_params(slopes))
        return gradient, {
            "generator_loss": loss,
            "generator_gradient_norm": optax.tree.norm(gradient),
            "generator_slope": self.over.slope(slopes) * self.over.spread(draws.real),
        }


def _squares(rows: Array) -> Float[Array, " n"]:
    return jnp.sum(rows.reshape(len(rows), -1) ** 2, axis=1)


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
        """The mean norm of slopes in samples, as if each sample's loss were its own."""
        return self.total(jnp.sum(jnp.sqrt(_squares(slopes))))

    def spread(self, samples: Array) -> Array:
        """The root mean squared distance of samples from their mean."""
        center = self.mean(jnp.mean(samples, axis=0))
        return jnp.sqrt(self.mean(jnp.mean(_squares(samples - center))))

    def _all(self, scores: Array) -> Array:
        if self.axis_name is None:
            return scores
        return jax.lax.all_gather(scores, self.axis_name, tiled=True)
