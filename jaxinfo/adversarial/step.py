"""The min-max game as one traced step: both players' updates, and what they tell."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial.game import Draws, Networks, make_game
from jaxinfo.adversarial.objectives import Objective, find_objective
from jaxinfo.adversarial.penalties import Penalty
from jaxinfo.adversarial.solvers import (
    Players,
    Solver,
    SolverState,
    find_solver,
    update_discriminator,
)
from jaxinfo.core.checks import (
    check_finite_number,
    check_finite_rows,
    check_key,
    check_positive,
    check_scores,
)
from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import Array, Bool, Float, Int, Key, Network, PyTree, as_network
from jaxinfo.training import stop_at_nonfinite

__all__ = ["Gan", "GanInfo", "GanState", "make_gan"]

# A generator that would gain less than this, if its samples moved as far as the data
# spread, has nothing to learn from the discriminator.
SATURATED_SLOPE = 1e-3
# So many updates in a row that change no loss by more than rounding.
FROZEN_UPDATES = 100


class GanState(NamedTuple):
    """What one update hands to the next.

    Attributes:
        step: updates done, [].
        players: parameters of both.
        solver: optimizers and the solver's memory.
        average: of the generator's parameters; None where none is kept.
        stopped_at: the update that was not finite, at which this game stopped; -1.
        losses: of both players at the last update, [2].
        unchanged: updates in a row that left both losses as they were, [].
    """

    step: Int[Array, ""]
    players: Players
    solver: SolverState
    average: PyTree
    stopped_at: Int[Array, ""]
    losses: Float[Array, "2"]
    unchanged: Int[Array, ""]


class GanInfo(NamedTuple):
    """What one update tells: losses and bound on the samples that it learned from.

    With several discriminator updates in a step, of the last of them; extragradient
    tells of the place that it looked ahead to.

    Attributes:
        discriminator_loss: with penalties.
        generator_loss: the generator's.
        bound: what the discriminator tells of the objective's divergence. It was
            trained on samples like these: for a number to trust, evaluate
            `objective.bound` on others.
        discriminator_gradient_norm: over all its parameters.
        generator_gradient_norm: over all its parameters.
        generator_slope: mean norm of the slope of the generator's loss in a sample,
            times the root mean squared distance of the data from their mean.
        is_saturated: whether that slope is so small that the generator learns nothing,
            because the loss is flat in the scores or the scores in the samples.
        is_frozen: whether losses have not changed for a hundred updates.
        is_stopped: whether this game has stopped at an update that was not finite.
    """

    discriminator_loss: Float[Array, ""]
    generator_loss: Float[Array, ""]
    bound: Float[Array, ""]
    discriminator_gradient_norm: Float[Array, ""]
    generator_gradient_norm: Float[Array, ""]
    generator_slope: Float[Array, ""]
    is_saturated: Bool[Array, ""]
    is_frozen: Bool[Array, ""]
    is_stopped: Bool[Array, ""]


class Gan(NamedTuple):
    """A game as pure functions.

    Attributes:
        init: `init(key, samples) -> GanState`, for samples [N, ...] like the data's.
        step: `step(key, state, batch) -> (GanState, GanInfo)`, for a batch
            [num_discriminator_steps, N, ...]: data for every discriminator update.
        sample: `sample(key, state, num_samples) -> samples`, of the averaged generator
            where an average is kept; num_samples is static.
        objective: the game's.
        num_discriminator_steps: the first axis of a batch.
    """

    init: Callable[..., GanState]
    step: Callable[..., tuple[GanState, GanInfo]]
    sample: Callable[..., Array]
    objective: Objective
    num_discriminator_steps: int


class _Plan(NamedTuple):
    networks: Networks
    objective: Objective
    optimizers: Players
    solver: Solver
    penalties: tuple[Penalty, ...]
    num_discriminator_steps: int
    ema_decay: float | None
    draw_noise: Callable[[Array, int], Array]
    axis_name: str | None


def make_gan(
    generator: Network,
    discriminator: Network,
    objective: Objective | str,
    *,
    generator_optimizer: optax.GradientTransformation,
    discriminator_optimizer: optax.GradientTransformation,
    noise_size: int,
    sample_noise: Callable[[Array, tuple[int, ...]], Array] = jax.random.normal,
    num_discriminator_steps: int = 1,
    update: Solver | str = "alternating",
    penalties: Sequence[Penalty] = (),
    ema_decay: float | None = None,
    axis_name: str | None = None,
) -> Gan:
    """Makes a game of two networks: an init, a step and a sampler.

    One step draws noise and data for each of n discriminator updates, and then lets the
    solver move both players. Algorithm 1 of the GAN paper is update="alternating";
    algorithm 1 of the f-GAN paper update="simultaneous" with the saddle form of a
    divergence, both gradients from one batch in one pass.

    Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, algorithm 1;
        Nowozin et al., "f-GAN", NeurIPS 2016, algorithm 1; Karras et al.,
        "Progressive growing of GANs", ICLR 2018, for the moving average.

    Args:
        generator: a network from noise [N, noise_size] to samples [N, ...], or a pair
            (init, apply).
        discriminator: a network from samples [N, ...] to scores [N], likewise. Either's
            `apply_train` serves training where it has one (dropout): its state is the
            empty tuple.
        objective: an `Objective`, or a name of `OBJECTIVES`.
        generator_optimizer: an Optax optimizer.
        discriminator_optimizer: an Optax optimizer.
        noise_size: coordinates of the noise.
        sample_noise: `sample_noise(key, shape)`.
        num_discriminator_steps: discriminator updates in a step, the last of them in
            the solver's move; fresh noise and data each.
        update: a `Solver`, or a name of `SOLVERS`.
        penalties: terms of the discriminator's loss, such as `r1(10.0, every=16)`.
        ema_decay: of the moving average of the generator's parameters, in (0, 1);
            shorter at first, (1 + step) / (10 + step). None for none.
        axis_name: the mesh axis over whose devices the batch is split, under
            `shard_map`; losses and gradients are those of the whole batch, and the
            noise is each device's slice of the whole batch's. What dropout and
            penalties draw is each device's own, and so is the spread that `dragan` or a
            network that standardizes over the batch takes from its samples.

    Returns:
        The `Gan`.

    Raises:
        ValueError: where a name is not known or a setting out of its range; from init
            and step, where the networks do not fit the samples; from init, where these
            are not finite.

    Notes:
        A game that meets a number that is not finite stops there for good, and its
        `stopped_at` says where; others in the same vmap go on.
    """
    check_positive(
        num_discriminator_steps=num_discriminator_steps, noise_size=noise_size
    )
    if ema_decay is not None:
        check_finite_number(0.0, 1.0, ema_decay=ema_decay)
    solver = find_solver(update)
    if axis_name is not None and solver.differentiates_gradients:
        raise ValueError(
            "update differentiates the gradients, which a batch split over the devices "
            f"of axis_name={axis_name!r} does not allow; take another solver"
        )

    def draw_noise(key: Array, num_samples: int) -> Array:
        return sample_noise(key, (num_samples, noise_size))

    plan = _Plan(
        Networks(
            as_network(generator, name="generator"),
            as_network(discriminator, name="discriminator"),
        ),
        find_objective(objective),
        Players(discriminator_optimizer, generator_optimizer),
        solver,
        tuple(penalties),
        num_discriminator_steps,
        ema_decay,
        draw_noise,
        axis_name,
    )
    return Gan(
        functools.partial(_init, plan),
        functools.partial(_step, plan),
        functools.partial(_sample, plan),
        plan.objective,
        num_discriminator_steps,
    )


# Init and sample -------------------------------------------------------------------


def _init(plan: _Plan, key: Key[Array, ""], samples: Float[Array, "n ..."]) -> GanState:
    check_key(0, key=key)
    check_finite_rows(samples=samples)
    for_generator, for_discriminator, for_noise = jax.random.split(key, 3)
    noise = plan.draw_noise(for_noise, 2)
    players = Players(
        plan.networks.discriminator.init(for_discriminator, samples[:1]),
        plan.networks.generator.init(for_generator, noise),
    )
    _check_networks(plan, players, noise, samples)
    return GanState(
        step=jnp.zeros((), int),
        players=players,
        solver=plan.solver.init(plan.optimizers, players),
        average=None if plan.ema_decay is None else players.generator,
        stopped_at=jnp.full((), -1, int),
        losses=jnp.full(2, jnp.inf, jnp.result_type(float)),
        unchanged=jnp.zeros((), int),
    )


def _check_networks(
    plan: _Plan, players: Players, noise: Array, samples: Array
) -> None:
    fake = jax.eval_shape(plan.networks.generator.apply, players.generator, noise)
    wanted = (len(noise), *samples.shape[1:])
    if getattr(fake, "shape", None) != wanted:
        raise ValueError(
            f"generator must return samples like the data's, shape {wanted} for "
            f"{len(noise)} rows of noise; got {getattr(fake, 'shape', type(fake))}"
        )
    check_scores(
        "discriminator", plan.networks.discriminator.apply, players.discriminator, fake
    )


def _sample(
    plan: _Plan, key: Key[Array, ""], state: GanState, num_samples: int
) -> Float[Array, "n ..."]:
    check_positive(num_samples=num_samples)
    averaged = plan.ema_decay is not None
    params = state.average if averaged else state.players.generator
    noise = plan.draw_noise(key, num_samples)
    return plan.networks.generator.apply(params, noise)


# The step --------------------------------------------------------------------------


def _step(
    plan: _Plan, key: Key[Array, ""], state: GanState, batch: Float[Array, "k n ..."]
) -> tuple[GanState, GanInfo]:
    count = plan.num_discriminator_steps
    if jnp.ndim(batch) < 3 or len(batch) != count:
        raise ValueError(
            f"batch must have the shape [{count}, N, ...], samples for each "
            f"discriminator update; got {jnp.shape(batch)}"
        )
    game = make_game(plan.networks, plan.objective, plan.penalties, plan.axis_name)
    draws = _draw(plan, key, state.step * count + jnp.arange(count), batch)
    before, last = (
        jax.tree.map(lambda x: x[:-1], draws),
        jax.tree.map(lambda x: x[-1], draws),
    )
    players, solver = state.players, state.solver
    if count > 1:

        def one(carry: tuple[Players, SolverState], draws: Draws):
            return update_discriminator(plan.optimizers, game, *carry, draws), None

        (players, solver), _ = jax.lax.scan(one, (players, solver), before)
    players, solver, metrics = plan.solver.update(
        plan.optimizers, game, players, solver, last
    )
    return _advance(plan, state, players, solver, metrics)


def _draw(plan: _Plan, key: Array, indices: Array, batch: Array) -> Draws:
    """The random numbers of each discriminator update, beside its data."""
    num_local = batch.shape[1]

    def noise(key: Array) -> Array:
        if plan.axis_name is None:
            return plan.draw_noise(key, num_local)
        size = jax.lax.axis_size(plan.axis_name)
        start = num_local * jax.lax.axis_index(plan.axis_name)
        whole = plan.draw_noise(key, num_local * size)
        return jax.lax.dynamic_slice_in_dim(whole, start, num_local)

    def one(key: Array, index: Array, real: Array) -> Draws:
        own, generators, rest = jax.random.split(key, 3)
        if plan.axis_name is not None:
            rest = jax.random.fold_in(rest, jax.lax.axis_index(plan.axis_name))
        return Draws(index, real, noise(own), noise(generators), rest)

    return jax.vmap(one)(jax.random.split(key, len(batch)), indices, batch)


def _advance(
    plan: _Plan,
    state: GanState,
    players: Players,
    solver: SolverState,
    metrics: dict[str, Array],
) -> tuple[GanState, GanInfo]:
    """The next state, or the old one where the game has stopped."""
    average = None
    if plan.ema_decay is not None:
        decay = jnp.minimum(plan.ema_decay, (1 + state.step) / (10 + state.step))
        average = jax.tree.map(
            lambda new, old: old + ((1 - decay) * (new - old)).astype(old.dtype),
            players.generator,
            state.average,
        )
    losses = jnp.stack([metrics["discriminator_loss"], metrics["generator_loss"]])
    losses = losses.astype(state.losses.dtype)
    finite = all_finite((players, solver, losses))
    # Rounding of a mean is a few units in the last place.
    room = 4 * jnp.finfo(losses.dtype).eps * (1 + jnp.abs(losses))
    same = jnp.all(jnp.abs(losses - state.losses) <= room)
    unchanged = jnp.where(same, state.unchanged + 1, 0)

    new_state = state._replace(
        players=players, solver=solver, average=average, losses=losses
    )
    new_state = stop_at_nonfinite(state, new_state, finite)
    new_state = new_state._replace(unchanged=unchanged)
    info = GanInfo(
        **metrics,
        is_saturated=metrics["generator_slope"] < SATURATED_SLOPE,
        is_frozen=unchanged >= FROZEN_UPDATES,
        is_stopped=new_state.stopped_at >= 0,
    )
    return new_state, info
