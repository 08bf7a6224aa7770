"""GANs of images by every objective, evaluated by Parzen windows as published."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from experiments.folder import block_of, cell, plain, refuse, run_settings
from experiments.gan_mnist.config import OBJECTIVES_SHOWN, PRESETS, Config, Preset
from experiments.mnist_classifier.run import Classification, load_classifier
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

# The published protocol: generated samples, and images that choose the bandwidth.
NUM_SAMPLES, NUM_VALIDATION = 10_000, 1_000
NUM_DRAWN, NUM_BLOCKS = 20, 20
# The setting that evaluates the data instead of a generator.
DATA = "data"
# In the embedding of a classifier, if one is given.
DISTANCES = ("frechet", "kernel", "precision", "recall", "density", "coverage")


class _Pixels(NamedTuple):
    """Pixels in [0, 1]: training images [N, H, W, C], the others flat, [M, D]."""

    train: Any
    validation: Any
    test: Any


def _load(config: Config) -> _Pixels:
    """Loads the images; the last sixth of training images chooses the bandwidth."""
    import jax.numpy as jnp

    from jaxinfo.data import load_images

    train, test = (
        load_images(config.dataset, split, data_dir=config.data_dir).images
        for split in ("train", "test")
    )
    cut = len(train) * 5 // 6
    size = NUM_VALIDATION // (10 if config.smoke else 1)

    def flat(images: Any) -> Any:
        return jnp.asarray(images.reshape(len(images), -1) / 255, float)

    return _Pixels(
        jnp.asarray(train[:cut] / 255, float),
        flat(train[cut : cut + size]),
        flat(test[: size if config.smoke else None]),
    )


def _distances(real: Any, fake: Any) -> dict[str, Any]:
    """Distances between embedded data and samples."""
    from jaxinfo.adversarial import (
        compare_neighborhoods,
        frechet_distance,
        kernel_distance,
    )

    return {
        "frechet": frechet_distance(real, fake),
        "kernel": kernel_distance(real, fake),
        **compare_neighborhoods(real, fake)._asdict(),
    }


def _make_run(
    objective: str,
    preset: Preset,
    config: Config,
    shape: tuple[int, ...],
    classify: Callable[[Any], Classification] | None,
) -> Callable[..., dict[str, Any]]:
    """One training and its evaluation, as a pure function of a key and pixels."""
    import jax

    from jaxinfo.adversarial import make_gan, train_gan

    gan = make_gan(
        preset.generator(shape),
        preset.discriminator,
        objective,
        generator_optimizer=preset.generator_optimizer,
        discriminator_optimizer=preset.discriminator_optimizer,
        noise_size=preset.noise_size,
        sample_noise=preset.sample_noise,
        update=preset.update,
        penalties=preset.penalties,
        ema_decay=preset.ema_decay,
    )

    def run(key: jax.Array, pixels: _Pixels) -> dict[str, Any]:
        train_key, sample_key = jax.random.split(key)
        trained = train_gan(
            train_key,
            gan,
            pixels.train,
            num_steps=preset.num_steps,
            batch_size=preset.batch_size,
            eval_every=block_of(preset.num_steps, NUM_BLOCKS),
        )
        samples = gan.sample(sample_key, trained.state, _num_samples(config))
        return _evaluate(samples, pixels, shape, classify) | {
            "bound": trained.history.bound[-1],
            "stopped_at": trained.state.stopped_at,
        }

    return run


def _make_run_of_data(
    config: Config,
    shape: tuple[int, ...],
    classify: Callable[[Any], Classification] | None,
) -> Callable[..., dict[str, Any]]:
    """The same evaluation of training images in place of samples."""
    import jax
    import jax.numpy as jnp

    def run(key: jax.Array, pixels: _Pixels) -> dict[str, Any]:
        rows = jax.random.choice(
            key, len(pixels.train), (_num_samples(config),), replace=False
        )
        return _evaluate(pixels.train[rows], pixels, shape, classify) | {
            "bound": jnp.array(jnp.nan),
            "stopped_at": jnp.array(-1),
        }

    return run


def _evaluate(
    samples: Any,
    pixels: _Pixels,
    shape: tuple[int, ...],
    classify: Callable[[Any], Classification] | None,
) -> dict[str, Any]:
    import jax.numpy as jnp

    from jaxinfo.adversarial import choose_bandwidth, parzen_log_likelihood

    flat = samples.reshape(len(samples), -1)
    bandwidth = choose_bandwidth(pixels.validation, flat)
    log_likelihood = parzen_log_likelihood(pixels.test, flat, bandwidth=bandwidth)
    distances = {}
    if classify is not None:
        images = pixels.test.reshape(-1, *shape)[: len(samples)]
        distances = _distances(classify(images).embedding, classify(samples).embedding)
    return distances | {
        "parzen": jnp.mean(log_likelihood),
        "standard_error": jnp.std(log_likelihood) / math.sqrt(len(log_likelihood)),
        "bandwidth": bandwidth,
        "samples": samples[:NUM_DRAWN],
    }


def _num_samples(config: Config) -> int:
    return NUM_SAMPLES // (10 if config.smoke else 1)


def _preset(config: Config) -> Preset:
    preset = PRESETS[config.setting]
    if config.num_steps is None:
        return preset
    return preset._replace(num_steps=config.num_steps)


def _run_objective(
    objective: str,
    config: Config,
    pixels: _Pixels,
    classify: Callable[[Any], Classification] | None,
) -> tuple[dict[str, Any], Any]:
    """Records of all seeds, and samples of the first."""
    import jax

    from jaxinfo.reporting import mean_and_sd
    from jaxinfo.training import sweep

    started = time.perf_counter()
    keys = jax.random.split(jax.random.key(0), config.num_seeds)
    shape = pixels.train.shape[1:]
    if objective == DATA:
        run = _make_run_of_data(config, shape, classify)
    else:
        run = _make_run(objective, _preset(config), config, shape, classify)
    # On a CPU, large networks train faster one seed after the other.
    layout = "mesh_map" if jax.default_backend() == "cpu" else "auto"
    found = jax.device_get(sweep(run, keys, pixels, layout=layout))
    metrics = ["parzen", *(name for name in DISTANCES if name in found)]
    names = [*metrics, "standard_error", "bandwidth", "bound"]
    records = [
        {
            "setting": objective,
            "seed": seed,
            **{name: plain(found[name][seed]) for name in names},
            "stopped_at": int(found["stopped_at"][seed]),
        }
        for seed in range(config.num_seeds)
    ]
    results = {
        "records": records,
        "summary": {name: mean_and_sd(map(float, found[name])) for name in metrics},
        "seconds": time.perf_counter() - started,
    }
    return results, found["samples"][0]


def _lines(done: dict[str, Any]) -> list[list[str]]:
    summaries = [results["summary"] for results in done.values()]
    distances = [name for name in DISTANCES if name in summaries[0]]
    headings = ["objective", "log-likelihood", "of a seed ±", "width", "stopped", "s"]
    lines = [headings + distances]
    for objective, results in done.items():
        first = results["records"][0]
        error, width = first["standard_error"], first["bandwidth"]
        lines.append(
            [
                *(objective, cell(results["summary"]["parzen"], 1)),
                "" if error is None else f"{error:.1f}",
                "" if width is None else f"{width:.3f}",
                str(sum(r["stopped_at"] >= 0 for r in results["records"])),
                f"{results['seconds']:.0f}",
                *(cell(results["summary"][name], 3) for name in distances),
            ]
        )
    return lines


def main() -> None:
    """Trains by every objective, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Images, evaluated by Parzen windows.")
    if config.smoke:
        config = dataclasses.replace(
            config,
            objectives=config.objectives or "non_saturating,KL_practical",
            num_seeds=2,
            num_steps=20,
        )
    objectives = OBJECTIVES_SHOWN
    if config.objectives is not None:
        objectives = config.objectives.split(",")
    prepare_jax()
    from experiments.gan_mnist.show import plot_samples
    from jaxinfo.adversarial import OBJECTIVES
    from jaxinfo.core.checks import check_one_of
    from jaxinfo.reporting import check_new_folder

    try:
        check_one_of(PRESETS, setting=config.setting)
        block_of(_preset(config).num_steps, NUM_BLOCKS)
        for objective in objectives:
            check_one_of(OBJECTIVES, objective=objective)
        check_new_folder(config.out)
        pixels, classify = _load(config), None
        if config.classifier is not None:
            classify = load_classifier(config.classifier, pixels.train.shape[1:])
    except ValueError as error:
        refuse(error)
    settings = dataclasses.asdict(config) | {"judges_embedding": classify is not None}
    for name in ("out", "objectives", "data_dir", "classifier"):
        del settings[name]
    run_settings(
        config.out,
        "gan_mnist",
        settings,
        [DATA, *objectives],
        lambda objective: _run_objective(objective, config, pixels, classify),
        _lines,
        plot_samples,
    )
