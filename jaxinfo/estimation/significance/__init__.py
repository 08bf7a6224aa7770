"""Tests of independence, and warnings about rows that depend on each other."""

from jaxinfo.estimation.significance.neighbors import (
    information_of_neighbors,
    information_of_order,
    information_of_repeats,
)
from jaxinfo.estimation.significance.p_values import (
    NUM_PERMUTATIONS,
    combine_p_values,
    conditional_independence_p_value,
    independence_p_value,
    shifted_scores,
    transfer_p_value,
)
from jaxinfo.estimation.significance.row_dependence import warnings_of_rows

__all__ = [
    "NUM_PERMUTATIONS",
    "combine_p_values",
    "conditional_independence_p_value",
    "independence_p_value",
    "information_of_neighbors",
    "information_of_order",
    "information_of_repeats",
    "shifted_scores",
    "transfer_p_value",
    "warnings_of_rows",
]
