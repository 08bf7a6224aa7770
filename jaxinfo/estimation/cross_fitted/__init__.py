"""Placeholder of the default estimator, which another branch brings."""

import dataclasses
from typing import Any

from jaxinfo.estimation.train_config import TrainConfig

__all__ = ["CrossFitted", "estimate_difference"]


@dataclasses.dataclass(frozen=True)
class CrossFitted:
    train: TrainConfig = TrainConfig(num_steps=4_000)

    @property
    def name(self) -> str:
        return "cross_fitted"

    def __call__(self, key: Any, x: Any, y: Any) -> Any:
        raise NotImplementedError


def estimate_difference(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError
