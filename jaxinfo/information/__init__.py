"""Mutual information: bounds from critic scores, negative sampling, and estimators.

It is the KL divergence of the joint distribution from the product of the marginals, so
the bounds of `jaxinfo.divergences` apply too.
"""

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
from jaxinfo.information.dime import (
    DIME,
    dime_estimate,
    dime_log_ratio,
    dime_objective,
)
from jaxinfo.information.gaussian import (
    GaussianFit,
    fit_gaussian,
    gaussian_copula_information,
    gaussian_information,
    gaussian_log_ratio,
    normal_scores,
)
from jaxinfo.information.local_information import LocalInformation
from jaxinfo.information.multi_positive import (
    blocked_multi_positive_info_nce_bound,
    multi_positive_info_nce_bound,
)
from jaxinfo.information.nearest_neighbors import (
    ksg1_information,
    ksg2_information,
    mixed_ksg_information,
)
from jaxinfo.information.negative_sampling import (
    NEGATIVE_SAMPLERS,
    off_diagonal,
    roll,
    sample_derangement,
    sample_draws,
    sample_negatives,
    split_scores,
)
from jaxinfo.information.plug_in import plug_in_information
from jaxinfo.information.scoring import pairwise_scores

__all__ = [
    "DIME",
    "NEGATIVE_SAMPLERS",
    "GaussianFit",
    "LocalInformation",
    "blocked_multi_positive_info_nce_bound",
    "club_bound",
    "difference_of_entropies",
    "dime_estimate",
    "dime_log_ratio",
    "dime_objective",
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
