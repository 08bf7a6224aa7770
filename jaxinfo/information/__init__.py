"""Mutual information as a divergence: joint against product of the marginals."""

from jaxinfo.information.auxiliary_bounds import (
    flo_bound,
    interpolated_bound,
    tuba_bound,
)
from jaxinfo.information.bounds import (
    club_bound,
    difference_of_entropies,
    info_nce_bound,
    leave_one_out_bound,
    local_info_nce_bound,
)
from jaxinfo.information.classical import (
    GaussianFit,
    fit_gaussian,
    gaussian_copula_information,
    gaussian_information,
    gaussian_log_ratio,
    normal_scores,
    plug_in_information,
)
from jaxinfo.information.dime import dime_log_ratio, dime_objective, dime_read_out
from jaxinfo.information.local import LocalInformation
from jaxinfo.information.nearest_neighbors import (
    ksg1_information,
    ksg2_information,
    mixed_ksg_information,
)
from jaxinfo.information.negative_sampling import (
    off_diagonal,
    roll,
    sample_derangement,
    sample_draws,
    sample_negatives,
    split_scores,
)
from jaxinfo.information.positives import (
    blocked_multi_positive_info_nce_bound,
    multi_positive_info_nce_bound,
)
from jaxinfo.information.scoring import pairwise_scores

__all__ = [
    "GaussianFit",
    "LocalInformation",
    "blocked_multi_positive_info_nce_bound",
    "club_bound",
    "difference_of_entropies",
    "dime_log_ratio",
    "dime_objective",
    "dime_read_out",
    "fit_gaussian",
    "flo_bound",
    "gaussian_copula_information",
    "gaussian_information",
    "gaussian_log_ratio",
    "info_nce_bound",
    "interpolated_bound",
    "ksg1_information",
    "ksg2_information",
    "leave_one_out_bound",
    "local_info_nce_bound",
    "mixed_ksg_information",
    "multi_positive_info_nce_bound",
    "normal_scores",
    "off_diagonal",
    "pairwise_scores",
    "plug_in_information",
    "roll",
    "sample_derangement",
    "sample_draws",
    "sample_negatives",
    "split_scores",
    "tuba_bound",
]
