"""Update rules of two-player games, in which each player has a loss of its own.

A `Game` computes the gradient of each player's loss in the player's own parameters; a
`Solver` turns them into an update of both. On the game x * y, simultaneous gradient
descent diverges from the equilibrium, alternating descent circles it, and the other
solvers converge to it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_finite_number, check_one_of, check_positive
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import PyTree

__all__ = [
    "SOLVERS",
    "Game",
    "Players",
    "Solver",
    "SolverState",
    "alternating",
    "consensus",
    "extragradient",
    "find_solver",
    "lookahead",
    "past_extragradient",
    "simultaneous",
    "symplectic_gradient_adjustment",
    "update_discriminator",
]


class Players(NamedTuple):
    """A pair, one entry for each player: parameters, gradients, or optimizers.

    Attributes:
        discriminator: the entry of the discriminator.
        generator: the entry of the generator.
    """

    discriminator: Any
    generator: Any


class Game(NamedTuple):
    """The gradients of a game, each of the player's own loss.

    Each entry is a function of `(players, draws)`, the parameters of both and the data
    and random numbers of one update. It returns the gradient and a dict of metrics.

    Attributes:
        discriminator: the discriminator's gradient.
        generator: the generator's gradient, with noise of its own.
        both: `Players` of both gradients, from the same noise in one pass.
    """

    discriminator: Callable[[Players, PyTree], tuple[PyTree, PyTree]]
    generator: Callable[[Players, PyTree], tuple[PyTree, PyTree]]
    both: Callable[[Players, PyTree], tuple[Players, PyTree]]


class SolverState(NamedTuple):
    """The state of a solver.

    Attributes:
        optimizers: `Players` of the optimizers' states.
        memory: further state of the solver.
    """

    optimizers: Players
    memory: PyTree = ()


class Solver(NamedTuple):
    """An update rule for two players.

    Attributes:
        init: `init(optimizers, players) -> SolverState`, with `Players` of Optax
            optimizers and of parameters.
        update: `update(optimizers, game, players, state, draws) -> (players, state,
            metrics)`: one update of each player.
        differentiates_gradients: whether it needs derivatives of the game's gradients,
            which are not available for a batch that is split over devices.
        optimizer_updates: calls of each optimizer in one update; a learning-rate
            schedule counts these.
    """

    init: Callable[[Players, Players], SolverState]
    update: Callable[..., tuple[Players, SolverState, PyTree]]
    differentiates_gradients: bool = False
    optimizer_updates: int = 1

    __repr__ = short_repr


# Updates by the optimizers ---------------------------------------------------------


def _plain_init(optimizers: Players, players: Players) -> SolverState:
    pairs = zip(optimizers, players, strict=True)
    return SolverState(Players(*(optimizer.init(own) for optimizer, own in pairs)))


def _apply_one(
    optimizer: optax.GradientTransformation,
    gradient: PyTree,
    state: PyTree,
    params: PyTree,
) -> tuple[PyTree, PyTree]:
    updates, state = optimizer.update(gradient, state, params)
    return optax.apply_updates(params, updates), state


def _apply(
    optimizers: Players, gradients: Players, states: Players, players: Players
) -> tuple[Players, Players]:
    results = map(_apply_one, optimizers, gradients, states, players)
    players, states = map(Players._make, zip(*results, strict=True))
    return players, states


def _step_discriminator(optimizers, game, players, state, draws):
    gradient, metrics = game.discriminator(players, draws)
    params, optimizer_state = _apply_one(
        optimizers.discriminator,
        gradient,
        state.optimizers.discriminator,
        players.discriminator,
    )
    states = state.optimizers._replace(discriminator=optimizer_state)
    players = players._replace(discriminator=params)
    return players, state._replace(optimizers=states), metrics


def update_discriminator(
    optimizers: Players, game: Game, players: Players, state: SolverState, draws: PyTree
) -> tuple[Players, SolverState]:
    """Updates the discriminator alone, in the same way for every solver.

    Args:
        optimizers: optimizers of both players.
        game: the gradients.
        players: parameters of both.
        state: the solver's state.
        draws: data and random numbers of this update.

    Returns:
        The parameters of both players, and the solver's state.
    """
    return _step_discriminator(optimizers, game, players, state, draws)[:2]


# First-order solvers ---------------------------------------------------------------


def _simultaneous(optimizers, game, players, state, draws):
    gradients, metrics = game.both(players, draws)
    players, states = _apply(optimizers, gradients, state.optimizers, players)
    return players, state._replace(optimizers=states), metrics


def _alternating(optimizers, game, players, state, draws):
    players, state, discriminator_metrics = _step_discriminator(
        optimizers, game, players, state, draws
    )
    gradient, generator_metrics = game.generator(players, draws)
    params, optimizer_state = _apply_one(
        optimizers.generator, gradient, state.optimizers.generator, players.generator
    )
    states = state.optimizers._replace(generator=optimizer_state)
    return (
        players._replace(generator=params),
        state._replace(optimizers=states),
        discriminator_metrics | generator_metrics,
    )


def _extragradient(optimizers, game, players, state, draws):
    gradients, _ = game.both(players, draws)
    extrapolated, states = _apply(optimizers, gradients, state.optimizers, players)
    gradients, metrics = game.both(extrapolated, draws)
    players, states = _apply(optimizers, gradients, states, players)
    return players, state._replace(optimizers=states), metrics


def _past_init(optimizers: Players, players: Players) -> SolverState:
    zeros = jax.tree.map(jnp.zeros_like, players)
    return _plain_init(optimizers, players)._replace(memory=zeros)


def _past_extragradient(optimizers, game, players, state, draws):
    extrapolated, _ = _apply(optimizers, state.memory, state.optimizers, players)
    gradients, metrics = game.both(extrapolated, draws)
    players, states = _apply(optimizers, gradients, state.optimizers, players)
    return players, SolverState(states, gradients), metrics


simultaneous = Solver(_plain_init, _simultaneous)
"""Updates both players at once, by the gradients of one batch in one pass.

