"""Tables of every f-divergence and bound, and NumPy equations from the papers."""

import functools
import math

import numpy as np

from jaxinfo import divergences as d
from jaxinfo.divergences import DIVERGENCES, alpha_divergence, skewed_jensen_shannon

MEMBERS = [
    *DIVERGENCES.values(),
    *(alpha_divergence(alpha) for alpha in (-1.0, 0.3, 0.9, 1.5, 3)),
    *(skewed_jensen_shannon(pi) for pi in (0.2, 0.5)),
]
NAMES = [member.name for member in MEMBERS]
WITH_LOG_RATIO = [member for member in MEMBERS if member.name != "TOTAL_VARIATION"]


def mine_objective(scores_p, scores_q, where=None, where_p=None):
    state = d.mine_init(scores_p.dtype)
    return d.mine_update(state, scores_p, scores_q, where, where_p)[0]


def effective_sample_size(scores_p, scores_q, where=None, where_p=None):
    return d.effective_sample_size(scores_q, where)


# Functions of (scores_p, scores_q, where, where_p).
BOUNDS = {
    **{
        f"f_divergence_bound[{member}]": functools.partial(d.f_divergence_bound, member)
        for member in MEMBERS
    },
    **{
        f"shift_optimized_bound[{member}]": functools.partial(
            d.shift_optimized_bound, member
        )
        for member in d.SHIFT_OPTIMIZED
    },
    **{
        f"renyi_donsker_varadhan_bound[{order}]": functools.partial(
            d.renyi_donsker_varadhan_bound, order=order
        )
        for order in (0.5, 2)
    },
    "donsker_varadhan_bound": d.donsker_varadhan_bound,
    "logistic_bound": d.logistic_bound,
    "nwj_bound": d.nwj_bound,
    "smile_bound": functools.partial(d.smile_bound, clip=0.7),
    "mine_update": mine_objective,
    "effective_sample_size": effective_sample_size,
}


def _parameter(member):
    return getattr(member, "alpha", getattr(member, "pi", None))


def _family(member):
    return member.name.split("(")[0]


def numpy_generator(member, u):
    """f(u), float64."""
    a = _parameter(member)
    log = np.log
    return {
        "KL": lambda: u * log(u),
        "REVERSE_KL": lambda: -log(u),
        "PEARSON": lambda: (u - 1) ** 2,
        "NEYMAN": lambda: (1 - u) ** 2 / u,
        "SQUARED_HELLINGER": lambda: (np.sqrt(u) - 1) ** 2,
        "JEFFREYS": lambda: (u - 1) * log(u),
        "JENSEN_SHANNON": lambda: -(u + 1) * log((1 + u) / 2) + u * log(u),
        "GAN": lambda: u * log(u) - (u + 1) * log(u + 1),
        "TOTAL_VARIATION": lambda: 0.5 * np.abs(u - 1),
        "LE_CAM": lambda: (u - 1) ** 2 / (2 * (u + 1)),
        "alpha_divergence": lambda: (u**a - 1 - a * (u - 1)) / (a * (a - 1)),
        "skewed_jensen_shannon": lambda: (
            a * u * log(u) - (1 - a + a * u) * log(1 - a + a * u)
        ),
    }[_family(member)]()


def numpy_limits(member):
    """f(0) and lim f(u) / u at infinity."""
    a = _parameter(member)
    inf, log_2 = math.inf, math.log(2)
    family = _family(member)
    if family == "alpha_divergence":
        return (1 / a if a > 0 else inf), (1 / (1 - a) if a < 1 else inf)
    if family == "skewed_jensen_shannon":
        return -(1 - a) * math.log(1 - a), -a * math.log(a)
    return {
        "KL": (0.0, inf),
        "REVERSE_KL": (inf, 0.0),
        "PEARSON": (1.0, inf),
        "NEYMAN": (inf, 1.0),
        "SQUARED_HELLINGER": (1.0, 1.0),
        "JEFFREYS": (inf, inf),
        "JENSEN_SHANNON": (log_2, log_2),
        "GAN": (0.0, 0.0),
        "TOTAL_VARIATION": (0.5, 0.5),
        "LE_CAM": (0.5, 0.5),
    }[family]


def analytic_scores(member, log_ratio):
    """The raw critic output v with g_f(v) = f'(p / q), from log(p / q)."""
    a = _parameter(member)
    log_r = np.asarray(log_ratio)
    r = np.exp(log_r)

    def inverse_softplus(s):
        return s + np.log(-np.expm1(-s))

    def alpha():
        if a > 1:
            return np.expm1((a - 1) * log_r) / (a - 1)
        return -inverse_softplus(r ** (a - 1) / (1 - a))

    return {
        "KL": lambda: 1 + log_r,
        "REVERSE_KL": lambda: log_r,
        "PEARSON": lambda: 2 * (r - 1),
        "NEYMAN": lambda: 2 * log_r,
        "SQUARED_HELLINGER": lambda: log_r / 2,
        "JEFFREYS": lambda: 1 + log_r - 1 / r,
        "JENSEN_SHANNON": lambda: log_r,
        "GAN": lambda: log_r,
        "TOTAL_VARIATION": lambda: 30 * np.sign(log_r),
        "LE_CAM": lambda: -inverse_softplus(2 / (r + 1) ** 2),
        "alpha_divergence": alpha,
        "skewed_jensen_shannon": lambda: (
            -inverse_softplus(a * np.log1p((1 - a) / (a * r)))
        ),
    }[_family(member)]()


# P = N(1, 1), Q = N(0, 1), nats.
SHIFTED_NORMALS = {
    "KL": 0.5,
    "REVERSE_KL": 0.5,
    "PEARSON": 1.718282,
    "NEYMAN": 1.718282,
    "SQUARED_HELLINGER": 0.235006,
    "JEFFREYS": 1.0,
    "JENSEN_SHANNON": 0.222843,
    "GAN": -1.163451,
    "TOTAL_VARIATION": 0.382925,
    "LE_CAM": 0.204054,
    "alpha_divergence(-1.0)": 1.718282 / 2,
    "skewed_jensen_shannon(0.5)": 0.222843 / 2,
}


def shifted_normals():
    """A grid, the weights of its points under N(1, 1) and N(0, 1), and log(p / q)."""
    x = np.linspace(-12.0, 13.0, 5001)
    step = x[1] - x[0]
    weights = [
        step * np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi)
        for mean in (1.0, 0.0)
    ]
    return x, weights[0], weights[1], x - 0.5
