"""The base class of the library's estimators of mutual information."""

import abc
from collections.abc import Mapping
from typing import Any

from jaxinfo.core.checks import check_host_key
from jaxinfo.core.types import Array, Key
from jaxinfo.data.containers import Discrete
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.preprocessing import warn
from jaxinfo.estimation.samples import Samples, read_samples

__all__ = ["PairEstimator"]


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
        check_host_key(key)
        samples = read_samples(
            x=x,
            y=y,
            discrete=discrete,
            missing=missing,
            groups=groups,
            is_series=is_series,
        )
        estimate = self.estimate(key, samples)
        warn(list(estimate.diagnostics.warnings))
        return estimate
