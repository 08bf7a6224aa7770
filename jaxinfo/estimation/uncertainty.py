"""Standard errors from influence functions of test rows and the spread over seeds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Summary", "summarize", "summary_around", "variance_of_mean"]

# Two-sided 95 % point of the standard normal.
Z_95 = 1.959963984540054
# The autocorrelation of a series is at most this, or its memory would seem infinite.
MAX_PERSISTENCE = 0.998


class Summary(NamedTuple):
    """A mean over seeds with its error, nats."""

    value: float
    standard_error: float
    lower: float
    upper: float


def summary_around(value: float, error: float) -> Summary:
    """Returns a value with its standard error and 95 % interval, nats."""
    return Summary(
        float(value),
        float(error),
        float(value - Z_95 * error),
        float(value + Z_95 * error),
    )


def summarize(
    per_seed: np.ndarray,
    influences: Sequence[np.ndarray],
    *,
    clusters: Sequence[np.ndarray | None] | None = None,
) -> Summary:
    """Averages seeds that share their test rows.

    standard_error^2 = sum over samples of var(psi) / N + var over seeds / S, where psi
    is the influence function averaged over seeds. Seeds share the test rows, so the
    first term does not decrease with more seeds.

    Source: Efron, "Nonparametric estimates of standard error", Biometrika 1981
        (infinitesimal jackknife).

    Args:
        per_seed: the value of each seed in nats, [S]; non-finite values are ignored.
        influences: the influence of each test row on each seed's value, one array
            [S, N] for each independent sample.
        clusters: number of the cluster of each test row of each sample, [N], or None
            for a sample of independent rows; see `variance_of_mean`.

    Returns:
        Mean, standard error and 95 % interval in nats; NaN if no seed is finite.

    Notes:
        With one seed the spread over seeds is unknown and counts as zero.
    """
    finite = np.isfinite(per_seed)
    if not finite.any():
        return Summary(*[float("nan")] * 4)
    values = per_seed[finite].astype(float)
    variance = values.var(ddof=1) / len(values) if len(values) > 1 else 0.0
    clusters = clusters or [None] * len(influences)
    for influence, groups in zip(influences, clusters, strict=True):
        psi = influence[finite].astype(float).mean(axis=0)
        variance += variance_of_mean(psi, groups=groups)
    return summary_around(values.mean(), np.sqrt(variance))


def variance_of_mean(
    values: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    is_series: bool = False,
) -> float:
    """Estimates the variance of a mean of values that may depend on each other.

    For independent values it is var / N. For groups, the sums of the deviations of each
    group are independent (the cluster-robust variance). A series is divided into
    consecutive batches of sqrt(N) values, whose means are nearly independent; the
    result is the variance of these means divided by their number. Batches are too short
    for a series with a long memory, so the same variance is computed from
    the innovations e_t = v_t - a v_(t-1), divided by (1 - a)^2, where a is the lag-one
    autocorrelation, corrected for its bias. The larger of the two is returned.

    Source: Liang and Zeger, "Longitudinal data analysis using generalized linear
        models", Biometrika 73, 1986, for groups; Flegal and Jones, "Batch means and
        spectral variance estimators in Markov chain Monte Carlo", Ann. Statist. 38,
        2010, equation 4 with b = sqrt(N), for series; Andrews and Monahan, "An improved
        heteroskedasticity and autocorrelation consistent covariance matrix estimator",
        Econometrica 60, 1992, for prewhitening; Kendall, "Note on bias in the
        estimation of autocorrelation", Biometrika 41, 1954.

    Args:
        values: the values, [N]; ordered in time if `is_series`.
        groups: number of the group of each value, [N]; None if they are independent.
        is_series: whether values near in time depend on each other.

    Returns:
        The variance of the mean.

    Example:
        >>> round(variance_of_mean(np.array([1.0, 2.0, 3.0])), 4)
        0.3333
    """
    if groups is not None:
        sums = np.bincount(groups, values - values.mean())
        num_groups = len(np.unique(groups))
        correction = num_groups / max(num_groups - 1, 1)
        return float(correction * np.sum(sums**2) / len(values) ** 2)
    if is_series:
        past, now = values[:-1] - values.mean(), values[1:] - values.mean()
        persistence = past @ now / max(past @ past, np.finfo(float).tiny)
        persistence += (1 + 3 * persistence) / len(values)
        persistence = min(persistence, MAX_PERSISTENCE)
        innovations = _variance_of_batches(now - persistence * past)
        return max(_variance_of_batches(values), innovations / (1 - persistence) ** 2)
    return float(values.var(ddof=1) / len(values))


def _variance_of_batches(values: np.ndarray) -> float:
    length = int(len(values) ** 0.5)
    means = values[: len(values) // length * length].reshape(-1, length).mean(axis=1)
    return float(means.var(ddof=1) / len(means))
