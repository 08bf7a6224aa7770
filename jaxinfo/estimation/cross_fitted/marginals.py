"""Maps of one variable: normal scores, robust standardization and one-hot labels.

They are fitted to the rows of all folds. A map of x that does not depend on y cannot
leak dependence, and ranks among more rows are more accurate.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import entr

from jaxinfo.data.containers import Table
from jaxinfo.estimation.cross_fitted.arrays import Rows, pytree, special
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.information.gaussian import mean_ranks

__all__ = [
    "Labels",
    "Marginal",
    "NormalScores",
    "Views",
    "fit_labels",
    "fit_marginal",
    "fit_normal_scores",
    "interpolate_scores",
]

# Keeps squares of standardized rows finite; it is far beyond realistic values.
OVERFLOW = 1e6


@pytree("is_interpolated")
class NormalScores:
    """Ranks among the fitted rows as normal quantiles; ties share their mean rank.

    Between fitted values the rank is constant, or interpolated linearly to have a
    gradient. Both give fitted rows the same scores.
    """

    ordered: Rows  # The fitted rows, each coordinate sorted, [N, D].
    is_interpolated: bool = False

    def apply(self, rows: Rows) -> Rows:
        """The scores of rows, [M, D]."""
        xp = rows.__array_namespace__()

        def rank_column(known: Rows, new: Rows) -> Rows:
            if self.is_interpolated:
                return xp.interp(new, known, mean_ranks(known, known))
            return mean_ranks(known, new)

        if xp is jnp:
            ranks = jax.vmap(rank_column, in_axes=1, out_axes=1)(self.ordered, rows)
        else:
            columns = zip(self.ordered.T, rows.T, strict=True)
            ranks = np.stack([rank_column(*pair) for pair in columns], axis=1)
        return special(rows).ndtri(ranks / (len(self.ordered) + 1))


def fit_normal_scores(rows: np.ndarray) -> NormalScores:
    """Fits normal scores, monotone maps that leave the information unchanged."""
    return NormalScores(np.sort(rows, axis=0))


def interpolate_scores(maps: Any) -> Any:
    """Replaces the ranks in a pytree of maps by interpolated ones, for new rows."""

    def interpolate(node: Any) -> Any:
        if isinstance(node, NormalScores):
            return dataclasses.replace(node, is_interpolated=True)
        return node

    return jax.tree.map(
        interpolate, maps, is_leaf=lambda node: isinstance(node, NormalScores)
    )


@pytree("columns", "is_whole", "many_columns", "are_labels")
class Labels:
    """Groups of columns with few distinct values, and columns with many levels."""

    levels: tuple[Rows, ...]  # The distinct rows of each group, [L, columns of it].
    columns: tuple[tuple[int, ...], ...]
    is_whole: bool  # Whether one group, or one column, is the whole variable.
    many: tuple[Rows, ...] = ()  # The levels of each column with many, ascending.
    many_columns: tuple[int, ...] = ()
    are_labels: tuple[bool, ...] = ()  # Whether each of these is known to be a label.

    def apply(self, rows: Rows) -> Rows:
        """One-hot encoding of the levels of all groups, [N, all levels]."""
        xp = rows.__array_namespace__()
        groups = zip(self.columns, self.levels, strict=True)
        ones = [
            (rows[:, None, np.array(columns)] == levels).all(axis=2)
            for columns, levels in groups
        ]
        return xp.concatenate([xp.zeros((len(rows), 0)), *ones], axis=1)

    def numbers(self, rows: Rows) -> Rows:
        """The number of the level in each column with many, -1 for others, [N, C]."""
        xp = rows.__array_namespace__()
        found = [xp.zeros((len(rows), 0))]
        for column, levels in zip(self.many_columns, self.many, strict=True):
            place = xp.searchsorted(levels, rows[:, column])
            place = xp.minimum(place, len(levels) - 1)
            is_known = xp.asarray(levels)[place] == rows[:, column]
            found.append(xp.where(is_known, place, -1)[:, None])
        return xp.concatenate(found, axis=1)

    def whole(self, rows: Rows) -> Rows:
        """The number of the level of the whole variable, [N, 1], or [N, 0]."""
        xp = rows.__array_namespace__()
        if not self.is_whole:
            return xp.zeros((len(rows), 0))
        if self.many_columns:
            return self.numbers(rows)
        ones = self.apply(rows)
        number = xp.where(ones.any(axis=1), ones.argmax(axis=1), -1)
        return number[:, None].astype(rows.dtype)

    @property
    def num_levels(self) -> int:
        """Number of levels of the whole variable."""
        return len((self.many or self.levels)[0])

    def entropy(self, rows: np.ndarray) -> float:
        """The entropy of the variable in nats if it is one label, else inf.

        Source: Miller, "Note on the bias of information estimates", 1955, for the
            correction (L - 1) / 2N.
        """
        if not self.is_whole:
            return float("inf")
        counts = np.bincount(self.whole(rows)[:, 0].astype(int))
        shares = counts[counts > 0] / len(rows)
        return float(entr(shares).sum() + (len(shares) - 1) / (2 * len(rows)))


def fit_labels(table: Table, config: CrossFittedConfig) -> Labels:
    """Finds the columns that hold labels.

    Columns with few distinct values for their number of rows are labels unless the user
    denies it. If their combinations are few as well, as in a one-hot encoding, the
    columns form one label. Otherwise each column is a label, in ascending order of its
    levels, until there are too many levels. Other columns that are said to be labels,
    and columns of whole numbers that repeat, may be labels with many levels.
    """
    rows = table.flat
    most = min(config.max_levels, len(rows) // config.min_rows_per_level)
    of_columns = [np.unique(column) for column in rows.T]
    counts = np.array([len(levels) for levels in of_columns])
    is_denied = np.array([known is False for known in table.is_label])
    few = np.flatnonzero((counts <= most) & ~is_denied)
    together = np.unique(rows[:, few], axis=0)
    if few.size and few.size == rows.shape[1] and len(together) <= most:
        return Labels((together,), (tuple(few.tolist()),), True)
    groups: list[tuple[np.ndarray, tuple[int, ...]]] = []
    if few.size and len(together) <= most:
        groups.append((together, tuple(few.tolist())))
    else:
        few = few[counts[few] > 2]  # A binary column needs no one-hot encoding.
        few = few[np.argsort(counts[few], kind="stable")]
        few = few[np.cumsum(counts[few]) <= most]
        groups += [(of_columns[c][:, None], (c,)) for c in few.tolist()]
    grouped = {column for _, columns in groups for column in columns}
    rest = [c for c in range(rows.shape[1]) if c not in grouped and counts[c] > 2]
    many = [c for c in rest if _may_be_label(table, c, of_columns[c], config)]
    are_said = tuple(table.is_label[c] is True for c in many)
    return Labels(
        tuple(levels for levels, _ in groups),
        tuple(columns for _, columns in groups),
        rows.shape[1] == 1 and are_said == (True,),
        tuple(of_columns[c] for c in many),
        tuple(many),
        are_said,
    )


def _may_be_label(
    table: Table, column: int, levels: np.ndarray, config: CrossFittedConfig
) -> bool:
    known = table.is_label[column]
    if known is not None:
        return known
    repeats = len(levels) * config.min_rows_per_code <= len(table)
    return repeats and bool((levels == np.round(levels)).all())


class Views(NamedTuple):
    """Transformed rows of one variable, the input of the later stages, [N, D] each."""

    normal: Rows  # Normal scores.
    standardized: Rows  # Robust standard deviations from the median.
    clipped: Rows  # `standardized`, clipped.
    about_zero: Rows  # `clipped`, shifted so that 0 is the origin of the data.
    levels: Rows  # One-hot labels, [N, all levels].
    many: Rows  # Level in each column with many levels, -1 for others, [N, C].
    whole: Rows  # Level of the variable, -1 for others, [N, 1]; [N, 0] for numbers.


@pytree("max_standardized")
class Marginal:
    """The maps of one variable."""

    scores: NormalScores
    center: Rows  # Median of each coordinate, [D].
    scale: Rows  # Robust standard deviation of each coordinate, [D].
    labels: Labels
    max_standardized: float

    def apply(self, rows: Rows) -> Views:
        """The `Views` of rows, [N, D]."""
        xp, limit = rows.__array_namespace__(), self.max_standardized
        standardized = xp.clip((rows - self.center) / self.scale, -OVERFLOW, OVERFLOW)
        clipped = xp.clip(standardized, -limit, limit)
        about_zero = clipped + self.center / self.scale
        labels = (self.labels.apply, self.labels.numbers, self.labels.whole)
        return Views(
            self.scores.apply(rows),
            standardized,
            clipped,
            about_zero,
            *(of_labels(rows) for of_labels in labels),
        )


def fit_marginal(table: Table, config: CrossFittedConfig) -> Marginal:
    """Fits the maps of one variable to all its rows."""
    rows = table.flat
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    scale = (high - low) / 1.349  # The standard deviation of a normal distribution.
    scale = np.where(scale > 0, scale, rows.std(axis=0))
    return Marginal(
        (config.fit_scores or fit_normal_scores)(rows),
        middle,
        np.where(scale > 0, scale, 1.0),
        fit_labels(table, config),
        config.max_standardized,
    )
