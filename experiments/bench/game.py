"""The min-max game: steps in a scan and in a PyTorch loop, and many seeds."""

import functools
import importlib.util
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

from experiments.bench.timing import cell, seconds_of, spread

__all__ = ["game_summary", "game_tables", "measure_game", "measure_game_seeds"]

# A non-saturating GAN on a grid of 25 Gaussians.
GAMES = {"small": (64, 64), "large": (256, 256)}
SEEDS = (1, 2, 4, 8, 16, 32)
BATCH_SIZE, NOISE_SIZE, LEARNING_RATE = 256, 4, 1e-3


def _sample_grid(key, num_samples):
    import jax

    key_center, key_noise = jax.random.split(key)
    centers = jax.random.randint(key_center, (num_samples, 2), -2, 3)
    return 2.0 * centers + 0.05 * jax.random.normal(key_noise, (num_samples, 2))


def _training(hidden_sizes: Sequence[int], num_steps: int) -> Callable[[Any], Any]:
    """A training by `train_gan` as a function of a key."""
    import optax

    from jaxinfo import networks
    from jaxinfo.adversarial import make_gan, train_gan

    gan = make_gan(
        networks.generator(hidden_sizes, (2,)),
        networks.discriminator(hidden_sizes),
        "non_saturating",
        generator_optimizer=optax.adam(LEARNING_RATE),
        discriminator_optimizer=optax.adam(LEARNING_RATE),
        noise_size=NOISE_SIZE,
    )

    def run(key):
        return train_gan(
            key, gan, _sample_grid, num_steps=num_steps, batch_size=BATCH_SIZE
        ).history.bound

    return run


def _pytorch(hidden_sizes: Sequence[int], num_steps: int) -> Callable[[int], float]:
    """The same game as an eager loop."""
    import torch

    torch.set_num_threads(1)

    def network(size_in: int, size_out: int) -> Any:
        layers = []
        for sizes in itertools.pairwise((size_in, *hidden_sizes)):
            layers += [torch.nn.Linear(*sizes), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers, torch.nn.Linear(hidden_sizes[-1], size_out))

    def train(seed: int) -> float:
        torch.manual_seed(seed)
        generator, discriminator = network(NOISE_SIZE, 2), network(2, 1)
        optimizers = [
            torch.optim.Adam(one.parameters(), lr=LEARNING_RATE)
            for one in (discriminator, generator)
        ]
        softplus, value = torch.nn.functional.softplus, float("nan")
        for _ in range(num_steps):
            centers = torch.randint(-2, 3, (BATCH_SIZE, 2))
            real = 2.0 * centers + 0.05 * torch.randn(BATCH_SIZE, 2)
            fake = generator(torch.randn(BATCH_SIZE, NOISE_SIZE)).detach()
            scores = discriminator(torch.cat([real, fake]))
            loss = softplus(-scores[:BATCH_SIZE]).mean()
            loss = loss + softplus(scores[BATCH_SIZE:]).mean()
            optimizers[0].zero_grad()
            loss.backward()
            optimizers[0].step()
            fake = generator(torch.randn(BATCH_SIZE, NOISE_SIZE))
            loss = softplus(-discriminator(fake)).mean()
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()
            value = loss.item()
        return value

    return train


