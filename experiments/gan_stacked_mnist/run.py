"""Stacked MNIST: how many of the thousand combinations of three digits a GAN covers."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.folder import block_of, cell, plain, refuse, run_settings
from experiments.mnist_classifier.run import Classification, load_classifier
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

# Samples that are counted, as published.
NUM_COUNTED = 26_000
NUM_CHANNELS, NUM_DRAWN, NUM_BLOCKS = 3, 16, 10
NUM_LABELS = 10**NUM_CHANNELS
# The setting that evaluates the data instead of a generator.
DATA = "data"


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json, table.md and samples.png; objectives that are
            already in results.json are not run again.
        classifier: output folder of `python -m experiments.mnist_classifier`.
        data_dir: folder that is searched for MNIST first.
        objectives: names in `jaxinfo.adversarial.OBJECTIVES`, comma-separated.
        num_seeds: trainings of each objective.
        num_steps: generator updates.
        batch_size: samples of each update.
        width: channels of the generator's last hidden layer.
        discriminator_width: channels of the discriminator's first layer.
        noise_size: coordinates of the noise.
        learning_rate: learning rate of Adam for both networks.
        penalty: weight of R1 and of R2; 0 for no penalty.
        smoke: run the whole experiment with two seeds and few steps.
    """

    out: Path = Path("results/gan_stacked_mnist")
    classifier: Path = Path("results/mnist_classifier")
    data_dir: Path | None = None
    objectives: str = "non_saturating,relativistic"
    num_seeds: int = 4
    num_steps: int = 20_000
    batch_size: int = 64
    width: int = 64
    discriminator_width: int = 64
    noise_size: int = 100
    learning_rate: float = 2e-4
    penalty: float = 1.0
    smoke: bool = False


def _make_run(
    objective: str, config: Config, classify: Callable[[Any], Classification]
) -> Callable[..., dict[str, Any]]:
    """One training and its evaluation, as a pure function of a key and digits."""
    import jax
    import optax

    from jaxinfo import networks
    from jaxinfo.adversarial import make_gan, r1, r2, train_gan

    penalties = [r1(config.penalty), r2(config.penalty)] if config.penalty else []

    def run(key: jax.Array, digits: jax.Array) -> dict[str, Any]:
        shape = (*digits.shape[1:3], NUM_CHANNELS)
        gan = make_gan(
            networks.convolutional_generator(shape, width=config.width),
            networks.convolutional_discriminator(width=config.discriminator_width),
            objective,
            generator_optimizer=optax.adam(config.learning_rate, b1=0.5),
            discriminator_optimizer=optax.adam(config.learning_rate, b1=0.5),
            noise_size=config.noise_size,
            penalties=penalties,
            ema_decay=0.999,
        )

        train_key, sample_key = jax.random.split(key)
        trained = train_gan(
            train_key,
            gan,
            lambda key, size: _stack(key, digits, size),
            num_steps=config.num_steps,
            batch_size=config.batch_size,
            eval_every=block_of(config.num_steps, NUM_BLOCKS),
        )
        samples = gan.sample(sample_key, trained.state, _num_counted(config))
        return _count(samples, classify) | {"stopped_at": trained.state.stopped_at}

    return run


def _make_run_of_data(
    config: Config, classify: Callable[[Any], Classification]
) -> Callable[..., Any]:
    """The same evaluation of the data, as an upper limit for any generator."""
    import jax.numpy as jnp

    def run(key: Any, digits: Any) -> dict[str, Any]:
        samples = _stack(key, digits, _num_counted(config))
        return _count(samples, classify) | {"stopped_at": jnp.array(-1)}

    return run


def _stack(key: Any, digits: Any, num_samples: int) -> Any:
    """Draws samples of three digits, one in each color channel."""
    import jax
    import jax.numpy as jnp

    rows = jax.random.randint(key, (num_samples, NUM_CHANNELS), 0, len(digits))
    return jnp.moveaxis(digits[rows][..., 0], 1, -1)


