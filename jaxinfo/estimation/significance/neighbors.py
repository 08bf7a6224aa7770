"""The information that neighbors and repeated rows show, beside that of critics."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import digamma

from jaxinfo.core.types import Float
from jaxinfo.estimation.significance.statistics import normal_scores

__all__ = [
    "information_of_neighbors",
    "information_of_order",
    "information_of_repeats",
]

# Distances of all pairs of this many rows are computed at once.
MAX_ROWS = 2_000
# Rows are sorted by at most this many coordinates.
MAX_SORTED = 8


def information_of_neighbors(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"]
) -> tuple[float, float]:
    """Estimates the information of continuous rows from the nearest neighbor of each.

    psi(1) + psi(N) - mean_i (psi(n_xi) + psi(n_yi)), where row i has n_xi - 1 other
    rows that are nearer in x than its nearest neighbor in x and y together. One
    neighbor sees the finest structure. Where density changes within the distance of
    neighbors, the estimate is too low, and it has a large variance. It is computed by
    NumPy, because compiling `ksg1_information` for each shape takes longer.

    Source: Kraskov, Stoegbauer and Grassberger, Phys. Rev. E 69, 2004, equation 8, with
        k = 1 and normal scores.

    Args:
        x: rows of x, [N, D]; equal values would be taken for information.
        y: rows of y, [N, E].

    Returns:
        The information of at most 2,000 rows and its standard error, nats.
    """
    kept = np.linspace(0, len(x) - 1, min(len(x), MAX_ROWS)).astype(int)
    in_x, in_y = (
        cdist(scores, scores, "chebyshev")
        for scores in (normal_scores(x[kept]), normal_scores(y[kept]))
    )
    in_both = np.maximum(in_x, in_y)
    np.fill_diagonal(in_both, np.inf)
    radius = in_both.min(axis=1, keepdims=True)
    # The row itself counts, so that no number is 0.
    numbers = [np.maximum((d < radius).sum(axis=1), 1) for d in (in_x, in_y)]
    terms = digamma(1) + digamma(len(kept)) - sum(map(digamma, numbers))
    return float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(kept)))


def information_of_order(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"]
) -> tuple[float, float]:
    """Estimates a lower bound of the information from rows sorted by one coordinate.

    If rows are in the order of a coordinate of x, the correlation r of the normal
    scores of a coordinate of y, or of their sizes, with those of the next row is the
    share of their variance that x explains. An error of 1 - r needs at least
    -log(1 - r) / 2 nats. The same holds with x and y exchanged. Neighbors in one
    coordinate are far nearer than in two, so the finest structure shows.

    Source: Chatterjee, "A new coefficient of correlation", JASA 116, 2021, for the
        order; Cover and Thomas, "Elements of information theory", theorem 10.3.2, for
        the rate-distortion function of a Gaussian.

    Args:
        x: continuous rows of x, [N, D].
        y: continuous rows of y, [N, E].

    Returns:
        The largest bound over pairs of at most 8 coordinates each, less what is
        expected of the largest of so many without dependence, and its standard error,
        nats.
    """
    generator = np.random.default_rng(0)
    shuffled = generator.permutation(len(x))  # Equal values are in random order.
    sides = [normal_scores(side[shuffled, :MAX_SORTED]) for side in (x, y)]
    correlations = [
        _correlation_with_next(np.hstack([other, normal_scores(np.abs(other))]), column)
        for side, other in (sides, sides[::-1])
        for column in side.T
    ]
    num_pairs = sum(map(len, correlations))
    largest = float(np.max(np.concatenate(correlations)))
    # The product of scores of neighbors has variance (1 - r^2)^2 at most.
    error = (1 - largest**2) / np.sqrt(len(x))
    largest -= np.sqrt(2 * np.log(num_pairs)) * error
    if largest <= 0:
        return 0.0, error
    return -0.5 * float(np.log1p(-largest)), error / (2 * (1 - largest))


def _correlation_with_next(scores: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The correlations of scores with those of the next row in the order of column."""
    ordered = scores[np.argsort(column, kind="stable")]
    return np.mean(ordered[1:] * ordered[:-1], axis=0) / ordered.var(axis=0)


def information_of_repeats(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"]
) -> tuple[float, float]:
    """Estimates a lower bound of the information from rows that repeat as a whole.

    Each row of y is predicted by the other rows with the same x, n of them, of which m
    have the same y: log((m + q) / ((n + 1) q)) nats, where q is the share of this y
    among the other rows, which counts as one row. A prediction is at best the
    conditional distribution, so the mean is a lower bound. It is 0 if no row repeats,
    and sees any function of few labels, such as their parity.

    Source: Dawid, "Statistical theory: the prequential approach", J. R. Stat. Soc. A
        147, 1984, for scoring predictions of rows by others.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E].

    Returns:
        The bound and its standard error, nats.
    """
    numbers = [np.unique(side, axis=0, return_inverse=True)[1] for side in (x, y)]
    x_number, y_number = (number.reshape(-1) for number in numbers)
    both = x_number * (int(y_number.max()) + 1) + y_number
    both = np.unique(both, return_inverse=True)[1]
    n, m, own = (
        np.bincount(number)[number] - 1 for number in (x_number, both, y_number)
    )
    shares = (own + 1) / (len(x) + 1)
    terms = np.log((m + shares) / ((n + 1) * shares))
    return float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(x)))
