"""Standard errors: from test rows by influence functions, and from seeds by spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Summary", "summarize"]

# Two-sided 95 % point of the standard normal.
Z_95 = 1.959963984540054


class Summary(NamedTuple):
    """A mean over seeds with its error, nats."""

    value: float
    standard_error: float
    lower: float
    upper: float


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
    value, error = values.mean(), np.sqrt(variance)
    return Summary(
        float(value),
        float(error),
        float(value - Z_95 * error),
        float(value + Z_95 * error),
    )
