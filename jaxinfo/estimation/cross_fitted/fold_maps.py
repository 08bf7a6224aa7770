"""The maps of one fold: from rows to the statistics and features of the critics.

What both variables share is fitted to the training rows of the fold; its base density
is selected by validation rows.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, pad_columns, special, static
from jaxinfo.estimation.cross_fitted.base_densities import (
    NUM_SCALARS,
    CopulaDensityRatio,
    TableDensityRatio,
)
from jaxinfo.estimation.cross_fitted.canonical import (
    CanonicalVariates,
    fit_canonical_variates,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.expansion import (
    ExpandedVariates,
    fit_expanded_variates,
    rotate_variates,
)
from jaxinfo.estimation.cross_fitted.marginals import Views
from jaxinfo.estimation.cross_fitted.selection import (
    Selection,
    is_clearly_better,
    rotate,
    select_copula,
    select_gaussian,
    select_table,
)

__all__ = ["CriticInputs", "FoldMap", "fit_fold_map"]


class CriticInputs(NamedTuple):
    """What critics see of rows of one variable.

    Attributes:
        statistics: sufficient statistics of the base density, [N, 4 + m].
        features: features of the network, [N, F].
        leading: 1 for features that every critic sees, else 0, [F].
    """

    statistics: Rows
    features: Rows
    leading: np.ndarray


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FoldMap:
    """The fitted maps of one fold.

    Attributes:
        rotation: canonical variates of the normal scores, all of them.
        expanded: variates of expanded rows.
        base: the base density; None for independence.
        feature_means: of x and of y.
        feature_scales: of x and of y.
        base_is_expanded: whether the base density is one of the expanded variates.
        num_statistics: width of the statistics, the same in every fold.
        is_paired: whether each variate has a correlation: those of the rotation, and
            the expanded ones.
        config: settings.
    """

    rotation: CanonicalVariates
    expanded: ExpandedVariates
    base: CopulaDensityRatio | TableDensityRatio | None
    feature_means: tuple[Rows, Rows]
    feature_scales: tuple[Rows, Rows]
    base_is_expanded: bool = static()
    num_statistics: int = static()
    is_paired: tuple[tuple[bool, ...], tuple[bool, ...]] = static()
    config: CrossFittedConfig = static()

    def apply(self, side: int, views: Views) -> CriticInputs:
        """The inputs of critics for rows of x (side 0) or y (side 1)."""
        xp, limit = views.normal.__array_namespace__(), self.config.max_feature
        expanded = self.expanded.apply(side, views)
        features, leading = self._features(side, views, expanded)
        features = (features - self.feature_means[side]) / self.feature_scales[side]
        statistics = self._statistics(side, views, expanded)
        return CriticInputs(statistics, xp.clip(features, -limit, limit), leading)

    def _statistics(self, side: int, views: Views, expanded: Rows) -> Rows:
        base, normal = self.base, views.normal
        if base is None:
            xp = normal.__array_namespace__()
            return xp.zeros((len(normal), self.num_statistics))
        if isinstance(base, TableDensityRatio):
            statistics = base.statistics(side, views.levels)
        elif self.base_is_expanded:
            padded = pad_columns(expanded, len(base.correlations))
            statistics = base.statistics(side, padded, 0.0)
        else:
            paired, squares = rotate(
                self.rotation, side, normal, base.degrees_of_freedom
            )
            padded = pad_columns(paired, len(base.correlations))
            statistics = base.statistics(side, padded, squares)
        return pad_columns(statistics, self.num_statistics)

    def _features(
        self, side: int, views: Views, expanded: Rows
    ) -> tuple[Rows, np.ndarray]:
        """Features before they are standardized, and which of them are leading."""
        xp, config = views.normal.__array_namespace__(), self.config
        rotated = self.rotation.apply(side, views.normal)
        size = rotated.shape[1]
        paired, paired_expanded = (np.array(pairs, float) for pairs in self.is_paired)
        is_small = size <= config.max_coordinates
        leading = np.ones(size) if is_small else np.pad(paired, (0, size - len(paired)))
        parts = [(rotated, leading), (expanded, paired_expanded), (views.levels, 1)]
        if is_small:
            parts.append((xp.arcsinh(views.standardized), 1))
        if size <= config.max_rank_coordinates:
            ranks = special(views.normal).ndtr(views.normal)
            angles = xp.concatenate([k * ranks for k in config.rank_frequencies], axis=1)
            angles = 2 * np.pi * angles
            waves = xp.concatenate([xp.cos(angles), xp.sin(angles)], axis=1)
            parts.append((waves, 1))
        if size > 1:
            norms = [
                xp.log(xp.mean(rotated**2, axis=1) + 1e-3),
                xp.log1p(xp.mean(views.standardized**2, axis=1)),
            ]
            parts.append((xp.stack(norms, axis=1), 1))
        return (
            xp.concatenate([rows for rows, _ in parts], axis=1),
            np.concatenate([kept * np.ones(rows.shape[1]) for rows, kept in parts]),
        )


def fit_fold_map(
    train: Sequence[Views],
    validation: Sequence[Views],
    config: CrossFittedConfig,
    *,
    has_labels: bool = False,
) -> FoldMap:
    """Fits the maps of one fold and selects its base density.

    Args:
        train: views of training rows of x and of y.
        validation: views of validation rows of x and of y.
        config: settings.
        has_labels: whether x and y are both one label.

    Returns:
        The `FoldMap`.
    """
    normal, validation_normal = (
        [views.normal for views in part] for part in (train, validation)
    )
    rotation = fit_canonical_variates(*normal, ridge=config.ridge, is_square=True)
    copula = select_copula(rotation, normal, validation_normal, config)
    expanded, gaussian = _select_expansion(train, validation, copula.base, config)
    base, is_expanded, score = None, False, -np.inf
    if "copula" in config.base_densities:
        base, score = copula.base, copula.score
    if "expanded" in config.base_densities:
        if base is None or is_clearly_better(gaussian.scores, copula.scores):
            base, is_expanded = gaussian.base, True
        score = max(score, gaussian.score)
    length = NUM_SCALARS + len(copula.base.correlations)
    if has_labels:
        levels, validation_levels = (
            [views.levels for views in part] for part in (train, validation)
        )
        length = max(length, NUM_SCALARS + levels[0].shape[1])
        if "table" in config.base_densities:
            table, table_score = select_table(levels, validation_levels, config)
            if table_score > score:
                base, is_expanded = table, False
    fitted = FoldMap(
        rotation,
        expanded,
        base,
        (np.zeros(1), np.zeros(1)),
        (np.ones(1), np.ones(1)),
        is_expanded,
        length,
        tuple(
            tuple((found.correlations > 0).tolist()) for found in (copula, gaussian)
        ),
        config,
    )
    features = [fitted.apply(side, views).features for side, views in enumerate(train)]
    return dataclasses.replace(
        fitted,
        feature_means=tuple(rows.mean(axis=0) for rows in features),
        feature_scales=tuple(rows.std(axis=0) + 1e-6 for rows in features),
    )


def _select_expansion(
    train: Sequence[Views],
    validation: Sequence[Views],
    like: CopulaDensityRatio,
    config: CrossFittedConfig,
) -> tuple[ExpandedVariates, Selection]:
    """The best expansion and its Gaussian; the best few compete rotated too."""

    def score(expanded: ExpandedVariates) -> tuple[ExpandedVariates, Selection]:
        rows, others = (
            [expanded.apply(side, views) for side, views in enumerate(part)]
            for part in (train, validation)
        )
        return expanded, select_gaussian(
            rows, others, like, expanded.num_fitted, config
        )

    size = max(views.normal.shape[1] for views in train)
    is_small = size <= config.max_expanded_coordinates
    plain = [
        score(fit_expanded_variates(train, view, config, is_expanded=is_expanded))
        for view, is_expanded in config.expansions[None if is_small else -1 :]
    ]
    best = sorted(plain, key=lambda found: -found[1].score)[: config.num_rotated]
    rotated = [
        score(rotate_variates(expanded, train, number, config))
        for expanded, _ in best
        for number in config.rotated_sizes
    ]
    return max(plain + rotated, key=lambda found: found[1].score)
