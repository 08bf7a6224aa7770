"""Columns of few distinct values, taken as labels: their order carries no meaning.

A label is given to critics as one number per level. Where both variables are labels,
their table of counts is the closed form that training starts from.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import entr

from jaxinfo.core.types import Float
from jaxinfo.estimation.closed_form import NUM_SCALARS

__all__ = ["Labels", "TableLaw", "fit_labels", "fit_tables", "label_entropy"]

# As many levels at most for one variable, and as many rows for each on average.
MOST_LEVELS = 64
FEWEST_ROWS_A_LEVEL = 20
# How many rows of an independent pair a table is mixed with.
STRENGTHS = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)


class Labels(NamedTuple):
    """Groups of columns that are labels, with the levels of each.

    Attributes:
        columns: the column numbers of each group.
        levels: the distinct rows of each group, [L, number of columns].
        whole: whether one group holds every column: the variable is one label.
    """

    columns: tuple[np.ndarray, ...]
    levels: tuple[np.ndarray, ...]
    whole: bool

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """1 where a row has a level of a group and 0 elsewhere, [N, all levels]."""
        groups = zip(self.columns, self.levels, strict=True)
        ones = [
            (rows[:, None, columns] == levels).all(axis=2) for columns, levels in groups
        ]
        return np.concatenate([np.zeros((len(rows), 0)), *ones], axis=1)


def fit_labels(rows: np.ndarray) -> Labels:
    """Finds the columns with few distinct values for their number of rows.

    Together they are one label if that has few levels too, as a label coded by several
    columns has; otherwise each is a label of its own, those with few levels first.

    Args:
        rows: all rows of one variable, [N, D].

    Returns:
        The `Labels`.
    """
    most = min(MOST_LEVELS, len(rows) // FEWEST_ROWS_A_LEVEL)
    of_columns = [np.unique(column)[:, None] for column in rows.T]
    counts = np.array([len(levels) for levels in of_columns])
    few = np.flatnonzero(counts <= most)
    together = np.unique(rows[:, few], axis=0)
    if few.size and len(together) <= most:
        return Labels((few,), (together,), whole=few.size == rows.shape[1])
    # Two levels are a number as good as two.
    few = few[counts[few] > 2]
    few = few[np.argsort(counts[few], kind="stable")]
    few = few[np.cumsum(counts[few]) <= most]
    columns = tuple(np.array([column]) for column in few)
    return Labels(columns, tuple(of_columns[c] for c in few), whole=False)


def label_entropy(rows: np.ndarray, labels: Labels) -> float:
    """The entropy of a variable that is one label, nats; inf of any other.

    Source: Miller, "Note on the bias of information estimates", 1955, for the
        correction (L - 1) / 2N.

    Args:
        rows: all rows, [N, D].
        labels: fitted to them.

    Returns:
        No information of the label can be larger.
    """
    if not labels.whole:
        return float("inf")
    shares = labels.apply(rows).mean(axis=0)
    return float(entr(shares).sum() + (len(shares) - 1) / (2 * len(rows)))


class TableLaw(NamedTuple):
    """Two labels by their table.

    Attributes:
        log_ratios: log p(x, y) / (p(x) p(y)) of each pair of levels, nats, [K, L].
    """

    log_ratios: np.ndarray

    def records(self, side: int, levels: np.ndarray) -> np.ndarray:
        """Records as of a `CopulaLaw`, from `Labels.apply`, [N, 4 + K]."""
        rows = levels @ self.log_ratios.T if side else levels
        return np.pad(rows, ((0, 0), (NUM_SCALARS, 0)))


def fit_tables(
    x: Float[np.ndarray, "n k"], y: Float[np.ndarray, "n l"]
) -> list[TableLaw]:
    """Tables of counts, mixed with more and more rows of an independent pair.

    Args:
        x: levels of training rows of x, from `Labels.apply`, [N, K].
        y: levels of training rows of y, [N, L].

    Returns:
        A `TableLaw` for each strength.
    """
    independent = np.outer(x.sum(axis=0), y.sum(axis=0)) / len(x)
    ratios = (x.T @ y) / np.where(independent > 0, independent, 1)
    # A level without training rows says nothing.
    ratios = np.where(independent > 0, ratios, 1)
    return [
        TableLaw(np.log((len(x) * ratios + strength) / (len(x) + strength)))
        for strength in STRENGTHS
    ]
