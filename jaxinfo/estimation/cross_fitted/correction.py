"""The bounds of all folds, and a value that is corrected for the bias of fitting."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxinfo.estimation.cross_fitted.combination import (
    Combination,
    Report,
    fit_combination,
    report_blocks,
)
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.critics import TrainedCritics
from jaxinfo.estimation.significance import shifted_scores
from jaxinfo.estimation.uncertainty import Summary, summary_around
from jaxinfo.estimation.variational.seeds import MIN_EFFECTIVE_SCORES

__all__ = ["FoldReports", "correct_bias", "report_folds"]


class FoldReports(NamedTuple):
    """The bounds of the combined critics of each fold; sequences of length K."""

    combinations: tuple[Combination, ...]
    held_out: Sequence[Report]  # On the test rows of the fold.
    training: Sequence[Report]  # On as many training rows; all folds cover all rows.
    preferred: Sequence[Report]  # On test rows, by critics that correct the base only.
    shifted: Sequence[np.ndarray]  # `shifted_scores` of the held-out rows.
    training_share: float  # Weight of the training bound in the value.
    missed_share: float  # What both bounds may miss, in units of their distance.

    @property
    def is_measured(self) -> bool:
        """Whether enough negatives contribute to the normalizer of every fold."""
        sizes = [report.effective_sample_size for report in self.held_out]
        return min(sizes) >= MIN_EFFECTIVE_SCORES

    @property
    def held_out_values(self) -> np.ndarray:
        """The bound of each fold on held-out rows, nats, [K].

        If too few negatives contribute to the normalizer, it is replaced by 0, its
        value for an exact log density ratio, which is then more accurate.
        """
        return self._values(self.held_out)

    @property
    def training_values(self) -> np.ndarray:
        """The bound of each fold on training rows, nats, [K].

        If few negatives dominate the normalizer on training rows only, the bound is
        raised to that on held-out rows: in expectation it is not lower, because the
        critics were fitted to these rows.
        """
        values = self._values(self.training)
        sizes = np.array([report.effective_sample_size for report in self.training])
        is_dominated = self.is_measured & (sizes < MIN_EFFECTIVE_SCORES)
        return np.where(is_dominated, np.maximum(values, self.held_out_values), values)

    @property
    def pessimism(self) -> float:
        """How much the held-out bound is expected to lie below the information."""
        return self.training_share * self._distance

    @property
    def missed(self) -> float:
        """Standard deviation of the dependence that both bounds may miss, nats."""
        return self.missed_share * max(self._distance, 0.0)

    @property
    def gain(self) -> float:
        """The held-out gain of all critics over the preferred ones, nats."""
        gains = self.held_out_values - self._values(self.preferred)
        return max(float(gains.mean()), 0.0)

    @property
    def _distance(self) -> float:
        return float(self.training_values.mean() - self.held_out_values.mean())

    def _values(self, reports: Sequence[Report]) -> np.ndarray:
        own = 0.0 if self.is_measured else 1.0
        return np.array([r.value + own * r.log_normalizer for r in reports])


def report_folds(
    trained: TrainedCritics, config: CrossFittedConfig, *, is_table: bool
) -> FoldReports:
    """Combines the critics of each fold on validation rows and computes the bounds.

    `is_table` tells whether the base density is the table of two labels.
    """
    reports = []
    for fold in range(config.num_folds):
        test = trained.test[:, fold]
        combination = fit_combination(trained.validation[:, fold], config)
        preferred = combination._replace(weights=config.preferred_weights)
        held_out, training, alone = (
            combination.apply(test),
            combination.apply(trained.train[:, fold]),
            preferred.apply(test),
        )
        found = map(report_blocks, (held_out, training, alone))
        reports.append((combination, *found, shifted_scores(held_out)))
    return FoldReports(
        *zip(*reports, strict=True),
        training_share=(
            config.table_training_share if is_table else config.training_share
        ),
        missed_share=0.0 if is_table else config.missed_share,
    )


def correct_bias(
    held_out: float,
    training: float,
    pessimism: float,
    gain: float,
    missed: float,
    variance: float,
    config: CrossFittedConfig,
) -> Summary:
    """Computes the value, its error and its interval from the bounds, in nats.

    Fitting k numbers to n rows lowers the held-out bound by k / 2n and raises the
    training bound by as much. Regularized fits also miss a part of the dependence,
    which lowers both, so the value, `held_out` + `pessimism`, lies nearer to the
    training bound than halfway. If a distribution is unlike any base density, networks
    learn more of it with more rows, so a fraction of `gain`, the gain over critics that
    correct the base density, is added. The errors of both corrections are taken as
    uniform, within half the distance of the bounds and within the added amount, and
    contribute their standard deviations (the half width over the root of 3) to the
    error. What both bounds miss, `missed`, extends the interval upwards, or downwards
    if it is negative, as it may be for a difference of two estimates.

    Source: Efron, "Estimating the error rate of a prediction rule", JASA 78, 1983, for
        the optimism of training rows.
    """
    unseen = config.unseen_share * gain
    error = np.sqrt(variance + (((training - held_out) / 2) ** 2 + unseen**2) / 3)
    summary = summary_around(held_out + pessimism + unseen, error)
    wide = summary_around(summary.value, float(np.hypot(error, missed)))
    if missed > 0:
        return summary._replace(upper=wide.upper)
    return summary._replace(lower=wide.lower)
