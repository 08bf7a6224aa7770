"""Settings of the experiment."""

import dataclasses
from pathlib import Path

__all__ = ["Config"]


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json and the figures.
        num_seeds: trainings of each divergence, in one program.
        num_steps: generator updates.
        num_discriminator_steps: discriminator updates for each generator update.
        batch_size: samples of each update.
        generator_rate: learning rate of the generator, which decays to 0.
        discriminator_rate: learning rate of the discriminator, which decays to a tenth
            of it.
        members: names of divergences, comma-separated; by default all.
        smoke: run the whole experiment with two divergences, two seeds and few steps.
    """

    out: Path = Path("results/fgan_gaussian")
    num_seeds: int = 16
    num_steps: int = 1_500
    num_discriminator_steps: int = 2
    batch_size: int = 384
    generator_rate: float = 2e-2
    discriminator_rate: float = 1e-2
    members: str | None = None
    smoke: bool = False
