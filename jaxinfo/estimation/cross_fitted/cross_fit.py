"""Runs all stages of the default estimator for one pair of variables."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.cross_fitted.base_densities import TableDensityRatio
from jaxinfo.estimation.cross_fitted.combination import report_blocks
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.correction import FoldReports, report_folds
from jaxinfo.estimation.cross_fitted.critics import train_critics
from jaxinfo.estimation.cross_fitted.density_ratio import CrossFittedDensityRatio
from jaxinfo.estimation.cross_fitted.fold_maps import (
    CriticInputs,
    FoldMap,
    fit_fold_maps,
)
from jaxinfo.estimation.cross_fitted.folds import Fold, Order, make_folds
from jaxinfo.estimation.cross_fitted.label_encoding import decide_labels
from jaxinfo.estimation.cross_fitted.marginals import (
    Views,
    fit_marginal,
    interpolate_scores,
)
from jaxinfo.estimation.samples import RowFormat, Samples
from jaxinfo.estimation.variational.fit import RunResult

__all__ = ["CrossFit", "cross_fit"]


class CrossFit(NamedTuple):
    """The trained critics of every fold and their bounds."""

    runs: RunResult  # Leading axis [C K]; `value` is held out, `params` is empty.
    reports: FoldReports
    rows: np.ndarray  # The reported row numbers in ascending order, [M].
    influence: np.ndarray  # Of `rows`, nats, [M]; its mean is the held-out bound.
    label_entropies: tuple[float, ...]  # Of x and y, nats; inf for other variables.
    density_ratio: CrossFittedDensityRatio


def cross_fit(
    config: CrossFittedConfig,
    key: Key[Array, ""],
    samples: Samples,
    order: Order,
) -> CrossFit:
    """Trains critics for each fold on the other folds and reports it.

    `order` are row numbers from `order_rows`.

    Source: Chernozhukov et al., "Double/debiased machine learning", Econometrics J. 21,
        2018.
    """
    tables = list(samples.tables.values())
    folds = make_folds(order, config.num_folds)
    marginals = [fit_marginal(table, config) for table in tables]
    views = [m.apply(t.flat) for m, t in zip(marginals, tables, strict=True)]
    labels = decide_labels(views, [marginal.labels for marginal in marginals])

    def select(rows: np.ndarray) -> list[Views]:
        return [Views(*(part[rows] for part in side)) for side in views]

    def prepare(fold: Fold, fitted: FoldMap, train: list[Views]) -> list[CriticInputs]:
        others = select(np.concatenate(fold[1:]))
        inputs = []
        for side in range(2):
            parts = (
                fitted.apply_encoded(side, train[side]),
                fitted.apply(side, others[side]),
            )
            statistics, features = (
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("statistics", "features")
            )
            inputs.append(CriticInputs(statistics, features, parts[0].leading))
        return inputs

    # NumPy releases the interpreter lock while it sorts and factorizes. One thread for
    # each fold and no threads inside NumPy use the cores best.
    with threadpool_limits(1), ThreadPoolExecutor(config.num_folds) as pool:
        parts = [(select(fold.train), select(fold.validation)) for fold in folds]
        fitted = fit_fold_maps(parts, labels, config, pool.map)
        fold_maps, train = zip(*fitted, strict=True)
        inputs = list(pool.map(prepare, folds, fold_maps, train))
    trained = train_critics(
        key,
        inputs,
        tuple(map(len, folds[0])),
        config,
        fold_maps[0].num_components,
        order.max_block,
    )
    is_table = isinstance(fold_maps[0].base, TableDensityRatio)
    reports = report_folds(trained, config, is_table=is_table)
    rows, influence = _pool_influence(folds, reports)
    values = [[report_blocks(scores).value for scores in one] for one in trained.test]
    runs = trained.result._replace(params=(), value=np.array(values))
    return CrossFit(
        jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), runs),
        reports,
        rows,
        influence,
        tuple(m.labels.entropy(t.flat) for m, t in zip(marginals, tables, strict=True)),
        CrossFittedDensityRatio(
            tuple(interpolate_scores(marginals)),
            interpolate_scores(fold_maps),
            trained.result.params,
            reports.combinations,
            tuple(report.log_normalizer for report in reports.held_out),
            config,
            tuple(RowFormat.of(*item) for item in samples.tables.items()),
        ),
    )


def _pool_influence(
    folds: list[Fold], reports: FoldReports
) -> tuple[np.ndarray, np.ndarray]:
    """The reported rows of all folds in ascending order, and their influence."""
    rows, influence = [], []
    parts = zip(folds, reports.held_out, reports.held_out_values, strict=True)
    for fold, report, value in parts:
        rows.append(fold.test[: len(report.influence)])
        influence.append(report.influence - report.influence.mean() + value)
    order = np.argsort(np.concatenate(rows))
    return np.concatenate(rows)[order], np.concatenate(influence)[order]
