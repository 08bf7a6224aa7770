"""The maps of one fold: from rows to the statistics and features of the critics.

The maps are fitted to the training rows of the fold, and the base density is selected
on its validation rows.
"""

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.arrays import Rows, pad_columns, pytree, special
from jaxinfo.estimation.cross_fitted.base_densities import (
    NUM_SCALARS,
    CopulaDensityRatio,
    MixtureDensityRatio,
    TableDensityRatio,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.label_encoding import LabelEncoding, encode_labels
from jaxinfo.estimation.cross_fitted.marginals import Labels, Views
from jaxinfo.estimation.cross_fitted.selection import (
    Candidates,
    Selection,
    best_candidate,
    fit_and_score_tables,
    fit_copulas,
    fit_gaussians,
    fit_mixtures,
    is_clearly_better,
    mean_score,
    rotate,
    score_copula,
)
from jaxinfo.estimation.cross_fitted.variates import (
    CanonicalVariates,
    ExpandedVariates,
    fit_canonical_variates,
    fit_expanded_variates,
)

__all__ = ["CriticInputs", "FoldMap", "fit_fold_maps"]

BaseDensity = CopulaDensityRatio | MixtureDensityRatio | TableDensityRatio


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
    base: BaseDensity | None  # None for independence.
    feature_means: tuple[Rows, ...]
    feature_scales: tuple[Rows, ...]
    base_is_expanded: bool  # Whether the base density uses the variates `expanded`.
    num_statistics: int  # Those of a mixture have another length.
    # For the pairs of `rotation` and of `expanded`: is the correlation significant?
    is_correlated: tuple[tuple[bool, ...], ...]
    config: CrossFittedConfig

    @property
    def num_components(self) -> int:
        """The number of Gaussians if the base density is a mixture, else 0."""
        base = self.base
        return base.num_components if isinstance(base, MixtureDensityRatio) else 0

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
        elif isinstance(base, MixtureDensityRatio):
            rotated = self.rotation.apply(side, views.normal)
            return base.statistics(side, rotated[:, : base.sizes[side]])
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


class _FoldFit(NamedTuple):
    """What one fold fits before the candidates are compared."""

    encodings: Sequence[LabelEncoding]
    train: list[Views]  # Of x and y, with labels encoded by other rows.
    validation: list[Views]
    rotation: CanonicalVariates
    copulas: dict[float, Candidates]
    tables: Candidates  # Empty unless x and y are one label each.
    mixtures: Candidates  # Empty if x or y has no continuous coordinate.
    expansions: list[tuple[ExpandedVariates, Candidates]]

    def append(self, expanded: ExpandedVariates, config: CrossFittedConfig) -> None:
        """Appends an expansion with the Gaussians of its variates."""
        rows, others = (
            [expanded.apply(side, views) for side, views in enumerate(part)]
            for part in (self.train, self.validation)
        )
        length = max(
            config.max_expanded_variates, min(v.normal.shape[1] for v in self.train)
        )
        found = fit_gaussians(rows, others, length, expanded.num_fitted, config)
        self.expansions.append((expanded, found))

    def score_copulas(
        self, keys: dict[float, Hashable], config: CrossFittedConfig
    ) -> dict[float, float]:
        """The score of one copula of each number of degrees of freedom."""
        normal = [[v.normal for v in part] for part in (self.train, self.validation)]
        return {
            freedom: score_copula(
                self.copulas[freedom][key].base, self.rotation, normal, config
            )
            for freedom, key in keys.items()
        }


def fit_fold_maps(
    folds: Sequence[tuple[Sequence[Views], Sequence[Views]]],
    labels: Sequence[Labels],
    config: CrossFittedConfig,
    map_folds: Callable[..., Iterable[Any]] = map,
) -> list[tuple[FoldMap, list[Views]]]:
    """Fits the maps of every fold to views of x and y, and selects the base density.

    Each fold has views of its training and of its validation rows. The kind of base
    density, of expansion and the number of correlations are the same in all folds and
    are selected on the validation rows of all of them, because those of one fold are
    few. A contingency table is a candidate if x and y are one label each. `map_folds`
    is `map`, or that of a pool of threads.

    Returns:
        For each fold the maps, and the views of its training rows with labels encoded
        by other rows.
    """
    fits = list(map_folds(lambda fold: _fit_fold(fold, labels, config), folds))
    keys = {
        freedom: best_candidate([fit.copulas[freedom] for fit in fits])
        for freedom in config.degrees_of_freedom
    }
    scores = list(map_folds(lambda fit: fit.score_copulas(keys, config), fits))
    freedom = max(keys, key=lambda nu: np.mean([found[nu] for found in scores]))
    copulas = [fit.copulas[freedom][keys[freedom]] for fit in fits]

    def select(number: int) -> list[Selection]:
        found = [fit.expansions[number][1] for fit in fits]
        key = best_candidate(found)
        return [candidates[key] for candidates in found]

    def score(number: int) -> float:
        return mean_score(select(number))

    best = sorted(range(len(fits[0].expansions)), key=score, reverse=True)

    def rotate_best(fit: _FoldFit) -> None:
        for number in best[: config.num_rotated]:
            for size in config.rotated_sizes:
                rotated = fit.expansions[number][0].rotate(fit.train, size, config)
                fit.append(rotated, config)

    list(map_folds(rotate_best, fits))
    chosen = max(range(len(fits[0].expansions)), key=score)
    bases = {"copula": copulas, "expanded": select(chosen)}
    if fits[0].tables:
        key = best_candidate([fit.tables for fit in fits])
        bases["table"] = [fit.tables[key] for fit in fits]
    if fits[0].mixtures:
        key = best_candidate([fit.mixtures for fit in fits])
        bases["mixture"] = [fit.mixtures[key] for fit in fits]
    name = _best_base(bases, config)
    finished = map_folds(
        lambda fit, *own: _finish(
            fit, dict(zip(bases, own, strict=True)), chosen, name, config
        ),
        fits,
        *bases.values(),
    )
    return list(finished)


def _fit_fold(
    fold: tuple[Sequence[Views], Sequence[Views]],
    labels: Sequence[Labels],
    config: CrossFittedConfig,
) -> _FoldFit:
    encodings, train = encode_labels(fold[0], labels, config)
    validation = [e.apply(v) for e, v in zip(encodings, fold[1], strict=True)]
    normal, others = ([v.normal for v in part] for part in (train, validation))
    rotation = fit_canonical_variates(*normal, ridge=config.ridge, is_square=True)
    copulas = fit_copulas(rotation, normal, others, config)
    tables = {}
    if all(side.is_whole for side in labels):
        levels, others = ([v.whole for v in part] for part in (train, validation))
        num_levels = labels[0].num_levels, labels[1].num_levels
        tables = fit_and_score_tables(levels, others, num_levels, config)
    mixtures = {}
    if "mixture" in config.base_densities and all(rows.shape[1] for rows in normal):
        most = config.max_mixture_coordinates
        leading, others = (
            [rotation.apply(side, v.normal)[:, :most] for side, v in enumerate(part)]
            for part in (train, validation)
        )
        mixtures = fit_mixtures(leading, others, config)
    fit = _FoldFit(
        encodings, train, validation, rotation, copulas, tables, mixtures, []
    )
    size = max(views.normal.shape[1] for views in train)
    expansions = config.expansions
    if size > config.max_expanded_coordinates:
        expansions = expansions[-1:]
    for view, kind in expansions:
        fit.append(fit_expanded_variates(train, view, config, kind=kind), config)
    return fit


def _finish(
    fit: _FoldFit,
    bases: dict[str, Selection],
    chosen: int,
    name: str | None,
    config: CrossFittedConfig,
) -> tuple[FoldMap, list[Views]]:
    num_statistics = NUM_SCALARS + len(bases["copula"].base.correlations)
    if "table" in bases:
        rank = bases["table"].base.factors[0].shape[1]
        num_statistics = max(num_statistics, NUM_SCALARS + rank)
    # Correlations of normal scores are those of the Gaussian, whatever copula is best.
    gaussian = next(iter(fit.copulas[config.degrees_of_freedom[0]].values()))
    fitted = FoldMap(
        tuple(fit.encodings),
        fit.rotation,
        fit.expansions[chosen][0],
        None if name is None else bases[name].base,
        (0.0, 0.0),
        (1.0, 1.0),
        name == "expanded",
        num_statistics,
        tuple(
            tuple((found.correlations > 0).tolist())
            for found in (gaussian, bases["expanded"])
        ),
        config,
    )
    features = [
        fitted.apply_encoded(side, views).features
        for side, views in enumerate(fit.train)
    ]
    fitted = dataclasses.replace(
        fitted,
        feature_means=tuple(rows.mean(axis=0) for rows in features),
        feature_scales=tuple(rows.std(axis=0) + 1e-6 for rows in features),
    )
    return fitted, fit.train


def _best_base(
    bases: dict[str, list[Selection]], config: CrossFittedConfig
) -> str | None:
    """Prefers later ones if clearly better, and "table" if better at all."""
    found = {n: bases[n] for n in config.base_densities if n in bases}
    table = found.pop("table", None)
    best = None
    for name, folds in found.items():
        scores = np.concatenate([fold.scores for fold in folds])
        if best is None or is_clearly_better(scores, best[1]):
            best = name, scores
    highest = max(map(mean_score, found.values()), default=-np.inf)
    if table is not None and mean_score(table) > highest:
        return "table"
    return None if best is None else best[0]
