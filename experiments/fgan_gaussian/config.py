"""What to run."""

import dataclasses
from pathlib import Path

__all__ = ["Config"]


@dataclasses.dataclass(frozen=True)
class Config:
    """What to run.

    Attributes:
        out: folder for results.json and the figures.
        num_seeds: trainings of each member, in one program.
        num_steps: updates of both players.
        batch_size: samples of each update.
        generator_rate: learning rate of mean and log-deviation, which decays to 0.
        discriminator_rate: learning rate of the discriminator.
        members: names, comma-separated; left out: the whole family.
        smoke: the same path end to end with two members, two seeds and few steps.
    """

    out: Path = Path("results/fgan_gaussian")
    num_seeds: int = 16
    num_steps: int = 2_000
    batch_size: int = 512
    generator_rate: float = 5e-3
    discriminator_rate: float = 5e-3
    members: str | None = None
    smoke: bool = False
