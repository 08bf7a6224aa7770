"""Mutual information from samples on the host."""

from collections.abc import Mapping
from typing import Any

from jaxinfo.core.types import Array, Key
from jaxinfo.data.containers import Discrete
from jaxinfo.estimation.classical import KSG, MixedKSG, PlugIn
from jaxinfo.estimation.cross_fitted import CrossFitted
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.estimators import (
    Estimator,
    find_estimator,
)
from jaxinfo.estimation.keywords import refuse_keywords
from jaxinfo.estimation.pair_estimator import estimate_rows
from jaxinfo.estimation.variational.estimators import Variational

__all__ = ["estimate_mutual_information"]


def estimate_mutual_information(
    key: Key[Array, ""],
    x: Any,
    y: Any,
    *,
    estimator: str | Estimator | None = None,
    discrete: Discrete | Mapping[str, Discrete] = None,
    missing: str = "error",
    groups: Any = None,
    is_series: bool = False,
    **settings: Any,
) -> Estimate:
    """Estimates the mutual information of paired samples in nats, with its error.

    I(X; Y) = KL(p(x, y) || p(x) p(y)). With no further arguments, the default
    estimator is used: cross-fitted critics, half of which correct a closed-form density
    ratio. See `CrossFitted`.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape: an array, a frame, a tensor or
            another container, see `jaxinfo.data.read_table`.
        y: rows of y, [N, ...]; row i is paired with row i of x.
        estimator: an estimator or its name, one of `estimator_names()`: a
            `CrossFitted`, a `Variational` of any bound and critic, a classical
            estimator such as `KSG`, or any callable `(key, x, y) -> Estimate`.
        discrete: which columns hold labels: True or False, a list of names of columns,
            or a dict such as `{"x": True, "y": [0, 2]}`. None for text, categories,
            truth values, and what the estimator takes for labels.
        missing: "error", or "drop" to leave out rows with missing values.
        groups: a label for each row, [N]: rows of one group, such as repeated
            measurements, depend on each other.
        is_series: whether the rows are steps in time that depend on each other.
        **settings: rejected, with an error that names the estimator that takes them.

    Returns:
        An `Estimate` in nats.

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: inside jit or vmap; use `make_run` there.

    Notes:
        The interval of the default estimator is for the information itself. The
        interval of a named bound is for the value that its critics reach. A lower bound
        is below the information if the critic is too small or the rows are too few.

    Example:
        >>> import jax, math
        >>> from jaxinfo.estimation import CrossFitted, TrainConfig
        >>> x, e = jax.random.normal(jax.random.key(0), (2, 400, 1))
        >>> quick = CrossFitted(train=TrainConfig(num_steps=50))
        >>> key = jax.random.key(1)
        >>> estimate = estimate_mutual_information(key, x, x + e, estimator=quick)
        >>> abs(estimate.value - 0.5 * math.log(2)) < 0.2
        True
    """
    refuse_keywords(settings, KSG, MixedKSG, PlugIn, CrossFitted, Variational)
    return estimate_rows(
        find_estimator(estimator),
        key,
        x,
        y,
        discrete=discrete,
        missing=missing,
        groups=groups,
        is_series=is_series,
    )
