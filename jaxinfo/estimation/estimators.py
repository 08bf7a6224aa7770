"""All estimators of mutual information, by name."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from jaxinfo.core.checks import check_one_of
from jaxinfo.core.types import Array, Key, shown
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.classical import (
    KSG,
    Gaussian,
    GaussianCopula,
    MixedKSG,
    PlugIn,
)
from jaxinfo.estimation.cross_fitted import CrossFitted
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.variational.bound import Bound
from jaxinfo.estimation.variational.estimators import (
    Variational,
    VariationalDivergence,
)
from jaxinfo.estimation.variational.registry import bound_names

__all__ = [
    "CLASSICAL",
    "Estimator",
    "estimator_names",
    "find_estimator",
    "name_of",
]

CLASSICAL: dict[str, Callable[..., Estimate]] = {
    estimator.name: estimator
    for estimator in (
        KSG(1),
        KSG(2),
        MixedKSG(),
        Gaussian(),
        GaussianCopula(),
        PlugIn(),
    )
}

DEFAULT_NAMES = ("cross_fitted", "default")


@runtime_checkable
class Estimator(Protocol):
    """An estimator of mutual information: any callable with this signature.

    The estimators of this library are frozen dataclasses, so they can be compared,
    hashed, and changed by `dataclasses.replace`.

    Example:
        >>> import jax, numpy as np
        >>> def bivariate_gaussian(key, x, y):
        ...     r = np.corrcoef(np.ravel(x), np.ravel(y))[0, 1]
        ...     value, error = -np.log(1 - r**2) / 2, abs(r) / np.sqrt(len(x))
        ...     ends = value - 1.96 * error, value + 1.96 * error
        ...     return Estimate(value, error, *ends, "neither", "bivariate", len(x))
        >>> isinstance(bivariate_gaussian, Estimator)
        True
        >>> x, e = np.random.default_rng(0).normal(size=(2, 500, 1))
        >>> estimate = bivariate_gaussian(jax.random.key(0), x, x + e)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.1)
        True
    """

    def __call__(self, key: Key[Array, ""], x: Any, y: Any) -> Estimate:
        """Estimates the mutual information of paired rows in nats."""
        ...


def estimator_names() -> tuple[str, ...]:
    """Returns the names that `find_estimator` accepts.

    Example:
        >>> {"cross_fitted", "info_nce", "ksg1"} <= set(estimator_names())
        True
    """
    return (*DEFAULT_NAMES, *bound_names(), *CLASSICAL)


def find_estimator(estimator: str | Estimator | None = None) -> Estimator:
    """Returns the estimator with this name.

    Args:
        estimator: None, "default" or "cross_fitted" for the default estimator; the name
            of a bound of `jaxinfo.estimation.BOUNDS`; "ksg1", "ksg2", "mixed_ksg",
            "gaussian", "gaussian_copula" or "plug_in"; or an estimator, which is
            returned unchanged.

    Returns:
        The estimator.

    Raises:
        ValueError: if the name is unknown or the object cannot be called.

    Example:
        >>> find_estimator("ksg1")
        KSG(variant=1, num_neighbors=3, chunk_size=64)
    """
    if estimator is None:
        return CrossFitted()
    if isinstance(estimator, str):
        if estimator in DEFAULT_NAMES:
            return CrossFitted()
        if estimator in CLASSICAL:
            return CLASSICAL[estimator]
        if estimator in bound_names():
            return Variational(estimator)
        check_one_of(estimator_names(), estimator=estimator)
    if isinstance(estimator, Bound | FDivergence):
        raise ValueError(
            "estimator must be an estimator, got a bound or divergence: give "
            "Variational(it)"
        )
    if isinstance(estimator, type):
        name = estimator.__name__
        raise ValueError(f"estimator must be an instance, got the class: give {name}()")
    if isinstance(estimator, VariationalDivergence):
        raise ValueError(
            "estimator must estimate mutual information, got a VariationalDivergence: "
            "give it to estimate_divergence, or give Variational(BOUND)"
        )
    if not callable(estimator):
        hints = {
            "TrainConfig": ": give CrossFitted(train=it)",
            "Critic": ": give Variational(BOUND, critic=it)",
            "Network": ": give Variational(BOUND, critic=it)",
        }
        hint = hints.get(type(estimator).__name__, "")
        raise ValueError(
            "estimator must be a name or a callable estimator(key, x, y), got "
            f"{shown(estimator)}{hint}"
        )
    return estimator


def name_of(estimator: str | Estimator | None) -> str:
    """Returns the name of an estimator, for tables and files."""
    if estimator is None:
        return DEFAULT_NAMES[0]
    if isinstance(estimator, str):
        return estimator
    return getattr(estimator, "name", None) or getattr(
        estimator, "__name__", type(estimator).__name__
    )
