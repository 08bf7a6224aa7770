"""What a critic is given for each row: a closed-form start, and features to correct it.

Everything is fitted on the training rows of a fold; which closed form to start from is
chosen by its logistic score on the validation rows.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array
from jaxinfo.divergences.bounds import f_divergence_bound
from jaxinfo.divergences.family import JENSEN_SHANNON
from jaxinfo.estimation.closed_form import (
    CopulaLaw,
    log_ratio_of_records,
    student_scores,
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

__all__ = ["FoldMap", "Inputs", "fit_fold_map"]

DEGREES_OF_FREEDOM = (np.inf, 30.0, 10.0, 5.0, 3.0, 2.0, 1.0)
NUMS_OF_PAIRS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
# Lifted variates beyond these are products of the first ones.
MOST_LIFTED = 8
# What is lifted, and whether with waves; the last for many coordinates too.
LIFTS = (("normal", True), ("clipped", True), ("about_zero", True), ("clipped", False))
# The best lifts are turned to independence too, by so many leading variates.
NUM_TURNED, NUMS_TURNED = 2, (3, MOST_LIFTED)
# Factorising the lift of more coordinates than this takes seconds.
MOST_WAVED = 80
# Networks see every coordinate of fewer; of more, first those that correlate.
MOST_COORDINATES = 8
LARGEST_RAW, LARGEST_FEATURE = 4.0, 8.0
NUM_ROLLS = 8


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
        return _pad(self.pairs.apply(side, rows), MOST_LIFTED)


class _Rated(NamedTuple):
    """A lift with its best law, the law's validation score, and its correlations."""

    lifted: _Lifted
    law: CopulaLaw
    rate: float
    rho: np.ndarray


class FoldMap(NamedTuple):
    """The fitted maps of both variables.

    Attributes:
        scores: normal scores of x and of y.
        scales: median and robust scale of x and of y.
        rotation: canonical variates of the normal scores, all of them.
        lifted: variates of the lifted rows.
        law: the closed form.
        is_lifted: whether the law is one of the lifted variates.
        correlations: of the rotation's and of the lifted pairs, 0 where there is none.
        feature_means: of x and of y.
        feature_scales: of x and of y.
    """

    scores: tuple[NormalScores, NormalScores]
    scales: tuple[Standardization, Standardization]
    rotation: CanonicalVariates
    lifted: _Lifted
    law: CopulaLaw
    is_lifted: bool
    correlations: tuple[np.ndarray, np.ndarray]
    feature_means: tuple[np.ndarray, ...] = (np.zeros(1), np.zeros(1))
    feature_scales: tuple[np.ndarray, ...] = (np.ones(1), np.ones(1))

    def apply(self, side: int, rows: np.ndarray) -> Inputs:
        """The inputs of rows of x (side 0) or y (side 1), [N, D]."""
        views = _views(self.scores[side], self.scales[side], rows)
        normal, raw = views.normal, views.raw
        lifted = self.lifted.apply(side, views)
        if self.is_lifted:
            paired, squares = lifted, np.zeros(len(rows))
        else:
            paired, squares = _rotate(self.rotation, side, normal, self.law.freedom)
        records = self.law.records(
            side, _pad(paired, len(self.law.correlations)), squares
        )
        features, leading = self._features(side, normal, raw, lifted)
        centred = features - self.feature_means[side]
        features = np.clip(
            centred / self.feature_scales[side], -LARGEST_FEATURE, LARGEST_FEATURE
        )
        return Inputs(records, features, leading)

    def _features(
        self, side: int, normal: np.ndarray, raw: np.ndarray, lifted: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        rotated = self.rotation.apply(side, normal)
        size = rotated.shape[1]
        paired, paired_lifted = (rho > 0 for rho in self.correlations)
        few = size <= MOST_COORDINATES
        leads = np.ones(size) if few else np.pad(paired, (0, size - len(paired)))
        parts = [(rotated, leads), (lifted, paired_lifted)]
        if few:
            parts.append((np.arcsinh(raw), np.ones(size)))
        if size > 1:
            norms = [np.log(np.mean(rotated**2, axis=1) + 1e-3)]
            norms.append(np.log1p(np.mean(raw**2, axis=1)))
            parts.append((np.stack(norms, axis=1), np.ones(2)))
        features, leading = zip(*parts, strict=True)
        return np.concatenate(features, axis=1), np.concatenate(leading).astype(float)


def fit_fold_map(
    train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray]
) -> FoldMap:
    """Fits the maps, and chooses the closed form that validation rates highest.

    Args:
        train: training rows of x and of y, [N, D] and [N, E].
        validation: validation rows of x and of y.

    Returns:
        The `FoldMap`.
    """
    scores = fit_normal_scores(train[0]), fit_normal_scores(train[1])
    scales = _robust_scale(train[0]), _robust_scale(train[1])
    views, held_out = (
        [_views(scores[side], scales[side], part[side]) for side in (0, 1)]
        for part in (train, validation)
    )
    rotation = fit_canonical_variates(
        views[0].normal, views[1].normal, ridge=1e-6, whole=True
    )
    law, rate, rho = _best_copula(rotation, held_out)
    few = max(len(scale.mean) for scale in scales) <= MOST_WAVED
    lifted, lifted_law, lifted_rate, lifted_rho = _best_lifted(
        [_fit_variates(views, *lift) for lift in (LIFTS if few else LIFTS[-1:])],
        held_out,
        law,
    )
    is_lifted = lifted_rate > rate
    fitted = FoldMap(
        scores,
        scales,
        rotation,
        lifted,
        lifted_law if is_lifted else law,
        is_lifted,
        (rho, lifted_rho),
    )
    features = [fitted.apply(side, train[side]).features for side in (0, 1)]
    return fitted._replace(
        feature_means=tuple(f.mean(axis=0) for f in features),
        feature_scales=tuple(f.std(axis=0) + 1e-6 for f in features),
    )


