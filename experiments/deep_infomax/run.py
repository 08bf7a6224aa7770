"""Deep InfoMax and its baselines, compared by probes of three layers."""

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

# Number of test images in the figures.
NUM_DRAWN = 1_000
LAYERS = ("conv", "fc", "y")
# Methods of a smoke run.
SMOKED = ("local_jsd", "raw_pixels")


def _run_method(
    name: str, config: Config, preset: Preset, data: Data
) -> tuple[dict[str, Any], Any]:
    """Results of all seeds, and representations of test images by the first seed."""
    import jax
    import numpy as np

    from jaxinfo.reporting import mean_and_sd

    started = time.perf_counter()
    study = Study(name, config, preset, data)
    state, curve, seconds = train_in_parts(study, config.out / "checkpoints" / name)
    train, test = study.encode(state)
    accuracy = {
        layer: np.asarray(
            study.probe(train[layer], test[layer], preset.probe_steps), float
        ).tolist()
        for layer in LAYERS
        if layer in train
    }
    metrics = {f"{layer}_accuracy": found for layer, found in accuracy.items()}
    if config.further:
        metrics |= _run_further_probes(study, train["y"], test["y"])
    records = [
        {
            "setting": name,
            "seed": seed,
            **{metric: found[seed] for metric, found in metrics.items()},
            "curve": [part[seed] for part in curve],
        }
        for seed in range(config.num_seeds)
    ]
    result = {
        "records": records,
        "summary": {metric: mean_and_sd(found) for metric, found in metrics.items()},
        "seconds": time.perf_counter() - started,
        "images_per_second": seconds and _num_images(config, preset) / seconds,
    }
    return result, jax.device_get(test["y"][0, :NUM_DRAWN])


def _run_further_probes(study: Study, train: Any, test: Any) -> dict[str, list[float]]:
    """Values of the further probes of representations [S, N, D], by name."""
    import jax

    from experiments.deep_infomax.probes import FURTHER, run_further_probes

    decoder = study.parts.decoder()
    found = [
        run_further_probes(
            jax.random.fold_in(key, 3), of_train, of_test, study.data, decoder
        )
        for key, of_train, of_test in zip(study.keys, train, test, strict=True)
    ]
    return {name: [one[name] for one in found] for name in FURTHER}


def _num_images(config: Config, preset: Preset) -> int:
    """Images of all seeds in all parts after the first, which includes compiling."""
    share = (NUM_PARTS - 1) / NUM_PARTS
    return round(share * preset.num_steps * preset.batch_size * config.num_seeds)


def train_in_parts(
    study: Study, folder: Path
) -> tuple[Any, list[list[float]], float | None]:
    """Trains a method in parts, with a checkpoint and a probe after each.

    Returns:
        The last state; accuracies of the representation before and after each part; and
        the seconds of all parts after the first, None if nothing was trained or the
        training continued from a checkpoint.
    """
    import numpy as np

    from jaxinfo.training import train_in_chunks

    def accuracy(state: Any) -> list[float]:
        train, test = study.encode(state)
        found = study.probe(train["y"], test["y"], study.preset.curve_steps)
        return np.asarray(found, float).tolist()

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
            report=accuracy,
            config=study.run_config,
        )
    except ValueError as error:
        refuse(error)
    is_whole = len(run.seconds) == NUM_PARTS
    return run.state, run.reports, sum(run.seconds[1:]) if is_whole else None


def _lines(done: dict[str, Any]) -> list[list[str]]:
    from experiments.deep_infomax.probes import FURTHER

    summaries = [result["summary"] for result in done.values()]
    further = [name for name in FURTHER if name in summaries[0]]
    headings = ["setting", "conv, %", "fc, %", "Y, %", "images per second", "s"]
    lines = [headings + [f"{name} {FURTHER[name]}".strip() for name in further]]
    for name, result in done.items():
        summary, rate = result["summary"], result["images_per_second"]
        cells = [
            cell(summary[f"{layer}_accuracy"], 2)
            if f"{layer}_accuracy" in summary
            else ""
            for layer in LAYERS
        ]
        speed = "" if rate is None else f"{rate:,.0f}"
        lines.append([name, *cells, speed, f"{result['seconds']:.0f}"])
        lines[-1] += [cell(summary[metric], 3) for metric in further]
    return lines


def main() -> None:
    """Runs the methods one after the other and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Deep InfoMax and baselines.")
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=min(config.num_seeds, 2))
    prepare_jax()
    from experiments.deep_infomax.methods import METHODS
    from jaxinfo.core.checks import check_one_of, check_positive
    from jaxinfo.reporting import check_new_folder

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
        run_config = Study(methods[0], config, preset, data).run_config
    except ValueError as error:
        refuse(error)
    run_settings(
        config.out,
        "deep_infomax",
        run_config,
        methods,
        lambda name: _run_method(name, config, preset, data),
        _lines,
        functools.partial(
            plot_results, data.test[:NUM_DRAWN], data.test_labels[:NUM_DRAWN]
        ),
    )
