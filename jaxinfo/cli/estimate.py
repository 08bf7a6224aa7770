"""`jaxinfo estimate`: the mutual information of samples in a file."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any, Literal

import jax

from jaxinfo import estimation
from jaxinfo.benchmark import with_training
from jaxinfo.cli.terminal import make_console, print_lines, written_lines
from jaxinfo.data import Table, read_columns
from jaxinfo.data.containers import drop_missing_rows
from jaxinfo.estimation.samples import read_samples
from jaxinfo.reporting import (
    atomic_files,
    check_outputs,
    estimate_table,
    plot_estimate,
    write_json,
)

__all__ = ["EstimateOptions", "run_estimate"]

# JAX counts the steps in 32 bits. All seeds are in memory at once.
MAX_STEPS, MAX_SEEDS = 2**31 - 1, 10_000


@dataclasses.dataclass(frozen=True)
class EstimateOptions:
    """Estimate the mutual information of paired samples in a file, in nats.

    Attributes:
        file: a .csv or .tsv file with a header line, which may be compressed (.csv.gz);
            a .parquet file; or an .npz file of arrays.
        x: columns of x, comma-separated, or the name of the array of x (.npz).
        y: columns of y, comma-separated, or the name of the array of y (.npz).
        z: columns of z, or the name of the array of z; estimates the conditional mutual
            information of x and y given z.
        discrete: columns, or arrays, that hold labels without an order; no other column
            of numbers does then. Columns of text always hold labels.
        missing: "error" to refuse missing values, "drop" to leave out rows with them.
        groups: column with a label for each row; rows of one group, such as repeated
            measurements, depend on each other.
        series: the rows are steps in time that depend on each other.
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
    discrete: str | None = None
    missing: Literal["error", "drop"] = "error"
    groups: str | None = None
    series: bool = False
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
    _check_options(options)
    estimator = _estimator(options)
    tables = _read(options)
    key, checks = jax.random.key(options.key), None
    rows: dict[str, Any] = {
        "missing": options.missing,
        "is_series": options.series,
    } | tables
    if options.check:
        samples = read_samples(x=rows["x"], y=rows["y"], missing=options.missing)
        for sentence in samples.warnings:
            warnings.warn(sentence, UserWarning, stacklevel=2)
        x, y = samples.tables.values()
        checks = estimation.check_mutual_information(key, x, y, estimator=estimator)
        estimate = checks.estimate
    elif options.z is not None:
        estimate = estimation.estimate_conditional_mutual_information(
            key, **rows, estimator=estimator
        )
    else:
        estimate = estimation.estimate_mutual_information(
            key, **rows, estimator=estimator
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


def _check_options(options: EstimateOptions) -> None:
    check_outputs(options.json, options.plot)
    for name in ("z", "groups", "series"):
        if options.check and getattr(options, name):
            raise ValueError(f"--{name} cannot be combined with --check")
    if options.series and options.groups is not None:
        raise ValueError("--groups cannot be combined with --series")
    if not -(2**63) <= options.key < 2**63:
        raise ValueError(f"--key must be an integer of 64 bits, got {options.key}")
    for name, most in (("num_steps", MAX_STEPS), ("seeds", MAX_SEEDS)):
        given = getattr(options, name)
        if given is not None and given > most:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be at most {most}, got {given}")


def _read(options: EstimateOptions) -> dict[str, Table]:
    """The tables by the name of the argument."""
    given = {
        name: getattr(options, name)
        for name in ("x", "y", "z", "groups")
        if name in ("x", "y") or getattr(options, name) is not None
    }
    found = read_columns(options.file, **given, discrete=options.discrete)
    tables = dict(zip(given, found, strict=True))
    _check_condition(options, tables)
    try:
        drop_missing_rows(options.missing, **tables)
    except ValueError as error:
        text = str(error).replace('missing="drop"', "--missing drop")
        raise ValueError(f"{options.file}: {text}") from error
    return tables


def _check_condition(options: EstimateOptions, tables: dict[str, Table]) -> None:
    """Refuses columns of x or y that are also columns of z."""
    given = set(tables["z"].names) if "z" in tables else set()
    for name in ("x", "y"):
        shared = [column for column in tables[name].names if column in given]
        if shared:
            raise ValueError(
                f"{options.file}: column {shared[0]!r} is given for --{name} and for "
                f"--z; given z, it carries no information: leave it out of --{name}"
            )


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
