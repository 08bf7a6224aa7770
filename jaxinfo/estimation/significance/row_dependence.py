"""Warnings about rows that depend on each other although nothing says so."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree
from scipy.stats import chi2, rankdata

from jaxinfo.core.types import Float
from jaxinfo.estimation.significance.statistics import (
    normal_scores,
    principal_directions,
)

__all__ = ["warnings_of_rows"]

# Fewer rows are too few to tell.
MIN_ROWS = 32
# Order and clusters are judged by this many principal directions of each variable.
NUM_DIRECTIONS = 2
# Memory: at most this many lags; each test of no memory is at this level; and the
# variance of a correlation must be inflated by this factor to matter.
MAX_LAGS, LEVEL, MIN_INFLATION = 20, 2e-4, 1.1
# A single lag, such as a season or the number of distinct rows if copies are stacked,
# counts if both autocorrelations are above so many standard deviations.
PEAK = 5.0
# Copies: at least this many different rows and this share of all rows have a copy.
MIN_COPIED, MIN_COPIED_SHARE = 5, 0.01
# A variable with fewer different rows, as a share of all rows, consists of labels.
MAX_COARSE = 0.05
# Clusters: numbers of neighbors per row that are looked at, on at most so many rows. If
# at least this share of the neighbors within a radius is within a third of it, rows are
# in tight clusters. For a density on a line it is about a third.
# The radius holds at least so many pairs, each counted twice.
MIN_CLOSE_PAIRS = 50
MAX_NEIGHBORS, MAX_CLUSTER_ROWS, MIN_CLUSTERED = 24, 3_000, 0.5


def warnings_of_rows(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n e"],
    is_label: Sequence[bool | None] | None = None,
) -> list[str]:
    """Warnings about rows that look dependent; they are for rows said to be neither.

    Three signs are looked for, in this order; the first that is found is reported.

    - Copies: rows equal to another one in x and y. Values that repeat because they are
      labels or rounded do not count, nor do atoms such as zero.
    - Clusters: rows far closer to a few others than to the next ones. The share of the
      pairs within a radius r that are within r / 3 is at most 1 / 3 for a density on a
      curve, and near 1 for clusters. Distances are those of ranks, and rows whose
      values repeat are left out.
    - Memory: rows near each other in their order are alike in x and in y, by a
      Ljung-Box test of the leading directions of both, or they recur after the same
      number of rows. It is not reported if a column is sorted, because sorting makes
      independent rows look alike.

    Source: Ljung and Box, "On a measure of lack of fit in time series models",
        Biometrika 65, 1978; Bartlett, "Some aspects of the time-correlation problem in
        regard to tests of significance", J. R. Stat. Soc. 98, 1935, for the inflation
        1 + 2 sum_k r_x(k) r_y(k); Grassberger and Procaccia, "Measuring the strangeness
        of strange attractors", Physica D 9, 1983, for counts of close pairs.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E].
        is_label: for each column of x and then of y, True if it holds labels; None if
            nothing is known.

    Returns:
        At most one sentence.
    """
    if len(x) < MIN_ROWS:
        return []
    num_copied = _count_copied(x, y, is_label)
    if num_copied:
        return [
            f"{num_copied} of {len(x)} rows are copies of others in x and y: if they "
            "are repeated measurements, give groups=, otherwise drop the copies"
        ]
    sides = [principal_directions(normal_scores(s), NUM_DIRECTIONS)[0] for s in (x, y)]
    if not all(side.shape[1] for side in sides):
        return []
    if _has_clusters(np.hstack(sides)):
        return [
            "rows are in tight clusters in x and y, as repeated measurements are: if "
            "so, give groups="
        ]
    if _has_memory(*sides) and not _is_sorted(x) and not _is_sorted(y):
        return [
            "rows depend on the rows before them in x and in y: if they are steps in "
            "time, give is_series=True, if repeated measurements, groups=; if they "
            "were only sorted, shuffle them"
        ]
    return []


# Copies ----------------------------------------------------------------------------


def _count_copied(
    x: np.ndarray, y: np.ndarray, is_label: Sequence[bool | None] | None
) -> int:
    """Number of rows with a copy; 0 if labels, rounding or chance explain them."""
    numbers = [np.unique(side, axis=0, return_inverse=True)[1] for side in (x, y)]
    numbers = [number.reshape(-1) for number in numbers]
    size = len(x)
    together = np.unique(
        numbers[0] * (int(numbers[1].max()) + 1) + numbers[1], return_inverse=True
    )[1]
    repeats = np.bincount(together)
    num_different = np.count_nonzero(repeats > 1)
    if num_different < max(MIN_COPIED, MIN_COPIED_SHARE * len(repeats)):
        return 0
    pairs, x_pairs, y_pairs = (
        _num_pairs(np.bincount(number)) for number in (together, *numbers)
    )
    by_chance = x_pairs * y_pairs / (size * (size - 1) / 2)
    # Copies of rows agree in y whenever they agree in x, or the other way around.
    if pairs < 1.5 * by_chance or pairs < 0.9 * min(x_pairs, y_pairs):
        return 0
    known = list(is_label or [None] * (x.shape[1] + y.shape[1]))
    are_fine = [
        any(
            not label and _repeats_without_neighbors(column)
            for column, label in zip(side.T, own, strict=True)
        )
        for side, own in ((x, known[: x.shape[1]]), (y, known[x.shape[1] :]))
    ]
    are_coarse = [len(np.unique(number)) <= MAX_COARSE * size for number in numbers]
    is_copied = any(are_fine) and all(np.logical_or(are_fine, are_coarse))
    return int(repeats[repeats > 1].sum()) if is_copied else 0


def _num_pairs(counts: np.ndarray) -> float:
    return float(np.sum(counts * (counts - 1.0)) / 2)


def _repeats_without_neighbors(column: np.ndarray) -> bool:
    """Whether values repeat although they are not on a grid.

    On a grid, where values repeat, their neighbors occur as well.
    """
    values, counts = np.unique(column, return_counts=True)
    if len(values) < 2:
        return False
    gaps = np.diff(values)
    is_adjacent = gaps < 1.5 * gaps.min()
    num_adjacent = np.count_nonzero(
        np.append(is_adjacent, False) | np.append(False, is_adjacent)
    )
    return bool(np.count_nonzero(counts > 1) > 2 * num_adjacent + 4)


# Clusters --------------------------------------------------------------------------


def _has_clusters(sides: np.ndarray) -> bool:
    # Equal values may come from labels or rounding.
    sides = sides[~np.any([_repeats(column) for column in sides.T], axis=0)]
    if len(sides) < MIN_ROWS:
        return False
    if len(sides) > MAX_CLUSTER_ROWS:
        # A window of values, because a random part would break up the clusters.
        middle = len(sides) // 2 - MAX_CLUSTER_ROWS // 2
        window = np.argsort(sides[:, 0], kind="stable")[middle:][:MAX_CLUSTER_ROWS]
        sides = sides[window]
    size = len(sides)
    ranks = rankdata(sides, axis=0) / size
    nearest = min(MAX_NEIGHBORS, size // 4)
    found = np.asarray(KDTree(ranks).query(ranks, nearest + 1)[0])
    distances = np.sort(found[:, 1:].ravel())
    counts = (size * 2 ** np.arange(-3, np.log2(nearest) - 1, 0.5)).astype(int)
    counts = counts[(counts >= MIN_CLOSE_PAIRS) & (counts < len(distances))]
    radii = distances[counts]
    within = np.searchsorted(distances, radii, side="right")
    closest = np.searchsorted(distances, radii / 3, side="right")
    return bool(np.any(closest >= MIN_CLUSTERED * within))


def _repeats(column: np.ndarray) -> np.ndarray:
    """Whether the value of each row occurs in another row, [N]."""
    _, numbers, counts = np.unique(column, return_inverse=True, return_counts=True)
    return counts[numbers] > 1


# Memory ----------------------------------------------------------------------------


def _has_memory(x: np.ndarray, y: np.ndarray) -> bool:
    size = len(x)
    sides = [_autocorrelations(side) for side in (x, y)]
    peaks = [np.sqrt(size) * side.max(axis=0) > PEAK for side in sides]
    if np.any(np.logical_and(*peaks)):
        return True
    sides = [side[:, :MAX_LAGS] for side in sides]
    num_lags = sides[0].shape[1]
    weights = size * (size + 2) / (size - np.arange(1, num_lags + 1))
    matters = [
        chi2.sf((side**2) @ weights, num_lags) < LEVEL / len(side) for side in sides
    ]
    inflation = 1 + 2 * sides[0] @ sides[1].T
    return bool(np.any((inflation > MIN_INFLATION) & np.logical_and.outer(*matters)))


def _autocorrelations(side: np.ndarray) -> np.ndarray:
    """Autocorrelations of each direction at lags 1 to N / 2, [r, L]."""
    size = len(side)
    spectra = np.fft.rfft(side - side.mean(axis=0), 2 * size, axis=0)
    covariances = np.fft.irfft(np.abs(spectra) ** 2, axis=0)
    return (covariances[1 : size // 2] / covariances[0]).T


def _is_sorted(rows: np.ndarray) -> bool:
    """Whether a column that varies is in increasing or decreasing order."""
    steps = np.diff(rows, axis=0)
    in_order = np.all(steps >= 0, axis=0) | np.all(steps <= 0, axis=0)
    return bool(np.any(in_order & (np.ptp(rows, axis=0) > 0)))
