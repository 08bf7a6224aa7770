"""What to run, and the settings: of the paper, and for a processor."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

__all__ = ["DATASETS", "PRESETS", "Config", "Preset", "preset_of"]

DATASETS = ("mnist", "fashion_mnist", "cifar10", "digits")


@dataclasses.dataclass(frozen=True)
class Config:
    """What to run.

    Attributes:
        out: folder for results.json, table.md and figures; settings that results.json
            holds already are not run again, and one that was cut off goes on.
        dataset: mnist, fashion_mnist, cifar10 or digits.
        data_dir: where to look for it first.
        setting: paper or cpu: sizes of networks and budgets.
        settings: names of methods, comma-separated; left out: all.
        normalization: of the encoder: batch, group or none.
        num_seeds: trainings of each method, in one program.
        num_steps: updates of the encoder; left out: the setting's.
        num_train: images to train on, the first of the set; left out: the setting's.
        num_probe_steps: updates of the last probes; left out: the setting's.
        further: also judge the code by support vectors, nearest neighbors, clusters,
            reconstruction, dependence and information.
        layout: how seeds are laid out, vmap, map, mesh or mesh_map.
        smoke: the same path end to end with two seeds and few steps.
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
    """Sizes and budgets of a setting.

    Attributes:
        width: channels of the encoder's first layer.
        hidden_size: of the encoder's hidden layer.
        code_size: numbers of the code.
        critic_units: of the embeddings whose inner product is the score.
        prior_sizes: hidden layers of the prior critic.
        decoder_width: channels of the autoencoders' decoder before its last layer.
        learning_rate: Adam's, for everything that trains the encoder.
        batch_size: images of each update.
        num_steps: updates of the encoder.
        num_train: images to train on; None for all.
        num_test: images that judge; None for all.
        probe_steps: updates of each of the last probes, of batches as large.
        look_steps: updates of each probe on the way.
        probe_rate: Adam's, of the probes.
    """

    width: int = 64
    hidden_size: int = 1_024
    code_size: int = 64
    critic_units: int = 2_048
    prior_sizes: tuple[int, ...] = (1_000, 200)
    decoder_width: int = 64
    learning_rate: float = 1e-4
    batch_size: int = 64
    num_steps: int = 780_000
    num_train: int | None = None
    num_test: int | None = None
    probe_steps: int = 120_000
    look_steps: int = 10_000
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
        look_steps=1_000,
        probe_rate=1e-3,
    ),
}


def preset_of(config: Config) -> Preset:
    """The preset that a command names, with what it changes of it."""
    preset = PRESETS[config.setting]
    if config.smoke:
        preset = preset._replace(
            num_steps=20,
            num_train=200,
            num_test=100,
            probe_steps=20,
            look_steps=20,
            critic_units=16,
        )
    if config.num_steps is not None:
        preset = preset._replace(num_steps=config.num_steps)
    if config.num_train is not None:
        preset = preset._replace(num_train=config.num_train)
    if config.num_probe_steps is not None:
        preset = preset._replace(probe_steps=config.num_probe_steps)
        preset = preset._replace(
            look_steps=min(preset.look_steps, config.num_probe_steps)
        )
    return preset
