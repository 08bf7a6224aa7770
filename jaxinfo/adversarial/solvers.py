"""How two players move: the update rules of a game in which each has a loss of its own.

A `Game` tells the players' gradients, each of its own loss in its own parameters; a
`Solver` turns them into a move of both. Plain descent of both at once runs away from
the equilibrium of x * y, one after the other circles it, and the others reach it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_finite_number, check_one_of, check_positive
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
    """One thing for each player: parameters, gradients, optimizers or their states.

    Attributes:
        discriminator: the discriminator's.
        generator: the generator's.
    """

    discriminator: Any
    generator: Any


class Game(NamedTuple):
    """The gradients of a game, each player's of its own loss.

    Each is a function of `(players, draws)`, the parameters of both and the random
    numbers of one update, and returns the gradient and an info.

    Attributes:
        discriminator: the discriminator's gradient.
        generator: the generator's gradient, on draws of its own.
        both: `Players` of both gradients, from the same draws in one pass.
    """

    discriminator: Callable[[Players, PyTree], tuple[PyTree, PyTree]]
    generator: Callable[[Players, PyTree], tuple[PyTree, PyTree]]
    both: Callable[[Players, PyTree], tuple[Players, PyTree]]


class SolverState(NamedTuple):
    """What a solver keeps from one move to the next.

    Attributes:
        optimizers: `Players` of the states of their optimizers.
        memory: what else the solver remembers.
    """

    optimizers: Players
    memory: PyTree = ()


class Solver(NamedTuple):
    """An update rule for two players.

    Attributes:
        init: `init(optimizers, players) -> SolverState`, with `Players` of Optax
            optimizers and of parameters.
        update: `update(optimizers, game, players, state, draws) -> (players, state,
            info)`: one update of each player.
        differentiates_gradients: whether it needs derivatives of the game's gradients,
            which a game that is split over devices cannot give.
        optimizer_updates: how often a move calls each optimizer: a learning rate's
            schedule counts these.
    """

    init: Callable[[Players, Players], SolverState]
    update: Callable[..., tuple[Players, SolverState, PyTree]]
    differentiates_gradients: bool = False
    optimizer_updates: int = 1


# Moves of the optimizers -----------------------------------------------------------


def _plain_init(optimizers: Players, players: Players) -> SolverState:
    pairs = zip(optimizers, players, strict=True)
    return SolverState(Players(*(optimizer.init(own) for optimizer, own in pairs)))


def _move_one(
    optimizer: optax.GradientTransformation,
    gradient: PyTree,
    state: PyTree,
    own: PyTree,
) -> tuple[PyTree, PyTree]:
    updates, state = optimizer.update(gradient, state, own)
    return optax.apply_updates(own, updates), state


def _move(
    optimizers: Players, gradients: Players, states: Players, players: Players
) -> tuple[Players, Players]:
    moved = map(_move_one, optimizers, gradients, states, players)
    params, states = map(Players._make, zip(*moved, strict=True))
    return params, states


def _discriminator_moves(optimizers, game, players, state, draws):
    gradient, info = game.discriminator(players, draws)
    own, moved = _move_one(
        optimizers.discriminator,
        gradient,
        state.optimizers.discriminator,
        players.discriminator,
    )
    state = state._replace(optimizers=state.optimizers._replace(discriminator=moved))
    return players._replace(discriminator=own), state, info


def update_discriminator(
    optimizers: Players, game: Game, players: Players, state: SolverState, draws: PyTree
) -> tuple[Players, SolverState]:
    """One more update of the discriminator alone, whatever the solver.

    Args:
        optimizers: of both players.
        game: the gradients.
        players: parameters of both.
        state: the solver's.
        draws: the random numbers of this update.

    Returns:
        The parameters of both, and the solver's state.
    """
    return _discriminator_moves(optimizers, game, players, state, draws)[:2]


# First-order solvers ---------------------------------------------------------------


def _simultaneous(optimizers, game, players, state, draws):
    gradients, info = game.both(players, draws)
    players, moved = _move(optimizers, gradients, state.optimizers, players)
    return players, state._replace(optimizers=moved), info


def _alternating(optimizers, game, players, state, draws):
    players, state, first = _discriminator_moves(
        optimizers, game, players, state, draws
    )
    gradient, second = game.generator(players, draws)
    own, moved = _move_one(
        optimizers.generator, gradient, state.optimizers.generator, players.generator
    )
    state = state._replace(optimizers=state.optimizers._replace(generator=moved))
    return players._replace(generator=own), state, first | second


def _extragradient(optimizers, game, players, state, draws):
    gradients, _ = game.both(players, draws)
    looked, moved = _move(optimizers, gradients, state.optimizers, players)
    gradients, info = game.both(looked, draws)
    players, moved = _move(optimizers, gradients, moved, players)
    return players, state._replace(optimizers=moved), info


def _past_init(optimizers: Players, players: Players) -> SolverState:
    zeros = jax.tree.map(jnp.zeros_like, players)
    return _plain_init(optimizers, players)._replace(memory=zeros)


def _past_extragradient(optimizers, game, players, state, draws):
    looked, _ = _move(optimizers, state.memory, state.optimizers, players)
    gradients, info = game.both(looked, draws)
    players, moved = _move(optimizers, gradients, state.optimizers, players)
    return players, SolverState(moved, gradients), info


simultaneous = Solver(_plain_init, _simultaneous)
"""Both move at once, by gradients of one batch in one pass.

