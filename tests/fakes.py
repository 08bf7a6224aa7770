"""Fakes: made-up estimates, and networks of one weight that pickle and compile fast."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from jaxinfo.estimation import Diagnostics, Estimate, History


def make_estimate(value=1.0, *, num_seeds=3, steps=(100, 200, 300), **fields):
    """An estimate; `fields` are fields of `Estimate` and of its `Diagnostics`."""
    steps = np.asarray(steps)
    curve = value * (1 - np.exp(-steps / 100))
    seeds = 0.1 * np.linspace(-1, 1, num_seeds)
    diagnostics = {
        "per_seed": value + seeds,
        "history": History(steps, curve + seeds[:, None]),
        "seconds": 2.0,
        "compile_seconds": 1.0,
    }
    own = {
        "value": value,
        "standard_error": 0.05,
        "lower": value - 0.1,
        "upper": value + 0.1,
        "kind": "lower_bound",
        "estimator": "donsker_varadhan",
        "num_samples": 1_000,
    }
    names = {field.name for field in dataclasses.fields(Diagnostics)}
    for name, field in fields.items():
        (diagnostics if name in names else own)[name] = field
    return Estimate(**own, diagnostics=Diagnostics(**diagnostics))


# Networks of one weight ------------------------------------------------------------


def init_weight(key, *inputs):
    """One weight, zero at first."""
    return jnp.zeros(())


def apply_product(weight, x, y):
    """The weighted inner product of x and y, over the coordinates that both have."""
    size = min(x.shape[1], y.shape[1])
    return weight * (x[:, :size] * y[:, :size]).sum(1)


def apply_sum(weight, x):
    """The weighted sum of the coordinates."""
    return weight * x.sum(1)


PRODUCT_CRITIC = (init_weight, apply_product)
SUM_DISCRIMINATOR = (init_weight, apply_sum)
