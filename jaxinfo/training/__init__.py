"""Turns any step function into a run, and a run into a sweep."""

from jaxinfo.training.loop import TrainResult, guard, sample_rows, train
from jaxinfo.training.sweep import default_layout, sweep

__all__ = ["TrainResult", "default_layout", "guard", "sample_rows", "sweep", "train"]
