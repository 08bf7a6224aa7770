"""Example: add a classical estimator and run it in the benchmark.

An estimator is any callable `(key, x, y) -> Estimate`. A frozen dataclass keeps its
settings, compares by value, and gets a name for tables.

To keep it in the library: put the class in `jaxinfo/estimation/classical.py` and into
its table `CLASSICAL`, so that it is found by name.
"""

import dataclasses

import jax
import numpy as np

import jaxinfo
from jaxinfo import tasks
from jaxinfo.benchmark import run_benchmark
from jaxinfo.estimation import Estimate


@dataclasses.dataclass(frozen=True)
class Binning:
    """Mutual information of x and y [N, 1] by counts in bins of equal mass."""

    num_bins: int = 8

    @property
    def name(self):
        return "binning"

    def __call__(self, key, x, y):
        x, y = np.asarray(x), np.asarray(y)
        ranks = [np.argsort(np.argsort(rows[:, 0])) for rows in (x, y)]
        bins = [rank * self.num_bins // len(x) for rank in ranks]
        counts = np.histogram2d(*bins, bins=self.num_bins)[0]
        shares = counts / len(x)
        independent = np.outer(shares.sum(axis=1), shares.sum(axis=0))
        log_ratio = np.log(np.where(shares > 0, shares, 1) / independent)
        log_ratio = np.where(shares > 0, log_ratio, 0)
        value = float(np.sum(shares * log_ratio))
        variance = np.sum(shares * log_ratio**2) - value**2
        error = float(np.sqrt(variance / len(x)))
        return Estimate(
            value,
            error,
            value - 1.96 * error,
            value + 1.96 * error,
            kind="neither",
            estimator=self.name,
            num_samples=len(x),
        )


def test_a_new_estimator_runs_everywhere():
    x, noise = np.random.default_rng(0).normal(size=(2, 1_000, 1))
    key = jax.random.key(0)
    estimate = jaxinfo.estimate_mutual_information(
        key, x, x + noise, estimator=Binning()
    )
    # Bins lose information; 49 / (2 N) nats of bias are added.
    assert 0.2 < estimate.value < 0.5 * np.log(2) + 49 / 2_000

    task = tasks.normal(0.75)
    records = run_benchmark([task], estimators=[Binning(), "gaussian"], num_rows=2_000)
    errors = {record.estimator: record.error for record in records}
    assert set(errors) == {"binning", "gaussian"}
    assert abs(errors["gaussian"]) < 0.05
    assert -0.2 < errors["binning"] < 0.03
