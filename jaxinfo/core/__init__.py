"""Array and network types, argument checks, and averages in log space."""

from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Bool, Critic, Float, Int, Key, Network, PyTree

__all__ = [
    "Array",
    "Bool",
    "Critic",
    "Float",
    "Int",
    "Key",
    "Network",
    "PyTree",
    "Where",
    "log_mean_exp",
    "weighted_mean",
]
