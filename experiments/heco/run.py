"""HeCo on its four graphs, with the spread over trainings of the encoder."""

import dataclasses
import functools
from typing import Any

from experiments.folder import cell, refuse, run_settings
from experiments.heco.config import (
    DGI,
    METRICS,
    PRESETS,
    PUBLISHED,
    VARIANTS,
    Config,
    settings_of,
)
from experiments.heco.show import plot_results
from experiments.heco.study import load, run_setting
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]


def _lines(done: dict[str, Any]) -> list[list[str]]:
    lines = [["setting", *METRICS.values(), "loss", "updates", "s"]]
    for name, result in done.items():
        summary = result["summary"]
        cells = [cell(summary[metric], 2) for metric in METRICS]
        cells += [cell(summary["loss"], 3), cell(summary["num_steps"], 0)]
        lines.append([name, *cells, f"{result['seconds']:.0f}"])
        if name in PUBLISHED:
            cells = [f"{PUBLISHED[name][metric]:.2f}" for metric in METRICS]
            lines.append([f"{name}, published", *cells, "", "", ""])
    return lines


def _labels(data_dir: Any, name: str) -> Any:
    """Classes of a data set; None if the files of an earlier run are missing now."""
    try:
        return load(name, data_dir).labels
    except ValueError:
        return None


def main() -> None:
    """Runs the settings one after the other and prints the table."""
    import tyro

    config = tyro.cli(Config, description="HeCo on its four graphs.")
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=min(config.num_seeds, 2))
    prepare_jax()
    from jaxinfo.core.checks import check_one_of, check_positive
    from jaxinfo.data import HECO_DATASETS
    from jaxinfo.reporting import check_new_folder

    try:
        check_one_of([*PRESETS, "all"], dataset=config.dataset)
        check_positive(
            num_seeds=config.num_seeds, num_probe_seeds=config.num_probe_seeds
        )
        settings = settings_of(config)
        for setting in settings:
            name, _, variant = setting.partition(".")
            paths = [f"{DGI}.{path}" for path in HECO_DATASETS[name].meta_paths]
            check_one_of([*VARIANTS, *paths], variants=variant)
        check_new_folder(config.out)
        names = {setting.partition(".")[0] for setting in settings}
        for name in names:
            load(name, config.data_dir)
    except ValueError as error:
        refuse(error)
    run_config = dataclasses.asdict(config)
    for name in ("out", "dataset", "ablations", "variants", "data_dir", "layout"):
        del run_config[name]
    run_settings(
        config.out,
        "heco",
        run_config,
        settings,
        lambda setting: run_setting(setting, config),
        _lines,
        functools.partial(plot_results, functools.partial(_labels, config.data_dir)),
    )
