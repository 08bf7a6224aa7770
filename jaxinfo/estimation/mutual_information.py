"""Mutual information from samples: the pure run, and the call that wraps it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_one_of, check_positive
from jaxinfo.core.numerics import log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Critic, Float, Key, Network, PyTree
from jaxinfo.divergences.family import FDivergence
from jaxinfo.estimation.bounds import Bound, information_bound
from jaxinfo.estimation.fit import (
    Optimizer,
    Plan,
    RunResult,
    adam,
    apply_settings,
    as_critic,
    check_counts,
    check_scores,
    fit,
    make_result,
    resolve_batch_size,
)
from jaxinfo.estimation.host import Budget, Parts, estimate_over_seeds
from jaxinfo.estimation.preprocessing import (
    Standardization,
    check_rows,
    fit_standardization,
    split_rows,
)
from jaxinfo.estimation.report import Estimate
from jaxinfo.information.pairings import PAIRINGS, sample_pairing
from jaxinfo.information.scoring import (
    Blocks,
    make_blocks,
    pairwise_scores,
    score_blocks,
    score_pairing,
)
from jaxinfo.networks import gaussian_conditional_critic, joint_critic
from jaxinfo.training.loop import TrainResult, sample_rows
from jaxinfo.training.sweep import Layout

__all__ = ["estimate_mutual_information", "make_run"]

# Rows that share their product pairs. Validation chooses between states of one run, so
# a few pairs a row will do; in the report more would only lower an error that the rows
# dominate. Bounds of a score matrix take blocks of the batch size: theirs depends on it.
VALIDATION_BLOCK = 4
REPORT_BLOCK = 64


def estimate_mutual_information(
    key: Key[Array, ""],
    x: Any,
    y: Any,
    *,
    bound: str | FDivergence | Bound = "donsker_varadhan",
    critic: Any = None,
    optimizer: Optimizer = adam,
    num_seeds: int = 8,
    num_steps: int = 2_000,
    batch_size: int | None = None,
    pairing: str | None = None,
    num_draws: int = 4,
    cadence: int = 100,
    patience: int | None = 500,
    split: tuple[float, float, float] = (0.6, 0.2, 0.2),
    layout: Layout = "auto",
    progress: bool | None = None,
    **settings: float,
) -> Estimate:
    """Estimates the mutual information of paired samples in nats, with its error.

    I(X; Y) = KL(p(x, y) || p(x) p(y)), bounded by a critic that is trained on one part
    of the rows, chosen on a second and reported on a third, for several seeds at once.

    Source: Belghazi et al., "Mutual information neural estimation", ICML 2018; Poole
        et al., "On variational bounds of mutual information", ICML 2019.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...], row i paired with row i of x.
        bound: a name (`information_bound_names()`), a member of the f-family, or a
            `Bound`.
        critic: a `Critic`, a `Network` of two inputs or a pair (init, apply); None for
            a bundled one that suits the bound.
        optimizer: an optax optimiser, or a maker of one such as `optax.adam`.
        num_seeds: seeds, trained in one compiled call.
        num_steps: the most updates of each seed.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        pairing: product pairs in training, see `make_run`.
        num_draws: product pairs for each row in training.
        cadence: updates between validations.
        patience: stop a seed after this many updates without better validation.
        split: shares of training, validation and test rows.
        layout: how seeds are laid out, see `jaxinfo.training.sweep`.
        progress: show a bar; None for long runs on a terminal.
        **settings: numbers of the bound or of the optimiser's maker, such as `clip` or
            `learning_rate`; new values do not compile anew.

    Returns:
        An `Estimate` in nats; its `log_ratio(x, y)` is the pointwise information.

    Raises:
        ValueError: where an argument does not fit, which the message names.
        TypeError: inside jit or vmap: use `make_run` there.

    Notes:
        The interval is one for the bound that these critics reach, which is below the
        information where the critic is too small or the rows are too few.

    Example:
        >>> key_x, key_noise, key = jax.random.split(jax.random.key(0), 3)
        >>> x = jax.random.normal(key_x, (2_000, 1))
        >>> y = x + jax.random.normal(key_noise, (2_000, 1))
        >>> estimate = estimate_mutual_information(key, x, y, num_steps=300)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.1)
        True
    """
    checked_x, doubts_x = check_rows("x", x)
    checked_y, doubts_y = check_rows("y", y)
    if len(checked_x) != len(checked_y):
        raise ValueError(
            f"x and y must have the same number of rows, got {len(checked_x)} and "
            f"{len(checked_y)}"
        )
    resolved = information_bound(bound)
    if critic is None:
        density = resolved.form == "density"
        critic = gaussian_conditional_critic() if density else joint_critic()
    critic = as_critic(critic)
    budget = Budget(num_seeds, num_steps, cadence, layout, progress)
    run = make_run(
        critic,
        bound=resolved,
        optimizer=optimizer,
        num_steps=num_steps,
        batch_size=batch_size,
        pairing=pairing,
        num_draws=num_draws,
        cadence=cadence,
        patience=patience,
        report_progress=budget.shows_bar,
    )
    split_key, sweep_key = jax.random.split(key)
    rows = split_rows(split_key, len(checked_x), split)
    scale_x, scale_y = (fit_standardization(z[rows[0]]) for z in (checked_x, checked_y))
    train, validation, test = (
        (scale_x.apply(checked_x[part]), scale_y.apply(checked_y[part]))
        for part in rows
    )
    block_size = resolve_batch_size(batch_size, len(rows[0]))
    reference = tuple(array[:block_size] for array in test)
    return estimate_over_seeds(
        sweep_key,
        run,
        resolved,
        Parts(train, validation, test),
        settings,
        budget,
        make_log_ratio=functools.partial(
            _make_log_ratio, resolved, critic, (scale_x, scale_y), reference
        ),
        ceiling=(
            float(np.log(make_blocks(len(rows[2]), block_size).rows.shape[1]))
            if resolved.form == "matrix"
            else float("inf")
        ),
        quantity="mutual information",
        num_samples=len(checked_x),
        doubts=[*doubts_x, *doubts_y],
    )


def _make_log_ratio(
    bound: Bound,
    critic: Critic,
    scales: tuple[Standardization, Standardization],
    reference: tuple[Array, ...],
    params: PyTree,
    log_normaliser: Array,
) -> Callable[[Any, Any], np.ndarray]:
    @jax.jit
    def mean_over_seeds(params: PyTree, constants: Array, x: Array, y: Array) -> Array:
        def one(params: PyTree, constant: Array) -> Array:
            scores = bound.log_ratio(critic.apply(params, x, y))
            if bound.form == "matrix":  # Its critic is free up to a function of x.
                others = pairwise_scores(critic, params, x, reference[1])
                return scores - log_mean_exp(others, axis=1)
            if bound.form == "density":  # q(y) = mean of q(y | x_j).
                others = pairwise_scores(critic, params, reference[0], y)
                return scores - log_mean_exp(others, axis=0)
            return scores - constant

        return jnp.mean(jax.vmap(one)(params, constants), axis=0)

    def log_ratio(x: Any, y: Any) -> np.ndarray:
        """Pointwise mutual information log p(x, y) / (p(x) p(y)) in nats, [N]."""
        rows_x = scales[0].apply(check_rows("x", x)[0])
        rows_y = scales[1].apply(check_rows("y", y)[0])
        return np.asarray(mean_over_seeds(params, log_normaliser, rows_x, rows_y))

    return log_ratio


def make_run(
    critic: Critic | Network | tuple[Callable[..., Any], Callable[..., Any]],
    *,
    bound: str | FDivergence | Bound = "donsker_varadhan",
    optimizer: Optimizer = adam,
    num_steps: int = 2_000,
    batch_size: int | None = None,
    pairing: str | None = None,
    num_draws: int = 4,
    cadence: int = 100,
    patience: int | None = None,
    report_progress: bool = False,
) -> Callable[..., RunResult]:
    """Makes the pure function that estimates mutual information once.

    Args:
        critic: a `Critic`, a `Network` of two inputs, or a pair (init, apply) of plain
            functions; `apply(params, x [N, ...], y [N, ...]) -> scores [N]`.
        bound: a name, a member of the f-family or a `Bound`.
        optimizer: an optax optimiser, or a maker of one whose keywords (such as
            `learning_rate`) then become settings of the run.
        num_steps: the most updates.
        batch_size: rows of a minibatch; None for 256 or all training rows if fewer.
        pairing: product pairs in training, one of `jaxinfo.information.PAIRINGS`; None
            for "roll", or "off_diagonal" where the bound needs the score matrix.
        num_draws: product pairs for each row in training, where the pairing asks.
        cadence: updates between validations.
        patience: stop after this many updates without better validation; None never.
        report_progress: call back to the host after each validation.

    Returns:
        `run(key, train, validation, test, **settings) -> RunResult`, each part a pair
        (x [N, ...], y [N, ...]). Legal under jit, vmap and shard_map; equal arguments
        give the same function, so nothing is traced twice.

    Raises:
        ValueError: where a name is unknown, a count is not positive, or the bound and
            the pairing do not go together; at the call, where shapes do not fit.
    """
    resolved = information_bound(bound)
    matrix = resolved.form == "matrix"
    if pairing is None:
        pairing = "off_diagonal" if matrix else "roll"
    check_one_of(PAIRINGS, pairing=pairing)
    check_positive(num_draws=num_draws)
    if matrix and pairing != "off_diagonal":
        raise ValueError(
            f"pairing must be 'off_diagonal' for bound {resolved.name!r}, got "
            f"{pairing!r}"
        )
    plan = Plan(
        as_critic(critic),
        resolved,
        optimizer,
        *check_counts(num_steps, batch_size, cadence, patience),
        report_progress,
        pairing,
        num_draws,
    )
    return _information_run(plan)


@functools.lru_cache(maxsize=256)
def _information_run(plan: Plan) -> Callable[..., RunResult]:
    bound, critic = plan.bound, plan.network
    assert isinstance(critic, Critic)

    def run(
        key: Key[Array, ""], train: Any, validation: Any, test: Any, **settings: Any
    ) -> RunResult:
        for part, name in [
            (train, "train"),
            (validation, "validation"),
            (test, "test"),
        ]:
            _check_pair(part, name)
        x, y = train
        batch_size = resolve_batch_size(plan.batch_size, len(x))
        bound_settings, optimizer = apply_settings(plan, settings)

        def draw(key: Array) -> tuple[Array, Array]:
            rows_key, pairing_key = jax.random.split(key)
            return sample_rows(rows_key, len(x), batch_size), sample_pairing(
                pairing_key, batch_size, plan.num_draws, name=plan.pairing
            )

        def scores(params: PyTree, draws: tuple[Array, Array]) -> tuple[Array, ...]:
            rows, pairing = draws
            if bound.form == "matrix":
                return (pairwise_scores(critic, params, x[rows], y[rows]),)
            if plan.pairing == "off_diagonal":
                matrix = pairwise_scores(critic, params, x[rows], y[rows])
                picked = jnp.take_along_axis(matrix, pairing, axis=1)
                return jnp.diagonal(matrix), picked.reshape(-1)
            return score_pairing(critic, params, x[rows], y[rows], pairing)

        blocks = _blocks(bound, len(validation[0]), batch_size, VALIDATION_BLOCK)
        select = bound.select or bound.value

        def validate(params: PyTree) -> Array:
            matrices = score_blocks(
                critic, params, validation[0], validation[1], blocks
            )
            weights = jnp.asarray(blocks.valid, matrices.dtype)
            return _on_blocks(bound, select, matrices, weights, bound_settings)

        start_key, train_key = jax.random.split(key)
        params = critic.init(start_key, x[:batch_size], y[:batch_size])
        check_scores("critic", critic.apply, params, x[:batch_size], y[:batch_size])
        fitted = fit(
            plan,
            train_key,
            params,
            optimizer,
            draw=draw,
            scores=scores,
            validate=validate,
            settings=bound_settings,
        )
        blocks = _blocks(bound, len(test[0]), batch_size, REPORT_BLOCK)
        return _report_information(bound, critic, fitted, test, blocks, bound_settings)

    return run


def _report_information(
    bound: Bound,
    critic: Critic,
    fitted: TrainResult,
    test: tuple[Array, Array],
    blocks: Blocks,
    settings: dict[str, Any],
) -> RunResult:
    num_rows = len(test[0])
    matrices = score_blocks(critic, fitted.state.params, test[0], test[1], blocks)
    # Tied to the scores, the weights are not known while compiling nor moved out of a
    # loop over seeds: a run has the same bits alone and in a sweep.
    matrices, ones, valid = jax.lax.optimization_barrier(
        (
            matrices,
            jnp.ones(num_rows, matrices.dtype),
            jnp.asarray(blocks.valid, matrices.dtype),
        )
    )

    def value(row_weights: Array) -> Array:
        weights = row_weights[blocks.rows] * valid
        return _on_blocks(bound, bound.value, matrices, weights, settings)

    reported, slope = jax.value_and_grad(value)(ones)
    flat, where = matrices.reshape(-1), _product_weights(valid).reshape(-1)
    return make_result(
        bound, fitted, reported, (num_rows * slope,), (flat, flat), where
    )


def _blocks(bound: Bound, num_rows: int, batch_size: int, size: int) -> Blocks:
    return make_blocks(num_rows, batch_size if bound.form == "matrix" else size)


def _on_blocks(
    bound: Bound,
    value: Callable[..., Array],
    matrices: Float[Array, "b m m"],
    weights: Float[Array, "b m"],
    settings: dict[str, Any],
) -> Array:
    """A bound's value on weighted rows, from the score matrices of their blocks."""
    if bound.form == "matrix":
        values = jax.vmap(functools.partial(value, **settings))(matrices, weights)
        return weighted_mean(values, jnp.sum(weights, axis=1))
    scores_p = jnp.diagonal(matrices, axis1=1, axis2=2).reshape(-1)
    where = _product_weights(weights).reshape(-1)
    return value(scores_p, matrices.reshape(-1), where, weights.reshape(-1), **settings)


def _product_weights(weights: Float[Array, "b m"]) -> Float[Array, "b m m"]:
    pairs = weights[:, :, None] * weights[:, None, :]
    return pairs * (1 - jnp.eye(weights.shape[1], dtype=weights.dtype))


def _check_pair(part: Any, name: str) -> None:
    if len(part) != 2 or jnp.shape(part[0])[:1] != jnp.shape(part[1])[:1]:
        raise ValueError(
            f"{name} must be a pair of arrays with the same number of rows, got shapes "
            f"{[jnp.shape(array) for array in part]}"
        )
    if jnp.shape(part[0])[0] < 2:
        raise ValueError(f"{name} must have at least 2 rows, got {len(part[0])}")
