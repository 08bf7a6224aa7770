"""Divergences: the f-divergences, their bounds from critic scores, and exact values."""

from jaxinfo.divergences.bounds import (
    SHIFT_OPTIMIZED,
    donsker_varadhan_bound,
    effective_sample_size,
    f_divergence_bound,
    logistic_bound,
    nwj_bound,
    renyi_donsker_varadhan_bound,
    shift_optimized_bound,
    smile_bound,
)
from jaxinfo.divergences.exact import exact_by_quadrature, exact_discrete
from jaxinfo.divergences.f_divergence import FDivergence
from jaxinfo.divergences.family import (
    DIVERGENCES,
    GAN,
    JEFFREYS,
    JENSEN_SHANNON,
    KL,
    LE_CAM,
    NEYMAN,
    PEARSON,
    REVERSE_KL,
    SQUARED_HELLINGER,
    TOTAL_VARIATION,
)
from jaxinfo.divergences.gaussians import (
    exact_gaussian_jeffreys,
    exact_gaussian_kl,
    exact_gaussian_mutual_information,
    exact_gaussian_neyman,
    exact_gaussian_pearson,
    exact_gaussian_renyi,
    exact_gaussian_reverse_kl,
    exact_gaussian_squared_hellinger,
)
from jaxinfo.divergences.mine import MineState, mine_init, mine_update
from jaxinfo.divergences.parametric import alpha_divergence, skewed_jensen_shannon

__all__ = [
    "DIVERGENCES",
    "GAN",
    "JEFFREYS",
    "JENSEN_SHANNON",
    "KL",
    "LE_CAM",
    "NEYMAN",
    "PEARSON",
    "REVERSE_KL",
    "SHIFT_OPTIMIZED",
    "SQUARED_HELLINGER",
    "TOTAL_VARIATION",
    "FDivergence",
    "MineState",
    "alpha_divergence",
    "donsker_varadhan_bound",
    "effective_sample_size",
    "exact_by_quadrature",
    "exact_discrete",
    "exact_gaussian_jeffreys",
    "exact_gaussian_kl",
    "exact_gaussian_mutual_information",
    "exact_gaussian_neyman",
    "exact_gaussian_pearson",
    "exact_gaussian_renyi",
    "exact_gaussian_reverse_kl",
    "exact_gaussian_squared_hellinger",
    "f_divergence_bound",
    "logistic_bound",
    "mine_init",
    "mine_update",
    "nwj_bound",
    "renyi_donsker_varadhan_bound",
    "shift_optimized_bound",
    "skewed_jensen_shannon",
    "smile_bound",
]
