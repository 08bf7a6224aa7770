"""Combination of the critics of one fold, and its Donsker-Varadhan bound.

The combination is selected on validation rows and reported on held-out rows.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.selection import rowwise_logistic_bound

__all__ = ["Combination", "Report", "fit_combination", "report_blocks"]


class Combination(NamedTuple):
    """A weighted mean of critics, clipped from above."""

    weights: np.ndarray  # Weight of each critic, with a sum of 1, [C].
    largest: float  # Upper clip of scores, so that no negative dominates.

    def apply(self, scores: Any) -> Any:
        """Combines the scores of all critics, [C, ...] -> [...]."""
        xp = scores.__array_namespace__()
        return xp.minimum(xp.tensordot(self.weights, scores, 1), self.largest)


class Report(NamedTuple):
    """The Donsker-Varadhan bound on rows scored in blocks."""

    value: float  # Nats.
    influence: np.ndarray  # The influence function of each row, [B m].
    log_normalizer: float  # Log of the mean exponentiated score of negatives, nats.
    effective_sample_size: float  # Of the negatives in the normalizer.


def report_blocks(matrices: np.ndarray) -> Report:
    """The Donsker-Varadhan bound of score matrices of blocks, [B, m, m], nats.

    mean_i T_ii - log mean_{i != j} exp(T_ij), where the negatives are all pairs of
    different rows of a block. The influence function is T_ii - (a_i + b_i) / Z up to a
    constant, where a_i and b_i are the means of exp(T) over the other pairs of row i
    and of column i, and Z is the mean over all pairs.

    Source: Donsker and Varadhan, Comm. Pure Appl. Math. 36, 1983.
    """
    joint = np.diagonal(matrices, axis1=1, axis2=2)
    off = ~np.eye(matrices.shape[1], dtype=bool)
    top = matrices[:, off].max()
    ratios = np.exp(np.where(off, matrices - top, -np.inf))
    own, other = (ratios.sum(axis=axis) / (len(off) - 1) for axis in (2, 1))
    mean = own.mean()
    log_normalizer = top + np.log(mean)
    return Report(
        float(joint.mean() - log_normalizer),
        (joint - (own + other) / mean).reshape(-1),
        float(log_normalizer),
        float(ratios.sum() ** 2 / np.sum(ratios**2)),
    )


def fit_combination(matrices: np.ndarray, config: CrossFittedConfig) -> Combination:
    """Selects weights, then a clip, on validation scores of all critics, [C, B, m, m].

    Weights are compared by the logistic bound that critics are trained on, because at
    high information few pairs dominate the normalizer of the Donsker-Varadhan bound.
    The critics that correct the base density share the weight unless equal weights, or
    a greedy selection with replacement, gain more than noise. The clip lies above the
    largest joint score unless a lower one increases the reported bound by more than
    noise.

    Source: Caruana et al., "Ensemble selection from libraries of models", ICML 2004.
    """
    num_critics, num_blocks, size, _ = matrices.shape
    noise = 1 / (num_blocks * size)
    off = ~np.eye(size, dtype=bool)

    def score(weights: np.ndarray) -> float:
        combined = np.tensordot(weights, matrices, 1)
        joint = np.diagonal(combined, axis1=1, axis2=2)
        negatives = combined[:, off].reshape(num_blocks, size, size - 1)
        return float(rowwise_logistic_bound(joint, negatives).mean())

    weights = equal = np.full(num_critics, 1 / num_critics)
    if config.num_picks:
        counts = np.zeros(num_critics)
        for picked in range(1, config.num_picks + 1):
            counts = max((counts + np.eye(num_critics)) / picked, key=score) * picked
        weights = config.preferred_weights
        for other in (equal, counts / config.num_picks):
            if score(other) > score(weights) + noise:
                weights = other

    combined = np.tensordot(weights, matrices, 1)
    joint = np.diagonal(combined, axis1=1, axis2=2)
    largest, best = joint.max() + config.clip_margin, -np.inf
    for clip in (largest, *np.quantile(joint, config.clip_quantiles)):
        value = report_blocks(np.minimum(combined, clip)).value
        if value > best + noise:
            largest, best = clip, value
    return Combination(weights, float(largest))
