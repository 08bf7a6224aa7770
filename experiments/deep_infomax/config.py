"""Options of the command, and presets: the paper's, and one for a CPU."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

__all__ = ["DATASETS", "PRESETS", "Config", "Preset", "preset_of"]

DATASETS = ("mnist", "fashion_mnist", "cifar10", "digits")


@dataclasses.dataclass(frozen=True)
class Config:
    """Options of the command.

    Attributes:
        out: folder for results.json, table.md and figures. Methods that results.json
            already holds are not run again; an interrupted one continues.
        dataset: mnist, fashion_mnist, cifar10 or digits.
        data_dir: first folder to search for the data.
        setting: paper or cpu: sizes of networks and numbers of updates.
        settings: names of methods, comma-separated; all by default.
        normalization: normalization of the encoder: batch, group or none.
        num_seeds: trainings of each method, in one program.
        num_steps: updates of the encoder; the preset's by default.
        num_train: number of training images, the first of the data set; the preset's
            by default.
        num_probe_steps: updates of the final probes; the preset's by default.
        further: also run the probes by support vectors, nearest neighbors, clusters,
            reconstruction, dependence and information.
        layout: layout of the seeds: vmap, map, mesh or mesh_map.
        smoke: run everything with two seeds and few updates.
    """

    out: Path = Path("results/deep_infomax")
    dataset: str = "mnist"
    data_dir: Path | None = None
    setting: str = "cpu"
    settings: str | None = None
    normalization: str = "batch"
    num_seeds: int = 4
    num_steps: int | None = None
    num_train: int | None = None
    num_probe_steps: int | None = None
    further: bool = False
    layout: str = "mesh_map"
    smoke: bool = False


class Preset(NamedTuple):
    """Sizes of networks and numbers of updates.

    Attributes:
        width: channels of the encoder's first layer.
        hidden_size: units of the encoder's hidden layer.
        representation_size: coordinates of the representation.
        critic_units: units of the critic's two embeddings.
        prior_sizes: hidden layers of the prior's discriminator.
        decoder_width: channels of the autoencoders' decoder before its last layer.
        learning_rate: learning rate of Adam for the encoder and all networks beside it.
        batch_size: images per update, of the encoder and of the probes.
        num_steps: updates of the encoder.
        num_train: number of training images; None for all.
        num_test: number of test images; None for all.
        probe_steps: updates of the final probes.
        curve_steps: updates of the probes during training.
        probe_rate: learning rate of Adam for the probes.
    """

    width: int = 64
    hidden_size: int = 1_024
    representation_size: int = 64
    critic_units: int = 2_048
    prior_sizes: tuple[int, ...] = (1_000, 200)
    decoder_width: int = 64
    learning_rate: float = 1e-4
    batch_size: int = 64
    num_steps: int = 780_000
    num_train: int | None = None
    num_test: int | None = None
    probe_steps: int = 120_000
    curve_steps: int = 10_000
    probe_rate: float = 1e-4


PRESETS = {
    "paper": Preset(),
    "cpu": Preset(
        width=16,
        hidden_size=256,
        critic_units=256,
        prior_sizes=(200, 100),
        decoder_width=16,
        learning_rate=1e-3,
        num_steps=1_250,
        num_train=20_000,
        num_test=5_000,
        probe_steps=2_000,
        curve_steps=1_000,
        probe_rate=1e-3,
    ),
}


def preset_of(config: Config) -> Preset:
    """The preset of a command, with the values that its options replace."""
    preset = PRESETS[config.setting]
    if config.smoke:
        preset = preset._replace(
            num_steps=20,
            num_train=200,
            num_test=100,
            probe_steps=20,
            curve_steps=20,
            critic_units=16,
        )
    if config.num_steps is not None:
        preset = preset._replace(num_steps=config.num_steps)
    if config.num_train is not None:
        preset = preset._replace(num_train=config.num_train)
    if config.num_probe_steps is not None:
        preset = preset._replace(probe_steps=config.num_probe_steps)
        preset = preset._replace(
            curve_steps=min(preset.curve_steps, config.num_probe_steps)
        )
    return preset
