"""Mutual information from samples on the host."""

from typing import Any

from jaxinfo.core.checks import check_key
from jaxinfo.core.types import Array, Key
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.estimators import (
    Estimator,
    checked_estimate,
    find_estimator,
)

__all__ = ["estimate_mutual_information"]

# Keywords of earlier versions, and what replaces them.
_VARIATIONAL = [
    "critic",
    "optimizer",
    "negative_sampling",
    "num_negatives",
    "auxiliary",
    "split",
    "clip",
    "decay",
    "alpha",
    "learning_rate",
]
_TRAIN = [
    "num_seeds",
    "num_steps",
    "batch_size",
    "eval_every",
    "patience",
    "layout",
    "progress",
]
RENAMED = {
    "bound": "estimator=NAME",
    "method": "estimator=NAME",
    "cadence": "TrainConfig(eval_every=...)",
    "companion": "Variational(auxiliary=...)",
    "pairing": "Variational(negative_sampling=...)",
    "num_draws": "Variational(num_negatives=...)",
    **{name: f"Variational({name}=...)" for name in _VARIATIONAL},
    **{
        name: f"CrossFitted(train=TrainConfig({name}=...)) or "
        f"Variational(BOUND, train=TrainConfig({name}=...))"
        for name in _TRAIN
    },
}
for _name in ("clip", "decay", "alpha", "learning_rate"):
    RENAMED[_name] = f'Variational(BOUND, settings={{"{_name}": ...}})'


def refuse_renamed(arguments: dict[str, Any], renamed: dict[str, str]) -> None:
    """Raises TypeError that names what replaces an argument of earlier versions."""
    for name in arguments:
        if name in renamed:
            raise TypeError(
                f"{name}= is an argument of earlier versions; now: {renamed[name]}"
            )
        raise TypeError(f"unexpected keyword argument {name!r}")


def estimate_mutual_information(
    key: Key[Array, ""],
    x: Any,
    y: Any,
    *,
    estimator: str | Estimator | None = None,
    **renamed: Any,
) -> Estimate:
    """Estimates the mutual information of paired samples in nats, with its error.

    I(X; Y) = KL(p(x, y) || p(x) p(y)). With no further arguments, the default
    estimator is used: cross-fitted critics, half of which correct a closed-form density
    ratio. See `CrossFitted`.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...]; row i is paired with row i of x.
        estimator: an estimator or its name, one of `estimator_names()`: a
            `CrossFitted`, a `Variational` of any bound and critic, a classical
            estimator such as `KSG`, or any callable `(key, x, y) -> Estimate`.
        **renamed: not used; arguments of earlier versions get an error that names their
            replacement.

    Returns:
        An `Estimate` in nats.

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: inside jit or vmap; use `make_run` there.

    Notes:
        The default estimator estimates the information itself, and its error includes
        the cost of fitting. The interval of a named bound is one for the value that its
        critics reach, which is below the information if the critic is too small or the
        rows are too few.

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
    refuse_renamed(renamed, RENAMED)
    check_key(0, key=key)
    return checked_estimate(find_estimator(estimator), key, x, y)