Source: Nowozin et al., "f-GAN", NeurIPS 2016, algorithm 1.
"""

alternating = Solver(_plain_init, _alternating)
"""The discriminator moves, then the generator against the new discriminator.

Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, algorithm 1.
"""

extragradient = Solver(_plain_init, _extragradient, optimizer_updates=2)
"""Both move by the gradients found one move ahead: two gradients an update.

A schedule of the learning rate counts both: give it twice the updates.

Source: Korpelevich, 1976; Gidel et al., "A variational inequality perspective on
generative adversarial networks", ICLR 2019, algorithms 2 and 4, for the moments of an
adaptive optimizer, which take in both gradients.
"""

past_extragradient = Solver(_past_init, _past_extragradient)
"""The same with the look ahead along the gradients of the last update: one an update.

Source: Popov, 1980; Gidel et al., ICLR 2019, section 3.3.
"""


def lookahead(
    inner: Solver = alternating, *, num_steps: int = 5, step_size: float = 0.5
) -> Solver:
    """Runs ahead for some updates, then steps back towards where it started.

    Every `num_steps` updates both players are set to slow + step_size (fast - slow).

    Source: Chavdarova et al., "Taming GANs with lookahead-minmax", ICLR 2021, algorithm
        1.

    Args:
        inner: the solver that runs ahead.
        num_steps: updates between two steps back.
        step_size: the share of the way that is kept, in (0, 1].

    Returns:
        The `Solver`.

    Raises:
        ValueError: where a setting is out of its range.
    """
    check_positive(num_steps=num_steps)
    if step_size != 1:
        check_finite_number(0.0, 1.0, step_size=step_size)

    def init(optimizers: Players, players: Players) -> SolverState:
        state = inner.init(optimizers, players)
        return state._replace(memory=(state.memory, players, jnp.zeros((), int)))

    def update(optimizers, game, players, state, draws):
        memory, slow, count = state.memory
        players, state, info = inner.update(
            optimizers, game, players, state._replace(memory=memory), draws
        )
        returns = (count + 1) % num_steps == 0

        def pick(fast, slow):
            return jnp.where(returns, slow + step_size * (fast - slow), fast)

        players = jax.tree.map(pick, players, slow)
        slow = jax.tree.map(lambda a, b: jnp.where(returns, a, b), players, slow)
        memory = state.memory, slow, count + 1
        return players, state._replace(memory=memory), info

    return inner._replace(init=init, update=update)


# Second-order solvers --------------------------------------------------------------


def consensus(strength: float = 0.1) -> Solver:
    """Both also descend half the squared norm of the gradients.

    With gradients g and their Jacobian J, moves along g + strength J' g.

    Source: Mescheder, Nowozin and Geiger, "The numerics of GANs", NeurIPS 2017,
        algorithm 2.

    Args:
        strength: the weight of the second term, above 0.

    Returns:
        The `Solver`.

    Raises:
        ValueError: where the strength is not above 0.
    """
    check_finite_number(0.0, strength=strength)

    def update(optimizers, game, players, state, draws):
        gradients, transpose, info = jax.vjp(
            lambda p: game.both(p, draws), players, has_aux=True
        )
        gradients = jax.tree.map(
            lambda g, back: g + strength * back, gradients, transpose(gradients)[0]
        )
        players, moved = _move(optimizers, gradients, state.optimizers, players)
        return players, state._replace(optimizers=moved), info

    return Solver(_plain_init, update, differentiates_gradients=True)


def symplectic_gradient_adjustment(strength: float = 1.0) -> Solver:
    """Cancels the rotation of the game, and leaves what descends.

    With gradients g, Jacobian J and A = (J - J') / 2, moves along g + strength A' g.

    Source: Balduzzi et al., "The mechanics of n-player differentiable games", ICML
        2018, section 3.

    Args:
        strength: the weight of the second term, above 0.

    Returns:
        The `Solver`.

    Raises:
        ValueError: where the strength is not above 0.
    """
    check_finite_number(0.0, strength=strength)

    def update(optimizers, game, players, state, draws):
        def field(p: Players) -> Players:
            return game.both(p, draws)[0]

        gradients, info = game.both(players, draws)

        def transposed(vector: Players) -> Players:
            return jax.vjp(field, players)[1](vector)[0]

        # The transpose of the transpose, for networks without a forward mode.
        across, pull = jax.vjp(transposed, gradients)
        (along,) = pull(gradients)
        adjusted = jax.tree.map(
            lambda g, a, b: g + strength * (a - b) / 2, gradients, across, along
        )
        players, moved = _move(optimizers, adjusted, state.optimizers, players)
        return players, state._replace(optimizers=moved), info

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
    """A solver by its name.

    Args:
        update: the name, a key of `SOLVERS`; a `Solver` is given back.

    Returns:
        The `Solver`.

    Raises:
        ValueError: where the name is not known.
    """
    if isinstance(update, Solver):
        return update
    check_one_of(SOLVERS, update=update)
    return SOLVERS[update]
