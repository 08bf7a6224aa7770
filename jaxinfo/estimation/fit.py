"""One estimation as one pure function of a key and arrays: train, select, report."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core import types
from jaxinfo.core.checks import check_positive
from jaxinfo.core.numerics import Where, all_finite, log_mean_exp
from jaxinfo.core.types import Array, Critic, Float, Int, Key, Network, PyTree
from jaxinfo.divergences.bounds import effective_sample_size
from jaxinfo.estimation.bound import Bound
from jaxinfo.training.loop import TrainResult, train
from jaxinfo.training.nonfinite import skip_nonfinite

__all__ = ["Plan", "RunResult", "adam", "as_critic", "as_network", "fit"]

Optimizer = optax.GradientTransformation | Callable[..., optax.GradientTransformation]

DEFAULT_BATCH_SIZE = 256


class RunResult(NamedTuple):
    """What a run returns, arrays only.

    Attributes:
        value: the bound on test rows, nats.
        influence: the influence function of `value` on each test row, one array for
            each independent sample: [N], or [N] and [M] for two samples.
        log_normalizer: log of the mean exponentiated log-ratio of product scores, nats.
        effective_sample_size: of the exponentiated scores behind `value`; inf if none.
        params: the parameters with the best validation; a pair, the critic's and the
            auxiliary's, where the bound has a auxiliary.
        best_step: updates done when it was reached.
        num_steps: updates tried before the run ended.
        num_nonfinite: updates skipped.
        history: what selection maximized on validation rows, [T].
    """

    value: Float[Array, ""]
    influence: tuple[Float[Array, " n"], ...]
    log_normalizer: Float[Array, ""]
    effective_sample_size: Float[Array, ""]
    params: PyTree
    best_step: Int[Array, ""]
    num_steps: Int[Array, ""]
    num_nonfinite: Int[Array, ""]
    history: Float[Array, " t"]


class State(NamedTuple):
    params: PyTree
    optimizer: PyTree
    bound: PyTree
    average: PyTree  # Of the parameters; None where none is kept.


class FitInfo(NamedTuple):
    """Metrics of one update.

    Attributes:
        loss: minus the bound's objective on the batch.
        num_nonfinite: 1 if the update was skipped because it was not finite, else 0.
    """

    loss: Float[Array, ""]
    num_nonfinite: Int[Array, ""]


class Plan(NamedTuple):
    """The static choices of a run: equal plans make the same run."""

    network: Critic | Network
    bound: Bound
    optimizer: Optimizer
    num_steps: int
    batch_size: int | None
    eval_every: int
    patience: int | None
    report_progress: bool
    negative_sampling: str = "roll"
    num_negatives: int = 1
    auxiliary: Network | None = None
    may_keep_start: bool = False
    ema_decay: float | None = None


def adam(learning_rate: float | Array = 1e-3) -> optax.GradientTransformation:
    """Adam with a default rate: the maker that estimations use unless told otherwise.

    Args:
        learning_rate: the rate; may be traced, so a sweep may vary it.

    Returns:
        The optimizer.
    """
    return optax.adam(learning_rate)


def as_critic(critic: Any) -> Critic:
    """A critic from whatever users bring: a Critic, a Network or (init, apply)."""
    if isinstance(critic, Critic):
        return critic
    return Critic(*as_network(critic, name="critic")[:2])


def as_network(network: Any, *, name: str = "discriminator") -> Network:
    """As `jaxinfo.core.types.as_network`; a network that needs noise is refused."""
    network = types.as_network(network, name=name)
    if network.apply_train is not None:
        raise ValueError(f"{name} must be deterministic: apply_train is not used")
    return network


def check_counts(
    num_steps: int, batch_size: int | None, eval_every: int, patience: int | None
) -> tuple[int, int | None, int, int | None]:
    """The counts of a plan, checked; a short run validates at its end."""
    check_positive(num_steps=num_steps, eval_every=eval_every)
    if batch_size is not None:
        check_positive(batch_size=batch_size)
        if batch_size == 1:
            raise ValueError("batch_size must be at least 2, got 1")
    if patience is not None:
        check_positive(patience=patience)
    return num_steps, batch_size, min(eval_every, num_steps), patience


def fit(
    plan: Plan,
    key: Key[Array, ""],
    params: PyTree,
    optimizer: optax.GradientTransformation,
    *,
    draw: Callable[[Array], PyTree],
    scores: Callable[[PyTree, PyTree], tuple[Array, ...]],
    validate: Callable[[PyTree], Array],
    settings: dict[str, Any],
) -> TrainResult:
    """Climbs the bound's objective and keeps the parameters that validate best.

    Args:
        plan: the static choices.
        key: random key.
        params: initial parameters.
        optimizer: the optimizer.
        draw: the random numbers of one update.
        scores: `scores(params, draws)`, what the bound's objective takes.
        validate: `validate(params) -> value`, larger is better.
        settings: the bound's own settings.

    Returns:
        The `TrainResult`; its state holds the parameters that validated best as
        `params`, averaged where the plan says so.
    """
    bound, decay = plan.bound, plan.ema_decay

    def kept(state: State) -> PyTree:
        return state.params if decay is None else state.average

    def loss(params: PyTree, bound_state: PyTree, draws: PyTree):
        objective, bound_state = bound.objective(
            bound_state, *scores(params, draws), **settings
        )
        return -objective, bound_state

    def step(_: None, state: State, draws: PyTree) -> tuple[State, FitInfo]:
        (value, bound_state), gradient = jax.value_and_grad(loss, has_aux=True)(
            state.params, state.bound, draws
        )
        updates, optimizer_state = optimizer.update(
            gradient, state.optimizer, state.params
        )
        params = optax.apply_updates(state.params, updates)
        average = None
        if decay is not None:
            average = optax.incremental_update(params, state.average, 1 - decay)
        new_state = State(params, optimizer_state, bound_state, average)
        is_finite = all_finite((new_state, value, gradient))
        num_nonfinite = (~is_finite).astype(int)
        state = skip_nonfinite(state, new_state, is_finite)
        return state, FitInfo(value, num_nonfinite)

    average = None if decay is None else params
    fitted = train(
        key,
        State(params, optimizer.init(params), bound.init(), average),
        sample_batch=lambda key: (None, draw(key)),
        step=step,
        evaluate=lambda state: validate(kept(state)),
        num_steps=plan.num_steps,
        eval_every=plan.eval_every,
        patience=plan.patience,
        keep_initial=plan.may_keep_start,
        report_progress=plan.report_progress,
    )
    return fitted._replace(state=fitted.state._replace(params=kept(fitted.state)))


def apply_settings(
    plan: Plan, settings: dict[str, Any]
) -> tuple[dict[str, Any], optax.GradientTransformation]:
    """Deals the settings out to the bound and to the optimizer's maker."""
    own = plan.bound.own_settings(settings)
    rest = {name: value for name, value in settings.items() if name not in own}
    if not isinstance(plan.optimizer, optax.GradientTransformation):
        try:
            return own, plan.optimizer(**rest)
        except TypeError as error:
            raise ValueError(
                f"settings {sorted(rest)} do not fit the optimizer: {error}; bound "
                f"{plan.bound.name!r} takes {sorted(own) or 'none'}"
            ) from error
    if rest:
        raise ValueError(
            f"unknown settings {sorted(rest)}: bound {plan.bound.name!r} takes "
            f"{sorted(own) or 'none'}, and an optimizer's are settings only where "
            "optimizer is a maker, such as optax.adam"
        )
    return own, plan.optimizer


