"""Made-up results of the demo."""

import numpy as np

from jaxinfo.cli.demo import ProbeResult, Result, Stage
from jaxinfo.estimation import History
from jaxinfo.infomax.probes import make_probe
from tests.fakes import make_estimate

STAGES = [
    Stage("one", "First", lambda key, num_seeds: iter(())),
    Stage("two", "Second", lambda key, num_seeds: iter(())),
    Stage("three", "Third", lambda key, num_seeds: iter(())),
]


def make_results():
    """Standard errors are 0.05, and intervals reach 0.1 to either side."""
    not_finite = make_estimate(
        np.nan,
        per_seed=np.full(3, np.nan),
        history=History(np.array([1]), np.full((3, 1), np.nan)),
    )
    one_stopped = make_estimate(per_seed=np.array([1.0, np.nan, 1.2]), converged=False)
    limit = {"limit": 2.3, "limit_name": "ln 10"}
    return {
        "one": [
            Result("known", make_estimate(1.9), truth=2.0),
            Result("unknown", one_stopped),
        ],
        "two": [
            Result("inside", make_estimate(2.35), **limit),
            Result("chance", make_estimate(2.42), **limit),
            Result("outside", make_estimate(2.5), **limit),
            Result("not finite", not_finite, **limit),
        ],
        "three": [ProbeResult("probe", make_probe([94.0, 95.0, 97.5]), 3.0)],
    }
