"""The information that nearest neighbors show, beside that of trained critics."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import digamma

from jaxinfo.core.types import Float
from jaxinfo.estimation.significance.statistics import normal_scores

__all__ = ["information_of_neighbors"]

# Distances of all pairs of this many rows are computed at once.
MAX_ROWS = 2_000


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
