"""Turns any step function into a run, and a run into a sweep."""

from jaxinfo.training.blocks import BlockRun, next_state, train_in_blocks
from jaxinfo.training.checkpoint import (
    read_info,
    restore_checkpoint,
    save_checkpoint,
)
from jaxinfo.training.descent import DescentState, make_descent
from jaxinfo.training.loop import TrainResult, guard, sample_rows, train
from jaxinfo.training.patience import PatientRun, train_with_patience
from jaxinfo.training.sweep import default_layout, sweep

__all__ = [
    "BlockRun",
    "DescentState",
    "PatientRun",
    "TrainResult",
    "default_layout",
    "guard",
    "make_descent",
    "next_state",
    "read_info",
    "restore_checkpoint",
    "sample_rows",
    "save_checkpoint",
    "sweep",
    "train",
    "train_in_blocks",
    "train_with_patience",
]
