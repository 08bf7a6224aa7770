"""Settings of the experiment, and those of the papers."""

import dataclasses
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import optax

from jaxinfo import networks
from jaxinfo.adversarial import Penalty, r1
from jaxinfo.core.types import Network

__all__ = ["OBJECTIVES_SHOWN", "PRESETS", "Config", "Preset"]


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json, table.md and samples.png; objectives that are
            already in results.json are not run again.
        dataset: a labeled image data set, by its name in TensorFlow Datasets.
        data_dir: folder that is searched for it first.
        setting: networks and optimizers: goodfellow, fgan or cpu.
        objectives: names in `jaxinfo.adversarial.OBJECTIVES`, comma-separated; by
            default the non-saturating loss and those of the f-GAN paper's table.
        classifier: output folder of `python -m experiments.mnist_classifier`, for
            distances in its embedding; by default no distances are computed.
        num_seeds: trainings of each objective, in one program.
        num_steps: generator updates; by default those of the setting.
        smoke: run the whole experiment with two seeds and few steps.
    """

    out: Path = Path("results/gan_mnist")
    dataset: str = "mnist"
    data_dir: Path | None = None
    setting: str = "cpu"
    objectives: str | None = None
    classifier: Path | None = None
    num_seeds: int = 4
    num_steps: int | None = None
    smoke: bool = False


class Preset(NamedTuple):
    """Networks, optimizers and sizes of one setting."""

    generator: Callable[[tuple[int, ...]], Network]
    discriminator: Network
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    sample_noise: Callable[..., jax.Array]
    update: str
    batch_size: int
    num_steps: int
    noise_size: int = 100
    penalties: tuple[Penalty, ...] = ()
    ema_decay: float | None = None


def _momentum(rate: float) -> optax.GradientTransformation:
    """As in the first GAN's settings: momentum rises for 250 epochs of 500 updates."""
    return optax.inject_hyperparams(optax.sgd)(
        learning_rate=optax.exponential_decay(rate, 1, 1 / 1.000004, end_value=1e-6),
        momentum=optax.linear_schedule(0.5, 0.7, 250 * 500),
    )


def _uniform(limit: float) -> Callable[..., jax.Array]:
    return functools.partial(jax.random.uniform, minval=-limit, maxval=limit)


def _pixels(hidden_sizes: tuple[int, ...], **settings: Any):
    def make(sample_shape: tuple[int, ...]) -> Network:
        return networks.generator(
            hidden_sizes, sample_shape, output_activation=jax.nn.sigmoid, **settings
        )

    return make


def _adam(rate: float, *, max_norm: float = math.inf) -> optax.GradientTransformation:
    """Adam, with gradients clipped to the global norm `max_norm`."""
    adam = optax.adam(rate, b1=0.5)
    if max_norm == math.inf:
        return adam
    return optax.chain(optax.clip_by_global_norm(max_norm), adam)


OBJECTIVES_SHOWN = (
    "non_saturating",
    *(
        f"{member}_practical"
        for member in (
            *("KL", "REVERSE_KL", "PEARSON", "NEYMAN"),
            *("SQUARED_HELLINGER", "JEFFREYS", "JENSEN_SHANNON"),
        )
    ),
)

PRESETS = {
    "goodfellow": Preset(
        _pixels((1_200, 1_200), init_scale=0.05),
        networks.maxout_discriminator((240, 240), init_scale=0.005),
        _momentum(0.1),
        # The paper's loss is half the sum of the two cross-entropies.
        _momentum(0.05),
        _uniform(math.sqrt(3)),
        "simultaneous",
        batch_size=100,
        num_steps=125_000,
    ),
    "fgan": Preset(
        _pixels((1_200, 1_200), normalizes_batch=True),
        networks.discriminator((240, 240), activation=jax.nn.elu),
        _adam(2e-4),
        _adam(2e-4),
        _uniform(1.0),
        "simultaneous",
        batch_size=4_096,
        num_steps=20_000,
    ),
    "cpu": Preset(
        _pixels((512, 512), normalizes_batch=True),
        networks.discriminator((240, 240), activation=jax.nn.elu),
        # Exponential conjugates start with arbitrarily large gradients.
        _adam(2e-3, max_norm=100.0),
        _adam(2e-3, max_norm=100.0),
        _uniform(1.0),
        "alternating",
        batch_size=200,
        num_steps=8_000,
        penalties=(r1(0.5),),
        ema_decay=0.9995,
    ),
}
