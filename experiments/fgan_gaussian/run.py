"""A Gaussian fitted to a mixture by every f-divergence, with many seeds at once."""

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from experiments.fgan_gaussian.config import Config
from experiments.folder import block_of, plain, refuse
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

# Divergences of the paper's train-by-test table.
PAPER = ("KL", "REVERSE_KL", "JENSEN_SHANNON", "JEFFREYS", "PEARSON")
HIDDEN_SIZES = (64, 64)
# New samples, on which the bound is evaluated.
NUM_FRESH = 50_000
METRICS = ("mu", "sigma", "bound", "exact")
# One divergence compiles while another trains.
NUM_AT_ONCE = 2
NUM_BLOCKS = 20


def _make_run(member: str, config: Config) -> Callable[..., dict[str, Any]]:
    """One training as a pure function of a key."""
    import jax
    import jax.numpy as jnp
    import optax

    from jaxinfo.adversarial import make_gan, train_gan
    from jaxinfo.networks import discriminator, gaussian_generator
    from jaxinfo.tasks import sample_mixture

    critic = discriminator(HIDDEN_SIZES, activation=jnp.tanh)
    generator_rate = optax.cosine_decay_schedule(
        config.generator_rate, config.num_steps
    )
    discriminator_rate = optax.cosine_decay_schedule(
        config.discriminator_rate,
        config.num_discriminator_steps * config.num_steps,
        alpha=0.1,
    )
    gan = make_gan(
        gaussian_generator(),
        critic,
        member,
        generator_optimizer=optax.adam(generator_rate),
        discriminator_optimizer=optax.adam(discriminator_rate),
        noise_size=1,
        num_discriminator_steps=config.num_discriminator_steps,
        update="simultaneous",
    )

    def run(key: jax.Array) -> dict[str, jax.Array]:
        train_key, key_p, key_q = jax.random.split(key, 3)
        trained = train_gan(
            train_key,
            gan,
            sample_mixture,
            num_steps=config.num_steps,
            batch_size=config.batch_size,
            eval_every=block_of(config.num_steps, NUM_BLOCKS),
            observe=lambda _, state: state.players.generator,
        )
        state = trained.state
        scores = (
            critic.apply(state.players.discriminator, samples)
            for samples in (
                sample_mixture(key_p, NUM_FRESH),
                gan.sample(key_q, state, NUM_FRESH),
            )
        )
        learned = state.players.generator
        return {
            "mu": learned["mean"][0],
            "sigma": jnp.exp(learned["log_sd"][0]),
            "bound": gan.objective.bound(*scores),
            "stopped_at": state.stopped_at,
            "path": jnp.concatenate(
                [trained.observed["mean"], jnp.exp(trained.observed["log_sd"])], axis=1
            ),
        }

    return run


def _run_member(member: str, config: Config) -> dict[str, Any]:
    """The results of all seeds of one divergence, and the best fit."""
    import jax

    from jaxinfo.divergences import DIVERGENCES
    from jaxinfo.tasks import best_gaussian, gaussian_to_mixture
    from jaxinfo.training import sweep

    keys = jax.random.split(jax.random.key(0), config.num_seeds)
    found = jax.device_get(sweep(_make_run(member, config), keys))
    records = [
        {
            "setting": member,
            "seed": seed,
            **{name: float(found[name][seed]) for name in ("mu", "sigma", "bound")},
            "stopped_at": int(found["stopped_at"][seed]),
        }
        for seed in range(config.num_seeds)
    ]
    for record in records:
        record["exact"] = gaussian_to_mixture(
            DIVERGENCES[member], record["mu"], record["sigma"]
        )
    return {
        "records": records,
        "best": best_gaussian(DIVERGENCES[member])._asdict(),
        "path": found["path"],
    }


def _matrix(found: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Divergences of the mixture from the Gaussian at the seeds' mean parameters."""
    from jaxinfo.divergences import DIVERGENCES
    from jaxinfo.reporting import mean_and_sd
    from jaxinfo.tasks import gaussian_to_mixture

    members = [
        member
        for member in PAPER
        if member in found
        and any(math.isfinite(r["exact"]) for r in found[member]["records"])
    ]
    return {
        trained: {
            tested: plain(
                gaussian_to_mixture(
                    DIVERGENCES[tested],
                    *(
                        mean_and_sd(r[name] for r in found[trained]["records"])["mean"]
                        for name in ("mu", "sigma")
                    ),
                )
            )
            for tested in members
        }
        for trained in members
    }


def _content(config: Config, found: dict[str, Any], seconds: float) -> dict[str, Any]:
    from jaxinfo.reporting import device_name, mean_and_sd

    settings = dataclasses.asdict(config) | {"out": str(config.out)}
    records = [
        record | {name: plain(record[name]) for name in METRICS}
        for one in found.values()
        for record in one["records"]
    ]
    return {
        "experiment": "fgan_gaussian",
        "config": settings,
        "device": device_name(),
        "seconds": seconds,
        "records": records,
        "summary": {
            member: {
                metric: mean_and_sd(r[metric] for r in one["records"])
                for metric in METRICS
            }
            for member, one in found.items()
        },
        "best": {member: one["best"] for member, one in found.items()},
        "matrix": _matrix(found),
    }


def main() -> None:
    """Trains with every divergence, writes numbers and figures, prints the tables."""
    import tyro
    from rich.console import Console

    config = tyro.cli(Config, description="A Gaussian fitted by every f-divergence.")
    if config.smoke:
        config = dataclasses.replace(
            config, num_seeds=2, num_steps=200, batch_size=128, members="KL,PEARSON"
        )
    prepare_jax()
    from experiments.fgan_gaussian.show import plot_fits, tables
    from jaxinfo.core.checks import check_one_of
    from jaxinfo.divergences import DIVERGENCES
    from jaxinfo.reporting import atomic_files, check_new_folder, write_json

    members = config.members.split(",") if config.members else list(DIVERGENCES)
    try:
        for member in members:
            check_one_of(DIVERGENCES, member=member)
        block_of(config.num_steps, NUM_BLOCKS)
        check_new_folder(config.out)
    except ValueError as error:
        refuse(error)
    started = time.perf_counter()
    with (
        ThreadPoolExecutor(NUM_AT_ONCE) as pool,
        Console(stderr=True).status(
            f"{len(members)} members, {config.num_seeds} seeds each ..."
        ),
    ):
        results = pool.map(functools.partial(_run_member, config=config), members)
        found = dict(zip(members, results, strict=True))
    content = _content(config, found, time.perf_counter() - started)
    config.out.mkdir(parents=True, exist_ok=True)
    with atomic_files(config.out / "results.json", config.out / "fits.png") as drafts:
        numbers, figure = (draft for draft in drafts if draft is not None)
        write_json(numbers, content)
        plot_fits(content, {m: one["path"] for m, one in found.items()}, figure)
    print(tables(content))
    print(
        f"written to {config.out}; compiled and trained in {content['seconds']:.0f} s"
    )
