"""The training loop, sweeps over seeds and settings, and checkpoints."""

from jaxinfo.training.checkpoint import (
    read_info,
    restore_checkpoint,
    save_checkpoint,
    train_in_chunks,
)
from jaxinfo.training.gradient_descent import (
    GradientDescent,
    GradientDescentInfo,
    GradientDescentState,
    make_gradient_descent,
)
from jaxinfo.training.loop import TrainResult, make_row_sampler, sample_rows, train
from jaxinfo.training.nonfinite import skip_nonfinite, stop_at_nonfinite
from jaxinfo.training.sweep import default_layout, sweep

__all__ = [
    "GradientDescent",
    "GradientDescentInfo",
    "GradientDescentState",
    "TrainResult",
    "default_layout",
    "make_gradient_descent",
    "make_row_sampler",
    "read_info",
    "restore_checkpoint",
    "sample_rows",
    "save_checkpoint",
    "skip_nonfinite",
    "stop_at_nonfinite",
    "sweep",
    "train",
    "train_in_chunks",
]
