"""Densities and maps give their float64 values with and without jit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo import tasks
from tests.variants import make_variants_test

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(4, 2))
MAPS = {
    "HALF_CUBE": tasks.HALF_CUBE,
    "WIGGLY_X": tasks.WIGGLY_X,
    "embedding": tasks.embedding_map(2, 3),
    "mixture_quantile": tasks.mixture_quantile_map((0.3, 0.7), (0.0, 5.0)),
    "mlp": tasks.mlp_map(2),
    "spiral": tasks.spiral_map(1.5),
}
NORMAL, GAUSSIAN_TRIPLE = tasks.normal_dense(2, 0.5), tasks.gaussian_cmi()
# (function, task): the pointwise information or log-density ratio of each kind.
DENSITIES = [
    *(
        (task.pmi, task)
        for task in (
            NORMAL,
            tasks.wiggly(NORMAL),
            tasks.student(2, 1, 3.0),
            tasks.mixture_cross(),
            tasks.additive_uniform(0.5),
            tasks.gamma_exponential_target(0.5, 1),
            tasks.symmetric_channel(5, 0.1),
            tasks.zero_inflated_poisson(0.2),
        )
    ),
    (GAUSSIAN_TRIPLE.pcmi, GAUSSIAN_TRIPLE),
]
RATIOS = [
    tasks.gaussians([0.0, 1.0], np.eye(2), [1.0, 0.0], 2 * np.eye(2)),
    tasks.laplaces(0.0, 1.0, 0.5, 2.0),
    tasks.exponentials(1.0, 2.0),
]


def _rows(task, num=None):
    """Draws samples, the first `num` of them; integers stay integers."""

    def draw():
        samples = task.sample(jax.random.key(0), 4)[:num]
        return tuple(
            np.asarray(x, float) if np.issubdtype(x.dtype, np.floating) else x
            for x in jax.device_get(samples)
        )

    return draw


def _there_and_back(name, rows):
    mapped = MAPS[name].forward(jnp.asarray(rows))
    return mapped, MAPS[name].inverse(mapped)


CASES = {
    **{f"density[{task.name}]": (pmi, _rows(task)) for pmi, task in DENSITIES},
    **{f"ratio[{task.name}]": (task.log_ratio, _rows(task, 1)) for task in RATIOS},
    **{
        f"map[{name}]": (functools.partial(_there_and_back, name), (ROWS,))
        for name in MAPS
    },
    "mixture_log_density": (tasks.mixture_log_density, (ROWS,)),
}

VariantsTest = make_variants_test(CASES, rank_promotion="allow", debug_infs=False)
