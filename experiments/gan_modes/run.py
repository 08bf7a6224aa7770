"""Modes of a ring and a grid that GANs cover, by objective and solver."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

from experiments.folder import block_of, cell, plain, refuse, run_settings
from experiments.gan_modes.config import (
    MIXTURES,
    Config,
    Mixture,
    sample_mixture,
    sample_signs_first,
)
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

# Samples that are counted, as published.
NUM_COUNTED = 2_500
NUM_BLOCKS = 5
NUM_DRAWN = 400
METRICS = ("modes", "good_share", "reverse_kl")
OPTIMISTIC = "optimistic_adam"


def _settings(config: Config) -> dict[str, tuple[str, str, str]]:
    """Mixture, objective and solver of every setting, by its name."""
    from jaxinfo.adversarial import OBJECTIVES, SOLVERS
    from jaxinfo.core.checks import check_one_of
    from jaxinfo.divergences import DIVERGENCES

    objectives = [name for name in OBJECTIVES if name not in DIVERGENCES]
    if config.objectives is not None:
        objectives = config.objectives.split(",")
    for objective in objectives:
        check_one_of(OBJECTIVES, objective=objective)
    for solver in config.solvers.split(","):
        check_one_of([*SOLVERS, OPTIMISTIC], solver=solver)
    for mixture in config.mixtures.split(","):
        check_one_of(MIXTURES, mixture=mixture)
    return {
        f"{mixture}.{objective}.{solver}": (mixture, objective, solver)
        for mixture in config.mixtures.split(",")
        for objective in objectives
        for solver in config.solvers.split(",")
    }


def _make_run(
    mixture: Mixture, objective: str, solver: str, config: Config
) -> Callable[..., dict[str, Any]]:
    """One training as a pure function of a key."""
    import jax
    import jax.numpy as jnp
    import optax

    from jaxinfo import networks
    from jaxinfo.adversarial import count_modes, make_gan, r1, r2, train_gan
    from jaxinfo.adversarial.solvers import find_solver

    sizes = (config.hidden_size,) * config.num_layers
    update = find_solver("simultaneous" if solver == OPTIMISTIC else solver)
    num_updates = update.optimizer_updates * config.num_steps
    rate = optax.cosine_decay_schedule(config.learning_rate, num_updates)
    adam = optax.optimistic_adam_v2 if solver == OPTIMISTIC else optax.adam
    penalties = [r1(config.penalty), r2(config.penalty)] if config.penalty else []
    discriminator = networks.discriminator(sizes, activation=jax.nn.leaky_relu)
    if config.num_frequencies:
        discriminator = networks.with_fourier_features(
            discriminator, num_frequencies=config.num_frequencies
        )
    gan = make_gan(
        networks.generator(sizes, (2,)),
        discriminator,
        objective,
        generator_optimizer=adam(rate, b1=0.5, b2=0.99),
        discriminator_optimizer=adam(rate, b1=0.5, b2=0.99),
        noise_size=config.num_signs + config.num_gaussians,
        sample_noise=functools.partial(sample_signs_first, config.num_signs),
        update=update,
        penalties=penalties,
        ema_decay=0.999,
    )
    centers = jnp.asarray(mixture.centers)

    def observe(key: jax.Array, state: Any) -> dict[str, Any]:
        samples = mixture.scale * gan.sample(key, state, NUM_COUNTED)
        report = count_modes(samples, centers, sd=mixture.sd)
        return {
            "modes": report.num_modes,
            "good_share": report.good_share,
            "reverse_kl": report.reverse_kl,
            "samples": samples[:NUM_DRAWN],
        }

    def run(key: jax.Array) -> dict[str, Any]:
        trained = train_gan(
            key,
            gan,
            lambda key, size: sample_mixture(key, mixture, size),
            num_steps=config.num_steps,
            batch_size=config.batch_size,
            eval_every=block_of(config.num_steps, NUM_BLOCKS),
            observe=observe,
        )
        return trained.observed | {
            "bound": trained.history.bound,
            "stopped_at": trained.state.stopped_at,
        }

    return run


def _run_setting(
    setting: str, mixture: str, objective: str, solver: str, config: Config
) -> tuple[dict[str, Any], Any]:
    """Records of all seeds, and samples of the first after every block."""
    import jax
    import numpy as np

    from jaxinfo.reporting import mean_and_sd
    from jaxinfo.training import sweep

    started = time.perf_counter()
    keys = jax.random.split(jax.random.key(0), config.num_seeds)
    run = _make_run(MIXTURES[mixture], objective, solver, config)
    found = jax.device_get(sweep(run, keys))
    records = [
        {
            "setting": setting,
            "seed": seed,
            **{name: plain(found[name][seed, -1]) for name in METRICS},
            "modes_over_time": found["modes"][seed].tolist(),
            "stopped_at": int(found["stopped_at"][seed]),
        }
        for seed in range(config.num_seeds)
    ]
    summary = {
        name: mean_and_sd(float(x) for x in found[name][:, -1]) for name in METRICS
    }
    results = {
        "records": records,
        "summary": summary,
        "seconds": time.perf_counter() - started,
    }
    return results, np.asarray(found["samples"][0])


def _lines(done: dict[str, Any]) -> list[list[str]]:
    headings = ["setting", "modes", "all", "good samples", "reverse KL", "stopped"]
    lines = [headings]
    for setting, results in done.items():
        mixture = MIXTURES[setting.split(".")[0]]
        records, summary = results["records"], results["summary"]
        num_complete = sum(r["modes"] == len(mixture.centers) for r in records)
        lines.append(
            [
                setting,
                cell(summary["modes"], 1),
                f"{num_complete} of {len(records)}",
                cell(summary["good_share"], 3),
                cell(summary["reverse_kl"], 3),
                str(sum(r["stopped_at"] >= 0 for r in records)),
            ]
        )
    return lines


def main() -> None:
    """Runs the settings, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Modes of a ring and of a grid.")
    if config.smoke:
        config = dataclasses.replace(
            config,
            objectives=config.objectives or "non_saturating,KL_practical",
            num_seeds=2,
            num_steps=100,
            hidden_size=32,
        )
    prepare_jax()
    from experiments.gan_modes.show import plot_samples
    from jaxinfo.reporting import check_new_folder

    try:
        settings = _settings(config)
        block_of(config.num_steps, NUM_BLOCKS)
        check_new_folder(config.out)
    except ValueError as error:
        refuse(error)
    common = dataclasses.asdict(config)
    for name in ("out", "mixtures", "objectives", "solvers"):
        del common[name]
    run_settings(
        config.out,
        "gan_modes",
        common,
        settings,
        lambda name: _run_setting(name, *settings[name], config),
        _lines,
        plot_samples,
    )
