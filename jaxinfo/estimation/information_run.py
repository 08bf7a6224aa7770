"""The pure run of mutual information: a key and arrays in, a tuple of arrays out."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_one_of, check_positive
from jaxinfo.core.types import Array, Critic, Key, Network, PyTree
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.bound import Bound
from jaxinfo.estimation.bounds import information_bound
from jaxinfo.estimation.fit import (
    Optimizer,
    Plan,
    RunResult,
    adam,
    apply_settings,
    as_critic,
    check_counts,
    fit,
    make_result,
    resolve_batch_size,
)
from jaxinfo.estimation.information_scores import (
    Scorer,
    as_auxiliary,
    product_weights,
    value_on_blocks,
)
from jaxinfo.information.negative_sampling import NEGATIVE_SAMPLERS, sample_negatives
from jaxinfo.information.scoring import Blocks, make_blocks
from jaxinfo.training.loop import TrainResult, sample_rows

__all__ = ["make_run"]

# Rows that share their product pairs. Validation chooses between states of one run, so
# a few pairs a row will do; in the report more would only lower an error that the rows
# dominate. Bounds of a matrix take blocks of the batch size, on which they depend.
VALIDATION_BLOCK = 4
REPORT_BLOCK = 64


def make_run(
    critic: Critic | Network | tuple[Callable[..., Any], Callable[..., Any]],
    *,
    bound: str | FDivergence | Bound = "mine",
    auxiliary: Any = None,
    optimizer: Optimizer = adam,
    num_steps: int = 2_000,
    batch_size: int | None = None,
    negative_sampling: str | None = None,
    num_negatives: int = 4,
    eval_every: int = 100,
    patience: int | None = None,
    may_keep_start: bool = False,
    ema_decay: float | None = None,
    report_progress: bool = False,
) -> Callable[..., RunResult]:
    """Makes the pure function that estimates mutual information once.

    Args:
        critic: a `Critic`, a `Network` of two inputs, or a pair (init, apply) of plain
            functions; `apply(params, x [N, ...], y [N, ...]) -> scores [N]`.
        bound: a name, a member of the f-family or a `Bound`.
        auxiliary: the second network of a bound that has one, a `Network` or a pair
            (init, apply): log a(y) of "tuba" and "interpolated" and log q(y) of
            "doe_*", `apply(params, y) -> [N]`, or u(x, y) of "flo"; None for a bundled
            one.
        optimizer: an optax optimizer, or a maker of one whose keywords (such as
            `learning_rate`) then become settings of the run.
        num_steps: the most updates.
        batch_size: rows of a minibatch; None for 256 or all training rows if fewer.
        negative_sampling: product pairs in training, one of `jaxinfo.information.NEGATIVE_SAMPLERS`; None
            for what suits the bound: "roll" for most, "derangement" for f-DIME,
            "off_diagonal" where the bound needs the score matrix.
        num_negatives: product pairs for each row in training, where the negative_sampling asks.
        eval_every: updates between validations.
        patience: stop after this many updates without better validation; None never.
        may_keep_start: for a critic that starts from something good: validate it before
            the first update too, and keep it where training improves nothing.
        ema_decay: validate and report an exponential moving average of the
            parameters with this decay, such as 0.99, which overfits later (Polyak and
            Juditsky, SIAM J. Control Optim. 30, 1992); None for the parameters.
        report_progress: call back to the host after each validation.

    Returns:
        `run(key, train, validation, test, **settings) -> RunResult`, each part a pair
        (x [N, ...], y [N, ...]) of rows in shuffled order. Legal under jit, vmap and
        shard_map; equal arguments give the same function, so nothing is traced twice.

    Raises:
        ValueError: where a name is unknown, a count is not positive, or the bound and
            the negative_sampling do not go together; at the call, where shapes do not fit.
    """
    resolved = information_bound(bound)
    matrix = resolved.form == "matrix"
    usual = resolved.negative_sampling or ("off_diagonal" if matrix else "roll")
    negative_sampling = usual if negative_sampling is None else negative_sampling
    check_one_of(NEGATIVE_SAMPLERS, negative_sampling=negative_sampling)
    check_positive(num_negatives=num_negatives)
    if ema_decay is not None:
        check_finite_number(0.0, 1.0, ema_decay=ema_decay)
    if matrix and negative_sampling != "off_diagonal":
        raise ValueError(
            f"negative_sampling must be 'off_diagonal' for bound {resolved.name!r}, got "
            f"{negative_sampling!r}"
        )
    plan = Plan(
        as_critic(critic),
        resolved,
        optimizer,
        *check_counts(num_steps, batch_size, eval_every, patience),
        report_progress,
        negative_sampling,
        num_negatives,
        as_auxiliary(resolved, auxiliary),
        may_keep_start,
        ema_decay,
    )
    return _information_run(plan)


@functools.lru_cache(maxsize=256)
def _information_run(plan: Plan) -> Callable[..., RunResult]:
    bound, critic = plan.bound, plan.network
    assert isinstance(critic, Critic)
    scorer = Scorer(bound, critic, plan.auxiliary)

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
            rows_key, negatives_key = jax.random.split(key)
            return sample_rows(rows_key, len(x), batch_size), sample_negatives(
                negatives_key,
                batch_size,
                plan.num_negatives,
                name=plan.negative_sampling,
            )

        def scores(params: PyTree, draws: tuple[Array, Array]) -> tuple[Array, ...]:
            rows, negative_sampling = draws
            return scorer.on_batch(
                params, x[rows], y[rows], negative_sampling, plan.negative_sampling
            )

        blocks = _blocks(bound, len(validation[0]), batch_size, VALIDATION_BLOCK)
        select = bound.select or bound.value

        def validate(params: PyTree) -> Array:
            rated = scorer.on_blocks(params, validation[0], validation[1], blocks)
            weights = jnp.asarray(blocks.valid, rated[0].dtype)
            return value_on_blocks(bound, select, rated, weights, bound_settings)

        start_key, train_key = jax.random.split(key)
        params = scorer.init(start_key, x[:batch_size], y[:batch_size])
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
        return _report_information(scorer, fitted, test, blocks, bound_settings)

    return run


def _report_information(
    scorer: Scorer,
    fitted: TrainResult,
    test: tuple[Array, Array],
    blocks: Blocks,
    settings: dict[str, Any],
) -> RunResult:
    bound, num_rows = scorer.bound, len(test[0])
    scores = scorer.on_blocks(fitted.state.params, *test, blocks)
    dtype = scores[0].dtype
    # Tied to the scores, the weights are not known while compiling nor moved out of a
    # loop over seeds: a run has the same bits alone and in a sweep.
    scores, ones, valid = jax.lax.optimization_barrier(
        (scores, jnp.ones(num_rows, dtype), jnp.asarray(blocks.valid, dtype))
    )

    def value(row_weights: Array) -> Array:
        weights = row_weights[blocks.rows] * valid
        return value_on_blocks(bound, bound.value, scores, weights, settings)

    reported, slope = jax.value_and_grad(value)(ones)
    sides = () if bound.form == "joint" else _sides(scores, valid)
    influence = (num_rows * slope,)
    return make_result(bound, fitted, reported, influence, sides, settings)


def _sides(scores: tuple[Array, ...], valid: Array):
    """Scores of the joint and of the product pairs, with their weights."""
    matrices, *auxiliary = scores
    joint = jnp.diagonal(matrices, axis1=1, axis2=2).reshape(-1)
    product = (matrices, *auxiliary) if auxiliary else (matrices.reshape(-1),)
    where = product_weights(valid).reshape(-1)
    return ((joint,), valid.reshape(-1)), (product, where)


def _blocks(bound: Bound, num_rows: int, batch_size: int, size: int) -> Blocks:
    return make_blocks(num_rows, batch_size if bound.form == "matrix" else size)


def _check_pair(part: Any, name: str) -> None:
    if len(part) != 2 or jnp.shape(part[0])[:1] != jnp.shape(part[1])[:1]:
        raise ValueError(
            f"{name} must be a pair of arrays with the same number of rows, got shapes "
            f"{[jnp.shape(array) for array in part]}"
        )
    if jnp.shape(part[0])[0] < 2:
        raise ValueError(f"{name} must have at least 2 rows, got {len(part[0])}")
