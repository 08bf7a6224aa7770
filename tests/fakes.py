"""Made-up estimates, for what only shows or stores them."""

import numpy as np

from jaxinfo.estimation import Estimate, History


def make_estimate(value=1.0, *, num_seeds=3, steps=(100, 200, 300), **fields):
    steps = np.asarray(steps)
    climb = value * (1 - np.exp(-steps / 100))
    seeds = 0.1 * np.linspace(-1, 1, num_seeds)
    defaults = {
        "value": value,
        "standard_error": 0.05,
        "lower": value - 0.1,
        "upper": value + 0.1,
        "kind": "lower_bound",
        "ceiling": np.inf,
        "saturated": False,
        "converged": True,
        "num_nonfinite": 0,
        "per_seed": value + seeds,
        "history": History(steps, climb + seeds[:, None]),
        "log_ratio": lambda x, y: None,
        "bound": "donsker_varadhan",
        "num_samples": 1_000,
        "seconds": 2.0,
        "compile_seconds": 1.0,
    }
    return Estimate(**(defaults | fields))