def measure_game(config: Any) -> list[dict[str, Any]]:
    """Steps per second of a scan and of the PyTorch loop, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import jax

    records = []
    for game, widths in GAMES.items():
        num_steps = 100 if config.smoke else (5_000 if game == "small" else 1_000)
        scanned = jax.jit(_training(widths, num_steps))
        runs: dict[str, Callable[[int], Any]] = {
            "library": functools.partial(_of_seed, scanned)
        }
        if importlib.util.find_spec("torch") is not None:
            runs["pytorch_loop"] = _pytorch(widths, num_steps)
        first = {name: seconds_of(run, 0) for name, run in runs.items()}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for repeat in range(config.repeats):
            for name, run in runs.items():
                seconds[name].append(seconds_of(run, repeat))
        for name, values in seconds.items():
            ratios = [v / b for v, b in zip(values, seconds["library"], strict=True)]
            records.append(
                {
                    "table": "game",
                    "game": game,
                    "contender": name,
                    "steps_per_second": spread([num_steps / v for v in values]),
                    "ratio_to_library": spread(ratios),
                    "first_call_seconds": first[name],
                }
            )
    return records


def measure_game_seeds(config: Any) -> list[dict[str, Any]]:
    """Several seeds in one program against single runs, on all cores."""
    import jax

    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    records = []
    for game, widths in GAMES.items():
        num_steps = 100 if config.smoke else (2_000 if game == "small" else 300)
        run = _training(widths, num_steps)
        alone = jax.jit(run)
        seeds = SEEDS if game == "small" else SEEDS[:4]
        for num_seeds in SEEDS[:2] if config.smoke else seeds:
            keys = jax.random.split(jax.random.key(0), num_seeds)
            calls = {
                "together": functools.partial(_together, run, keys),
                "one_by_one": functools.partial(_one_by_one, alone, keys),
            }
            first = {name: seconds_of(call, 0) for name, call in calls.items()}
            seconds: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(max(1, config.repeats - 2)):
                for name, call in calls.items():
                    seconds[name].append(seconds_of(call, 0))
            pairs = zip(seconds["one_by_one"], seconds["together"], strict=True)
            records.append(
                {
                    "table": "game_seeds",
                    "game": game,
                    "num_seeds": num_seeds,
                    "seconds": {name: spread(v) for name, v in seconds.items()},
                    "one_by_one_to_together": spread([a / b for a, b in pairs]),
                    "first_call_seconds": first,
                }
            )
    return records


def _of_seed(run: Callable[[Any], Any], seed: int) -> None:
    import jax

    run(jax.random.key(seed)).block_until_ready()


def _together(run: Callable[[Any], Any], keys: Any, _: int) -> None:
    from jaxinfo.training import sweep

    sweep(run, keys).block_until_ready()


def _one_by_one(run: Callable[[Any], Any], keys: Any, _: int) -> None:
    for key in keys:
        run(key).block_until_ready()


def game_summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Time ratios by contender and by number of seeds."""
    summary = {
        f"game/{r['game']}/{r['contender']}": {
            "ratio_to_library": r["ratio_to_library"]
        }
        for r in records
        if r["table"] == "game"
    }
    return summary | {
        f"game_seeds/{r['game']}/{r['num_seeds']}": {
            "one_by_one_to_together": r["one_by_one_to_together"]
        }
        for r in records
        if r["table"] == "game_seeds"
    }


def game_tables(records: list[dict[str, Any]]) -> list[Any]:
    """The tables for the terminal."""
    from rich.table import Table

    loops = Table(title="A GAN on one core, batch 256: median (min to max)")
    for column in (
        "game",
        "contender",
        "steps per second",
        "time ratio",
        "first call s",
    ):
        loops.add_column(column)
    seeds = Table(title="Seeds in one program, all cores: seconds")
    for column in ("game", "seeds", "together", "one by one", "ratio", "first calls s"):
        seeds.add_column(column)
    for r in records:
        if r["table"] == "game":
            loops.add_row(
                f"{r['game']} {GAMES[r['game']]}",
                r["contender"],
                cell(r["steps_per_second"], 0),
                cell(r["ratio_to_library"], 2),
                f"{r['first_call_seconds']:.1f}",
            )
        elif r["table"] == "game_seeds":
            seeds.add_row(
                r["game"],
                str(r["num_seeds"]),
                *(cell(r["seconds"][name], 2) for name in ("together", "one_by_one")),
                cell(r["one_by_one_to_together"], 2),
                ", ".join(f"{s:.1f}" for s in r["first_call_seconds"].values()),
            )
    return [loops, seeds]
