"""Estimators that record their calls."""

import dataclasses

from jaxinfo.estimation import TrainConfig
from tests.fakes import make_estimate

TRAIN = TrainConfig()


@dataclasses.dataclass(frozen=True)
class FakeEstimator:
    """An estimator without training; `fields` are those of its estimates."""

    name: str
    calls: list = dataclasses.field(compare=False, repr=False)
    fields: dict = dataclasses.field(default_factory=dict, compare=False)

    def __call__(self, *data, **arguments):
        self.calls.append((self, data, arguments))
        return make_estimate(**{"estimator": self.name, "value": 0.41} | self.fields)


@dataclasses.dataclass(frozen=True)
class FakeTrainedEstimator(FakeEstimator):
    """An estimator with settings of training, which it ignores."""

    train: TrainConfig = TRAIN
