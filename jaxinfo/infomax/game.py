"""The gradients of Deep InfoMax: of the encoder's side, and of the prior critic."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial.objectives import Objective
from jaxinfo.adversarial.penalties import Penalty, penalty_value_and_grad
from jaxinfo.adversarial.solvers import Game, Players
from jaxinfo.core.types import (
    Array,
    Float,
    Int,
    Network,
    PyTree,
    apply_in_training,
)
from jaxinfo.infomax.terms import (
    coordinate_loss,
    displacement_loss,
    local_scores,
)

__all__ = ["TERMS", "Draws", "Rules", "Term", "make_game"]

TERMS = (
    "global_critic",
    "local_critic",
    "coordinate_network",
    "displacement_network",
    "prior_critic",
)

# What the random numbers of an update are for; those of the penalties come after.
ENCODER, OCCLUSION, OCCLUDED_ENCODER, DISPLACEMENTS, CRITIC, PENALTIES = range(6)


class Draws(NamedTuple):
    """The data and the random numbers of one update.

    Attributes:
        number: updates before this one.
        images: what the encoder sees, [N, ...].
        prior: samples of the prior, [N, D].
        key: for the rest.
    """

    number: Int[Array, ""]
    images: Float[Array, "n ..."]
    prior: Float[Array, "n d"]
    key: Array


class Term(NamedTuple):
    """A network with its weight in the loss.

    Attributes:
        network: a `Critic` or a `Network`.
        weight: of its term.
    """

    network: Any
    weight: float | Array


class Rules(NamedTuple):
    """What the two sides climb and descend.

    Attributes:
        encoder: images -> (features, code, ...).
        bound: of scores [N, L, N].
        terms: by name, those of `TERMS` that there are.
        objective: of the match with the prior.
        penalties: of the prior critic.
        squash: of codes, before the prior critic sees them.
        occlude: `occlude(key, images)`, of what the code is made from; None for none.
    """

    encoder: Network
    bound: Callable[[Array], Array]
    terms: dict[str, Term]
    objective: Objective
    penalties: tuple[Penalty, ...]
    squash: Callable[[Array], Array]
    occlude: Callable[[Array, Array], Array] | None


def make_game(rules: Rules) -> Game:
    """The game of an encoder with its critics against the prior critic, see `Game`.

    The generator's parameters are a dict with the encoder's and those of every term but
    the prior's; the discriminator's are the prior critic's, () where there is none.

    Args:
        rules: what both sides want.

    Returns:
        The `Game`. Its info has a number for each term, and "statistics", the running
        statistics that the encoder leaves.
    """

    def discriminator(players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        (_, codes), _ = _encode(rules, players.generator["encoder"], draws)
        return _of_critic(rules, players.discriminator, draws, codes)

    def generator(players: Players, draws: Draws) -> tuple[PyTree, PyTree]:
        gradient, metrics, _ = _of_encoder(rules, players, draws)
        return gradient, metrics

    def both(players: Players, draws: Draws) -> tuple[Players, PyTree]:
        own, metrics, codes = _of_encoder(rules, players, draws)
        other, also = _of_critic(rules, players.discriminator, draws, codes)
        return Players(other, own), metrics | also

    return Game(discriminator, generator, both)


def _encode(
    rules: Rules, params: PyTree, draws: Draws
) -> tuple[tuple[Array, Array], PyTree]:
    """Features of the whole images, codes of what is left of them, and statistics."""

    def run(place: int, images: Array) -> tuple[Any, PyTree]:
        key = jax.random.fold_in(draws.key, place)
        return apply_in_training(rules.encoder, key, params, images)

    (features, codes, *_), statistics = run(ENCODER, draws.images)
    if rules.occlude is not None:
        key = jax.random.fold_in(draws.key, OCCLUSION)
        (_, codes, *_), _ = run(OCCLUDED_ENCODER, rules.occlude(key, draws.images))
    return (features, codes), statistics


def _of_encoder(
    rules: Rules, players: Players, draws: Draws
) -> tuple[PyTree, dict[str, Array], Array]:
    """Gradient, info, and the codes that it saw."""

    def loss(params: PyTree):
        (features, codes), statistics = _encode(rules, params["encoder"], draws)
        values = _information(rules, params, features, codes)
        values |= _tasks_of_place(rules, params, draws, features, codes)
        total = sum(rules.terms[name].weight * value for name, value in values.items())
        if "prior_critic" in rules.terms:
            scores = _score_prior(rules, players.discriminator, draws, codes)
            match = rules.objective.generator_loss(*scores)
            total += rules.terms["prior_critic"].weight * match
        return total, (values, codes, statistics)

    (total, (values, codes, statistics)), gradient = jax.value_and_grad(
        loss, has_aux=True
    )(players.generator)
    metrics = {
        name: -value if name in BOUNDED else value for name, value in values.items()
    }
    metrics |= {
        "loss": total,
        "gradient_norm": optax.tree.norm(gradient),
        "statistics": statistics,
    }
    return gradient, metrics, codes


# Terms that are bounds, of which the loss has the negative.
BOUNDED = ("global_critic", "local_critic")


def _information(
    rules: Rules, params: PyTree, features: Array, codes: Array
) -> dict[str, Array]:
    """Negative bounds: of the code with the whole feature map, and with a location."""
    flat = features.reshape(len(features), -1, features.shape[-1])
    views = {"global_critic": flat.reshape(len(flat), 1, -1), "local_critic": flat}
    return {
        name: -rules.bound(
            local_scores(rules.terms[name].network, params[name], view, codes)
        )
        for name, view in views.items()
        if name in rules.terms
    }


def _tasks_of_place(
    rules: Rules, params: PyTree, draws: Draws, features: Array, codes: Array
) -> dict[str, Array]:
    losses = {}
    if "coordinate_network" in rules.terms:
        name = "coordinate_network"
        network = rules.terms[name].network
        losses[name] = coordinate_loss(network, params[name], features, codes)
    if "displacement_network" in rules.terms:
        name = "displacement_network"
        network = rules.terms[name].network
        key = jax.random.fold_in(draws.key, DISPLACEMENTS)
        losses[name] = displacement_loss(key, network, params[name], features, codes)
    return losses


def _score_prior(
    rules: Rules, params: PyTree, draws: Draws, codes: Array
) -> tuple[Array, Array]:
    """The prior critic's scores of the prior and of codes, in one pass."""
    joined = jnp.concatenate([draws.prior, rules.squash(codes)])
    key = jax.random.fold_in(draws.key, CRITIC)
    network = rules.terms["prior_critic"].network
    scores, _ = apply_in_training(network, key, params, joined)
    return scores[: len(codes)], scores[len(codes) :]


def _of_critic(
    rules: Rules, params: PyTree, draws: Draws, codes: Array
) -> tuple[PyTree, dict[str, Array]]:
    """Gradient and info of the prior critic, for codes that no gradient reaches."""
    if "prior_critic" not in rules.terms:
        return params, {}
    codes = jax.lax.stop_gradient(codes)
    network = rules.terms["prior_critic"].network

    def loss(params: PyTree) -> tuple[Array, tuple[Array, Array]]:
        scores = _score_prior(rules, params, draws, codes)
        return rules.objective.discriminator_loss(*scores), scores

    def score_one(params: PyTree, sample: Array) -> Array:
        return network.apply(params, sample[None])[0]

    (total, scores), gradient = jax.value_and_grad(loss, has_aux=True)(params)
    for place, penalty in enumerate(rules.penalties):
        value, slope = penalty_value_and_grad(
            penalty,
            jax.random.fold_in(draws.key, PENALTIES + place),
            score_one,
            params,
            draws.prior,
            rules.squash(codes),
            number=draws.number,
        )
        total += value
        gradient = jax.tree.map(jnp.add, gradient, slope)
    metrics = {
        "prior_critic": rules.objective.bound(*scores),
        "prior_critic_loss": total,
    }
    return gradient, metrics
