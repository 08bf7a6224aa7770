"""All stages for one pair of variables: critics of every fold and what they report."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.correction import FoldReports, report_folds
from jaxinfo.estimation.cross_fitted.critics import train_critics
from jaxinfo.estimation.cross_fitted.density_ratio import CrossFittedDensityRatio
from jaxinfo.estimation.cross_fitted.fold_maps import (
    CriticInputs,
    FoldMap,
    fit_fold_map,
)
from jaxinfo.estimation.cross_fitted.folds import Fold, make_folds
from jaxinfo.estimation.cross_fitted.labels import label_entropy
from jaxinfo.estimation.cross_fitted.marginals import (
    Views,
    fit_marginal,
    interpolating,
)
from jaxinfo.estimation.variational.fit import RunResult

__all__ = ["CrossFit", "cross_fit"]


class CrossFit(NamedTuple):
    """The critics of every fold, trained, and what they report of two variables.

    Attributes:
        runs: results of the training runs without their parameters, [C K, ...].
        reports: what the combined critics of each fold report.
        rows: the reported row numbers in ascending order, [M].
        influence: influence function at each of `rows`, whose mean is the mean held-out
            bound, nats, [M].
        label_entropies: entropies of x and of y if they are labels, else inf, nats.
        density_ratio: the pointwise information.
    """

    runs: RunResult
    reports: FoldReports
    rows: np.ndarray
    influence: np.ndarray
    label_entropies: tuple[float, float]
    density_ratio: CrossFittedDensityRatio


def cross_fit(
    config: CrossFittedConfig,
    key: Key[Array, ""],
    x: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
) -> CrossFit:
    """Trains critics on all folds but one, for each fold, and reports that one.

    Source: Chernozhukov et al., "Double/debiased machine learning", Econometrics J. 21,
        2018.

    Args:
        config: settings.
        key: random key of the training.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        order: row numbers, fold after fold, from `order_rows`.

    Returns:
        The `CrossFit`.
    """
    data = [rows.reshape(len(rows), -1) for rows in (x, y)]
    folds = make_folds(order, config.num_folds)
    marginals = tuple(fit_marginal(rows, config) for rows in data)
    views = [m.apply(rows) for m, rows in zip(marginals, data, strict=True)]
    has_labels = all(marginal.labels.is_whole for marginal in marginals)

    def prepare(fold: Fold) -> tuple[FoldMap, list[CriticInputs]]:
        train, validation, everything = (
            [_take(side, rows) for side in views]
            for rows in (fold.train, fold.validation, np.concatenate(fold))
        )
        fitted = fit_fold_map(train, validation, config, has_labels=has_labels)
        return fitted, [fitted.apply(side, rows) for side, rows in enumerate(everything)]

    # NumPy leaves the interpreter free while it sorts and factorizes; threads of its
    # own beside these would only wait for each other.
    with threadpool_limits(1), ThreadPoolExecutor(config.num_folds) as pool:
        fold_maps, inputs = zip(*pool.map(prepare, folds), strict=True)
    sizes = tuple(map(len, folds[0]))
    trained = train_critics(key, [list(side) for side in zip(*inputs, strict=True)], sizes, config)
    reports = report_folds(trained, config)
    rows, influence = _pooled_influence(folds, reports)
    runs = jax.tree.map(
        lambda leaf: leaf.reshape(-1, *leaf.shape[2:]),
        trained.result._replace(params=()),
    )
    return CrossFit(
        runs,
        reports,
        rows,
        influence,
        tuple(label_entropy(d, m.labels) for d, m in zip(data, marginals, strict=True)),
        CrossFittedDensityRatio(
            interpolating(marginals),
            interpolating(fold_maps),
            trained.result.params,
            tuple(reports.combinations),
            tuple(report.log_normalizer for report in reports.held_out),
            config,
            (x.shape[1:], y.shape[1:]),
        ),
    )


def _take(views: Views, rows: np.ndarray) -> Views:
    return Views(*(part[rows] for part in views))


def _pooled_influence(
    folds: list[Fold], reports: FoldReports
) -> tuple[np.ndarray, np.ndarray]:
    """The reported rows of all folds in ascending order, and their influence."""
    rows, influence = [], []
    for fold, report, value in zip(
        folds, reports.held_out, reports.held_out_values, strict=True
    ):
        rows.append(fold.test[: len(report.influence)])
        influence.append(report.influence - report.influence.mean() + value)
    order = np.argsort(np.concatenate(rows))
    return np.concatenate(rows)[order], np.concatenate(influence)[order]
