"""`jaxinfo estimate`: the mutual information of samples in a file."""

import dataclasses
from pathlib import Path
from typing import Any

import jax

from jaxinfo import estimation
from jaxinfo.benchmark import with_training
from jaxinfo.cli.terminal import make_console, print_lines, written_lines
from jaxinfo.data import read_columns
from jaxinfo.reporting import (
    atomic_files,
    check_outputs,
    estimate_table,
    plot_estimate,
    write_json,
)

__all__ = ["EstimateOptions", "run_estimate"]


@dataclasses.dataclass(frozen=True)
class EstimateOptions:
    """Estimate the mutual information of paired samples in a file, in nats.

    Attributes:
        file: a .csv with a header line, or an .npz of arrays.
        x: columns of x, comma-separated (.csv), or the name of the array of x (.npz).
        y: columns of y, comma-separated (.csv), or the name of the array of y (.npz).
        z: columns of z, or the name of the array of z; estimates the conditional mutual
            information of x and y given z.
        estimator: name of the estimator: default, a bound such as mine, info_nce or
            smile, or a classical estimator such as ksg1 or gaussian_copula.
        seeds: number of training seeds. By default, the estimator's own.
        num_steps: maximum number of updates of each seed. By default, the estimator's
            own.
        batch_size: rows of a minibatch, at most the number of training rows. By
            default, the estimator's own.
        key: seed of the random key. Equal seeds give equal numbers.
        check: also run self-consistency checks of the estimator on this data, which
            take four more estimates. The exit code is 1 if a check fails.
        json: write the numbers to this file.
        plot: plot the validation curves to this .png, .pdf or .svg.
    """

    file: Path
    x: str | None = None
    y: str | None = None
    z: str | None = None
    estimator: str = "default"
    seeds: int | None = None
    num_steps: int | None = None
    batch_size: int | None = None
    key: int = 0
    check: bool = False
    json: Path | None = None
    plot: Path | None = None


def run_estimate(options: EstimateOptions) -> int:
    """Runs the command.

    Args:
        options: the options of the command.

    Returns:
        The exit code: 0, or 1 if a self-check failed.

    Raises:
        ValueError: if an option or the data is invalid; nothing is written then.
    """
    check_outputs(options.json, options.plot)
    if options.z is not None and options.check:
        raise ValueError("--z cannot be combined with --check")
    estimator = _estimator(options)
    rows = read_columns(options.file, x=options.x, y=options.y, z=options.z)
    key, checks = jax.random.key(options.key), None
    if options.check:
        checks = estimation.check_mutual_information(key, *rows, estimator=estimator)
        estimate = checks.estimate
    elif options.z is not None:
        estimate = estimation.estimate_conditional_mutual_information(
            key, *rows, estimator=estimator
        )
    else:
        estimate = estimation.estimate_mutual_information(
            key, *rows, estimator=estimator
        )
    with atomic_files(options.json, options.plot) as (json_path, plot_path):
        if json_path is not None:
            write_json(json_path, (checks or estimate).to_dict())
        if plot_path is not None:
            plot_estimate(estimate, plot_path)
    console = make_console()
    console.print(estimate_table(estimate, options.file.name))
    if checks is not None:
        print_lines(console, map(str, checks.checks))
    print_lines(console, written_lines(options.json, options.plot))
    return int(checks is not None and not checks.passed)


def _estimator(options: EstimateOptions) -> estimation.Estimator:
    """The estimator with this name, and the settings of training that were given."""
    estimator = estimation.find_estimator(options.estimator)
    given: dict[str, Any] = {
        "num_seeds": options.seeds,
        "num_steps": options.num_steps,
        "batch_size": options.batch_size,
    }
    training = {name: value for name, value in given.items() if value is not None}
    if training and not hasattr(estimator, "train"):
        raise ValueError(
            f"--estimator {options.estimator} is not trained and takes none of --seeds,"
            " --num-steps and --batch-size"
        )
    return with_training(estimator, **training)
