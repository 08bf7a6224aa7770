"""Named suites of tasks."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxinfo.core.checks import check_one_of
from jaxinfo.tasks.conditional import ar_pair, common_cause, gaussian_cmi, xor
from jaxinfo.tasks.discrete import (
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
from jaxinfo.tasks.gaussian import normal, normal_dense, normal_pairs, normal_target
from jaxinfo.tasks.images import gaussian_blobs, quantized_blobs, rectangles
from jaxinfo.tasks.mixtures import mixture_balls, mixture_cross, mixture_inliers
from jaxinfo.tasks.staircase import staircase
from jaxinfo.tasks.student import student, student_target
from jaxinfo.tasks.task import ConditionalTask, DivergenceTask, Task
from jaxinfo.tasks.transforms import (
    asinh,
    bimodal,
    embed,
    half_cube,
    normal_cdf,
    random_mlp,
    spiral,
    swiss_roll,
    wiggly,
)
from jaxinfo.tasks.uniform import (
    additive_uniform,
    gamma_exponential_target,
    smoothed_uniform_target,
)

__all__ = ["SUITES", "suite"]


def _two_pairs(dim: int) -> Task:
    """Two correlated pairs, under the benchmark's name: 2.0 is the latent's weight."""
    name = f"multinormal-sparse-{dim}-{dim}-2-2.0"
    return dataclasses.replace(normal_pairs(dim, 2, 0.8), name=name)


def _bmi40() -> tuple[Task, ...]:
    """The 40 tasks of Czyz et al., "Beyond normal", NeurIPS 2023, in their order."""
    line, cauchy = normal(0.75), student(1, 1, 1)
    sparse = [_two_pairs(dim) for dim in (3, 5, 25)]
    return (
        line,
        normal_cdf(line),
        additive_uniform(0.1),
        additive_uniform(0.75),
        bimodal(0.75),
        wiggly(line),
        half_cube(line),
        cauchy,
        asinh(cauchy),
        swiss_roll(normal_cdf(line)),
        *(normal_dense(dim, 0.5) for dim in (2, 3, 5, 25, 50)),
        _two_pairs(2),
        *sparse,
        *(
            student(d, d, df)
            for d, df in [(2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3)]
        ),
        *map(normal_cdf, sparse),
        *map(half_cube, sparse),
        *map(spiral, sparse),
        *(spiral(normal_cdf(task)) for task in sparse),
        *(asinh(student(d, d, df)) for d, df in [(2, 1), (3, 2), (5, 2)]),
    )


def _staircase() -> tuple[Task, ...]:
    return staircase() + staircase(cubic=True)


def _high_mi() -> tuple[Task, ...]:
    return tuple(
        normal_target(mi, d, d) for d in (20, 100) for mi in (10.0, 15.0, 20.0)
    )


def _mixed() -> tuple[Task, ...]:
    return (
        discrete_uniform_mixture(5),
        smoothed_discrete(8, 0.8),
        quantized("normal", [0.1, 0.2, 0.3, 0.4]),
        noiseless_channel([0.25] * 4),
        symmetric_channel(10, 0.1),
        symmetric_channel(10, 0.5),
        rare_event(1.0, 0.05),
        zero_inflated_poisson(0.15),
    )


def _images() -> tuple[Task, ...]:
    return (
        gaussian_blobs(2.0, 16),
        gaussian_blobs(5.0, 16),
        rectangles(2.0, 16),
        rectangles(5.0, 16),
        quantized_blobs(1.0, 16),
        quantized_blobs(2.0, 16),
    )


def _cmi() -> tuple[ConditionalTask, ...]:
    return (
        gaussian_cmi(),
        common_cause(0.5),
        xor(),
        xor(0.1),
        ar_pair(1).windows,
        ar_pair(3, memory_x=0.6).windows,
    )


def _divergence() -> tuple[DivergenceTask, ...]:
    one, wide = np.eye(1), np.array([[2.0, 0.5], [0.5, 1.0]])
    return (
        gaussians([1.0], one, [0.0], one, name="gaussians-shifted"),
        gaussians([0.5], one, [0.0], 1.5 * one, name="gaussians-scaled"),
        gaussians([0.5, 0.0], np.eye(2), [0.0, 0.0], wide, name="gaussians-plane"),
        gaussians(
            np.full(10, 0.3), np.eye(10), np.zeros(10), np.eye(10), name="gaussians-10"
        ),
        exponentials(1.0, 1.5),
        laplaces(0.0, 1.0, 1.0, 1.5),
        uniforms(0.0, 1.0, 0.0, 2.0),
        discrete_distributions([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]),
    )


def _smoke() -> tuple[Task, ...]:
    return (
        normal(0.75),
        half_cube(normal_pairs(3, 2, 0.8)),
        student_target(0.5, 2, 2, 3),
        additive_uniform(0.1),
        mixture_cross(),
        embed(normal_target(1.0, 2, 2), 8),
        symmetric_channel(5, 0.2),
        discrete_uniform_mixture(5),
    )


def _families() -> tuple[Task, ...]:
    """Tasks of the families that the other suites leave out."""
    return (
        normal_target(1.0, 3, 2, spread="random", rotate=True),
        student_target(1.0, 3, 2, 5.0),
        smoothed_uniform_target(2.0, 2),
        gamma_exponential_target(2.0, 2),
        mixture_cross(),
        mixture_balls(),
        mixture_inliers(),
        random_mlp(normal_target(2.0, 5, 5)),
    )


SUITES: dict[str, Callable[[], tuple[Any, ...]]] = {
    "bmi40": _bmi40,
    "cmi": _cmi,
    "divergence": _divergence,
    "families": _families,
    "high-mi": _high_mi,
    "images": _images,
    "mixed": _mixed,
    "smoke": _smoke,
    "staircase": _staircase,
}


def suite(name: str) -> tuple[Any, ...]:
    """Makes the tasks of a suite; their names are unique.

    - "bmi40": the 40 tasks of Czyz et al. 2023, under their names there.
    - "families": rotated Gaussians, Student's t, uniform, Gamma and mixtures.
    - "high-mi": Gaussians of 10 to 20 nats in 20 and 100 dimensions.
    - "images": pairs of small images.
    - "mixed": discrete variables, and discrete with continuous ones.
    - "smoke": 8 varied tasks that are cheap to estimate.
    - "staircase": Gaussians of 2 to 10 nats in 20 dimensions, plain and cubed.
    - "cmi": `ConditionalTask`s.
    - "divergence": `DivergenceTask`s.

    Args:
        name: name of the suite, a key of `SUITES`.

    Returns:
        The tasks, in a fixed order.

    Raises:
        ValueError: if there is no such suite.

    Example:
        >>> len(suite("bmi40"))
        40
    """
    check_one_of(SUITES, name=name)
    return SUITES[name]()