Source: Nowozin et al., "f-GAN", NeurIPS 2016, algorithm 1.
"""

alternating = Solver(_plain_init, _alternating)
"""Updates the discriminator, then the generator against the new discriminator.

Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, algorithm 1.
"""

extragradient = Solver(_plain_init, _extragradient, optimizer_updates=2)
"""Updates both players by the gradients at an extrapolated point.

Each update computes two gradients and calls each optimizer twice, so a learning-rate
schedule needs twice the number of updates. The moments of an adaptive optimizer include
both gradients.

Source: Korpelevich, 1976; Gidel et al., "A variational inequality perspective on
generative adversarial networks", ICLR 2019, algorithms 2 and 4.
"""

past_extragradient = Solver(_past_init, _past_extragradient)
"""Extragradient that extrapolates along the last gradients: one gradient an update.

Source: Popov, 1980; Gidel et al., ICLR 2019, section 3.3.
"""


def lookahead(
    inner: Solver = alternating, *, num_steps: int = 5, step_size: float = 0.5
) -> Solver:
    """Interpolates the players with their values `num_steps` updates ago.

    Every `num_steps` updates both players are set to slow + step_size (fast - slow).

    Source: Chavdarova et al., "Taming GANs with lookahead-minmax", ICLR 2021, algorithm
        1.

    Args:
        inner: the solver of the fast updates.
        num_steps: updates between two interpolations.
        step_size: weight of the fast players, in (0, 1].

    Returns:
        The `Solver`.

    Raises:
        ValueError: if a setting is out of its range.
    """
    check_positive(num_steps=num_steps)
    if step_size != 1:
        check_finite_number(0.0, 1.0, step_size=step_size)

    def init(optimizers: Players, players: Players) -> SolverState:
        state = inner.init(optimizers, players)
        return state._replace(memory=(state.memory, players, jnp.zeros((), int)))

    def update(optimizers, game, players, state, draws):
        memory, slow, count = state.memory
        players, state, metrics = inner.update(
            optimizers, game, players, state._replace(memory=memory), draws
        )
        is_due = (count + 1) % num_steps == 0

        def interpolate(fast, slow):
            return jnp.where(is_due, slow + step_size * (fast - slow), fast)

        players = jax.tree.map(interpolate, players, slow)
        slow = optax.tree.where(is_due, players, slow)
        memory = state.memory, slow, count + 1
        return players, state._replace(memory=memory), metrics

    return inner._replace(init=init, update=update)


# Second-order solvers --------------------------------------------------------------


def consensus(strength: float = 0.1) -> Solver:
    """Adds the gradient of half the squared norm of the gradients.

    With gradients g and their Jacobian J, descends along g + strength J' g.

    Source: Mescheder, Nowozin and Geiger, "The numerics of GANs", NeurIPS 2017,
        algorithm 2.

    Args:
        strength: the weight of the second term, above 0.

    Returns:
        The `Solver`.

    Raises:
        ValueError: if the strength is not positive.
    """
    check_finite_number(0.0, strength=strength)

    def update(optimizers, game, players, state, draws):
        gradients, vjp, metrics = jax.vjp(
            lambda p: game.both(p, draws), players, has_aux=True
        )
        gradients = optax.tree.add_scale(gradients, strength, vjp(gradients)[0])
        players, states = _apply(optimizers, gradients, state.optimizers, players)
        return players, state._replace(optimizers=states), metrics

    return Solver(_plain_init, update, differentiates_gradients=True)


def symplectic_gradient_adjustment(strength: float = 1.0) -> Solver:
    """Counteracts the rotation of the game.

    With gradients g, Jacobian J and A = (J - J') / 2, descends along g + strength A' g.

    Source: Balduzzi et al., "The mechanics of n-player differentiable games", ICML
        2018, section 3.

    Args:
        strength: the weight of the second term, above 0.

    Returns:
        The `Solver`.

    Raises:
        ValueError: if the strength is not positive.
    """
    check_finite_number(0.0, strength=strength)

    def update(optimizers, game, players, state, draws):
        def field(p: Players) -> Players:
            return game.both(p, draws)[0]

        gradients, metrics = game.both(players, draws)

        def vjp(vector: Players) -> Players:
            return jax.vjp(field, players)[1](vector)[0]

        # The jvp as the transpose of the vjp, for networks without a forward mode.
        transposed, transpose = jax.vjp(vjp, gradients)  # J' g
        (forward,) = transpose(gradients)  # J g
        adjusted = jax.tree.map(
            lambda g, a, b: g + strength * (a - b) / 2, gradients, transposed, forward
        )
        players, states = _apply(optimizers, adjusted, state.optimizers, players)
        return players, state._replace(optimizers=states), metrics

    return Solver(_plain_init, update, differentiates_gradients=True)


SOLVERS: dict[str, Solver] = {
    "simultaneous": simultaneous,
    "alternating": alternating,
    "extragradient": extragradient,
    "past_extragradient": past_extragradient,
    "lookahead": lookahead(alternating),
    "consensus": consensus(),
    "symplectic_gradient_adjustment": symplectic_gradient_adjustment(),
}


def find_solver(update: Solver | str) -> Solver:
    """Looks up a solver by its name.

    Args:
        update: a name in `SOLVERS`, or a `Solver`, which is returned unchanged.

    Returns:
        The `Solver`.

    Raises:
        ValueError: if the name is unknown.
    """
    if isinstance(update, Solver):
        return update
    check_one_of(SOLVERS, update=update)
    return SOLVERS[update]
