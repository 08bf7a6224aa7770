"""Labels: columns with few distinct values, whose order carries no meaning."""

import dataclasses

import jax
import numpy as np
from scipy.special import entr

from jaxinfo.estimation.cross_fitted.arrays import Rows, static
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig

__all__ = ["Labels", "fit_labels", "label_entropy"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Labels:
    """Groups of columns that are labels, with the levels of each.

    Attributes:
        levels: the distinct rows of each group, [L, columns of the group].
        columns: the column numbers of each group.
        is_whole: whether one group holds every column, so that the variable is a label.
    """

    levels: tuple[Rows, ...]
    columns: tuple[tuple[int, ...], ...] = static()
    is_whole: bool = static()

    def apply(self, rows: Rows) -> Rows:
        """1 for the level of each group that a row has, else 0, [N, all levels]."""
        xp = rows.__array_namespace__()
        groups = zip(self.columns, self.levels, strict=True)
        ones = [
            (rows[:, None, np.array(columns)] == levels).all(axis=2)
            for columns, levels in groups
        ]
        return xp.concatenate([xp.zeros((len(rows), 0)), *ones], axis=1)


def fit_labels(rows: np.ndarray, config: CrossFittedConfig) -> Labels:
    """Finds the columns with few distinct values for their number of rows.

    Together they are one label if that has few levels too, as a one-hot label has;
    otherwise each is a label, those with few levels first.

    Args:
        rows: all rows of one variable, [N, D].
        config: settings.

    Returns:
        The `Labels`.
    """
    most = min(config.max_levels, len(rows) // config.min_rows_per_level)
    of_columns = [np.unique(column)[:, None] for column in rows.T]
    counts = np.array([len(levels) for levels in of_columns])
    few = np.flatnonzero(counts <= most)
    together = np.unique(rows[:, few], axis=0)
    if few.size and len(together) <= most:
        return Labels((together,), (tuple(few.tolist()),), few.size == rows.shape[1])
    few = few[counts[few] > 2]  # A binary column needs no one-hot encoding.
    few = few[np.argsort(counts[few], kind="stable")]
    few = few[np.cumsum(counts[few]) <= most]
    return Labels(
        tuple(of_columns[column] for column in few),
        tuple((column,) for column in few.tolist()),
        is_whole=False,
    )


def label_entropy(rows: np.ndarray, labels: Labels) -> float:
    """The entropy of a variable that is a label, nats; inf for any other.

    No information of the label can be larger.

    Source: Miller, "Note on the bias of information estimates", 1955, for the
        correction (L - 1) / 2N.

    Args:
        rows: all rows, [N, D].
        labels: fitted to them.

    Returns:
        The entropy, nats.
    """
    if not labels.is_whole:
        return float("inf")
    shares = np.asarray(labels.apply(rows)).mean(axis=0)
    return float(entr(shares).sum() + (len(shares) - 1) / (2 * len(rows)))
