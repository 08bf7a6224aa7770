"""What a critic is given for each row: a closed-form start, and features to correct it.

What one variable is alone is fitted to all its rows; what it shares with the other, to
the training rows of a fold, with a choice of closed forms by validation rows.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from jaxinfo.estimation.closed_form import NUM_SCALARS, CopulaLaw
from jaxinfo.estimation.labels import Labels, TableLaw, fit_labels
from jaxinfo.estimation.law_choice import (
    Choice,
    best_copula,
    best_gaussian,
    best_table,
    clearly_better,
    pad,
    rotate,
)
from jaxinfo.estimation.preprocessing import Standardization
from jaxinfo.estimation.variates import (
    CanonicalVariates,
    Lift,
    NormalScores,
    fit_canonical_variates,
    fit_independent_directions,
    fit_lift,
    fit_normal_scores,
)

__all__ = ["FoldMap", "Inputs", "Marginal", "fit_fold_map", "fit_marginal"]

# Lifted variates beyond these are products of the first ones.
MOST_LIFTED = 8
# What is lifted, and whether with waves; the last for many coordinates too.
LIFTS = (("normal", True), ("clipped", True), ("about_zero", True), ("clipped", False))
# The best lifts are turned to independence too, by so many leading variates.
NUM_TURNED, NUMS_TURNED = 2, (3, MOST_LIFTED)
# Factorizing the lift of more coordinates than this takes seconds.
MOST_WAVED = 80
# Networks see every coordinate of fewer; of more, first those that correlate.
MOST_COORDINATES = 8
# Of one, waves of the rank too: hard edges of a density lie anywhere. Of more they are
# of no worth.
MOST_WITH_RANK_WAVES, RANK_FREQUENCIES = 1, (1, 2, 4, 8)
LARGEST_RAW, LARGEST_FEATURE = 4.0, 8.0


class Inputs(NamedTuple):
    """What critics take, for every row of one variable.

    Attributes:
        records: of the closed form, [N, 4 + m].
        features: of the network, [N, F].
        leading: which features a sparing network sees, [F].
    """

    records: np.ndarray
    features: np.ndarray
    leading: np.ndarray


class Marginal(NamedTuple):
    """What is known of a variable without the other, from all rows of every fold.

    Attributes:
        scores: normal scores.
        scale: median and robust scale.
        labels: which columns are labels.
    """

    scores: NormalScores
    scale: Standardization
    labels: Labels


def fit_marginal(rows: np.ndarray) -> Marginal:
    """Fits the maps that no dependence can leak through.

    Args:
        rows: all rows of one variable, [N, D].

    Returns:
        The `Marginal`.
    """
    return Marginal(fit_normal_scores(rows), _robust_scale(rows), fit_labels(rows))


class _Views(NamedTuple):
    """Rows of one variable: normal scores, and in robust units, about two origins."""

    normal: np.ndarray
    raw: np.ndarray
    clipped: np.ndarray
    about_zero: np.ndarray


class _Lifted(NamedTuple):
    """Canonical variates of lifted rows, turned, each made normal again, and paired."""

    view: str
    lifts: tuple[Lift, ...]
    variates: CanonicalVariates
    turns: tuple[np.ndarray, ...]
    scores: tuple[NormalScores, ...]
    pairs: CanonicalVariates

    def apply(self, side: int, views: _Views) -> np.ndarray:
        rows = self.lifts[side].apply(getattr(views, self.view))
        rows = self.variates.apply(side, rows)[:, : len(self.turns[side])]
        rows = self.scores[side].apply(rows @ self.turns[side])
        # As many numbers from every fold, whichever lift it chose.
        return pad(self.pairs.apply(side, rows), MOST_LIFTED)


class FoldMap(NamedTuple):
    """The fitted maps of both variables.

    Attributes:
        marginals: of x and of y.
        rotation: canonical variates of the normal scores, all of them.
        lifted: variates of the lifted rows.
        law: the closed form in variates.
        is_lifted: whether the law is one of the lifted variates.
        table: the closed form of two labels where it is better than that.
        correlations: of the rotation's and of the lifted pairs, 0 where there is none.
        feature_means: of x and of y.
        feature_scales: of x and of y.
    """

    marginals: tuple[Marginal, Marginal]
    rotation: CanonicalVariates
    lifted: _Lifted
    law: CopulaLaw
    is_lifted: bool
    table: TableLaw | None
    correlations: tuple[np.ndarray, np.ndarray]
    feature_means: tuple[np.ndarray, ...] = (np.zeros(1), np.zeros(1))
    feature_scales: tuple[np.ndarray, ...] = (np.ones(1), np.ones(1))

    def apply(self, side: int, rows: np.ndarray) -> Inputs:
        """The inputs of rows of x (side 0) or y (side 1), [N, D]."""
        views = _views(self.marginals[side], rows)
        normal, raw = views.normal, views.raw
        lifted = self.lifted.apply(side, views)
        levels = self.marginals[side].labels.apply(rows)
        records = self._records(side, normal, lifted, levels)
        features, leading = self._features(side, normal, raw, lifted, levels)
        centered = features - self.feature_means[side]
        features = np.clip(
            centered / self.feature_scales[side], -LARGEST_FEATURE, LARGEST_FEATURE
        )
        return Inputs(records, features, leading)

    def _records(
        self, side: int, normal: np.ndarray, lifted: np.ndarray, levels: np.ndarray
    ) -> np.ndarray:
        length = len(self.law.correlations)
        if self.table is not None:
            records = self.table.records(side, levels)
        elif self.is_lifted:
            records = self.law.records(side, pad(lifted, length), np.zeros(len(normal)))
        else:
            paired, squares = rotate(self.rotation, side, normal, self.law.freedom)
            records = self.law.records(side, pad(paired, length), squares)
        # As many numbers from every fold, whichever law it chose.
        labels = [marginal.labels for marginal in self.marginals]
        if all(one.whole for one in labels):
            length = max(length, len(labels[0].levels[0]))
        return pad(records, NUM_SCALARS + length)

    def _features(
        self,
        side: int,
        normal: np.ndarray,
        raw: np.ndarray,
        lifted: np.ndarray,
        levels: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        rotated = self.rotation.apply(side, normal)
        size = rotated.shape[1]
        paired, paired_lifted = (rho > 0 for rho in self.correlations)
        few = size <= MOST_COORDINATES
        leads = np.ones(size) if few else np.pad(paired, (0, size - len(paired)))
        parts = [
            (rotated, leads),
            (lifted, paired_lifted),
            (levels, np.ones(levels.shape[1])),
        ]
        if few:
            parts.append((np.arcsinh(raw), np.ones(size)))
        if size <= MOST_WITH_RANK_WAVES:
            angles = 2 * np.pi * np.hstack([f * ndtr(normal) for f in RANK_FREQUENCIES])
            waves = np.hstack([np.cos(angles), np.sin(angles)])
            parts.append((waves, np.ones(waves.shape[1])))
        if size > 1:
            norms = [np.log(np.mean(rotated**2, axis=1) + 1e-3)]
            norms.append(np.log1p(np.mean(raw**2, axis=1)))
            parts.append((np.stack(norms, axis=1), np.ones(2)))
        features, leading = zip(*parts, strict=True)
        return np.concatenate(features, axis=1), np.concatenate(leading).astype(float)


def fit_fold_map(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    marginals: tuple[Marginal, Marginal],
) -> FoldMap:
    """Fits the maps, and chooses the closed form that validation rates highest.

    Args:
        train: training rows of x and of y, [N, D] and [N, E].
        validation: validation rows of x and of y.
        marginals: of all rows of x and of y.

    Returns:
        The `FoldMap`.
    """
    views, held_out = (
        [_views(marginals[side], part[side]) for side in (0, 1)]
        for part in (train, validation)
    )
    rotation = fit_canonical_variates(
        views[0].normal, views[1].normal, ridge=1e-6, whole=True
    )
    copula = best_copula(
        rotation,
        [side.normal for side in views],
        [side.normal for side in held_out],
        MOST_LIFTED,
    )
    few = max(rows.shape[1] for rows in train) <= MOST_WAVED
    lifted, gaussian = _best_lifted(
        [_fit_variates(views, *lift) for lift in (LIFTS if few else LIFTS[-1:])],
        views,
        held_out,
        copula.law,
    )
    is_lifted = clearly_better(gaussian.scores, copula.scores)
    table = best_table(
        [marginal.labels for marginal in marginals],
        train,
        validation,
        max(copula.rate, gaussian.rate),
    )
    fitted = FoldMap(
        marginals,
        rotation,
        lifted,
        gaussian.law if is_lifted else copula.law,
        is_lifted,
        table,
        (copula.correlations, gaussian.correlations),
    )
    features = [fitted.apply(side, train[side]).features for side in (0, 1)]
    return fitted._replace(
        feature_means=tuple(f.mean(axis=0) for f in features),
        feature_scales=tuple(f.std(axis=0) + 1e-6 for f in features),
    )


def _views(marginal: Marginal, rows: np.ndarray) -> _Views:
    scores, scale, _ = marginal
    raw = np.clip((rows - scale.mean) / scale.scale, -1e6, 1e6)
    clipped = np.clip(raw, -LARGEST_RAW, LARGEST_RAW)
    return _Views(scores.apply(rows), raw, clipped, clipped + scale.mean / scale.scale)


def _robust_scale(rows: np.ndarray) -> Standardization:
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    scale = (high - low) / 1.349  # As the standard deviation of a normal law.
    scale = np.where(scale > 0, scale, rows.std(axis=0))
    return Standardization(middle, np.where(scale > 0, scale, 1.0))


class _Variates(NamedTuple):
    """Canonical variates of lifted rows, before they are turned."""

    view: str
    lifts: tuple[Lift, ...]
    variates: CanonicalVariates
    of_training: list[np.ndarray]


def _fit_variates(views: list[_Views], view: str, with_waves: bool) -> _Variates:
    rows = [getattr(side, view) for side in views]
    lifts = tuple(fit_lift(side, with_waves=with_waves) for side in rows)
    lifted = [lift.apply(r) for lift, r in zip(lifts, rows, strict=True)]
    variates = fit_canonical_variates(
        lifted[0], lifted[1], ridge=1e-3 if with_waves else 1e-6
    )
    of_training = [
        variates.apply(side, lifted[side])[:, :MOST_LIFTED] for side in (0, 1)
    ]
    return _Variates(view, lifts, variates, of_training)


def _turned(fitted: _Variates, number: int, *, is_turned: bool) -> _Lifted:
    kept = [rows[:, :number] for rows in fitted.of_training]
    turns = [
        fit_independent_directions(rows) if is_turned else np.eye(rows.shape[1])
        for rows in kept
    ]
    rows = [side @ turn for side, turn in zip(kept, turns, strict=True)]
    scores = [fit_normal_scores(side) for side in rows]
    normal = [s.apply(side) for s, side in zip(scores, rows, strict=True)]
    pairs = fit_canonical_variates(normal[0], normal[1], ridge=1e-6)
    return _Lifted(
        fitted.view,
        fitted.lifts,
        fitted.variates,
        tuple(turns),
        tuple(scores),
        pairs,
    )


def _best_lifted(
    fitted: list[_Variates],
    train: list[_Views],
    held_out: list[_Views],
    like: CopulaLaw,
) -> tuple[_Lifted, Choice]:
    """The lift, and its law, that validation rates highest; the best two are turned."""

    def rate(lifted: _Lifted) -> tuple[_Lifted, Choice]:
        fitted_rows, others = (
            [lifted.apply(side, views) for side, views in enumerate(part)]
            for part in (train, held_out)
        )
        num_fitted = sum(len(lift.scale) for lift in lifted.lifts)
        return lifted, best_gaussian(fitted_rows, others, like, num_fitted)

    plain = [rate(_turned(one, MOST_LIFTED, is_turned=False)) for one in fitted]
    order = np.argsort([-choice.rate for _, choice in plain])[:NUM_TURNED]
    turned = [
        rate(_turned(fitted[index], number, is_turned=True))
        for index in order
        for number in NUMS_TURNED
    ]
    return max(plain + turned, key=lambda candidate: candidate[1].rate)
