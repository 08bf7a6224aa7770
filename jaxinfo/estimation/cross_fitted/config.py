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

BASE_DENSITIES = ("copula", "expanded", "mixture", "table")


class CriticKind(NamedTuple):
    """How one critic of a fold differs from the others."""

    weight_decay: float  # Of AdamW; a large value gives a smooth critic.
    corrects_base: bool  # True to add to the base density, False to start from zero.
    sees_all_features: bool  # False for the leading features only.


# A smooth critic that corrects the base density learns rotations that depend on the
# norm. A flexible critic that starts from zero learns hard edges and distributions that
# are unlike any base density.
SMOOTH = CriticKind(0.3, corrects_base=True, sees_all_features=True)
FLEXIBLE = CriticKind(0.02, corrects_base=False, sees_all_features=False)

NUMS_OF_CORRELATIONS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossFittedConfig:
    """Settings of the default estimator, in the order of its stages; hashable.

    The comment at each field gives its meaning and the reason for its value.
    """

    # Training settings that all trained estimators share. `num_seeds` is the number of
    # critics of all folds together, rounded up to a multiple of `num_folds`.
    train: TrainConfig = TrainConfig(num_steps=4_000)
    # Network of the features of x and y that corrects the base density: a `Critic`, a
    # `Network` or a pair (init, apply). None for an MLP whose output is zero at first.
    critic: Any = None

    # Folds ---------------------------------------------------------------------------
    # One fold is held out, half of the next one is for validation, the rest trains.
    num_folds: int = 4

    # Marginals -----------------------------------------------------------------------
    # A column is a label if it has at most `max_levels` distinct values and, on
    # average, at least `min_rows_per_level` rows for each of them.
    max_levels: int = 64
    min_rows_per_level: int = 20
    # Other labels, which were said to be labels or whose order means nothing, are
    # encoded by at most `max_codes` numbers. Nobody needs to say so of whole numbers
    # with at least `min_rows_per_code` rows for each level, on average. Training rows
    # are encoded in `num_encoding_parts` parts, each by the others.
    max_codes: int = 4
    min_rows_per_code: int = 5
    num_encoding_parts: int = 5
    # Replaces normal scores: `fit_scores(rows)` returns a pytree with `apply(rows)`.
    fit_scores: Callable[[np.ndarray], Any] | None = None
    # Coordinates are clipped at this many robust standard deviations before covariances
    # are computed, because a few outliers would dominate them.
    max_standardized: float = 4.0

    # Expanded variates ---------------------------------------------------------------
    # Candidates: a field of `Views`, and how it is expanded: by products of coordinates
    # with Fourier features of the norm and with each other ("fourier"), with the norm
    # alone ("linear"), which fits fewer numbers and so suits few rows, or not ("none").
    expansions: tuple[tuple[str, str], ...] = (
        ("normal", "fourier"),
        ("clipped", "fourier"),
        ("about_zero", "fourier"),
        ("clipped", "linear"),
        ("clipped", "none"),
    )
    # With more coordinates only the last candidate is fitted, because factorizing the
    # covariance of the others takes seconds.
    max_expanded_coordinates: int = 80
    # Frequencies in radians per standard deviation of the squared norm. Fourier
    # features are bounded, whereas powers of the norm would let a few rows dominate.
    norm_frequencies: tuple[float, ...] = (0.5, 1.0)
    # With more coordinates only squares are added, because the number of products grows
    # quadratically.
    max_product_coordinates: int = 8
    # Number of variates that are kept; later ones are mostly products of the first.
    max_expanded_variates: int = 8
    # The `num_rotated` best candidates also compete after a rotation of their leading
    # variates (`rotated_sizes` of them) to independence, by at most
    # `num_rotation_steps` steps of FastICA.
    num_rotated: int = 2
    rotated_sizes: tuple[int, ...] = (3, 8)
    num_rotation_steps: int = 30
    # Added to the diagonal of covariances, in units of the mean variance, so that they
    # can be inverted.
    ridge: float = 1e-6
    # Expanded coordinates are many and nearly collinear: to their covariances this many
    # rows of uncorrelated coordinates are added.
    num_ridge_rows: float = 60.0

    # Base densities ------------------------------------------------------------------
    # Candidates: a Gaussian or Student copula, a Gaussian of the expanded variates, a
    # mixture of Gaussians, and a contingency table of two labels. () for independence.
    base_densities: tuple[str, ...] = BASE_DENSITIES
    # Candidates for the copula; inf is the Gaussian.
    degrees_of_freedom: tuple[float, ...] = (math.inf, 30.0, 10.0, 5.0, 3.0, 2.0, 1.0)
    # Iterations of the row weights when a Student correlation is fitted.
    num_reweightings: int = 5
    # Candidates for how many of the largest correlations are kept; weak ones are noise.
    nums_of_correlations: tuple[int, ...] = NUMS_OF_CORRELATIONS
    # Candidates for the number of Gaussians in a mixture, which is fitted to at most
    # `max_mixture_coordinates` coordinates of x and of y: the leading variates.
    nums_of_components: tuple[int, ...] = (2, 4, 6)
    max_mixture_coordinates: int = 4
    # The best of so many starts, and the steps of expectation maximization at most.
    num_mixture_starts: int = 4
    num_mixture_steps: int = 60
    # Penalty for each kept correlation, in nats times validation rows. Correlations
    # fitted to validation rows alone overfit them more than pooled ones do.
    correlation_cost: float = 0.5
    pooled_correlation_cost: float = 0.1
    # Negatives of each validation row when base densities are compared.
    num_shifts: int = 8
    # A table with more levels on both sides is replaced by its leading components.
    max_table_rank: int = 64
    # Candidates for the smoothing of a table: the number of rows of independent labels
    # that are mixed with the training rows.
    table_strengths: tuple[float, ...] = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)

    # Features of the critics ---------------------------------------------------------
    # Up to this many coordinates all directions are leading features. Above it only
    # correlated directions are, so that flexible critics do not overfit the others.
    max_coordinates: int = 8
    # Up to this many coordinates critics also get Fourier features of the ranks, since
    # a density can have hard edges anywhere. Two coordinates gained nothing from them.
    max_rank_coordinates: int = 1
    rank_frequencies: tuple[int, ...] = (1, 2, 4, 8)
    # Features are clipped at this many standard deviations, which limits outliers.
    max_feature: float = 8.0

    # Critics -------------------------------------------------------------------------
    # The critics of a fold take these kinds cyclically.
    critic_kinds: tuple[CriticKind, ...] = (SMOOTH, FLEXIBLE)
    hidden_sizes: tuple[int, ...] = (64, 64, 64)
    # Objective of training and criterion of early stopping: the logistic loss, because
    # no single pair can dominate it.
    bound: str = "jensen_shannon"
    # The learning rate is high because the parameters are averaged with this decay;
    # averages also overfit later. None for no average.
    learning_rate: float = 4e-3
    ema_decay: float | None = 0.995
    # Negatives of each training row.
    num_negatives: int = 2

    # Combination ---------------------------------------------------------------------
    # Number of greedy picks, so weights are multiples of 1 / num_picks; 0 for equal
    # weights.
    num_picks: int = 4
    # Candidates for the clip of scores: quantiles of the validation scores of joint
    # pairs, and their maximum plus `clip_margin` nats. A pair with an absurd score
    # would otherwise dominate the normalizer.
    clip_quantiles: tuple[float, ...] = (0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
    clip_margin: float = 1.0

    # Bias correction -----------------------------------------------------------------
    # Weight of the training bound in the value; the rest is that of the held-out bound.
    # One half is right if the fit only adds noise, as for the table of two labels.
    # Smooth base densities and networks that stop early also miss a part of the
    # dependence, which lowers both bounds, so the training bound gets more. Three
    # quarters was chosen on the 40 tasks with 1,000 rows. 0 for the held-out bound.
    training_share: float = 0.75
    table_training_share: float = 0.5
    # Both bounds miss structure that takes more rows to learn, and their distance tells
    # how much a fit depends on the number of rows. The part that is missed has this
    # standard deviation, in units of the distance, and extends the upper end only. With
    # 0 the intervals of 28 of 40 random mixtures (`experiments/ablation`) contain the
    # truth, with 1 those of 36. A table of two labels misses nothing.
    missed_share: float = 1.0
    # Fraction of the held-out gain of all critics over those that correct the base
    # density; it is added for structure that needs more rows to be learned. Chosen by
    # hand and low: it centers the estimates for distributions with hard edges and
    # leaves others below the truth.
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
        """Weights that are used unless others gain on validation rows, [C]."""
        corrects = np.array([kind.corrects_base for kind in self.kinds])
        preferred = corrects | (not corrects.any())
        return preferred / preferred.sum()
