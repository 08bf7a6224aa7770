"""Training settings that all trained estimators share."""

import dataclasses
import sys

from jaxinfo.core.checks import check_one_of, check_positive
from jaxinfo.training.sweep import LAYOUTS, Layout

__all__ = ["TrainConfig", "check_train_config"]

# The compilation cache does not store programs with a callback to the host, so by
# default only runs that take much longer than compiling show a progress bar.
UPDATES_WORTH_A_BAR = 200_000


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Number of seeds, length and layout of a training; frozen and hashable.

    Attributes:
        num_seeds: number of critics that are trained, in one compiled call.
        num_steps: maximal number of updates of each seed.
        batch_size: rows of a minibatch; None for 256, or all training rows if there are
            fewer.
        eval_every: number of updates between two validations.
        patience: a seed stops after this many updates without a better validation
            value; None trains for all `num_steps`.
        layout: how seeds are laid out over devices, see `jaxinfo.training.sweep`.
        progress: whether to show a progress bar; None shows one for long runs on a
            terminal.

    Raises:
        ValueError: if a count is not a positive whole number or the layout is unknown.

    Example:
        >>> TrainConfig(num_steps=500).num_seeds
        8
    """

    num_seeds: int = 8
    num_steps: int = 2_000
    batch_size: int | None = None
    eval_every: int = 100
    patience: int | None = 500
    layout: Layout = "auto"
    progress: bool | None = None

    def __post_init__(self) -> None:
        check_positive(
            num_seeds=self.num_seeds,
            num_steps=self.num_steps,
            eval_every=self.eval_every,
        )
        if self.batch_size is not None:
            check_positive(batch_size=self.batch_size)
            if self.batch_size == 1:
                raise ValueError("batch_size must be at least 2, got 1")
        if self.patience is not None:
            check_positive(patience=self.patience)
        check_one_of(LAYOUTS, layout=self.layout)

    @property
    def shows_progress(self) -> bool:
        """Whether a run with these settings shows a progress bar."""
        if self.progress is not None:
            return self.progress
        is_long = self.num_seeds * self.num_steps >= UPDATES_WORTH_A_BAR
        return is_long and sys.stderr.isatty()


def check_train_config(train: object) -> None:
    """Raises ValueError unless this is a `TrainConfig`."""
    if not isinstance(train, TrainConfig):
        raise ValueError(
            f"train must be a TrainConfig, got {type(train).__name__}: give "
            "train=TrainConfig(num_steps=..., num_seeds=...)"
        )
