"""Standard errors: from test rows by influence functions, and from seeds by spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Summary", "summarize", "summary_around", "variance_of_mean"]

# Two-sided 95 % point of the standard normal.
Z_95 = 1.959963984540054


class Summary(NamedTuple):
    """A mean over seeds with its error, nats."""

    value: float
    standard_error: float
    lower: float
    upper: float


def summary_around(value: float, error: float) -> Summary:
    """A value with its standard error, and the 95 % interval these give, nats."""
    return Summary(
        float(value),
        float(error),
        float(value - Z_95 * error),
        float(value + Z_95 * error),
    )


def summarize(per_seed: np.ndarray, influences: Sequence[np.ndarray]) -> Summary:
    """Pools seeds that share their test rows.

    standard_error^2 = sum over samples of var(psi) / N + var over seeds / S, with psi
    the influence function averaged over seeds: rows are shared, so their error does
    not shrink with more seeds.

    Source: Efron, "Nonparametric estimates of standard error", Biometrika 1981
        (infinitesimal jackknife).

    Args:
        per_seed: the value of each seed in nats, [S]; those not finite are left out.
        influences: the influence of each test row on each seed's value, one array
            [S, N] for each independent sample.

    Returns:
        Mean, standard error and 95 % interval in nats; NaN where no seed is finite.

    Notes:
        With one seed the spread over seeds is unknown and counts as zero.
    """
    finite = np.isfinite(per_seed)
    if not finite.any():
        return Summary(*[float("nan")] * 4)
    values = per_seed[finite].astype(float)
    variance = values.var(ddof=1) / len(values) if len(values) > 1 else 0.0
    for influence in influences:
        psi = influence[finite].astype(float).mean(axis=0)
        variance += psi.var(ddof=1) / len(psi)
    return summary_around(values.mean(), np.sqrt(variance))


def variance_of_mean(values: np.ndarray, *, is_series: bool = False) -> float:
    """The variance of the mean of values that are independent or a stationary series.

    var / N where they are independent. Of a series, that of the means of consecutive
    batches of sqrt(N) values, over their number: batches hardly depend on each other.

    Source: Flegal and Jones, "Batch means and spectral variance estimators in Markov
        chain Monte Carlo", Ann. Statist. 38, 2010, equation 4 with b = sqrt(N).

    Args:
        values: in the order of time where it matters, [N].
        is_series: whether values near in time depend on each other.

    Returns:
        The variance of their mean.

    Example:
        >>> round(variance_of_mean(np.array([1.0, 2.0, 3.0])), 4)
        0.3333
    """
    if is_series:
        length = int(len(values) ** 0.5)
        whole = values[: len(values) // length * length]
        values = whole.reshape(-1, length).mean(axis=1)
    return float(values.var(ddof=1) / len(values))
