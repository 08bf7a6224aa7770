"""The default recipe with one part exchanged for the plainest thing in its place."""

import contextlib
from typing import Any, NamedTuple
from unittest import mock

import jax.numpy as jnp
import numpy as np

from jaxinfo.core.types import Array
from jaxinfo.estimation.bounds import information_bound
from jaxinfo.estimation.combine import Combination
from jaxinfo.estimation.cross_fit import KINDS
from jaxinfo.estimation.preprocessing import fit_standardization
from jaxinfo.estimation.uncertainty import Summary, summary_around

__all__ = ["RECIPE", "VARIANTS", "exchanged"]

ESTIMATION = "jaxinfo.estimation"
RECIPE = "the recipe"
SMOOTH, FREE = KINDS


class _Standardized(NamedTuple):
    mean: np.ndarray
    scale: np.ndarray

    def apply(self, rows: np.ndarray) -> np.ndarray:
        return (rows - self.mean) / self.scale


def _standardized(rows: np.ndarray) -> _Standardized:
    return _Standardized(*fit_standardization(rows))


def _zero(x: Array, y: Array) -> Array:
    del y
    return jnp.zeros(x.shape[:-1], x.dtype)


def _alike(matrices: np.ndarray, preferred: np.ndarray) -> Combination:
    del preferred
    return Combination(np.full(len(matrices), 1 / len(matrices)), np.inf)


def _held_out(held_out: float, training: float, variance: float) -> Summary:
    del training
    return summary_around(held_out, variance**0.5)


def _never(*arguments: Any) -> None:
    del arguments


class _Exchange(NamedTuple):
    """A name of the recipe, and what stands there instead."""

    place: str
    part: Any


# Each in a process of its own: compiled programs do not know that a part was exchanged.
VARIANTS: dict[str, _Exchange | None] = {
    RECIPE: None,
    "standardized coordinates, no normal scores": _Exchange(
        "fold_map.fit_normal_scores", _standardized
    ),
    "no closed form to start from": _Exchange("cross_fit.log_ratio_of_records", _zero),
    "a copula alone to start from": _Exchange("fold_map.clearly_better", _never),
    "no network": _Exchange("mutual_information.RECIPE_STEPS", 1),
    "trained on Donsker-Varadhan": _Exchange(
        "cross_fit.BOUND", information_bound("mine")
    ),
    "parameters not averaged": _Exchange("cross_fit.EMA_DECAY", None),
    "both critics correct the closed form": _Exchange(
        "cross_fit.KINDS", (SMOOTH, FREE._replace(corrects_closed_form=True))
    ),
    "the smooth critic alone": _Exchange("cross_fit.KINDS", (SMOOTH,)),
    "the free critic alone": _Exchange("cross_fit.KINDS", (FREE,)),
    "waves of the rank in two dimensions too": _Exchange(
        "fold_map.MOST_WITH_RANK_WAVES", 2
    ),
    "critics alike, scores not cut": _Exchange(
        "cross_fit_report.fit_combination", _alike
    ),
    "two folds": _Exchange("cross_fit.NUM_FOLDS", 2),
    "nothing added for what networks miss": _Exchange(
        "cross_fit_report.SHARE_UNSEEN", 0.0
    ),
    "the held-out bound, not halfway": _Exchange(
        "cross_fit_estimate.halfway", _held_out
    ),
}


def exchanged(variant: str) -> contextlib.AbstractContextManager[Any]:
    """Exchanges the part of a variant, for the time of a `with` block."""
    exchange = VARIANTS[variant]
    if exchange is None:
        return contextlib.nullcontext()
    return mock.patch(f"{ESTIMATION}.{exchange.place}", exchange.part)
