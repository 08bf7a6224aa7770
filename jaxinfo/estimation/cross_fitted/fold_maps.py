"""The maps of one fold: from rows to the statistics and features of the critics.

The maps are fitted to the training rows of the fold, and the base density is selected
on its validation rows.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, pad_columns, pytree, special
from jaxinfo.estimation.cross_fitted.base_densities import (
    NUM_SCALARS,
    CopulaDensityRatio,
    TableDensityRatio,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.label_encoding import LabelEncoding, encode_labels
from jaxinfo.estimation.cross_fitted.marginals import Labels, Views
from jaxinfo.estimation.cross_fitted.selection import (
    Selection,
    is_clearly_better,
    rotate,
    select_copula,
    select_gaussian,
    select_table,
)
from jaxinfo.estimation.cross_fitted.variates import (
    CanonicalVariates,
    ExpandedVariates,
    fit_canonical_variates,
    fit_expanded_variates,
)

__all__ = ["CriticInputs", "FoldMap", "fit_fold_map"]


class CriticInputs(NamedTuple):
    """The inputs of the critics for rows of one variable."""

    statistics: Rows  # Sufficient statistics of the base density, [N, 4 + m].
    features: Rows  # Features of the network, [N, F].
    leading: np.ndarray  # 1 for features that every critic sees, else 0, [F].


@pytree("base_is_expanded", "num_statistics", "is_correlated", "config")
class FoldMap:
    """The fitted maps of one fold; tuples have one entry for x and one for y."""

    encodings: tuple[LabelEncoding, ...]
    rotation: CanonicalVariates  # Square maps of the normal scores.
    expanded: ExpandedVariates
    base: CopulaDensityRatio | TableDensityRatio | None  # None for independence.
    feature_means: tuple[Rows, ...]
    feature_scales: tuple[Rows, ...]
    base_is_expanded: bool  # Whether the base density uses the variates `expanded`.
    num_statistics: int  # Equal in all folds, whatever their base density.
    # For the pairs of `rotation` and of `expanded`: is the correlation significant?
    is_correlated: tuple[tuple[bool, ...], ...]
    config: CrossFittedConfig

    def apply(self, side: int, views: Views) -> CriticInputs:
        """The inputs of critics for rows of x (side 0) or y (side 1)."""
        return self.apply_encoded(side, self.encodings[side].apply(views))

    def apply_encoded(self, side: int, views: Views) -> CriticInputs:
        """The inputs of critics for rows whose labels are encoded."""
        xp, limit = views.normal.__array_namespace__(), self.config.max_feature
        expanded = self.expanded.apply(side, views)
        features, leading = self._features(side, views, expanded)
        features = (features - self.feature_means[side]) / self.feature_scales[side]
        statistics = self._statistics(side, views, expanded)
        return CriticInputs(statistics, xp.clip(features, -limit, limit), leading)

    def _statistics(self, side: int, views: Views, expanded: Rows) -> Rows:
        base = self.base
        if base is None:
            statistics = views.normal[:, :0]
        elif isinstance(base, TableDensityRatio):
            statistics = base.statistics(side, views.whole)
        else:
            variates, squares = expanded, 0.0
            if not self.base_is_expanded:
                freedom = base.degrees_of_freedom
                variates, squares = rotate(self.rotation, side, views.normal, freedom)
            padded = pad_columns(variates, len(base.correlations))
            statistics = base.statistics(side, padded, squares)
        return pad_columns(statistics, self.num_statistics)

    def _features(
        self, side: int, views: Views, expanded: Rows
    ) -> tuple[Rows, np.ndarray]:
        """Features before standardization, and 1 for each leading one, else 0."""
        xp, config = views.normal.__array_namespace__(), self.config
        rotated = self.rotation.apply(side, views.normal)
        size = rotated.shape[1]
        pairs, expanded_pairs = (np.array(found, float) for found in self.is_correlated)
        is_small = size <= config.max_coordinates
        leading = 1 if is_small else np.pad(pairs, (0, size - len(pairs)))
        parts = [(rotated, leading), (expanded, expanded_pairs), (views.levels, 1)]
        if is_small:
            parts.append((xp.arcsinh(views.standardized), 1))
        if size <= config.max_rank_coordinates:
            ranks = special(views.normal).ndtr(views.normal)
            angles = [2 * np.pi * (k * ranks) for k in config.rank_frequencies]
            fourier = [function(a) for function in (xp.cos, xp.sin) for a in angles]
            parts.append((xp.concatenate(fourier, axis=1), 1))
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
    labels: Sequence[Labels],
    config: CrossFittedConfig,
) -> tuple[FoldMap, list[Views]]:
    """Fits the maps of one fold to views of x and y, and selects its base density.

    A contingency table is a candidate if x and y are one label each.

    Returns:
        The maps, and the views of the training rows with labels encoded by other rows.
    """
    encodings, train = encode_labels(train, labels, config)
    validation = [e.apply(v) for e, v in zip(encodings, validation, strict=True)]
    (x, y), validation_normal = (
        [v.normal for v in part] for part in (train, validation)
    )
    rotation = fit_canonical_variates(x, y, ridge=config.ridge, is_square=True)
    copula = select_copula(rotation, (x, y), validation_normal, config)
    expanded, gaussian = _select_expansion(train, validation, copula.base, config)
    num_statistics = NUM_SCALARS + len(copula.base.correlations)
    candidates = {"copula": copula, "expanded": gaussian}
    if all(side.is_whole for side in labels):
        levels, others = ([v.whole for v in part] for part in (train, validation))
        num_levels = labels[0].num_levels, labels[1].num_levels
        table = select_table(levels, others, num_levels, config)
        candidates["table"] = table
        rank = table.base.factors[0].shape[1]
        num_statistics = max(num_statistics, NUM_SCALARS + rank)
    name = _best_base(candidates, config)
    fitted = FoldMap(
        tuple(encodings),
        rotation,
        expanded,
        None if name is None else candidates[name].base,
        (0.0, 0.0),
        (1.0, 1.0),
        name == "expanded",
        num_statistics,
        tuple(tuple((s.correlations > 0).tolist()) for s in (copula, gaussian)),
        config,
    )
    features = [
        fitted.apply_encoded(side, views).features for side, views in enumerate(train)
    ]
    fitted = dataclasses.replace(
        fitted,
        feature_means=tuple(rows.mean(axis=0) for rows in features),
        feature_scales=tuple(rows.std(axis=0) + 1e-6 for rows in features),
    )
    return fitted, train


def _best_base(
    candidates: dict[str, Selection], config: CrossFittedConfig
) -> str | None:
    """Prefers "expanded" if clearly better than "copula", "table" if better at all."""
    found = {n: s for n, s in candidates.items() if n in config.base_densities}
    table = found.pop("table", None)
    best = next(iter(found), None)
    if len(found) == 2 and is_clearly_better(
        found["expanded"].scores, found["copula"].scores
    ):
        best = "expanded"
    highest = max((one.score for one in found.values()), default=-np.inf)
    return "table" if table is not None and table.score > highest else best


def _select_expansion(
    train: Sequence[Views],
    validation: Sequence[Views],
    like: CopulaDensityRatio,
    config: CrossFittedConfig,
) -> tuple[ExpandedVariates, Selection]:
    """Selects the expansion with the best Gaussian; tries rotations of the best few."""

    def score(expanded: ExpandedVariates) -> tuple[ExpandedVariates, Selection]:
        rows, others = (
            [expanded.apply(side, views) for side, views in enumerate(part)]
            for part in (train, validation)
        )
        num_fitted = expanded.num_fitted
        return expanded, select_gaussian(rows, others, like, num_fitted, config)

    size = max(views.normal.shape[1] for views in train)
    expansions = config.expansions
    if size > config.max_expanded_coordinates:
        expansions = expansions[-1:]
    plain = [
        score(fit_expanded_variates(train, view, config, is_expanded=is_expanded))
        for view, is_expanded in expansions
    ]
    best = sorted(plain, key=lambda found: -found[1].score)[: config.num_rotated]
    rotated = [
        score(expanded.rotate(train, number, config))
        for expanded, _ in best
        for number in config.rotated_sizes
    ]
    return max(plain + rotated, key=lambda found: found[1].score)
