"""The settings of the default estimator, each with its reason."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxinfo.core.checks import check_one_of, check_positive
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import as_critic
from jaxinfo.estimation.train_config import TrainConfig, check_train_config

__all__ = ["BASE_DENSITIES", "CriticKind", "CrossFittedConfig"]

BASE_DENSITIES = ("copula", "expanded", "table")


class CriticKind(NamedTuple):
    """What distinguishes the critics of one fold."""

    weight_decay: float  # Of AdamW; a large one makes a smooth critic.
    corrects_base: bool  # Added to the base density, or starting from zero.
    sees_all_features: bool  # Features beyond the leading ones too.


# Rotations by the norm need the base density and smoothness; sharp edges, and
# distributions unlike any base density, need a flexible critic that starts from zero.
SMOOTH = CriticKind(0.3, corrects_base=True, sees_all_features=True)
FLEXIBLE = CriticKind(0.02, corrects_base=False, sees_all_features=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossFittedConfig:
    """Settings of the default estimator, stage by stage; frozen and hashable.

    `train` is shared by all trained estimators: its number of seeds is that of critics
    over all folds, rounded up to as many for each fold. `critic` corrects the base
    density: a `Critic`, a `Network` or a pair (init, apply) of the features of x and of
    y; None for an MLP that is zero at first. The reason for each number is beside it.
    """

    train: TrainConfig = TrainConfig(num_steps=4_000)
    critic: Any = None

    # Folds; half of one is used for validation.
    num_folds: int = 4

    # Marginals. A column with few distinct values, and many rows for each, is a label.
    max_levels: int = 64
    min_rows_per_level: int = 20
    # `fit(rows)` gives a pytree with `apply(rows)`; None for normal scores.
    fit_scores: Callable[[np.ndarray], Any] | None = None
    # A few outliers would dominate covariances; in robust standard deviations.
    max_standardized: float = 4.0

    # Expanded variates. Which view is expanded, and whether with Fourier features; many
    # coordinates use the last entry only, because factorizing the others takes seconds.
    expansions: tuple[tuple[str, bool], ...] = (
        ("normal", True),
        ("clipped", True),
        ("about_zero", True),
        ("clipped", False),
    )
    max_expanded_coordinates: int = 80
    # Radians per standard deviation of the squared norm. Fourier features are bounded;
    # powers of the norm would let a few rows dominate.
    norm_frequencies: tuple[float, ...] = (0.5, 1.0)
    # Products of two coordinates up to this many, squares only above it.
    max_product_coordinates: int = 8
    # Expanded variates beyond these are products of the first ones.
    max_expanded_variates: int = 8
    # The best expansions also compete with so many variates rotated to independence.
    num_rotated: int = 2
    rotated_sizes: tuple[int, ...] = (3, 8)
    num_rotation_steps: int = 30
    # Added to covariances, in units of the mean variance.
    ridge: float = 1e-6
    expansion_ridge: float = 1e-3

    # Base densities that compete: a Gaussian or Student copula, a Gaussian of expanded
    # variates, a contingency table of labels; () for independence.
    base_densities: tuple[str, ...] = BASE_DENSITIES
    degrees_of_freedom: tuple[float, ...] = (math.inf, 30.0, 10.0, 5.0, 3.0, 2.0, 1.0)
    num_reweightings: int = 5  # Steps towards the row weights of a Student fit.
    # How many of the largest correlations may be kept.
    nums_of_correlations: tuple[int, ...] = (
        0,
        1,
        2,
        3,
        4,
        6,
        8,
        12,
        16,
        24,
        32,
        48,
        64,
    )
    # Of a correlation from validation rows, which favors them, and from all rows; in
    # nats times rows.
    correlation_cost: float = 0.5
    pooled_correlation_cost: float = 0.1
    num_shifts: int = 8  # Negatives of each validation row.
    # How many rows of an independent pair a table is mixed with.
    table_strengths: tuple[float, ...] = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)

    # Features. Every critic sees all coordinates up to this many; of more, only critics
    # that see all features see directions without a correlation.
    max_coordinates: int = 8
    # Fourier features of the rank, because hard edges of a density lie anywhere; they
    # gained nothing in two dimensions.
    max_rank_coordinates: int = 1
    rank_frequencies: tuple[int, ...] = (1, 2, 4, 8)
    max_feature: float = 8.0  # In standard deviations.

    # Critics of a fold, in turn, and their training.
    critic_kinds: tuple[CriticKind, ...] = (SMOOTH, FLEXIBLE)
    hidden_sizes: tuple[int, ...] = (64, 64, 64)
    # Trained on and selected by the logistic loss, which no single pair can dominate.
    bound: str = "jensen_shannon"
    # Averaged parameters tolerate a large rate, and overfit later; None for no average.
    learning_rate: float = 4e-3
    ema_decay: float | None = 0.995
    num_negatives: int = 2

    # Combination. Weights are multiples of one over this; 0 for equal weights.
    num_picks: int = 4
    # Scores are clipped at a quantile of the joint scores, or so many nats above them.
    clip_quantiles: tuple[float, ...] = (0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
    clip_margin: float = 1.0

    # Bias correction. False reports the held-out bound.
    averages_training_bound: bool = True
    # Share of the gain over the base density that is still missing. Set by hand, and
    # low: it centers distributions with hard edges, and leaves others below the truth.
    unseen_share: float = 0.25

    __repr__ = short_repr

    def __post_init__(self) -> None:
        check_train_config(self.train)
        if self.critic is not None:
            as_critic(self.critic)
        check_positive(num_folds=self.num_folds, num_negatives=self.num_negatives)
        if self.num_folds < 2:
            raise ValueError(f"num_folds must be at least 2, got {self.num_folds}")
        if not self.critic_kinds:
            raise ValueError("critic_kinds must not be empty")
        for base in self.base_densities:
            check_one_of(BASE_DENSITIES, base_densities=base)

    @property
    def kinds(self) -> tuple[CriticKind, ...]:
        """The kind of each critic of a fold."""
        num_critics = -(-self.train.num_seeds // self.num_folds)
        kinds = self.critic_kinds
        return tuple(kinds[critic % len(kinds)] for critic in range(num_critics))

    @property
    def preferred_weights(self) -> np.ndarray:
        """Weights of the critics that are used until others show a gain, [C]."""
        corrects = np.array([kind.corrects_base for kind in self.kinds])
        preferred = corrects | (not corrects.any())
        return preferred / preferred.sum()
