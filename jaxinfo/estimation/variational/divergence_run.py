"""Training for a divergence between two samples, as a pure function."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_key, check_scores
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import Array, Key, Network, PyTree
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.variational.bound import Bound
from jaxinfo.estimation.variational.fit import (
    Optimizer,
    RunConfig,
    RunResult,
    adam,
    as_network,
    fit,
    make_result,
    resolve_batch_size,
)
from jaxinfo.estimation.variational.registry import divergence_bound
from jaxinfo.training.loop import TrainResult, sample_rows

__all__ = ["DivergenceRun", "make_divergence_run"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DivergenceRun(RunConfig):
    """A pure function that trains one discriminator and reports its bound.

    Equal runs hash equal, so they compile once. See `make_divergence_run`.

    Attributes:
        discriminator: network of one input that returns scores.
    """

    discriminator: Network

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
            train: training samples of P [N, ...] and of Q [M, ...].
            validation: validation samples of P and Q.
            test: test samples of P and Q.
            **settings: numeric settings of the bound or the optimizer.

        Returns:
            The `RunResult`.

        Raises:
            ValueError: if shapes or settings do not fit.
        """
        check_key(0, key=key)
        for name, part in zip(
            ("train", "validation", "test"), (train, validation, test), strict=True
        ):
            if len(part) != 2 or jnp.shape(part[0])[1:] != jnp.shape(part[1])[1:]:
                raise ValueError(
                    f"{name} must be a pair of arrays with rows of the same shape, got "
                    f"shapes {[jnp.shape(array) for array in part]}"
                )
        # NumPy arrays cannot be indexed with the traced rows of a batch.
        train, validation, test = jax.tree.map(jnp.asarray, (train, validation, test))
        bound, network = self.bound, self.discriminator
        bound_settings, optimizer = self.split_settings(settings)
        samples_p, samples_q = train
        batch_size = resolve_batch_size(
            self.batch_size, min(len(samples_p), len(samples_q))
        )

        def draw(key: Array) -> tuple[Array, Array]:
            key_p, key_q = jax.random.split(key)
            return (
                sample_rows(key_p, len(samples_p), batch_size),
                sample_rows(key_q, len(samples_q), batch_size),
            )

        def scores(params: PyTree, draws: tuple[Array, Array]) -> tuple[Array, ...]:
            both = jnp.concatenate([samples_p[draws[0]], samples_q[draws[1]]])
            return tuple(jnp.split(network.apply(params, both), 2))

        select = bound.select or bound.value

        def validate(params: PyTree) -> Array:
            parts = [network.apply(params, part) for part in validation]
            return select(*parts, **bound_settings)

        start_key, train_key = jax.random.split(key)
        params = network.init(start_key, samples_p[:batch_size])
        check_scores("discriminator", network.apply, params, samples_p[:batch_size])
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
        return _report(bound, network, fitted, test, bound_settings)


def make_divergence_run(
    discriminator: Network | tuple[Callable[..., Any], Callable[..., Any]],
    *,
    divergence: str | FDivergence = "KL",
    bound: str | Bound | None = None,
    optimizer: Optimizer = adam,
    num_steps: int = 2_000,
    batch_size: int | None = None,
    eval_every: int = 100,
    patience: int | None = None,
    report_progress: bool = False,
) -> DivergenceRun:
    """Makes the pure function that estimates a divergence with one seed.

    Args:
        discriminator: a `Network` of one input or a pair (init, apply) of functions;
            `apply(params, x [N, ...]) -> scores [N]`.
        divergence: a member of the f-family or its name.
        bound: see `jaxinfo.estimation.divergence_bound`; None for the tightest.
        optimizer: as in `make_run`.
        num_steps: maximal number of updates.
        batch_size: rows of a minibatch of each sample; None as in `make_run`.
        eval_every: number of updates between validations.
        patience: stop after this many updates without a better validation value; None
            trains for all `num_steps`.
        report_progress: whether to call back to the host after each validation.

    Returns:
        `run(key, train, validation, test, **settings) -> RunResult`. Each part is a
        pair (samples_p [N, ...], samples_q [M, ...]).

    Raises:
        ValueError: as `make_run`.
    """
    _, resolved = divergence_bound(divergence, bound)
    return DivergenceRun(
        discriminator=as_network(discriminator),
        bound=resolved,
        optimizer=optimizer,
        num_steps=num_steps,
        batch_size=batch_size,
        eval_every=eval_every,
        patience=patience,
        report_progress=report_progress,
    )


def _report(
    bound: Bound,
    network: Network,
    fitted: TrainResult,
    test: tuple[Array, Array],
    settings: dict[str, Any],
) -> RunResult:
    scores_p, scores_q = (network.apply(fitted.state.params, part) for part in test)

    # `run.py` gives the reason for the barrier.
    scores_p, scores_q, *ones = jax.lax.optimization_barrier(
        (scores_p, scores_q, jnp.ones_like(scores_p), jnp.ones_like(scores_q))
    )

    def value(weights_p: Array, weights_q: Array) -> Array:
        return bound.value(scores_p, scores_q, weights_q, weights_p, **settings)

    reported, gradients = jax.value_and_grad(value, argnums=(0, 1))(*ones)
    influence = tuple(len(gradient) * gradient for gradient in gradients)
    return make_result(
        bound,
        fitted,
        reported,
        influence,
        (((scores_p,), None), ((scores_q,), None)),
        settings,
    )
