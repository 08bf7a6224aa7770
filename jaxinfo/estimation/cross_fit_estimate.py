"""The default estimate: cross-fitted informations, one or a difference of two.

Two informations that share rows and folds share most of their noise, so the error of
their difference is taken row by row.
"""

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.cross_fit import NUM_FOLDS, CrossFit, cross_fit, deal_rows
from jaxinfo.estimation.cross_fit_report import extrapolate, halfway
from jaxinfo.estimation.fit import RunResult
from jaxinfo.estimation.host import Budget, doubts_of_run, history_of_run
from jaxinfo.estimation.labels import label_entropy
from jaxinfo.estimation.permutation import p_value_of_independence
from jaxinfo.estimation.preprocessing import Standardization, check_row_counts, warn
from jaxinfo.estimation.report import Estimate
from jaxinfo.estimation.uncertainty import (
    Summary,
    summary_around,
    variance_of_mean,
)
from jaxinfo.training import progress
from jaxinfo.training.compile_time import compile_stopwatch

__all__ = ["check_new_rows", "estimate_cross_fitted", "estimate_difference"]

Pair = tuple[np.ndarray, np.ndarray]


def estimate_cross_fitted(
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    *,
    budget: Budget,
    batch_size: int | None,
    patience: int | None,
    doubts: list[str],
) -> Estimate:
    """Estimates mutual information by the default recipe.

    Half of the critics are a closed-form log ratio plus a network that starts at zero,
    the others such a network alone.

    Source: Belghazi et al., ICML 2018, for the bound; Chernozhukov et al.,
        "Double/debiased machine learning", Econometrics J. 21, 2018, for cross-fitting.

    Args:
        key: random key.
        x: rows of x, checked, [N, ...].
        y: rows of y, checked, [N, ...].
        budget: critics in all (rounded up to as many for each fold), steps, layout.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        patience: stop a critic after this many updates without better validation.
        doubts: sentences about the data.

    Returns:
        The `Estimate`; `per_seed` holds the held-out bound of each critic, its folds
        pooled.
    """
    shapes = {"x": x.shape[1:], "y": y.shape[1:]}

    def make_log_ratio(fits: list[CrossFit]) -> Callable[[Any, Any], np.ndarray]:
        [fit] = fits

        def log_ratio(x: Any, y: Any) -> np.ndarray:
            """Pointwise mutual information log p(x, y) / (p(x) p(y)) in nats, [N]."""
            return fit.log_ratio(*check_new_rows(shapes, x, y))

        return log_ratio

    estimate = estimate_difference(
        key,
        [(x.reshape(len(x), -1), y.reshape(len(y), -1))],
        budget=budget,
        batch_size=batch_size,
        patience=patience,
        doubts=doubts,
        make_log_ratio=make_log_ratio,
        tests_independence=True,
        quantity="mutual information",
    )
    warn(list(estimate.warnings))
    return estimate


