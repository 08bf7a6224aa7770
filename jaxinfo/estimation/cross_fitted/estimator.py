"""The default estimator, `CrossFitted`, for samples on the host."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.correction import correct_bias
from jaxinfo.estimation.cross_fitted.cross_fit import CrossFit, cross_fit
from jaxinfo.estimation.cross_fitted.folds import order_rows
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.determinism import continuous_columns
from jaxinfo.estimation.estimate import Diagnostics, Estimate
from jaxinfo.estimation.pair_estimator import PairEstimator, with_warnings
from jaxinfo.estimation.samples import Samples
from jaxinfo.estimation.significance import (
    independence_p_value,
    information_of_neighbors,
    information_of_order,
    information_of_repeats,
)
from jaxinfo.estimation.uncertainty import Summary, variance_of_mean
from jaxinfo.estimation.variational.seeds import history_of_run, warnings_of_run
from jaxinfo.training import progress
from jaxinfo.training.compile_time import compile_stopwatch

__all__ = ["CrossFitted", "estimate_difference"]

# Estimates without training disagree with the critics if they show more information by
# this many standard errors of the difference. Structure that is too fine for critics is
# also blurred by neighbors, which may then show only a half of it.
MAX_DEVIATION, UNSEEN_FACTOR = 2.5, 2.0


class CrossFitted(CrossFittedConfig, PairEstimator):
    """The default estimator of mutual information; a frozen, hashable value.

    Half of the critics correct a closed-form log density ratio, the others start from
    zero. They are cross-fitted: each row is scored by critics that were not trained on
    it. The value estimates the information itself rather than a bound, and its error
    includes the uncertainty of the bias correction.

    Source: Belghazi et al., "Mutual information neural estimation", ICML 2018, for the
        bound; Chernozhukov et al., "Double/debiased machine learning", Econometrics J.
        21, 2018, for cross-fitting.

    Attributes:
        train: number of critics (`num_seeds`), steps, batch size, patience and layout.
        critic: network of the features of x and y, a `Critic`, a `Network` or a pair
            (init, apply); None for an MLP.
        num_folds: number of folds, each of which is held out once.
        max_levels: a column with at most this many distinct values is a label, if
            there are at least `min_rows_per_level` rows for each of them.
        fit_scores: replaces the normal scores of the marginals; None for those.
        base_densities: candidates for the closed-form density ratio, of "copula",
            "expanded", "mixture" and "table"; () for none.
        hidden_sizes: layers of the MLP.
        others: `CrossFittedConfig` describes the remaining fields in the order of the
            stages, with the reason for each value.

    Notes:
        Where nearest neighbors, rows in the order of one column or rows that repeat
        show clearly more information than the critics, the upper end of the interval is
        raised and a warning says so. It does not account for dependence that none of
        them can see.

    Example:
        >>> from jaxinfo.estimation import TrainConfig
        >>> x, e = jax.random.normal(jax.random.key(0), (2, 400, 1))
        >>> estimator = CrossFitted(train=TrainConfig(num_steps=50))
        >>> estimate = estimator(jax.random.key(1), x, x + e)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.2)
        True
    """

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return "cross_fitted"

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats.

        Returns:
            An `Estimate`, with `density_ratio(x, y)`, the pointwise information, and
            the p-value of independence. `diagnostics.per_seed` holds the held-out bound
            of each critic, shifted by one constant so that the mean is the value.
        """
        estimate = estimate_difference(
            self,
            key,
            [samples],
            quantity="mutual information",
            find_p_value=_independence_p_value,
        )
        return _widened_by_untrained(estimate, samples)


