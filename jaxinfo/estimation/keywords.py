"""Errors for misplaced keywords, which name the estimator that takes them."""

import dataclasses
from typing import Any

from jaxinfo.estimation.train_config import TrainConfig
from jaxinfo.estimation.variational.registry import BOUNDS, RENYI

__all__ = ["refuse_keywords"]

_BOUND_SETTINGS = {
    s.name for bound in (*BOUNDS.values(), RENYI) for s in bound.settings
}


def refuse_keywords(arguments: dict[str, Any], *estimators: type) -> None:
    """Raises TypeError if there are keywords, and names the estimators that take them.

    Args:
        arguments: unexpected keywords of an estimate function.
        *estimators: classes of estimators whose fields are searched.
    """
    for name in arguments:
        if homes := [home for cls in estimators for home in _homes(name, cls)]:
            raise TypeError(
                f"{name}= is a setting of the estimator: give estimator="
                + " or ".join(homes)
            )
        known = ", ".join(
            f"{cls.__name__}({', '.join(_fields(cls))})"
            for cls in (*estimators[-1:], TrainConfig)
        )
        raise TypeError(
            f"unexpected keyword argument {name!r}; settings are fields of estimators, "
            f"such as {known}"
        )


def _fields(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def _homes(name: str, cls: type) -> list[str]:
    """Calls of an estimator that accept the keyword."""
    fields = _fields(cls)
    if name == "method" or (name == "bound" and cls.__name__ == "CrossFitted"):
        return []  # `bound` of earlier versions is now `Variational(bound)`.
    if name in fields:
        return [f"{cls.__name__}({name}=...)"]
    if name in _fields(TrainConfig):
        return [f"{cls.__name__}(train=TrainConfig({name}=...))"]
    if name in {*_BOUND_SETTINGS, "learning_rate"} and "settings" in fields:
        return [f'{cls.__name__}(BOUND, settings={{"{name}": ...}})']
    return []
