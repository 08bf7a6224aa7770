"""The min-max game as one traced step: the updates of both players, and metrics."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

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
from jaxinfo.adversarial.state import GanInfo, GanState
from jaxinfo.core.checks import (
    check_finite_number,
    check_finite_rows,
    check_key,
    check_optimizer,
    check_positive,
    check_scores,
)
from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import Array, Float, Key, Network, as_network
from jaxinfo.training import stop_at_nonfinite

__all__ = ["Gan", "make_gan"]

# Below this, the generator's loss would change by less than 0.001 if its samples moved
# as far as the data spread.
VANISHING_GRADIENT = 1e-3
# Updates in a row without a change of the losses, after which they count as constant.
CONSTANT_UPDATES = 100


@dataclasses.dataclass(frozen=True, repr=False)
class Gan:
    """A game of two networks, made by `make_gan`: a hashable value with pure methods.

    `init` takes samples [N, ...]. `step` takes a batch with one more leading axis,
    [num_discriminator_steps, N, ...], also where it is 1: `batch[None]`.

    Attributes:
        networks: the generator and the discriminator.
        objective: the losses of both.
        optimizers: `Players` of their optimizers.
        solver: the update rule of both.
        noise_size: coordinates of the generator's noise.
        sample_noise: `sample_noise(key, shape)`.
        num_discriminator_steps: discriminator updates in a step.
        penalties: terms of the discriminator's loss.
        ema_decay: decay of the average of the generator's parameters, or None.
        axis_name: the mesh axis over which a batch is split, or None.
    """

    networks: Networks
    objective: Objective
    optimizers: Players
    solver: Solver
    noise_size: int
    sample_noise: Callable[[Array, tuple[int, ...]], Array]
    num_discriminator_steps: int
    penalties: tuple[Penalty, ...]
    ema_decay: float | None
    axis_name: str | None

    def __repr__(self) -> str:
        return (
            f"Gan({self.objective.name!r}, noise_size={self.noise_size}, "
            f"num_discriminator_steps={self.num_discriminator_steps}, "
            f"ema_decay={self.ema_decay})"
        )

    def init(self, key: Key[Array, ""], samples: Float[Array, "n ..."]) -> GanState:
        """Initializes both networks, their optimizers and the solver.

        Args:
            key: random key.
            samples: samples of the data, [N, ...], with N at least 1. Only their shape
                matters, unless the discriminator's initialization uses their values.

        Returns:
            The initial `GanState`.

        Raises:
            ValueError: if the samples are not finite rows, the generator does not
                return samples of their shape, or the discriminator does not return
                scores [N].
        """
        check_key(0, key=key)
        check_finite_rows(samples=samples)
        return _init(self, key, jnp.asarray(samples[:1]))

    def step(
        self, key: Key[Array, ""], state: GanState, batch: Float[Array, "k n ..."]
    ) -> tuple[GanState, GanInfo]:
        """Updates the discriminator k times and the generator once.

        Args:
            key: random key, a new one for each step.
            state: the state before the step.
            batch: samples of the data for each discriminator update, [k, N, ...] with
                k = num_discriminator_steps. With k = 1, pass `batch[None]`.

        Returns:
            The next `GanState`, and the `GanInfo` of this step.

        Raises:
            ValueError: if the batch has another shape.
        """
        _check_batch(self, state, batch)
        return _step(self, key, state, batch)

    def sample(
        self, key: Key[Array, ""], state: GanState, num_samples: int
    ) -> Float[Array, "n ..."]:
        """Draws samples of the generator, of its averaged parameters if kept.

        Args:
            key: random key.
            state: the state of the game.
            num_samples: N; static.

        Returns:
            Samples, [N, ...].

        Raises:
            ValueError: if `num_samples` is not a positive whole number.
        """
        check_positive(num_samples=num_samples)
        is_averaged = self.ema_decay is not None
        params = state.average if is_averaged else state.players.generator
        return self.networks.generator.apply(params, _noise(self, key, num_samples))


def make_gan(
    generator: Network,
    discriminator: Network,
    objective: Objective | str,
    *,
    generator_optimizer: optax.GradientTransformation,
    discriminator_optimizer: optax.GradientTransformation,
    noise_size: int,
    sample_noise: Callable[[Array, tuple[int, ...]], Array] | None = None,
    num_discriminator_steps: int = 1,
    update: Solver | str = "alternating",
    penalties: Sequence[Penalty] = (),
    ema_decay: float | None = None,
    axis_name: str | None = None,
) -> Gan:
    """Makes the game of a generator against a discriminator.

    Each step draws noise and data for each of k discriminator updates; the solver makes
    the last of them together with the generator's update. update="alternating" is
    algorithm 1 of the GAN paper. update="simultaneous" with the saddle form of a
    divergence is algorithm 1 of the f-GAN paper, where one batch and one pass give both
    gradients.

    Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, algorithm 1;
        Nowozin et al., "f-GAN", NeurIPS 2016, algorithm 1; Karras et al.,
        "Progressive growing of GANs", ICLR 2018, for the moving average.

    Args:
        generator: a `Network` from noise [N, noise_size] to samples [N, ...], or a pair
            of functions (init, apply).
        discriminator: the same from samples [N, ...] to scores [N]. Training uses the
            `apply_train` of either network if it has one (dropout), with the empty
            tuple as its state.
        objective: an `Objective`, or a name in `OBJECTIVES`.
        generator_optimizer: an Optax optimizer.
        discriminator_optimizer: an Optax optimizer.
        noise_size: coordinates of the noise.
        sample_noise: `sample_noise(key, shape)`; None for the standard normal.
        num_discriminator_steps: k, discriminator updates in a step, each with new noise
            and data.
        update: a `Solver`, or a name in `SOLVERS`.
        penalties: terms of the discriminator's loss, such as `r1(10.0, every=16)`.
        ema_decay: decay of the moving average of the generator's parameters, in (0, 1),
            but at most (1 + step) / (10 + step); None for no average.
        axis_name: the mesh axis over whose devices the batch is split under
            `shard_map`. Losses and gradients are those of the whole batch, and each
            device draws its slice of the noise of the whole batch. Each device draws
            its own dropout and penalty noise, and `dragan` and networks that normalize
            over the batch use the statistics of the device's samples.

    Returns:
        The `Gan`: `gan.init(key, samples [N, ...])`, `gan.step(key, state, batch)` with
        a batch [k, N, ...], and `gan.sample(key, state, num_samples)`.

    Raises:
        ValueError: if a name is unknown or a setting is out of its range.

    Notes:
        A game stops for good at an update that is not finite, and its `stopped_at`
        holds the number of that update; other games of the same `vmap` continue.
    """
    check_positive(
        num_discriminator_steps=num_discriminator_steps, noise_size=noise_size
    )
    if ema_decay is not None:
        check_finite_number(0.0, 1.0, ema_decay=ema_decay)
    check_optimizer(
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=discriminator_optimizer,
    )
    if isinstance(penalties, Penalty):
        raise ValueError("penalties must be a sequence, got a Penalty: give [penalty]")
    solver = find_solver(update)
    if axis_name is not None and solver.differentiates_gradients:
        raise ValueError(
            "update must not differentiate the gradients if the batch is split over "
            f"the devices of axis_name={axis_name!r}; choose another solver"
        )
    return Gan(
        networks=Networks(
            as_network(generator, name="generator"),
            as_network(discriminator, name="discriminator"),
        ),
        objective=find_objective(objective),
        optimizers=Players(discriminator_optimizer, generator_optimizer),
        solver=solver,
        noise_size=noise_size,
        sample_noise=jax.random.normal if sample_noise is None else sample_noise,
        num_discriminator_steps=num_discriminator_steps,
        penalties=tuple(penalties),
        ema_decay=ema_decay,
        axis_name=axis_name,
    )


def _noise(gan: Gan, key: Array, num_samples: int) -> Float[Array, "n z"]:
    return gan.sample_noise(key, (num_samples, gan.noise_size))


# Init ------------------------------------------------------------------------------


# One program: called outside of jit, each operation would be compiled by itself.
@functools.partial(jax.jit, static_argnames="gan")
def _init(gan: Gan, key: Array, example: Float[Array, "1 ..."]) -> GanState:
    generator_key, discriminator_key, noise_key = jax.random.split(key, 3)
    noise = _noise(gan, noise_key, 2)
    players = Players(
        gan.networks.discriminator.init(discriminator_key, example),
        gan.networks.generator.init(generator_key, noise),
    )
    _check_networks(gan, players, noise, example.shape[1:])
    return GanState(
        step=jnp.zeros((), int),
        players=players,
        solver=gan.solver.init(gan.optimizers, players),
        average=None if gan.ema_decay is None else players.generator,
        stopped_at=jnp.full((), -1, int),
        losses=jnp.full(2, jnp.finfo(jnp.result_type(float)).max),
        unchanged=jnp.zeros((), int),
    )


def _check_networks(
    gan: Gan, players: Players, noise: Array, sample_shape: tuple[int, ...]
) -> None:
    fake = jax.eval_shape(gan.networks.generator.apply, players.generator, noise)
    expected = (len(noise), *sample_shape)
    if getattr(fake, "shape", None) != expected:
        raise ValueError(
            f"generator must return samples like the data's, shape {expected} for "
            f"{len(noise)} rows of noise; got {getattr(fake, 'shape', type(fake))}"
        )
    check_scores(
        "discriminator", gan.networks.discriminator.apply, players.discriminator, fake
    )


# The step --------------------------------------------------------------------------


def _check_batch(gan: Gan, state: GanState, batch: Array) -> None:
    count, shape = gan.num_discriminator_steps, jnp.shape(batch)
    noise = jax.ShapeDtypeStruct((2, gan.noise_size), jnp.result_type(float))
    sample_shape = jax.eval_shape(
        gan.networks.generator.apply, state.players.generator, noise
    ).shape[1:]
    if shape[:1] == (count,) and len(shape) >= 2 and shape[2:] == sample_shape:
        return
    wanted = ", ".join(["N", *map(str, sample_shape)])
    message = (
        f"batch must have the shape [{count}, {wanted}], N samples for each "
        f"discriminator update; got {shape}"
    )
    if shape[1:] == sample_shape:
        fix = "batch[None]" if count == 1 else "jnp.stack of one batch for each update"
        message += f": pass {fix}"
    raise ValueError(message)


def _step(
    gan: Gan, key: Array, state: GanState, batch: Float[Array, "k n ..."]
) -> tuple[GanState, GanInfo]:
    count = gan.num_discriminator_steps
    game = make_game(gan.networks, gan.objective, gan.penalties, gan.axis_name)
    draws = _draw(gan, key, state.step * count + jnp.arange(count), batch)
    before, last = (
        jax.tree.map(lambda x: x[:-1], draws),
        jax.tree.map(lambda x: x[-1], draws),
    )
    players, solver = state.players, state.solver
    if count > 1:

        def one(carry: tuple[Players, SolverState], draws: Draws):
            return update_discriminator(gan.optimizers, game, *carry, draws), None

        (players, solver), _ = jax.lax.scan(one, (players, solver), before)
    players, solver, metrics = gan.solver.update(
        gan.optimizers, game, players, solver, last
    )
    return _advance(gan, state, players, solver, metrics)


def _draw(gan: Gan, key: Array, indices: Array, batch: Array) -> Draws:
    """The random numbers of each discriminator update, with its data."""
    num_local = batch.shape[1]

    def noise(key: Array) -> Array:
        if gan.axis_name is None:
            return _noise(gan, key, num_local)
        size = jax.lax.axis_size(gan.axis_name)
        start = num_local * jax.lax.axis_index(gan.axis_name)
        whole = _noise(gan, key, num_local * size)
        return jax.lax.dynamic_slice_in_dim(whole, start, num_local)

    def one(key: Array, index: Array, real: Array) -> Draws:
        noise_key, generator_noise_key, rest = jax.random.split(key, 3)
        if gan.axis_name is not None:
            rest = jax.random.fold_in(rest, jax.lax.axis_index(gan.axis_name))
        return Draws(index, real, noise(noise_key), noise(generator_noise_key), rest)

    return jax.vmap(one)(jax.random.split(key, len(batch)), indices, batch)


def _advance(
    gan: Gan,
    state: GanState,
    players: Players,
    solver: SolverState,
    metrics: dict[str, Array],
) -> tuple[GanState, GanInfo]:
    """The next state, or the old one if the game has stopped, and the metrics."""
    average = None
    if gan.ema_decay is not None:
        decay = jnp.minimum(gan.ema_decay, (1 + state.step) / (10 + state.step))
        average = optax.incremental_update(players.generator, state.average, 1 - decay)
        average = optax.tree.cast_like(average, state.average)
    losses = jnp.stack([metrics["discriminator_loss"], metrics["generator_loss"]])
    losses = losses.astype(state.losses.dtype)
    # The rounding error of a mean is a few units in the last place.
    tolerance = 4 * jnp.finfo(losses.dtype).eps * (1 + jnp.abs(losses))
    is_same = jnp.all(jnp.abs(losses - state.losses) <= tolerance)
    unchanged = jnp.where(is_same, state.unchanged + 1, 0)

    new_state = stop_at_nonfinite(
        state,
        state._replace(players=players, solver=solver, average=average, losses=losses),
        all_finite((players, solver, losses)),
    )._replace(unchanged=unchanged)
    info = GanInfo(
        **metrics,
        has_vanishing_gradient=metrics["sample_gradient_norm"] < VANISHING_GRADIENT,
        has_constant_losses=unchanged >= CONSTANT_UPDATES,
        is_stopped=new_state.stopped_at >= 0,
    )
    return new_state, info
