"""Each solver on the bilinear game x * y, whose equilibrium is (0, 0)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.adversarial.solvers import (
    SOLVERS,
    Game,
    Players,
    consensus,
    find_solver,
    lookahead,
    simultaneous,
    symplectic_gradient_adjustment,
)

START = Players(jnp.array(1.0), jnp.array(1.0))
RATE, NUM_STEPS = 0.1, 2_000


def _bilinear():
    """The discriminator x maximizes x * y, the generator y minimizes it."""

    def discriminator(players, draws):
        del draws
        return -players.generator, {"discriminator": players}

    def generator(players, draws):
        del draws
        return players.discriminator, {"generator": players}

    def both(players, draws):
        own, first = discriminator(players, draws)
        other, second = generator(players, draws)
        return Players(own, other), first | second

    return Game(discriminator, generator, both)


def _distances(solver, optimizer=None):
    """Distance from the equilibrium after each update, relative to the start."""
    optimizer = optimizer or optax.sgd(RATE)
    solver, optimizers = find_solver(solver), Players(optimizer, optimizer)

    def step(carry, _):
        players, state, _ = solver.update(optimizers, _bilinear(), *carry, None)
        return (players, state), jnp.hypot(*players) / jnp.hypot(*START)

    start = START, solver.init(optimizers, START)
    return np.asarray(jax.lax.scan(step, start, length=NUM_STEPS)[1])


def test_simultaneous_descent_diverges():
    # Every update multiplies the distance by sqrt(1 + rate^2).
    expected = (1 + RATE**2) ** (np.arange(1, NUM_STEPS + 1) / 2)
    np.testing.assert_allclose(_distances("simultaneous"), expected, rtol=1e-3)


def test_alternating_descent_circles():
    # x^2 + y^2 + rate x y is constant: an ellipse that starts on its short axis.
    distances = _distances("alternating")
    ends = np.sort(distances)[[0, -1]]
    expected = [1, np.sqrt((1 + RATE / 2) / (1 - RATE / 2))]
    np.testing.assert_allclose(ends, expected, atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(SOLVERS) - {"simultaneous", "alternating"}))
def test_the_others_converge(name):
    assert _distances(name)[-1] < 1e-2


def test_optimistic_adam_converges():
    rates = {"learning_rate": 0.01, "b1": 0.0, "b2": 0.99}
    optimistic = _distances("simultaneous", optax.optimistic_adam_v2(**rates))
    plain = _distances("simultaneous", optax.adam(**rates))
    assert optimistic[-1] < 1e-2 < 0.1 < plain[-1]


def test_extragradient_step_by_hand():
    # x + rate (y - rate x), y - rate (x + rate y).
    solver, optimizers = find_solver("extragradient"), Players(*[optax.sgd(RATE)] * 2)
    players, _, _ = solver.update(
        optimizers, _bilinear(), START, solver.init(optimizers, START), None
    )
    np.testing.assert_allclose(players, [1 + 0.1 * 0.9, 1 - 0.1 * 1.1], rtol=1e-6)


# Gradients (x + 2 y, -3 x + 4 y): neither symmetric nor antisymmetric.
JACOBIAN = np.array([[1.0, 2.0], [-3.0, 4.0]])


def _linear():
    def both(players, draws):
        del draws
        return Players(*(jnp.asarray(JACOBIAN) @ jnp.stack(players))), {}

    return Game(None, None, both)


@pytest.mark.parametrize(
    ("solver", "added"),
    [
        (consensus(0.3), 0.3 * JACOBIAN.T),
        (symplectic_gradient_adjustment(0.3), 0.3 * (JACOBIAN.T - JACOBIAN) / 2),
    ],
    ids=["consensus", "symplectic"],
)
def test_second_order_updates_by_hand(solver, added):
    optimizers, start = Players(*[optax.sgd(RATE)] * 2), np.array([1.0, -0.5])
    players = Players(*jnp.asarray(start))
    state = solver.init(optimizers, players)
    moved, _, _ = solver.update(optimizers, _linear(), players, state, None)
    gradient = JACOBIAN @ start
    expected = start - RATE * (gradient + added @ gradient)
    np.testing.assert_allclose(moved, expected, rtol=1e-5)


def test_lookahead_interpolates_after_its_steps():
    solver = lookahead(simultaneous, num_steps=2, step_size=0.25)
    optimizers = Players(*[optax.sgd(RATE)] * 2)
    fast, ahead = START, [START]
    for _ in range(2):
        fast = Players(
            fast.discriminator + RATE * fast.generator,
            fast.generator - RATE * fast.discriminator,
        )
        ahead.append(fast)
    back = [0.75 * s + 0.25 * f for s, f in zip(START, ahead[2], strict=True)]
    players, state = START, solver.init(optimizers, START)
    for expected in (ahead[1], back):
        players, state, _ = solver.update(optimizers, _bilinear(), players, state, None)
        np.testing.assert_allclose(players, expected, rtol=1e-6)


@pytest.mark.parametrize("name", SOLVERS)
def test_one_update_of_each_player(name):
    optimizers = Players(*[optax.adam(RATE)] * 2)
    solver = find_solver(name)
    state = solver.init(optimizers, START)
    state = solver.update(optimizers, _bilinear(), START, state, None)[1]
    counts = [optimizer[0].count for optimizer in state.optimizers]
    assert counts == [solver.optimizer_updates] * 2
    # Extragradient passes both gradients to the optimizer.
    assert solver.optimizer_updates == (2 if name == "extragradient" else 1)


def test_unknown_solver():
    with pytest.raises(ValueError, match=r"unknown update 'newton'.*extragradient"):
        find_solver("newton")


def test_settings_out_of_range():
    with pytest.raises(ValueError, match="step_size"):
        lookahead(step_size=1.5)
    with pytest.raises(ValueError, match="num_steps"):
        lookahead(num_steps=0)
