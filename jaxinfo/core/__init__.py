"""Array and network types, argument checks, and averages in log space."""

from jaxinfo.core.numerics import Where
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
]
