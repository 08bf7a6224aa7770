"""Several critics of one fold -> one score matrix, and its Donsker-Varadhan value.

What is chosen here, is chosen on validation rows; what is reported, on others.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Combination", "Report", "fit_combination", "report_blocks"]

# Weights of critics are multiples of 1 / 4.
NUM_PICKS = 4
# Scores are cut at these quantiles of the joint scores, or so far above the last, nats.
QUANTILES = (0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
MARGIN = 1.0


class Combination(NamedTuple):
    """A weighted mean of critics, cut from above.

    Attributes:
        weights: of each critic, adding up to 1, [C].
        largest: the cut: a product pair that scores more would rule the normalizer.
    """

    weights: np.ndarray
    largest: float

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """The combined scores, from scores of each critic, [C, ...]."""
        return np.minimum(np.tensordot(self.weights, scores, 1), self.largest)


class Report(NamedTuple):
    """The Donsker-Varadhan bound on rows scored in blocks.

    Attributes:
        value: nats.
        influence: the influence function of each row, [B m].
        log_normalizer: log of the mean exponentiated product score, nats.
        effective_sample_size: of the exponentiated product scores.
    """

    value: float
    influence: np.ndarray
    log_normalizer: float
    effective_sample_size: float


def report_blocks(matrices: np.ndarray) -> Report:
    """Donsker-Varadhan with all pairs of different rows of a block, nats.

    mean_i T_ii - log mean_{i != j} exp(T_ij), with the influence function
    T_ii - (a_i + b_i) / Z up to its mean, a_i and b_i the means of exp(T) over the
    row's and the column's other pairs and Z their mean.

    Source: Donsker and Varadhan, Comm. Pure Appl. Math. 36, 1983.

    Args:
        matrices: scores of every block, joint pairs on the diagonal, [B, m, m].

    Returns:
        The `Report`.
    """
    joint = np.diagonal(matrices, axis1=1, axis2=2)
    off = ~np.eye(matrices.shape[1], dtype=bool)
    top = matrices[:, off].max()
    ratios = np.exp(np.where(off, matrices - top, -np.inf))
    count = off.shape[0] - 1
    own, other = (ratios.sum(axis=axis) / count for axis in (2, 1))
    mean = own.mean()
    log_normalizer = top + np.log(mean)
    return Report(
        float(joint.mean() - log_normalizer),
        (joint - (own + other) / mean).reshape(-1),
        float(log_normalizer),
        float(ratios.sum() ** 2 / np.sum(ratios**2)),
    )


def fit_combination(matrices: np.ndarray, preferred: np.ndarray) -> Combination:
    """Chooses weights, then a cut, on validation rows.

    Weights by the logistic bound, as the critics were trained: few pairs carry the
    normalizer of Donsker and Varadhan's where there is much information. The preferred
    critics alike, unless all alike gain more than noise, or a greedy selection with
    replacement does: where scores are so large that the bound tells nothing, nothing
    but the preference is left. The cut by the bound that is reported; a little above
    the largest joint score at least, which costs next to nothing, and saves the
    normalizer from a pair such as validation rows show none of.

    Source: Caruana et al., "Ensemble selection from libraries of models", ICML 2004.

    Args:
        matrices: scores of every critic on blocks of validation rows, [C, B, m, m].
        preferred: which critics to take until others show a gain, [C].

    Returns:
        The `Combination`.
    """
    num_critics, num_blocks, size, _ = matrices.shape
    noise = 1 / (num_blocks * size)

    def rate(weights: np.ndarray) -> float:
        return _logistic_bound(np.tensordot(weights, matrices, 1))

    counts = np.zeros(num_critics)
    for picked in range(1, NUM_PICKS + 1):
        more = (counts + np.eye(num_critics)) / picked
        counts = max(more, key=rate) * picked
    weights = preferred / preferred.sum()
    for other in (np.full(num_critics, 1 / num_critics), counts / NUM_PICKS):
        if rate(other) > rate(weights) + noise:
            weights = other

    combined = np.tensordot(weights, matrices, 1)
    joint = np.diagonal(combined, axis1=1, axis2=2)
    largest, best = joint.max() + MARGIN, -np.inf
    for cut in (largest, *np.quantile(joint, QUANTILES)):
        value = report_blocks(np.minimum(combined, cut)).value
        if value > best + noise:
            largest, best = cut, value
    return Combination(weights, float(largest))


def _logistic_bound(matrices: np.ndarray) -> float:
    """Of the joint and all other pairs; the f-GAN paper's GAN bound, at most 0."""
    joint = np.diagonal(matrices, axis1=1, axis2=2)
    off = ~np.eye(matrices.shape[1], dtype=bool)
    product = np.logaddexp(0, matrices[:, off])
    return float(-np.logaddexp(0, -joint).mean() - product.mean())