def _views(scores: NormalScores, scale: Standardization, rows: np.ndarray) -> _Views:
    raw = np.clip((rows - scale.mean) / scale.scale, -1e6, 1e6)
    clipped = np.clip(raw, -LARGEST_RAW, LARGEST_RAW)
    return _Views(scores.apply(rows), raw, clipped, clipped + scale.mean / scale.scale)


def _robust_scale(rows: np.ndarray) -> Standardization:
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    scale = (high - low) / 1.349  # As the standard deviation of a normal law.
    scale = np.where(scale > 0, scale, rows.std(axis=0))
    return Standardization(middle, np.where(scale > 0, scale, 1.0))


def _rotate(
    rotation: CanonicalVariates, side: int, normal: np.ndarray, freedom: float
) -> tuple[np.ndarray, np.ndarray]:
    """Paired variates under a Student law's scores, and the squared length of all."""
    variates = rotation.apply(side, student_scores(normal, freedom))
    num_pairs = min(weights.shape[1] for weights in rotation.weights)
    return variates[:, :num_pairs], np.sum(variates**2, axis=1)


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
    fitted: list[_Variates], held_out: list[_Views], like: CopulaLaw
) -> _Rated:
    """The lift, and its law, that validation rates highest; the best two are turned."""

    def rate(lifted: _Lifted) -> _Rated:
        pairs = [lifted.apply(side, held_out[side]) for side in (0, 1)]
        return _Rated(lifted, *_best_gaussian(pairs, like))

    plain = [rate(_turned(one, MOST_LIFTED, is_turned=False)) for one in fitted]
    order = np.argsort([-candidate.rate for candidate in plain])[:NUM_TURNED]
    turned = [
        rate(_turned(fitted[index], number, is_turned=True))
        for index in order
        for number in NUMS_TURNED
    ]
    return max(plain + turned, key=lambda candidate: candidate.rate)


def _held_out_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlation of each pair, 0 where it is within two standard errors of 0."""
    spread = np.sqrt(np.mean(a**2, axis=0) * np.mean(b**2, axis=0))
    rho = np.mean(a * b, axis=0) / np.where(spread > 0, spread, 1)
    return np.where(rho > 2 / np.sqrt(len(a)), np.clip(rho, 0, 0.99999), 0.0)


def _best_copula(
    rotation: CanonicalVariates, held_out: list[_Views]
) -> tuple[CopulaLaw, float, np.ndarray]:
    sizes = len(rotation.weights[0]), len(rotation.weights[1])
    rows = [
        _rotate(rotation, side, held_out[side].normal, np.inf)[0] for side in (0, 1)
    ]
    rho = _held_out_correlations(*rows)
    length = max(len(rho), MOST_LIFTED)
    best, best_rate = CopulaLaw(np.zeros(length), np.inf, sizes), 0.0
    for freedom in DEGREES_OF_FREEDOM:
        sides = [
            _rotate(rotation, side, held_out[side].normal, freedom) for side in (0, 1)
        ]
        for kept in _leading(rho):
            law = CopulaLaw(np.pad(kept, (0, length - len(kept))), freedom, sizes)
            penalty = 0.5 * np.isfinite(freedom) + 0.25 * np.count_nonzero(kept)
            rate = _rate(law, sides) - penalty / len(rows[0])
            if rate > best_rate:
                best, best_rate = law, rate
    return best, best_rate, rho


def _best_gaussian(
    pairs: list[np.ndarray], like: CopulaLaw
) -> tuple[CopulaLaw, float, np.ndarray]:
    rho = _held_out_correlations(*pairs)
    length = len(like.correlations)
    best, best_rate = like, -np.inf
    for kept in _leading(rho):
        law = CopulaLaw(np.pad(kept, (0, length - len(kept))), np.inf, like.sizes)
        sides = [(rows, np.zeros(len(rows))) for rows in pairs]
        penalty = 0.5 + 0.5 * np.count_nonzero(kept)
        rate = _rate(law, sides) - penalty / len(pairs[0])
        if rate > best_rate:
            best, best_rate = law, rate
    return best, best_rate, rho


def _leading(rho: np.ndarray) -> Iterator[np.ndarray]:
    """The correlations with fewer and fewer of the largest kept."""
    rank = np.argsort(np.argsort(-rho))
    for number in sorted({*NUMS_OF_PAIRS, len(rho)}):
        if number <= np.count_nonzero(rho):
            yield np.where(rank < number, rho, 0.0)


def _rate(law: CopulaLaw, sides: list[tuple[np.ndarray, np.ndarray]]) -> float:
    length = len(law.correlations)
    x, y = (
        law.records(side, _pad(paired, length), squares)
        for side, (paired, squares) in enumerate(sides)
    )
    return float(_logistic_score(x, y))


@jax.jit
def _logistic_score(x: Array, y: Array) -> Array:
    """The logistic bound that a closed form reaches on held-out records; 0 for none."""
    shifts = jnp.arange(1, NUM_ROLLS + 1) * max(1, len(x) // (NUM_ROLLS + 1))
    product = jax.vmap(lambda shift: log_ratio_of_records(x, jnp.roll(y, shift, 0)))
    joint = log_ratio_of_records(x, y)
    return f_divergence_bound(JENSEN_SHANNON, joint, product(shifts).reshape(-1))


def _pad(rows: np.ndarray, length: int) -> np.ndarray:
    return np.pad(rows, ((0, 0), (0, length - rows.shape[1])))
