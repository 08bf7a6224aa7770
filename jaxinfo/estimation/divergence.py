"""Divergence between two samples: the pure run, and the call that wraps it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_key, check_scores
from jaxinfo.core.types import Array, Key, Network, PyTree
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.bound import Bound
from jaxinfo.estimation.divergence_bounds import divergence_bound
from jaxinfo.estimation.fit import (
    Optimizer,
    Plan,
    RunResult,
    adam,
    apply_settings,
    as_network,
    check_counts,
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
from jaxinfo.networks import discriminator as bundled_discriminator
from jaxinfo.training.loop import TrainResult, sample_rows
from jaxinfo.training.sweep import Layout

__all__ = ["estimate_divergence", "make_divergence_run"]


def estimate_divergence(
    key: Key[Array, ""],
    samples_p: Any,
    samples_q: Any,
    *,
    divergence: str | FDivergence = "KL",
    bound: str | Bound | None = None,
    discriminator: Any = None,
    optimizer: Optimizer = adam,
    num_seeds: int = 8,
    num_steps: int = 2_000,
    batch_size: int | None = None,
    eval_every: int = 100,
    patience: int | None = 500,
    split: tuple[float, float, float] = (0.6, 0.2, 0.2),
    layout: Layout = "auto",
    progress: bool | None = None,
    **settings: float,
) -> Estimate:
    """Estimates a divergence between the laws of two samples in nats, with its error.

    D_f(P || Q) = E_q[f(p / q)], bounded by a discriminator that is trained, chosen and
    reported on three different parts of the rows, for several seeds at once.

    Source: Nguyen, Wainwright, Jordan, "Estimating divergence functionals", IEEE Trans.
        Information Theory 2010; Nowozin et al., "f-GAN", NeurIPS 2016.

    Args:
        key: random key.
        samples_p: rows from P, [N, ...] of any trailing shape.
        samples_q: rows from Q, [M, ...] of the same trailing shape; M may differ.
        divergence: a member of the f-family or its name.
        bound: None for the tightest one of this divergence; "f_divergence" for the
            f-GAN bound as it is; "donsker_varadhan", "mine", "nwj", "smile" for KL;
            "renyi" for the Renyi divergence of setting `order`.
        discriminator: a `Network` of one input or a pair (init, apply); None for a
            bundled mlp.
        optimizer: a maker such as `optax.adam`, whose keywords become settings, or an
            optax optimizer, which compiles anew for each object made.
        num_seeds: seeds, trained in one compiled call.
        num_steps: the most updates of each seed.
        batch_size: rows of a minibatch of either sample; None for 256, or all if fewer.
        eval_every: updates between validations.
        patience: stop a seed after this many updates without better validation.
        split: shares of training, validation and test rows.
        layout: how seeds are laid out, see `jaxinfo.training.sweep`.
        progress: show a bar; None for long runs on a terminal.
        **settings: numbers of the bound or of the optimizer's maker.

    Returns:
        An `Estimate` in nats; its `log_ratio(samples)` is log p / q.

    Raises:
        ValueError: where an argument does not fit, which the message names.
        TypeError: inside jit or vmap: use `make_divergence_run` there.

    Notes:
        The interval is one for the bound that these discriminators reach. The member
        JENSEN_SHANNON is twice the usual Jensen-Shannon divergence.

    Example:
        >>> key_p, key_q, key = jax.random.split(jax.random.key(0), 3)
        >>> p = 1 + jax.random.normal(key_p, (2_000, 1))
        >>> q = jax.random.normal(key_q, (2_000, 1))
        >>> estimate = estimate_divergence(key, p, q, num_steps=300)
        >>> abs(estimate.value - 0.5) < 0.2
        True
    """
    check_key(0, key=key)
    checked_p, doubts_p = check_rows("samples_p", samples_p)
    checked_q, doubts_q = check_rows("samples_q", samples_q)
    if checked_p.shape[1:] != checked_q.shape[1:]:
        raise ValueError(
            "samples_p and samples_q must have rows of the same shape, got "
            f"{checked_p.shape[1:]} and {checked_q.shape[1:]}"
        )
    quantity, resolved = divergence_bound(divergence, bound)
    network = as_network(
        bundled_discriminator() if discriminator is None else discriminator
    )
    budget = Budget(num_seeds, num_steps, eval_every, layout, progress)
    run = make_divergence_run(
        network,
        divergence=divergence,
        bound=resolved,
        optimizer=optimizer,
        num_steps=num_steps,
        batch_size=batch_size,
        eval_every=eval_every,
        patience=patience,
        report_progress=budget.shows_bar,
    )
    key_p, key_q, sweep_key = jax.random.split(key, 3)
    rows_p = split_rows(key_p, len(checked_p), split)
    rows_q = split_rows(key_q, len(checked_q), split)
    # One scale for both: the divergence is unchanged by it, and their difference stays.
    pooled = np.concatenate([checked_p[rows_p[0]], checked_q[rows_q[0]]])
    scale = fit_standardization(pooled)
    parts = [
        (scale.apply(checked_p[part_p]), scale.apply(checked_q[part_q]))
        for part_p, part_q in zip(rows_p, rows_q, strict=True)
    ]
    return estimate_over_seeds(
        sweep_key,
        run,
        resolved,
        Parts(*parts),
        settings,
        budget,
        make_log_ratio=functools.partial(_make_log_ratio, resolved, network, scale),
        ceiling=float("inf"),
        quantity=quantity,
        num_samples=len(checked_p) + len(checked_q),
        doubts=[*doubts_p, *doubts_q],
    )


def _make_log_ratio(
    bound: Bound,
    network: Network,
    scale: Standardization,
    params: PyTree,
    log_normalizer: Array,
) -> Callable[[Any], np.ndarray]:
    @jax.jit
    def mean_over_seeds(params: PyTree, constants: Array, samples: Array) -> Array:
        scores = jax.vmap(network.apply, (0, None))(params, samples)
        return jnp.mean(bound.log_ratio(scores) - constants[:, None], axis=0)

    def log_ratio(samples: Any) -> np.ndarray:
        """Log density ratio log p / q in nats, [N]."""
        rows = scale.apply(scale.check("samples", samples))
        return np.asarray(mean_over_seeds(params, log_normalizer, rows))

    return log_ratio


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
) -> Callable[..., RunResult]:
    """Makes the pure function that estimates a divergence of two samples once.

    Args:
        discriminator: a `Network` of one input or a pair (init, apply) of functions;
            `apply(params, x [N, ...]) -> scores [N]`.
        divergence: a member of the f-family or its name.
        bound: see `jaxinfo.estimation.divergence_bound`; None for the tightest.
        optimizer: as in `make_run`.
        num_steps: the most updates.
        batch_size: rows of a minibatch of either sample; None as in `make_run`.
        eval_every: updates between validations.
        patience: stop after this many updates without better validation; None never.
        report_progress: call back to the host after each validation.

    Returns:
        `run(key, train, validation, test, **settings) -> RunResult`, each part a pair
        (samples_p [N, ...], samples_q [M, ...]).

    Raises:
        ValueError: as `make_run`.
    """
    _, resolved = divergence_bound(divergence, bound)
    plan = Plan(
        as_network(discriminator),
        resolved,
        optimizer,
        *check_counts(num_steps, batch_size, eval_every, patience),
        report_progress,
    )
    return _divergence_run(plan)


@functools.lru_cache(maxsize=256)
def _divergence_run(plan: Plan) -> Callable[..., RunResult]:
    bound, network = plan.bound, plan.network
    assert isinstance(network, Network)

    def run(
        key: Key[Array, ""], train: Any, validation: Any, test: Any, **settings: Any
    ) -> RunResult:
        for part, name in [
            (train, "train"),
            (validation, "validation"),
            (test, "test"),
        ]:
            if len(part) != 2 or jnp.shape(part[0])[1:] != jnp.shape(part[1])[1:]:
                raise ValueError(
                    f"{name} must be a pair of arrays with rows of the same shape, got "
                    f"shapes {[jnp.shape(array) for array in part]}"
                )
        bound_settings, optimizer = apply_settings(plan, settings)
        samples_p, samples_q = train
        batch_size = resolve_batch_size(
            plan.batch_size, min(len(samples_p), len(samples_q))
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
            plan,
            train_key,
            params,
            optimizer,
            draw=draw,
            scores=scores,
            validate=validate,
            settings=bound_settings,
        )
        return _report_divergence(bound, network, fitted, test, bound_settings)

    return run


def _report_divergence(
    bound: Bound,
    network: Network,
    fitted: TrainResult,
    test: tuple[Array, Array],
    settings: dict[str, Any],
) -> RunResult:
    scores_p, scores_q = (network.apply(fitted.state.params, part) for part in test)

    # Behind the barrier for the reason given in `information_run`.
    scores_p, scores_q, *ones = jax.lax.optimization_barrier(
        (scores_p, scores_q, jnp.ones_like(scores_p), jnp.ones_like(scores_q))
    )

    def value(weights_p: Array, weights_q: Array) -> Array:
        return bound.value(scores_p, scores_q, weights_q, weights_p, **settings)

    reported, slopes = jax.value_and_grad(value, argnums=(0, 1))(*ones)
    influence = tuple(len(slope) * slope for slope in slopes)
    return make_result(
        bound,
        fitted,
        reported,
        influence,
        (((scores_p,), None), ((scores_q,), None)),
        settings,
    )