def estimate_difference(
    key: Key[Array, ""],
    pairs: Sequence[Pair],
    *,
    budget: Budget,
    batch_size: int | None,
    patience: int | None,
    doubts: list[str],
    make_log_ratio: Callable[[list[CrossFit]], Callable[..., np.ndarray]],
    quantity: str,
    tests_independence: bool = False,
    is_series: bool = False,
) -> Estimate:
    """Estimates the information of a pair of variables, less that of a second pair.

    Args:
        key: random key.
        pairs: one pair or two, rows [N, D] and [N, E] of each; row i of both is of one
            draw.
        budget: of each pair: critics in all, steps, layout.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        patience: stop a critic after this many updates without better validation.
        doubts: sentences about the data.
        make_log_ratio: from the `CrossFit` of each pair to the function that users
            call.
        quantity: what is estimated, in words.
        tests_independence: whether the first pair gets a p-value.
        is_series: whether rows are in the order of time and depend on each other.

    Returns:
        The `Estimate`, nobody warned yet; its history holds the runs of all pairs.
    """
    started = time.perf_counter()
    deal_key, sweep_key, shuffle_key = jax.random.split(key, 3)
    order = deal_rows(deal_key, len(pairs[0][0]), is_series=is_series)
    fit = functools.partial(
        cross_fit,
        # The same draws for both pairs: what they add to the noise, is in both too.
        sweep_key,
        order=order,
        budget=budget,
        batch_size=batch_size,
        patience=patience,
    )
    with compile_stopwatch() as compile_seconds, _bar(budget, len(pairs)):
        fits = [fit(pair) for pair in pairs]
    runs = _joined([fit.result for fit in fits])
    p_value = None
    if tests_independence:
        p_value = p_value_of_independence(
            shuffle_key, *pairs[0], fits[0].outcome.shifted
        )
    return Estimate(
        **_summarize(fits, pairs, is_series=is_series)._asdict(),
        kind="neither",
        ceiling=float("inf"),
        saturated=not all(fit.outcome.is_measured for fit in fits),
        converged=bool(np.median(runs.best_step) <= 0.9 * budget.num_steps),
        num_nonfinite=int(runs.num_nonfinite.sum()),
        per_seed=_difference([fit.per_critic for fit in fits]),
        history=history_of_run(runs, budget),
        log_ratio=make_log_ratio(fits),
        quantity=quantity,
        p_value=p_value,
        bound="cross_fitted",
        num_samples=len(pairs[0][0]),
        seconds=time.perf_counter() - started,
        compile_seconds=compile_seconds[0],
        warnings=(*doubts, *doubts_of_run(runs)),
    )


def check_new_rows(shapes: dict[str, tuple[int, ...]], *rows: Any) -> list[np.ndarray]:
    """Checks rows for a fitted function.

    Args:
        shapes: of one row of each argument, by name, as when fitted.
        *rows: of each argument.

    Returns:
        The rows in float64, flattened, [N, D] each.

    Raises:
        ValueError: where they do not fit.
    """
    fitted = (Standardization(np.zeros(s), np.ones(s)) for s in shapes.values())
    checked = {
        name: scale.check(name, new)
        for name, scale, new in zip(shapes, fitted, rows, strict=True)
    }
    check_row_counts(**checked)
    return [new.reshape(len(new), -1) for new in checked.values()]


def _bar(budget: Budget, num_pairs: int) -> contextlib.AbstractContextManager[None]:
    if not budget.shows_bar:
        return contextlib.nullcontext()
    num_runs = -(-budget.num_seeds // NUM_FOLDS) * NUM_FOLDS * num_pairs
    return progress.bar(num_runs * budget.num_steps, budget.eval_every)


def _joined(results: Sequence[RunResult]) -> RunResult:
    """The runs of all pairs side by side; their parameters differ in shape."""
    bare = [result._replace(params=()) for result in results]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *bare)


def _difference(of_pairs: Sequence[np.ndarray]) -> np.ndarray:
    return of_pairs[0] - sum(of_pairs[1:])


def _summarize(
    fits: Sequence[CrossFit],
    pairs: Sequence[Pair],
    *,
    is_series: bool,
) -> Summary:
    held_out = _difference([fit.outcome.held_out_values for fit in fits])
    training = _difference([fit.outcome.training_values for fit in fits])
    influence = _difference([fit.influence for fit in fits])
    variance = variance_of_mean(influence, is_series=is_series)
    summary = halfway(held_out.mean(), training.mean(), variance)
    gain = _difference([np.array(fit.outcome.gain) for fit in fits])
    summary = extrapolate(summary, float(gain))
    labels = [marginal.labels for marginal in fits[0].folds[0].fitted.marginals]
    # I(X; Y | Z) is at most the entropy of X; y of the first pair may hold more than Y.
    known = zip(pairs[0][:1] if len(fits) > 1 else pairs[0], labels, strict=False)
    most = min(label_entropy(rows, label) for rows, label in known)
    return summary_around(min(summary.value, most), summary.standard_error)