def make_result(
    bound: Bound,
    fitted: TrainResult,
    value: Array,
    influence: tuple[Array, ...],
    sides: tuple[tuple[tuple[Array, ...], Where], ...],
    settings: dict[str, Any],
) -> RunResult:
    """Puts together what a run returns; `sides`: scores and their weights, p and q."""
    assert fitted.best_step is not None
    assert fitted.evaluations is not None
    size = jnp.asarray(jnp.inf, value.dtype)
    for side, exponent in bound.exponents:
        scores, where = sides[side]
        exponents = exponent(*scores, **settings).reshape(-1)
        effective = effective_sample_size(exponents, where)
        size = jnp.minimum(size, effective)
    log_normalizer = jnp.zeros_like(value)
    if bound.identifiable_up_to != "nothing":
        scores, where = sides[1]
        log_normalizer = log_mean_exp(bound.log_ratio(*scores).reshape(-1), where)
    return RunResult(
        value=value,
        influence=influence,
        log_normalizer=log_normalizer,
        effective_sample_size=size,
        params=fitted.state.params,
        best_step=fitted.best_step,
        num_steps=fitted.num_steps,
        num_nonfinite=jnp.sum(fitted.history.num_nonfinite),
        history=fitted.evaluations,
    )


def resolve_batch_size(batch_size: int | None, num_rows: int) -> int:
    """The default shrinks to the training rows; an explicit larger one is an error."""
    if batch_size is None:
        return min(DEFAULT_BATCH_SIZE, num_rows)
    if batch_size > num_rows:
        raise ValueError(
            f"batch_size must be at most the {num_rows} training rows, got {batch_size}"
        )
    return batch_size