def _count(samples: Any, classify: Callable[[Any], Classification]) -> dict[str, Any]:
    import jax.numpy as jnp

    from jaxinfo.adversarial import count_labels

    by_channel = [classify(samples[..., c : c + 1]).labels for c in range(NUM_CHANNELS)]
    labels = jnp.stack(by_channel, axis=1) @ (10 ** jnp.arange(NUM_CHANNELS))
    counts = count_labels(labels, NUM_LABELS)
    return {
        "modes": counts.num_labels,
        "reverse_kl": counts.reverse_kl,
        "samples": samples[:NUM_DRAWN],
    }


def _num_counted(config: Config) -> int:
    return 500 if config.smoke else NUM_COUNTED


def _run_objective(
    objective: str,
    config: Config,
    digits: Any,
    classify: Callable[[Any], Classification],
) -> tuple[dict[str, Any], Any]:
    """Records of all seeds, and samples of the first."""
    import jax

    from jaxinfo.reporting import mean_and_sd
    from jaxinfo.training import sweep

    started = time.perf_counter()
    keys = jax.random.split(jax.random.key(0), config.num_seeds)
    # On a CPU, convolutions are faster one seed after the other.
    layout = "mesh_map" if jax.default_backend() == "cpu" else "auto"
    if objective == DATA:
        run = _make_run_of_data(config, classify)
    else:
        run = _make_run(objective, config, classify)
    found = jax.device_get(sweep(run, keys, digits, layout=layout))
    names = ("modes", "reverse_kl")
    results = {
        "records": [
            {
                "setting": objective,
                "seed": seed,
                **{name: plain(found[name][seed]) for name in names},
                "stopped_at": int(found["stopped_at"][seed]),
            }
            for seed in range(config.num_seeds)
        ],
        "summary": {name: mean_and_sd(map(float, found[name])) for name in names},
        "seconds": time.perf_counter() - started,
    }
    return results, found["samples"][0]


def _lines(done: dict[str, Any]) -> list[list[str]]:
    lines = [["objective", f"modes of {NUM_LABELS}", "reverse KL", "stopped", "s"]]
    for objective, results in done.items():
        cells = [
            cell(results["summary"][name], digits)
            for name, digits in (("modes", 1), ("reverse_kl", 3))
        ]
        stopped = sum(r["stopped_at"] >= 0 for r in results["records"])
        lines.append([objective, *cells, str(stopped), f"{results['seconds']:.0f}"])
    return lines


def main() -> None:
    """Trains by every objective, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Modes of stacked MNIST.")
    if config.smoke:
        config = dataclasses.replace(
            config, num_seeds=2, num_steps=10, width=8, discriminator_width=8
        )
    prepare_jax()
    import jax.numpy as jnp

    from experiments.gan_mnist.show import plot_samples
    from jaxinfo.adversarial import OBJECTIVES
    from jaxinfo.core.checks import check_one_of
    from jaxinfo.data import load_images
    from jaxinfo.reporting import check_new_folder

    try:
        for objective in config.objectives.split(","):
            check_one_of(OBJECTIVES, objective=objective)
        block_of(config.num_steps, NUM_BLOCKS)
        check_new_folder(config.out)
        images = load_images("mnist", "train", data_dir=config.data_dir).images
        classify = load_classifier(config.classifier, images.shape[1:])
    except ValueError as error:
        refuse(error)
    digits = jnp.asarray(images / 255, float)
    settings = dataclasses.asdict(config)
    for name in ("out", "classifier", "objectives", "data_dir"):
        del settings[name]
    run_settings(
        config.out,
        "gan_stacked_mnist",
        settings,
        [DATA, *config.objectives.split(",")],
        lambda objective: _run_objective(objective, config, digits, classify),
        _lines,
        plot_samples,
    )
