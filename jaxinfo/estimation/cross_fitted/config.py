"""The numbers of the default estimator, each with its reason."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxinfo.core.checks import check_finite_number, check_one_of, check_positive
from jaxinfo.estimation.train_config import TrainConfig

__all__ = ["BASE_DENSITIES", "CriticKind", "CrossFittedConfig"]

BASE_DENSITIES = ("copula", "expanded", "table")


class CriticKind(NamedTuple):
    """What distinguishes the critics of one fold.

    Attributes:
        weight_decay: of AdamW; a large one makes a smooth critic.
        corrects_base: whether the critic is added to the base density.
        sees_all_features: whether it sees features beyond the leading ones.
    """

    weight_decay: float
    corrects_base: bool
    sees_all_features: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossFittedConfig:
    """Settings of the default estimator; frozen and hashable.

    Attributes:
        train: number of critics over all folds (rounded up to as many for each fold),
            steps, batch size, patience and layout.
        critic: network that corrects the base density: a `Critic`, a `Network` or a
            pair (init, apply) of the features of x and y; None for an MLP that is zero
            at first.
        num_folds: folds of the rows. Half a fold is used for validation.
        max_levels: the most distinct values of a label.
        min_rows_per_level: rows per level, on average, that make a column a label.
        fit_scores: fits the map of each variable, `fit(rows) -> object with
            apply(rows)`; None for normal scores.
        max_standardized: clip of coordinates in robust standard deviations, where a few
            outliers would dominate covariances.
        expansions: rows whose feature expansion competes for the base density: "normal"
            scores, "clipped" coordinates or these "about_zero", with Fourier features
            of the norm or without. Many coordinates use the last entry only.
        max_expanded_coordinates: above this, a factorization would take seconds.
        norm_frequencies: radians per standard deviation of the squared norm. Fourier
            features are bounded; powers of the norm would let a few rows dominate.
        max_product_coordinates: all products of two coordinates up to this many
            coordinates, squares only above it.
        max_expanded_variates: expanded variates beyond these are products of the first.
        num_rotated: the best expansions that are also rotated to independence.
        rotated_sizes: how many leading variates are rotated.
        num_rotation_steps: iterations of the rotation.
        ridge: added to covariances of coordinates, in units of their mean variance.
        expansion_ridge: the same for expansions with Fourier features.
        base_densities: closed forms that compete: a Gaussian or Student "copula", a
            Gaussian of "expanded" variates, a "table" of labels; () for independence.
        degrees_of_freedom: of Student copulas; inf is the Gaussian.
        num_reweightings: steps towards the row weights of a Student distribution.
        nums_of_correlations: how many of the largest correlations may be kept.
        correlation_cost: of a correlation that was fitted to validation rows, which
            favor it, in nats times rows.
        pooled_correlation_cost: the same for validation and training rows together.
        num_shifts: negatives of each validation row that score a base density.
        table_strengths: rows of an independent pair that a table is mixed with.
        max_coordinates: variables with at most as many coordinates show all of them to
            every critic; of others some critics see the correlated directions only.
        max_rank_coordinates: variables with at most as many coordinates also give
            Fourier features of the rank, for hard edges of a density; they gained
            nothing in two dimensions.
        rank_frequencies: full periods over the ranks.
        max_feature: clip of standardized features.
        hidden_sizes: hidden layers of the MLP.
        critic_kinds: the critics of a fold, in turn. A smooth one corrects the base
            density, which rotations by the norm need; a flexible one starts from zero,
            for sharp edges and for distributions unlike any base density.
        bound: what critics are trained on and selected by; no single pair can dominate
            the logistic loss.
        learning_rate: of AdamW; averaged parameters tolerate a large one.
        ema_decay: of the moving average of the parameters, which overfits later; None
            for no average.
        num_negatives: negatives of each row in training.
        num_picks: weights of critics are multiples of one over this; 0 for equal ones.
        clip_quantiles: quantiles of the scores of paired rows that may clip all scores.
        clip_margin: nats above the largest of these scores, where the clip is otherwise:
            one larger score of a negative would dominate the normalizer.
        averages_training_bound: whether the value is halfway between the held-out and
            the training bound, or the held-out bound.
        unseen_share: of the gain of critics over the base density, how much is expected
            to be still missing. Set by hand, and low: it centers distributions with
            hard edges, and leaves others below the truth (`experiments/ablation`).

    Raises:
        ValueError: if a number or name does not fit.
    """

    train: TrainConfig = TrainConfig(num_steps=4_000)
    critic: Any = None

    # Folds, labels and marginals.
    num_folds: int = 4
    max_levels: int = 64
    min_rows_per_level: int = 20
    fit_scores: Callable[[np.ndarray], Any] | None = None
    max_standardized: float = 4.0

    # Feature expansion.
    expansions: tuple[tuple[str, bool], ...] = (
        ("normal", True),
        ("clipped", True),
        ("about_zero", True),
        ("clipped", False),
    )
    max_expanded_coordinates: int = 80
    norm_frequencies: tuple[float, ...] = (0.5, 1.0)
    max_product_coordinates: int = 8
    max_expanded_variates: int = 8
    num_rotated: int = 2
    rotated_sizes: tuple[int, ...] = (3, 8)
    num_rotation_steps: int = 30
    ridge: float = 1e-6
    expansion_ridge: float = 1e-3

    # Base densities and their selection.
    base_densities: tuple[str, ...] = BASE_DENSITIES
    degrees_of_freedom: tuple[float, ...] = (math.inf, 30.0, 10.0, 5.0, 3.0, 2.0, 1.0)
    num_reweightings: int = 5
    nums_of_correlations: tuple[int, ...] = (
        *(0, 1, 2, 3, 4, 6, 8, 12),
        *(16, 24, 32, 48, 64),
    )
    correlation_cost: float = 0.5
    pooled_correlation_cost: float = 0.1
    num_shifts: int = 8
    table_strengths: tuple[float, ...] = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)

    # Features of critics.
    max_coordinates: int = 8
    max_rank_coordinates: int = 1
    rank_frequencies: tuple[int, ...] = (1, 2, 4, 8)
    max_feature: float = 8.0

    # Critics and their training.
    hidden_sizes: tuple[int, ...] = (64, 64, 64)
    critic_kinds: tuple[CriticKind, ...] = (
        CriticKind(0.3, corrects_base=True, sees_all_features=True),
        CriticKind(0.02, corrects_base=False, sees_all_features=False),
    )
    bound: str = "jensen_shannon"
    learning_rate: float = 4e-3
    ema_decay: float | None = 0.995
    num_negatives: int = 2

    # Combination and bias correction.
    num_picks: int = 4
    clip_quantiles: tuple[float, ...] = (0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
    clip_margin: float = 1.0
    averages_training_bound: bool = True
    unseen_share: float = 0.25

    def __post_init__(self) -> None:
        check_positive(num_negatives=self.num_negatives, num_shifts=self.num_shifts)
        check_finite_number(0.0, unseen_share=1 + self.unseen_share)
        if self.num_folds < 2:
            raise ValueError(f"num_folds must be at least 2, got {self.num_folds}")
        if not self.critic_kinds:
            raise ValueError("critic_kinds must hold at least one CriticKind")
        for base in self.base_densities:
            check_one_of(BASE_DENSITIES, base_densities=base)

    @property
    def num_critics(self) -> int:
        """Number of critics of each fold."""
        return -(-self.train.num_seeds // self.num_folds)

    @property
    def kinds(self) -> tuple[CriticKind, ...]:
        """The kind of each critic of a fold."""
        return tuple(
            self.critic_kinds[critic % len(self.critic_kinds)]
            for critic in range(self.num_critics)
        )

    @property
    def preferred(self) -> np.ndarray:
        """Critics that are used until others show a gain, [C]."""
        corrects = np.array([kind.corrects_base for kind in self.kinds])
        return corrects | (not corrects.any())
