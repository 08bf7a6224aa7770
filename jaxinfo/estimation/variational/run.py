"""Training for mutual information by one bound, as a pure function."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_key, check_one_of, check_positive
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import Array, Critic, Key, Network, PyTree, as_critic
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.variational.bound import Bound
from jaxinfo.estimation.variational.fit import (
    Optimizer,
    RunConfig,
    RunResult,
    adam,
    fit,
    make_result,
    resolve_batch_size,
)
from jaxinfo.estimation.variational.registry import information_bound
from jaxinfo.estimation.variational.scores import (
    Scorer,
    as_auxiliary,
    negative_weights,
    value_on_blocks,
)
from jaxinfo.information.negative_sampling import NEGATIVE_SAMPLERS, sample_negatives
from jaxinfo.information.scoring import Blocks, make_blocks
from jaxinfo.training.loop import TrainResult, sample_rows

__all__ = ["InformationRun", "make_run"]

# The negatives of a row are the other rows of its block. Few negatives suffice to
# compare states of one run in validation. In the report, more negatives would hardly
# lower the error, which depends mostly on the number of rows. Bounds of a score matrix
# depend on its size, so their blocks have the size of a batch.
VALIDATION_BLOCK = 4
REPORT_BLOCK = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class InformationRun(RunConfig):
    """A pure function that trains one critic and reports its bound.

    Equal runs hash equal, so they compile once. See `make_run` for the fields.

    Attributes:
        critic: the critic.
        auxiliary: the auxiliary network; None if the bound has none.
        negative_sampling: how negatives are sampled in training.
        num_negatives: negatives of each row in training.
    """

    critic: Critic
    auxiliary: Network | None
    negative_sampling: str
    num_negatives: int

    __repr__ = short_repr

    def __call__(
        self,
        key: Key[Array, ""],
        train: tuple[Array, Array],
        validation: tuple[Array, Array],
        test: tuple[Array, Array],
        **settings: Any,
    ) -> RunResult:
        """Trains on the first part, selects on the second, reports on the third.

        Args:
            key: random key.
            train: training rows of x and of y, [N, ...] each, in shuffled order.
            validation: validation rows of x and y.
            test: test rows of x and y.
            **settings: numeric settings of the bound or the optimizer.

        Returns:
            The `RunResult`.

        Raises:
            ValueError: if shapes or settings do not fit.
        """
        check_key(0, key=key)
        _check_pair(train, "train")
        _check_pair(validation, "validation")
        _check_pair(test, "test")
        # NumPy arrays cannot be indexed with the traced rows of a batch.
        train, validation, test = jax.tree.map(jnp.asarray, (train, validation, test))
        bound, scorer = self.bound, Scorer(self.bound, self.critic, self.auxiliary)
        x, y = train
        batch_size = resolve_batch_size(self.batch_size, len(x))
        bound_settings, optimizer = self.split_settings(settings)

        def draw(key: Array) -> tuple[Array, Array]:
            rows_key, negatives_key = jax.random.split(key)
            return sample_rows(rows_key, len(x), batch_size), sample_negatives(
                negatives_key,
                batch_size,
                self.num_negatives,
                name=self.negative_sampling,
            )

        def scores(params: PyTree, draws: tuple[Array, Array]) -> tuple[Array, ...]:
            rows, negatives = draws
            return scorer.on_batch(
                params, x[rows], y[rows], negatives, self.negative_sampling
            )

        blocks = _blocks(bound, len(validation[0]), batch_size, VALIDATION_BLOCK)
        select = bound.select or bound.value

        def validate(params: PyTree) -> Array:
            by_block = scorer.on_blocks(params, validation[0], validation[1], blocks)
            weights = jnp.asarray(blocks.valid, by_block[0].dtype)
            return value_on_blocks(bound, select, by_block, weights, bound_settings)

        start_key, train_key = jax.random.split(key)
        params = scorer.init(start_key, x[:batch_size], y[:batch_size])
        fitted = fit(
            self,
            train_key,
            params,
            optimizer,
            draw=draw,
            scores=scores,
            validate=validate,
            settings=bound_settings,
        )
        blocks = _blocks(bound, len(test[0]), batch_size, REPORT_BLOCK)
        return _report(scorer, fitted, test, blocks, bound_settings)


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
    keep_initial: bool = False,
    ema_decay: float | None = None,
    report_progress: bool = False,
) -> InformationRun:
    """Makes the pure function that estimates mutual information with one seed.

    Args:
        critic: a `Critic`, a `Network` of two inputs, or a pair (init, apply) of
            functions; `apply(params, x [N, ...], y [N, ...]) -> scores [N]`.
        bound: a name, a member of the f-family, or a `Bound`.
        auxiliary: the auxiliary network of a bound that has one, a `Network` or a pair
            (init, apply): the baseline log a(y) of "tuba" and "interpolated" and the
            density log q(y) of "doe_*", `apply(params, y) -> [N]`, or u(x, y) of "flo";
            None for the default one.
        optimizer: an optax optimizer, or a function such as `optax.adam` that returns
            one, whose keywords (such as `learning_rate`) are settings of the run.
        num_steps: maximal number of updates.
        batch_size: rows of a minibatch; None for 256, or all training rows if there are
            fewer.
        negative_sampling: how negatives are sampled in training, one of
            `jaxinfo.information.NEGATIVE_SAMPLERS`; None for the bound's default:
            "roll" for most, "derangement" for f-DIME, "off_diagonal" if the bound needs
            the score matrix.
        num_negatives: negatives of each row in training, if the sampler takes them.
        eval_every: number of updates between validations.
        patience: stop after this many updates without a better validation value; None
            trains for all `num_steps`.
        keep_initial: whether the initial parameters can be selected by validation, for
            a critic that starts from a good state.
        ema_decay: validate and report an exponential moving average of the parameters
            with this decay, such as 0.99 (Polyak and Juditsky, SIAM J. Control Optim.
            30, 1992); None for the parameters themselves.
        report_progress: whether to call back to the host after each validation.

    Returns:
        `run(key, train, validation, test, **settings) -> RunResult`. Each part is a
        pair (x [N, ...], y [N, ...]) of rows in shuffled order. Legal under `jit`,
        `vmap` and `shard_map`; equal arguments make equal runs, which compile once.

    Raises:
        ValueError: if a name is unknown, a count is not positive, or bound and negative
            sampling do not fit; when called, if shapes do not fit.
    """
    resolved = information_bound(bound)
    matrix = resolved.form == "matrix"
    default = resolved.negative_sampling or ("off_diagonal" if matrix else "roll")
    negative_sampling = default if negative_sampling is None else negative_sampling
    check_one_of(NEGATIVE_SAMPLERS, negative_sampling=negative_sampling)
    check_positive(num_negatives=num_negatives)
    if matrix and negative_sampling != "off_diagonal":
        raise ValueError(
            "negative_sampling must be 'off_diagonal' for bound "
            f"{resolved.name!r}, got {negative_sampling!r}"
        )
    return InformationRun(
        critic=as_critic(critic),
        bound=resolved,
        auxiliary=as_auxiliary(resolved, auxiliary),
        optimizer=optimizer,
        num_steps=num_steps,
        batch_size=batch_size,
        negative_sampling=negative_sampling,
        num_negatives=num_negatives,
        eval_every=eval_every,
        patience=patience,
        keep_initial=keep_initial,
        ema_decay=ema_decay,
        report_progress=report_progress,
    )


def _report(
    scorer: Scorer,
    fitted: TrainResult,
    test: tuple[Array, Array],
    blocks: Blocks,
    settings: dict[str, Any],
) -> RunResult:
    bound, num_rows = scorer.bound, len(test[0])
    scores = scorer.on_blocks(fitted.state.params, *test, blocks)
    dtype = scores[0].dtype
    # The barrier makes the weights depend on the scores. The compiler can then neither
    # fold them as constants nor move them out of a loop over seeds, so a run alone and
    # the same run in a sweep give equal bits.
    scores, ones, valid = jax.lax.optimization_barrier(
        (scores, jnp.ones(num_rows, dtype), jnp.asarray(blocks.valid, dtype))
    )

    def value(row_weights: Array) -> Array:
        weights = row_weights[blocks.rows] * valid
        return value_on_blocks(bound, bound.value, scores, weights, settings)

    reported, gradient = jax.value_and_grad(value)(ones)
    sides = () if bound.form == "joint" else _sides(scores, valid)
    influence = (num_rows * gradient,)
    return make_result(bound, fitted, reported, influence, sides, settings)


def _sides(scores: tuple[Array, ...], valid: Array):
    """Returns scores and weights of the joint pairs and of the negatives."""
    matrices, *auxiliary = scores
    joint = jnp.diagonal(matrices, axis1=1, axis2=2).reshape(-1)
    negative = (matrices, *auxiliary) if auxiliary else (matrices.reshape(-1),)
    where = negative_weights(valid).reshape(-1)
    return ((joint,), valid.reshape(-1)), (negative, where)


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
