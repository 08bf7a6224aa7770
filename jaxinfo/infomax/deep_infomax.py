"""Deep InfoMax as one traced step: an encoder that keeps information of its input."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial import Objective, Penalty, r1, r2
from jaxinfo.adversarial.objectives import find_objective
from jaxinfo.adversarial.solvers import Players, Solver, SolverState, find_solver
from jaxinfo.core.checks import check_finite_rows, check_key, check_scores
from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import (
    Array,
    Bool,
    Critic,
    Float,
    Int,
    Key,
    Network,
    PyTree,
    as_network,
    with_statistics,
)
from jaxinfo.divergences import FDivergence
from jaxinfo.infomax.game import TERMS, Draws, Rules, Term, make_game
from jaxinfo.infomax.terms import LocalBound, find_bound
from jaxinfo.training import stop_at_nonfinite

__all__ = ["DeepInfomax", "DeepInfomaxInfo", "DeepInfomaxState", "make_deep_infomax"]

Transform = Callable[[Array, Array], Array]


class DeepInfomaxState(NamedTuple):
    """What one update hands to the next.

    Attributes:
        step: updates done, [].
        players: parameters of the prior critic, and of the encoder's side.
        solver: optimizers and the solver's memory.
        stopped_at: the update that was not finite, at which this training stopped; -1.
    """

    step: Int[Array, ""]
    players: Players
    solver: SolverState
    stopped_at: Int[Array, ""]


class DeepInfomaxInfo(NamedTuple):
    """What one update tells, of the batch that it learned from; NaN for absent terms.

    Attributes:
        loss: of the encoder's side.
        global_bound: of the information between code and whole feature map.
        local_bound: between code and a location of it.
        prior_bound: of the divergence between the prior and the squashed codes.
        coordinate_loss: cross-entropy of locations, nats.
        displacement_loss: cross-entropy of displacements, nats.
        gradient_norm: of the encoder's side, over all its parameters.
        is_stopped: whether this training has stopped at an update that was not finite.
    """

    loss: Float[Array, ""]
    global_bound: Float[Array, ""]
    local_bound: Float[Array, ""]
    prior_bound: Float[Array, ""]
    coordinate_loss: Float[Array, ""]
    displacement_loss: Float[Array, ""]
    gradient_norm: Float[Array, ""]
    is_stopped: Bool[Array, ""]


class DeepInfomax(NamedTuple):
    """A training as pure functions.

    Attributes:
        init: `init(key, images) -> DeepInfomaxState`, for images [N, ...].
        step: `step(key, state, images) -> (DeepInfomaxState, DeepInfomaxInfo)`, for a
            batch [N, ...] of at least two.
        encode: `encode(state, images)`, what the encoder returns, without noise and by
            its running statistics.
    """

    init: Callable[..., DeepInfomaxState]
    step: Callable[..., tuple[DeepInfomaxState, DeepInfomaxInfo]]
    encode: Callable[..., Any]


class _Plan(NamedTuple):
    rules: Rules
    optimizers: Players
    solver: Solver
    sample_prior: Callable[[Array, tuple[int, ...]], Array]
    augment: Transform | None


def make_deep_infomax(
    encoder: Network,
    *,
    optimizer: optax.GradientTransformation,
    bound: str | FDivergence | LocalBound = "jensen_shannon",
    global_critic: Critic | None = None,
    local_critic: Critic | None = None,
    prior_critic: Network | None = None,
    coordinate_network: Network | None = None,
    displacement_network: Network | None = None,
    global_weight: float | Array = 1.0,
    local_weight: float | Array = 1.0,
    prior_weight: float | Array = 0.1,
    coordinate_weight: float | Array = 1.0,
    displacement_weight: float | Array = 1.0,
    prior_optimizer: optax.GradientTransformation | None = None,
    prior_objective: Objective | str = "non_saturating",
    prior_penalties: Sequence[Penalty] = (r1(1.0), r2(1.0)),
    sample_prior: Callable[[Array, tuple[int, ...]], Array] = jax.random.uniform,
    squash: Callable[[Array], Array] = jax.nn.sigmoid,
    update: Solver | str = "simultaneous",
    augment: Transform | None = None,
    occlude: Transform | None = None,
) -> DeepInfomax:
    """Makes the training of an encoder by Deep InfoMax: an init, a step and `encode`.

    The encoder climbs
        global_weight I(X; Y) + local_weight I(X_l; Y) - prior_weight D(Y, prior),
    with lower bounds of the information between the code Y and the feature map X, or a
    location X_l of it, and a divergence from the prior by an adversarial critic. A term
    is there where its network is given. DIM(G) of the paper has a global critic and
    prior_weight 1, DIM(L) a local critic and prior_weight 0.1, DIM(L+G) both with
    global_weight 0.5, local_weight 0.1 and prior_weight 0.1.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, equation 10; section 4.3 for the tasks
        of place and for occlusion.

    Args:
        encoder: a network from images [N, ...] to local features [N, ..., C], a code
            [N, D] and whatever else. Its `apply_train` serves training.
        optimizer: an Optax optimizer, of the encoder and of all networks on its side.
        bound: "jensen_shannon", "donsker_varadhan", "info_nce", another name of
            `BOUNDS`, a member of the f-family, or a function of scores [N, L, N].
        global_critic: of flattened feature maps [N, HWC] and codes [N, D].
        local_critic: of features [N, C] and codes [N, D].
        prior_critic: a discriminator of codes, [N, D] -> [N].
        coordinate_network: tells a location's row and column, see `coordinate_loss`.
        displacement_network: tells two locations' displacement, likewise.
        global_weight: alpha of the paper.
        local_weight: beta.
        prior_weight: gamma.
        coordinate_weight: of the cross-entropy of locations.
        displacement_weight: of the cross-entropy of displacements.
        prior_optimizer: of the prior critic; None for `optimizer`.
        prior_objective: an `Objective` or its name: P is the prior, Q the codes.
        prior_penalties: of the prior critic.
        sample_prior: `sample_prior(key, shape)`; uniform in (0, 1).
        squash: takes codes to where the prior lies, before the prior critic alone.
        update: how both sides move, a `Solver` or its name.
        augment: `augment(key, images) -> images`, of every batch; None for none.
        occlude: `occlude(key, images) -> images`, of what the code alone is made from.

    Returns:
        The `DeepInfomax`.

    Raises:
        ValueError: where a name is not known or no critic is given; from init and
            step, where networks and images do not fit each other.

    Notes:
        Images of unsigned bytes are divided by 255. A training that meets a number
        that is not finite stops there for good; others in the same vmap go on.
    """
    given = {
        "global_critic": (global_critic, global_weight),
        "local_critic": (local_critic, local_weight),
        "coordinate_network": (coordinate_network, coordinate_weight),
        "displacement_network": (displacement_network, displacement_weight),
        "prior_critic": (prior_critic, prior_weight),
    }
    if global_critic is None and local_critic is None:
        raise ValueError("global_critic or local_critic must be given, got neither")
    rules = Rules(
        as_network(encoder, name="encoder"),
        find_bound(bound),
        {
            name: Term(network, weight)
            for name, (network, weight) in given.items()
            if network is not None
        },
        find_objective(prior_objective),
        tuple(prior_penalties),
        squash,
        occlude,
    )
    plan = _Plan(
        rules,
        Players(optimizer if prior_optimizer is None else prior_optimizer, optimizer),
        find_solver(update),
        sample_prior,
        augment,
    )
    return DeepInfomax(
        functools.partial(_init, plan),
        functools.partial(_step, plan),
        functools.partial(_encode, plan),
    )


def _as_floats(images: Array) -> Array:
    if jnp.issubdtype(images.dtype, jnp.integer):
        return images.astype(jnp.result_type(float)) / 255
    return images


# Init and encode -------------------------------------------------------------------


def _init(
    plan: _Plan, key: Key[Array, ""], images: Float[Array, "n ..."]
) -> DeepInfomaxState:
    check_key(0, key=key)
    images = _as_floats(images)
    check_finite_rows(images=images)
    # By name: a network starts the same whichever others there are.
    names: list[str] = ["encoder", *TERMS]
    keys = dict(zip(names, jax.random.split(key, len(names)), strict=True))
    two = jnp.resize(images[:2], (2, *images.shape[1:]))
    if plan.augment is not None:
        two = jax.eval_shape(plan.augment, key, two)
        two = jnp.zeros(two.shape, two.dtype)
    params = {"encoder": plan.rules.encoder.init(keys["encoder"], two)}
    features, codes = _check_encoder(plan, params["encoder"], two)
    inputs = _inputs(features, codes)
    for name, term in plan.rules.terms.items():
        params[name] = term.network.init(keys[name], *inputs[name])
    critic = params.pop("prior_critic", ())
    if "prior_critic" in plan.rules.terms:
        network = plan.rules.terms["prior_critic"].network
        check_scores("prior_critic", network.apply, critic, *inputs["prior_critic"])
    players = Players(critic, params)
    return DeepInfomaxState(
        step=jnp.zeros((), int),
        players=players,
        solver=plan.solver.init(plan.optimizers, players),
        stopped_at=jnp.full((), -1, int),
    )


def _check_encoder(plan: _Plan, params: PyTree, images: Array) -> tuple[Any, Any]:
    """Shapes of features and codes."""
    output = jax.eval_shape(plan.rules.encoder.apply, params, images)
    parts = output[:2] if isinstance(output, tuple) else (output,)
    shapes = [tuple(getattr(part, "shape", ())) for part in parts]
    fits = (
        len(shapes) == 2
        and all(shape[:1] == (len(images),) for shape in shapes)
        and len(shapes[0]) > 2
        and len(shapes[1]) == 2
    )
    if not fits:
        raise ValueError(
            "encoder must return a tuple of local features [N, ..., C] and a code "
            f"[N, D]; for {len(images)} images it returned shapes {shapes}"
        )
    return output[0], output[1]


def _inputs(features: Any, codes: Any) -> dict[str, tuple[Array, ...]]:
    """Examples of what each network sees."""
    channels, size = features.shape[-1], codes.shape[1]
    flat = features.size // len(features)

    def rows(*widths: int) -> tuple[Array, ...]:
        return tuple(jnp.zeros((2, width), codes.dtype) for width in widths)

    return {
        "global_critic": rows(flat, size),
        "local_critic": rows(channels, size),
        "coordinate_network": rows(channels + size),
        "displacement_network": rows(2 * channels + size),
        "prior_critic": rows(size),
    }


def _encode(plan: _Plan, state: DeepInfomaxState, images: Float[Array, "n ..."]) -> Any:
    params = state.players.generator["encoder"]
    return plan.rules.encoder.apply(params, _as_floats(images))


# The step --------------------------------------------------------------------------


def _step(
    plan: _Plan,
    key: Key[Array, ""],
    state: DeepInfomaxState,
    images: Float[Array, "n ..."],
) -> tuple[DeepInfomaxState, DeepInfomaxInfo]:
    if jnp.ndim(images) < 2 or len(images) < 2:
        raise ValueError(
            f"images must be a batch of at least two, got shape {jnp.shape(images)}"
        )
    for_augment, for_prior, for_rest = jax.random.split(key, 3)
    images = _as_floats(images)
    if plan.augment is not None:
        images = plan.augment(for_augment, images)
    _, codes = _check_encoder(plan, state.players.generator["encoder"], images)
    prior = plan.sample_prior(for_prior, codes.shape)
    draws = Draws(state.step, images, prior, for_rest)
    players, solver, metrics = plan.solver.update(
        plan.optimizers, make_game(plan.rules), state.players, state.solver, draws
    )
    params = players.generator
    encoder = with_statistics(params["encoder"], metrics["statistics"])
    players = players._replace(generator=params | {"encoder": encoder})
    return _advance(state, players, solver, metrics)


def _advance(
    state: DeepInfomaxState,
    players: Players,
    solver: SolverState,
    metrics: dict[str, Array],
) -> tuple[DeepInfomaxState, DeepInfomaxInfo]:
    """The next state, or the old one where the training has stopped."""
    finite = all_finite((players, solver, metrics["loss"]))
    new_state = state._replace(players=players, solver=solver)
    new_state = stop_at_nonfinite(state, new_state, finite)
    absent = jnp.full((), jnp.nan, metrics["loss"].dtype)
    return new_state, DeepInfomaxInfo(
        loss=metrics["loss"],
        global_bound=metrics.get("global_critic", absent),
        local_bound=metrics.get("local_critic", absent),
        prior_bound=metrics.get("prior_critic", absent),
        coordinate_loss=metrics.get("coordinate_network", absent),
        displacement_loss=metrics.get("displacement_network", absent),
        gradient_norm=metrics["gradient_norm"],
        is_stopped=new_state.stopped_at >= 0,
    )
