"""Training of the networks of one bound, with model selection by validation."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core import types
from jaxinfo.core.checks import (
    check_finite_number,
    check_optimizer,
    check_positive,
)
from jaxinfo.core.numerics import Where, all_finite, log_mean_exp
from jaxinfo.core.types import Array, Float, Int, Key, Network, PyTree
from jaxinfo.divergences.bounds import effective_sample_size
from jaxinfo.estimation.variational.bound import Bound
from jaxinfo.training.loop import TrainResult, train
from jaxinfo.training.nonfinite import skip_nonfinite

__all__ = [
    "Optimizer",
    "RunConfig",
    "RunResult",
    "adam",
    "as_network",
    "fit",
    "make_result",
    "resolve_batch_size",
]

Optimizer = optax.GradientTransformation | Callable[..., optax.GradientTransformation]

DEFAULT_BATCH_SIZE = 256


class RunResult(NamedTuple):
    """The result of a run; arrays only.

    Attributes:
        value: the bound on test rows, nats.
        influence: influence function of `value` at each test row, one array for each
            independent sample: [N], or [N] and [M] for two samples.
        log_normalizer: log of the mean exponentiated log ratio of negatives, nats.
        effective_sample_size: effective sample size of the exponentiated scores in
            `value`; inf if there are none.
        params: parameters with the best validation value; a pair of the critic's and
            the auxiliary network's if the bound has one.
        best_step: number of updates at the best validation.
        num_steps: number of updates before the run ended.
        num_nonfinite: number of skipped updates.
        history: criterion of model selection at each validation, [T].
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
    average: PyTree  # Moving average of the parameters, or None.


class FitMetrics(NamedTuple):
    """Metrics of one update.

    Attributes:
        loss: the negative objective on the batch.
        num_nonfinite: 1 if the update was skipped because it was not finite, else 0.
    """

    loss: Float[Array, ""]
    num_nonfinite: Int[Array, ""]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(abc.ABC):
    """Static settings of a run; runs with equal settings share a compiled program.

    Attributes:
        bound: the bound.
        optimizer: an optax optimizer, or a maker of one.
        num_steps: maximal number of updates.
        batch_size: rows of a minibatch; None for 256, or all rows if there are fewer.
        eval_every: number of updates between two validations.
        patience: stop after this many updates without a better validation value; None
            trains for all `num_steps`.
        keep_initial: whether the initial parameters compete in validation.
        ema_decay: decay of a moving average of the parameters; None for none.
        report_progress: whether to call back to the host after each validation.
    """

    bound: Bound
    optimizer: Optimizer
    num_steps: int = 2_000
    batch_size: int | None = None
    eval_every: int = 100
    patience: int | None = None
    keep_initial: bool = False
    ema_decay: float | None = None
    report_progress: bool = False

    def __post_init__(self) -> None:
        self.bound.check_functions()
        check_positive(num_steps=self.num_steps, eval_every=self.eval_every)
        if not callable(self.optimizer):
            check_optimizer(optimizer=self.optimizer)
        if self.batch_size is not None:
            check_positive(batch_size=self.batch_size)
            if self.batch_size == 1:
                raise ValueError("batch_size must be at least 2, got 1")
        if self.patience is not None:
            check_positive(patience=self.patience)
        if self.ema_decay is not None:
            check_finite_number(0.0, 1.0, ema_decay=self.ema_decay)

    @abc.abstractmethod
    def __call__(
        self,
        key: Key[Array, ""],
        train: tuple[Array, Array],
        validation: tuple[Array, Array],
        test: tuple[Array, Array],
        **settings: Any,
    ) -> RunResult:
        """Trains on the first part, selects on the second, reports on the third."""

    def split_settings(
        self, settings: dict[str, Any]
    ) -> tuple[dict[str, Any], optax.GradientTransformation]:
        """Splits settings into those of the bound and those of the optimizer."""
        own = self.bound.own_settings(settings)
        rest = {name: value for name, value in settings.items() if name not in own}
        takes = ", ".join(sorted(own)) or "none"
        if not isinstance(self.optimizer, optax.GradientTransformation):
            for name, value in rest.items():
                if callable(value):
                    raise ValueError(
                        f"{name} must be a number, got a function; pass a schedule "
                        f"inside an optimizer, as optimizer=optax.adam(schedule)"
                    )
            try:
                return own, self.optimizer(**rest)
            except TypeError as error:
                raise ValueError(
                    f"settings {sorted(rest)} do not fit the optimizer: {error}; bound "
                    f"{self.bound.name!r} has the settings: {takes}"
                ) from error
        if rest:
            raise ValueError(
                f"unknown settings {sorted(rest)}: bound {self.bound.name!r} has the "
                f"settings: {takes}; an optimizer has settings only if it is a maker, "
                "such as optax.adam"
            )
        return own, self.optimizer


