"""Scales of columns that keep equal values, and equal distances, equal."""

import numpy as np

__all__ = ["exact_scale", "has_heavy_tails", "spread_ties", "warnings_of_tails"]

# A column lies on a grid if its values are this near to multiples of a step.
GRID_TOLERANCE = 1e-3
# Multiples of a number of 24 bits are exact in float64 up to this factor.
MAX_STEPS = 2**28
# A column has heavy tails if its kurtosis is larger (3 for a Gaussian, 9 for an
# exponential distribution), and it has enough values for tails.
MAX_KURTOSIS, MIN_VALUES = 30.0, 30
NAMED = 5  # Messages name at most this many columns.


def exact_scale(rows: np.ndarray) -> np.ndarray:
    """Divides each column by about its standard deviation, without rounding ties apart.

    Columns on a grid, such as counts or rounded numbers, become integer multiples of a
    short number, so that equal distances are equal floats. In other columns, only equal
    values stay equal.

    Args:
        rows: finite rows, [N, D].

    Returns:
        The scaled rows in float64, shifted by a constant, [N, D]; zeros for a constant
        column.

    Example:
        >>> column = exact_scale(np.array([[0.1], [0.2], [0.3]]))[:, 0]
        >>> bool(column[2] - column[1] == column[1] - column[0])
        True
    """
    return np.stack([_scale_column(column) for column in rows.T], axis=1)


def _scale_column(column: np.ndarray) -> np.ndarray:
    # Powers of two and the difference of near numbers are exact.
    column = np.ldexp(column, -np.frexp(np.abs(column).max())[1])
    column = column - np.sort(column)[len(column) // 2]
    values = np.unique(column)
    deviation = column.std()
    if len(values) == 1 or deviation == 0:
        return np.zeros_like(column)
    span = values[-1] - values[0]
    num_steps = np.round(span / np.diff(values).min())
    if num_steps <= MAX_STEPS:
        step = span / num_steps
        steps = (column - values[0]) / step
        if np.abs(steps - np.round(steps)).max() < GRID_TOLERANCE:
            return np.round(steps) * float(np.float32(step / deviation))
    return column / deviation


def spread_ties(rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Moves repeated values to random places within half the gap to the next values.

    The cells of different values do not overlap, so each value is a function of its
    new place, and the place within the cell is independent of everything else: the
    mutual information is unchanged.

    Args:
        rows: rows, [N, D].
        generator: random numbers.

    Returns:
        The rows, [N, D], in which no column but a constant one repeats values.

    Example:
        >>> rows = np.array([[0.0], [1.0], [0.0], [1.0]])
        >>> spread = spread_ties(rows, np.random.default_rng(0))
        >>> len(np.unique(spread)), (np.abs(spread - rows) < 0.5).all().item()
        (4, True)
    """
    return np.stack([_spread_column(column, generator) for column in rows.T], axis=1)


def _spread_column(column: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    values, places, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) in (1, len(column)):
        return column
    gaps = np.diff(values)
    half = np.minimum(np.append(gaps, np.inf), np.append(np.inf, gaps)) / 2
    width = np.where(counts > 1, half, 0.0)[places]
    return column + width * generator.uniform(-1, 1, len(column))


def has_heavy_tails(column: np.ndarray) -> bool:
    """Whether a few rows dominate the variance of a column, [N]."""
    if len(np.unique(column)) < MIN_VALUES:
        return False
    scaled = np.ldexp(column, -np.frexp(np.abs(column).max())[1])
    centered = scaled - scaled.mean()
    variance = np.mean(centered**2)
    return bool(variance > 0 and np.mean((centered**2 / variance) ** 2) > MAX_KURTOSIS)


def warnings_of_tails(name: str, rows: np.ndarray, names: tuple[str, ...]) -> list[str]:
    """Warns of the columns of one variable in which few rows dominate the variance.

    Args:
        name: the argument's name.
        rows: rows, [N, D].
        names: names of the columns; () if they have none.

    Returns:
        No or one sentence.
    """
    heavy = [number for number, column in enumerate(rows.T) if has_heavy_tails(column)]
    if not heavy:
        return []
    listed = ", ".join(str(names[c] if names else c) for c in heavy[:NAMED])
    listed += "..." * (len(heavy) > NAMED)
    return [
        f"{name} has heavy tails in {len(heavy)} of {rows.shape[1]} coordinates "
        f"({listed}): a few rows dominate the scale; give ranks, such as "
        "jaxinfo.information.normal_scores, which leave the information unchanged"
    ]
