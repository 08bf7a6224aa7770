"""The base class of the library's estimators of mutual information."""

import abc
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxinfo.core.checks import check_host_key
from jaxinfo.core.types import Array, Key, shown
from jaxinfo.data.containers import Discrete
from jaxinfo.estimation.determinism import relation_without_noise
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.preprocessing import warn
from jaxinfo.estimation.samples import Samples, read_samples
from jaxinfo.estimation.uncertainty import Z_95, summary_around

__all__ = [
    "PairEstimator",
    "at_limits",
    "estimate_pair",
    "estimate_rows",
    "with_warnings",
]


class PairEstimator(abc.ABC):
    """Reads paired rows from any container and estimates their mutual information."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Name of the estimator."""

    @abc.abstractmethod
    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats."""

    def __call__(
        self,
        key: Key[Array, ""],
        x: Any,
        y: Any,
        *,
        discrete: Discrete | Mapping[str, Discrete] = None,
        missing: str = "error",
        groups: Any = None,
        is_series: bool = False,
    ) -> Estimate:
        """Estimates the mutual information of paired rows in nats.

        Args:
            key: random key.
            x: rows of x, [N, ...] of any trailing shape: an array, a frame, a tensor or
                another container, see `jaxinfo.data.read_table`.
            y: rows of y, [N, ...]; row i is paired with row i of x.
            discrete: which columns hold labels: True or False, a list of names of
                columns, or a dict such as `{"x": True, "y": [0, 2]}`. None for text,
                categories, truth values, and what the estimator takes for labels.
            missing: "error", or "drop" to leave out rows with missing values.
            groups: a label for each row, [N]: rows of one group, such as repeated
                measurements, depend on each other.
            is_series: whether the rows are steps in time that depend on each other.

        Returns:
            An `Estimate`.

        Raises:
            ValueError: if an argument does not fit; the message names it.
            TypeError: inside jit or vmap.
        """
        return estimate_rows(
            self,
            key,
            x,
            y,
            discrete=discrete,
            missing=missing,
            groups=groups,
            is_series=is_series,
        )


def estimate_rows(
    estimator: Callable[..., Estimate],
    key: Key[Array, ""],
    x: Any,
    y: Any,
    **description: Any,
) -> Estimate:
    """Reads paired rows and calls an estimator; issues the warnings of the estimate.

    `description` has the arguments of `read_samples`.
    """
    check_host_key(key)
    samples = read_samples(x=x, y=y, **description)
    estimate = estimate_pair(estimator, key, samples)
    warn(list(estimate.diagnostics.warnings))
    return estimate


def estimate_pair(
    estimator: Callable[..., Estimate], key: Key[Array, ""], samples: Samples
) -> Estimate:
    """Calls an estimator with two variables that were read, and checks its estimate.

    An estimator of the user's own is called with arrays in float64.

    Raises:
        ValueError: if rows depend on each other and the estimator takes no groups, or
            it does not return an `Estimate`.
    """
    if isinstance(estimator, PairEstimator):
        return at_limits(estimator.estimate(key, samples), samples)
    if samples.clusters is not None:
        given = "is_series" if samples.is_series else "groups"
        raise ValueError(
            f"{given} needs an estimator of jaxinfo, got {shown(estimator)}"
        )
    estimate = estimator(key, *samples.rows)
    if not isinstance(estimate, Estimate):
        raise ValueError(
            f"estimator must return an Estimate, got {type(estimate).__name__}: return "
            "jaxinfo.Estimate(value, standard_error, lower, upper, kind, name, "
            "num_samples)"
        )
    return at_limits(with_warnings(estimate, samples.warnings), samples)


def at_limits(estimate: Estimate, *pairs: Samples) -> Estimate:
    """Widens the interval of an estimate of information where rows cannot tell more.

    - If a pair of variables shows no noise, the information may be infinite: the upper
      end is inf, `saturated` is set, and a warning gives the reason.
    - Information is not negative. If the interval lies below 0, the error is larger
      than computed, and the interval is widened until it contains 0. The error is at
      least 1 / N.

    Args:
        estimate: the estimate.
        *pairs: the pairs of variables whose information was estimated.

    Returns:
        The estimate, changed where this applies.
    """
    # One deviating row would change the information by about 1 / N.
    error = max(-estimate.value / Z_95, 1 / estimate.num_samples)
    if estimate.kind == "neither" and estimate.standard_error < error:
        summary = summary_around(estimate.value, error)
        estimate = dataclasses.replace(
            estimate,
            standard_error=summary.standard_error,
            lower=min(estimate.lower, summary.lower),
            upper=max(estimate.upper, summary.upper),
        )
    for pair in pairs:
        x, y = pair.tables.values()
        relation = relation_without_noise(x, y)
        if relation is not None:
            message = (
                f"{relation}: the information of continuous variables is infinite "
                f"then, and the value is what {len(pair)} rows can show of it"
            )
            estimate = with_warnings(estimate, [message])
            found = dataclasses.replace(estimate.diagnostics, saturated=True)
            estimate = dataclasses.replace(estimate, upper=math.inf, diagnostics=found)
            break
    return estimate


def with_warnings(estimate: Estimate, warnings: Sequence[str]) -> Estimate:
    """The estimate with further warnings, before its own."""
    found = estimate.diagnostics
    found = dataclasses.replace(found, warnings=(*warnings, *found.warnings))
    return dataclasses.replace(estimate, diagnostics=found)