def adam(learning_rate: float | Array = 1e-3) -> optax.GradientTransformation:
    """Adam with a default learning rate, the default optimizer of estimators.

    Args:
        learning_rate: the rate; may be traced, so that a sweep can vary it.

    Returns:
        The optimizer.
    """
    return optax.adam(learning_rate)


def as_network(network: Any, *, name: str = "discriminator") -> Network:
    """Converts to a `Network`; raises ValueError if training needs random numbers."""
    network = types.as_network(network, name=name)
    if network.apply_train is not None:
        raise ValueError(f"{name} must be deterministic: apply_train is not used")
    return network


def fit(
    config: RunConfig,
    key: Key[Array, ""],
    params: PyTree,
    optimizer: optax.GradientTransformation,
    *,
    draw: Callable[[Array], PyTree],
    scores: Callable[[PyTree, PyTree], tuple[Array, ...]],
    validate: Callable[[PyTree], Array],
    settings: dict[str, Any],
) -> TrainResult:
    """Maximizes the bound's objective and keeps the best validated parameters.

    Args:
        config: static settings.
        key: random key.
        params: initial parameters.
        optimizer: the optimizer.
        draw: `draw(key) -> draws`, the random numbers of one update.
        scores: `scores(params, draws)`, the arguments of the bound's objective.
        validate: `validate(params) -> value`, the criterion to maximize.
        settings: settings of the bound.

    Returns:
        The `TrainResult`; `state.params` are the selected parameters, or their moving
        average if `config.ema_decay` is set.
    """
    bound, decay = config.bound, config.ema_decay

    def kept(state: State) -> PyTree:
        return state.params if decay is None else state.average

    def loss(params: PyTree, bound_state: PyTree, draws: PyTree):
        objective, bound_state = bound.objective(
            bound_state, *scores(params, draws), **settings
        )
        return -objective, bound_state

    def step(_: None, state: State, draws: PyTree) -> tuple[State, FitMetrics]:
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
        kept_state = skip_nonfinite(state, new_state, is_finite)
        return kept_state, FitMetrics(value, (~is_finite).astype(int))

    average = None if decay is None else params
    fitted = train(
        key,
        State(params, optimizer.init(params), bound.init(), average),
        sample_batch=lambda key: (None, draw(key)),
        step=step,
        evaluate=lambda state: validate(kept(state)),
        num_steps=config.num_steps,
        eval_every=config.eval_every,
        patience=config.patience,
        keep_initial=config.keep_initial,
        report_progress=config.report_progress,
    )
    return fitted._replace(state=fitted.state._replace(params=kept(fitted.state)))


def make_result(
    bound: Bound,
    fitted: TrainResult,
    value: Array,
    influence: tuple[Array, ...],
    sides: tuple[tuple[tuple[Array, ...], Where], ...],
    settings: dict[str, Any],
) -> RunResult:
    """Assembles the result of a run; `sides` are the scores and weights of p and q."""
    size = jnp.asarray(jnp.inf, value.dtype)
    for side, exponent in bound.exponents:
        scores, where = sides[side]
        exponents = exponent(*scores, **settings).reshape(-1)
        size = jnp.minimum(size, effective_sample_size(exponents, where))
    log_normalizer = jnp.zeros_like(value)
    if bound.identifiable_up_to != "nothing":
        scores, where = sides[1]
        log_normalizer = log_mean_exp(bound.log_ratio(*scores).reshape(-1), where)
    assert fitted.best_step is not None
    assert fitted.evaluations is not None
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
    """Returns the batch size; raises ValueError if larger than the training rows."""
    if batch_size is None:
        return min(DEFAULT_BATCH_SIZE, num_rows)
    if batch_size > num_rows:
        raise ValueError(
            f"batch_size must be at most the {num_rows} training rows, got {batch_size}"
        )
    return batch_size
