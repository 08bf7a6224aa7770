"""Mutual information as a divergence: joint against product of the marginals."""

from jaxinfo.information.bounds import club_bound, info_nce_bound
from jaxinfo.information.pairings import (
    off_diagonal,
    roll,
    sample_derangement,
    sample_draws,
    sample_pairing,
    split_scores,
)
from jaxinfo.information.scoring import pairwise_scores

__all__ = [
    "club_bound",
    "info_nce_bound",
    "off_diagonal",
    "pairwise_scores",
    "roll",
    "sample_derangement",
    "sample_draws",
    "sample_pairing",
    "split_scores",
]