def estimate_difference(
    config: CrossFittedConfig,
    key: Key[Array, ""],
    pairs: Sequence[Samples],
    *,
    quantity: str,
    make_density_ratio: Callable[..., DensityRatio | None] = lambda ratio: ratio,
    find_p_value: Callable[[Array, Samples, Sequence[np.ndarray]], float],
) -> Estimate:
    """Estimates the information of one pair of variables, minus that of a second pair.

    Both estimates use the same rows, folds and random numbers, so most of their noise
    cancels in the difference. Its error is computed from row-wise differences.

    Args:
        config: settings; the number of critics applies to each pair.
        key: random key.
        pairs: one or two pairs of variables with the same rows.
        quantity: name of the estimated quantity.
        make_density_ratio: maps the density ratios of all pairs to the result's.
        find_p_value: from a random key, the first pair and `shifted_scores` of the
            held-out rows of each fold, the p-value.

    Returns:
        The `Estimate`; its history has the validation curves of all critics.
    """
    started = time.perf_counter()
    order_key, train_key, permutation_key = jax.random.split(key, 3)
    samples = pairs[0]
    order = order_rows(order_key, samples, config.num_folds)
    train = config.train
    bar: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if train.shows_progress:
        num_runs = len(config.kinds) * config.num_folds * len(pairs)
        bar = progress.bar(num_runs * train.num_steps, train.eval_every)
    with compile_stopwatch() as compile_seconds, bar:
        fits = [cross_fit(config, train_key, pair, order) for pair in pairs]
    runs = jax.tree.map(
        lambda *leaves: np.concatenate(leaves), *(fit.runs for fit in fits)
    )
    summary = _summarize(config, fits, samples)
    per_seed = _difference([np.asarray(fit.runs.value, float) for fit in fits])
    return Estimate(
        **summary._asdict(),
        kind="neither",
        estimator="cross_fitted",
        num_samples=len(samples),
        quantity=quantity,
        p_value=find_p_value(permutation_key, samples, fits[0].reports.shifted),
        diagnostics=Diagnostics(
            per_seed + (summary.value - np.nanmean(per_seed)),
            saturated=not all(fit.reports.is_measured for fit in fits),
            converged=bool(np.median(runs.best_step) <= 0.9 * train.num_steps),
            num_nonfinite=int(runs.num_nonfinite.sum()),
            history=history_of_run(runs, train.num_steps, train.eval_every),
            warnings=(*samples.warnings, *warnings_of_run(runs)),
            seconds=time.perf_counter() - started,
            compile_seconds=compile_seconds[0],
        ),
        density_ratio=make_density_ratio(*(fit.density_ratio for fit in fits)),
    )


def _independence_p_value(
    key: Array, samples: Samples, shifted: Sequence[np.ndarray]
) -> float:
    # The critics' scores are exchangeable only if rows are independent.
    has_dependent_rows = samples.is_series or samples.groups is not None
    x, y = samples.flat
    return independence_p_value(
        key,
        x,
        y,
        () if has_dependent_rows else shifted,
        groups=samples.groups,
        is_series=samples.is_series,
    )


def _widened_by_untrained(estimate: Estimate, samples: Samples) -> Estimate:
    """Raises the upper end where untrained estimates see what the critics do not."""
    if samples.clusters is not None:  # Rows of one cluster repeat each other.
        return estimate
    tables = samples.tables.values()
    flat = [table.flat for table in tables]
    continuous = [continuous_columns(table) for table in tables]
    if all(a.shape == b.shape for a, b in zip(continuous, flat, strict=True)):
        others = {
            "nearest neighbors": information_of_neighbors(*flat),
            "rows in the order of one column": information_of_order(*flat),
        }
    else:
        others = {"rows that repeat": information_of_repeats(*flat)}
    clearly_more = {
        name: value
        for name, (value, error) in others.items()
        if value - estimate.value
        > MAX_DEVIATION * np.hypot(error, estimate.standard_error)
    }
    if not clearly_more:
        return estimate
    name = max(clearly_more, key=clearly_more.__getitem__)
    value = clearly_more[name]
    # Information is at most the logarithm of the number of different rows.
    numbers = [len(np.unique(side, axis=0)) for side in flat]
    unseen = min(UNSEEN_FACTOR * value, float(np.log(min(numbers))))
    message = (
        f"{name} show about {value:.2g} nats, clearly more than the critics: the "
        f"structure may be too fine for critics trained on {len(samples)} rows, so the "
        f"upper end is at least {unseen:.2g}"
    )
    upper = max(estimate.upper, unseen)
    return with_warnings(dataclasses.replace(estimate, upper=upper), [message])


def _summarize(
    config: CrossFittedConfig, fits: Sequence[CrossFit], samples: Samples
) -> Summary:
    reports = [fit.reports for fit in fits]
    influence = _difference([fit.influence for fit in fits])
    summary = correct_bias(
        _difference([r.held_out_values for r in reports]).mean(),
        _difference([r.training_values for r in reports]).mean(),
        _difference([r.pessimism for r in reports]),
        _difference([r.gain for r in reports]),
        _difference([r.missed for r in reports]),
        variance_of_mean(
            influence,
            groups=None if samples.groups is None else samples.groups[fits[0].rows],
            is_series=samples.is_series,
        ),
        config,
    )
    # I(X; Y | Z) is at most the entropy of X. The second variable of its first pair is
    # (Y, Z), whose entropy is no bound.
    entropies = fits[0].label_entropies[: 1 if len(fits) > 1 else 2]
    excess = max(summary.value - min(entropies), 0.0)
    return summary._replace(
        value=summary.value - excess,
        lower=summary.lower - excess,
        upper=summary.upper - excess,
    )


def _difference(terms: Sequence[Any]) -> Any:
    return terms[0] - sum(terms[1:])
