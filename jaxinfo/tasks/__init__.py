"""Distributions with known mutual information or divergence, to test estimators.

A `Task` samples (x, y) and holds their mutual information and pointwise information. A
`ConditionalTask` adds z, a `SeriesTask` is two time series, and a `DivergenceTask` is
two distributions. Makers such as `normal` or `student` return a task; those that end
in "_target" take the mutual information and solve for the parameters. Transforms such
as `half_cube` or `spiral` change the distribution by injective maps (`Map`) and keep
the information. `suite(name)` makes a set of tasks, `SUITES` lists the names.
"""

from jaxinfo.tasks.conditional import (
    ar_pair,
    common_cause,
    gaussian_cmi,
    xor,
)
from jaxinfo.tasks.discrete import (
    discrete_joint,
    discrete_uniform_mixture,
    noiseless_channel,
    quantized,
    rare_event,
    smoothed_discrete,
    symmetric_channel,
    zero_inflated_poisson,
)
from jaxinfo.tasks.divergence import (
    discrete_distributions,
    exponentials,
    gaussians,
    laplaces,
    uniforms,
)
from jaxinfo.tasks.gaussian import (
    normal,
    normal_cov,
    normal_dense,
    normal_pairs,
    normal_target,
)
from jaxinfo.tasks.gaussian_fit import (
    GaussianFit,
    best_gaussian,
    gaussian_to_mixture,
    mixture_log_density,
    sample_mixture,
)
from jaxinfo.tasks.images import (
    gaussian_blobs,
    quantized_blobs,
    rectangles,
)
from jaxinfo.tasks.maps import (
    ASINH,
    CUBE,
    HALF_CUBE,
    IDENTITY,
    NORMAL_CDF,
    SWISS_ROLL,
    WIGGLY_X,
    WIGGLY_Y,
    Map,
    embedding_map,
    mixture_quantile_map,
    mlp_map,
    spiral_map,
)
from jaxinfo.tasks.mixtures import (
    gaussian_mixture,
    mixture_balls,
    mixture_cross,
    mixture_inliers,
)
from jaxinfo.tasks.staircase import staircase
from jaxinfo.tasks.student import (
    student,
    student_target,
)
from jaxinfo.tasks.suites import SUITES, suite
from jaxinfo.tasks.task import (
    ConditionalTask,
    DivergenceTask,
    SeriesTask,
    Task,
    monte_carlo_information,
)
from jaxinfo.tasks.transforms import (
    asinh,
    bimodal,
    embed,
    half_cube,
    normal_cdf,
    random_mlp,
    spiral,
    swiss_roll,
    transformed,
    wiggly,
)
from jaxinfo.tasks.uniform import (
    additive_uniform,
    gamma_exponential_target,
    smoothed_uniform_target,
)

__all__ = [
    "ASINH",
    "CUBE",
    "HALF_CUBE",
    "IDENTITY",
    "NORMAL_CDF",
    "SUITES",
    "SWISS_ROLL",
    "WIGGLY_X",
    "WIGGLY_Y",
    "ConditionalTask",
    "DivergenceTask",
    "GaussianFit",
    "Map",
    "SeriesTask",
    "Task",
    "additive_uniform",
    "ar_pair",
    "asinh",
    "best_gaussian",
    "bimodal",
    "common_cause",
    "discrete_distributions",
    "discrete_joint",
    "discrete_uniform_mixture",
    "embed",
    "embedding_map",
    "exponentials",
    "gamma_exponential_target",
    "gaussian_blobs",
    "gaussian_cmi",
    "gaussian_mixture",
    "gaussian_to_mixture",
    "gaussians",
    "half_cube",
    "laplaces",
    "mixture_balls",
    "mixture_cross",
    "mixture_inliers",
    "mixture_log_density",
    "mixture_quantile_map",
    "mlp_map",
    "monte_carlo_information",
    "noiseless_channel",
    "normal",
    "normal_cdf",
    "normal_cov",
    "normal_dense",
    "normal_pairs",
    "normal_target",
    "quantized",
    "quantized_blobs",
    "random_mlp",
    "rare_event",
    "rectangles",
    "sample_mixture",
    "smoothed_discrete",
    "smoothed_uniform_target",
    "spiral",
    "spiral_map",
    "staircase",
    "student",
    "student_target",
    "suite",
    "swiss_roll",
    "symmetric_channel",
    "transformed",
    "uniforms",
    "wiggly",
    "xor",
    "zero_inflated_poisson",
]
