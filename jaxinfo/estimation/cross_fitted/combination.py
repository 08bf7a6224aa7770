"""Combination of the critics of one fold, and its Donsker-Varadhan bound.

Model selection uses validation rows; reporting uses held-out rows.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.selection import rowwise_logistic_bound

__all__ = ["Combination", "Report", "fit_combination", "report_blocks"]


class Combination(NamedTuple):
    """A weighted mean of critics, clipped from above."""

    weights: np.ndarray  # Of each critic, adding up to 1, [C].
    largest: float  # A negative that scores more would dominate the normalizer.

    def apply(self, scores: Any) -> Any:
        """The combined scores, from scores of each critic, [C, ...]."""
        xp = scores.__array_namespace__()
        return xp.minimum(xp.tensordot(self.weights, scores, 1), self.largest)


class Report(NamedTuple):
    """The Donsker-Varadhan bound on rows scored in blocks."""

    value: float  # Nats.
    influence: np.ndarray  # The influence function of each row, [B m].
    log_normalizer: float  # Log of the mean exponentiated score of negatives, nats.
    effective_sample_size: float  # Of the exponentiated scores of negatives.


def report_blocks(matrices: np.ndarray) -> Report:
    """Donsker-Varadhan with all pairs of different rows of a block, [B, m, m], nats.

    mean_i T_ii - log mean_{i != j} exp(T_ij), with the influence function
    T_ii - (a_i + b_i) / Z up to its mean, a_i and b_i the means of exp(T) over the
    row's and the column's other pairs and Z their mean.

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
    """Selects weights, then a clip, by validation scores of every critic, [C, B, m, m].

    The weights maximize the logistic bound that critics are trained on, because few
    pairs dominate the normalizer of Donsker and Varadhan at high information. The
    critics that correct the base density share the weight unless equal weights, or a
    greedy selection with replacement, gain more than noise. The clip maximizes the
    reported bound; it is at least a little above the largest joint score.

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
