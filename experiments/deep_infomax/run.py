"""Deep InfoMax and its baselines, judged by what probes read from three taps."""

import dataclasses
import functools
import time
from pathlib import Path
from typing import Any

from experiments.deep_infomax.config import (
    DATASETS,
    PRESETS,
    Config,
    Preset,
    preset_of,
)
from experiments.deep_infomax.show import plot_results
from experiments.deep_infomax.study import NUM_PARTS, Data, Study, load
from experiments.folder import cell, refuse, run_settings
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main", "train_in_parts"]

# Test images whose codes are drawn.
NUM_DRAWN = 1_000
TAPS = ("conv", "fc", "y")
# What a smoke run judges where nothing is named.
SMOKED = ("local_jsd", "raw_pixels")


def _run_method(
    name: str, config: Config, preset: Preset, data: Data
) -> tuple[dict[str, Any], Any]:
    """Records of all seeds, and the first one's codes of test images."""
    import jax
    import numpy as np

    from jaxinfo.results import mean_and_sd

    started = time.perf_counter()
    study = Study(name, config, preset, data)
    state, curve, seconds = train_in_parts(study, config.out / "checkpoints" / name)
    train, test = study.encode(state)
    accuracy = {
        tap: np.asarray(
            study.probe(train[tap], test[tap], preset.probe_steps), float
        ).tolist()
        for tap in TAPS
        if tap in train
    }
    metrics = {f"{tap}_accuracy": found for tap, found in accuracy.items()}
    if config.further:
        metrics |= _judge_further(study, train["y"], test["y"])
    records = [
        {
            "setting": name,
            "seed": seed,
            **{metric: found[seed] for metric, found in metrics.items()},
            "curve": [part[seed] for part in curve],
        }
        for seed in range(config.num_seeds)
    ]
    told = {
        "records": records,
        "summary": {metric: mean_and_sd(found) for metric, found in metrics.items()},
        "seconds": time.perf_counter() - started,
        "images_per_second": seconds and _num_images(config, preset) / seconds,
    }
    return told, jax.device_get(test["y"][0, :NUM_DRAWN])


def _judge_further(study: Study, train: Any, test: Any) -> dict[str, list[float]]:
    """What the other probes find in codes [S, N, D], seed by seed."""
    import jax

    from experiments.deep_infomax.probes import FURTHER, judge_further

    decoder = study.parts.decoder()
    found = [
        judge_further(jax.random.fold_in(key, 3), seen, unseen, study.data, decoder)
        for key, seen, unseen in zip(study.keys, train, test, strict=True)
    ]
    return {name: [one[name] for one in found] for name in FURTHER}


def _num_images(config: Config, preset: Preset) -> int:
    """That all seeds see in the parts after the first, which compiles."""
    share = (NUM_PARTS - 1) / NUM_PARTS
    return round(share * preset.num_steps * preset.batch_size * config.num_seeds)


def train_in_parts(
    study: Study, folder: Path
) -> tuple[Any, list[list[float]], float | None]:
    """The last state, accuracies of the code before and after each part, seconds.

    The seconds are of the parts after the first; None where it went on from a
    checkpoint, or nothing was trained.
    """
    import numpy as np

    from jaxinfo.training import train_in_chunks

    def look(state: Any) -> list[float]:
        train, test = study.encode(state)
        accuracy = study.probe(train["y"], test["y"], study.preset.look_steps)
        return np.asarray(accuracy, float).tolist()

    state = study.start()
    if study.method.step is None:
        return state, [], None
    try:
        run = train_in_chunks(
            folder,
            study.train,
            state,
            num_chunks=NUM_PARTS,
            chunk_size=study.eval_every,
            report=look,
            config=study.told,
        )
    except ValueError as error:
        refuse(error)
    is_whole = len(run.seconds) == NUM_PARTS
    return run.state, run.reports, sum(run.seconds[1:]) if is_whole else None


def _lines(done: dict[str, Any]) -> list[list[str]]:
    from experiments.deep_infomax.probes import FURTHER

    summaries = [told["summary"] for told in done.values()]
    further = [name for name in FURTHER if name in summaries[0]]
    headings = ["setting", "conv, %", "fc, %", "Y, %", "images a second", "s"]
    lines = [headings + [f"{name} {FURTHER[name]}".strip() for name in further]]
    for name, told in done.items():
        summary, rate = told["summary"], told["images_per_second"]
        cells = [
            cell(summary[f"{tap}_accuracy"], 2) if f"{tap}_accuracy" in summary else ""
            for tap in TAPS
        ]
        speed = "" if rate is None else f"{rate:,.0f}"
        lines.append([name, *cells, speed, f"{told['seconds']:.0f}"])
        lines[-1] += [cell(summary[metric], 3) for metric in further]
    return lines


def main() -> None:
    """Trains by every method, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Deep InfoMax, judged by probes.")
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=min(config.num_seeds, 2))
    prepare_jax()
    from experiments.deep_infomax.methods import METHODS
    from jaxinfo.core.checks import check_one_of, check_positive
    from jaxinfo.results import check_new_folder

    known = SMOKED if config.smoke else METHODS
    methods = config.settings.split(",") if config.settings else list(known)
    try:
        check_one_of(DATASETS, dataset=config.dataset)
        check_one_of(PRESETS, setting=config.setting)
        check_positive(num_seeds=config.num_seeds)
        for name in methods:
            check_one_of(METHODS, settings=name)
        preset = preset_of(config)
        check_new_folder(config.out)
        data = load(config, preset)
        told = Study(methods[0], config, preset, data).told
    except ValueError as error:
        refuse(error)
    run_settings(
        config.out,
        "deep_infomax",
        told,
        methods,
        lambda name: _run_method(name, config, preset, data),
        _lines,
        functools.partial(
            plot_results, data.test[:NUM_DRAWN], data.test_labels[:NUM_DRAWN]
        ),
    )
