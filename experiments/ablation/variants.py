"""The default estimator, and variants of it with one part removed or replaced."""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxinfo.estimation import CrossFitted
from jaxinfo.estimation.cross_fitted.config import FLEXIBLE, SMOOTH
from jaxinfo.estimation.preprocessing import fit_standardization

__all__ = ["DEFAULT", "VARIANTS"]

DEFAULT = "the default estimator"
BASE = CrossFitted()


class Standardized(NamedTuple):
    """Standardized coordinates, in place of normal scores."""

    mean: np.ndarray
    scale: np.ndarray

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """The rows in standard deviations from the mean, [N, D]."""
        return (rows - self.mean) / self.scale


def fit_standardized(rows: np.ndarray) -> Standardized:
    """Fits the mean and standard deviation of each coordinate."""
    return Standardized(*fit_standardization(rows))


CHANGES = {
    "standardized coordinates, no normal scores": {"fit_scores": fit_standardized},
    "no base density": {"base_densities": ()},
    "a copula as the only base density": {"base_densities": ("copula", "table")},
    "no mixture of Gaussians": {"base_densities": ("copula", "expanded", "table")},
    "no network": {"train": dataclasses.replace(BASE.train, num_steps=1)},
    "trained on Donsker-Varadhan": {"bound": "mine"},
    "parameters not averaged": {"ema_decay": None},
    "both critics correct the base density": {
        "critic_kinds": (SMOOTH, FLEXIBLE._replace(corrects_base=True))
    },
    "the smooth critic only": {"critic_kinds": (SMOOTH,)},
    "the flexible critic only": {"critic_kinds": (FLEXIBLE,)},
    "Fourier features of the rank in two dimensions": {"max_rank_coordinates": 2},
    "no Fourier features of the rank": {"max_rank_coordinates": 0},
    "equal weights, scores not clipped": {
        "num_picks": 0,
        "clip_quantiles": (),
        "clip_margin": np.inf,
    },
    "two folds": {"num_folds": 2},
    "nothing added for what networks miss": {"unseen_share": 0.0},
    "the held-out bound": {"training_share": 0.0, "table_training_share": 0.0},
    "halfway between the bounds": {"training_share": 0.5},
    "an interval as far up as down": {"missed_share": 0.0},
}

VARIANTS = {DEFAULT: BASE} | {
    name: dataclasses.replace(BASE, **changes) for name, changes in CHANGES.items()
}
