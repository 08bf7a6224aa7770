"""Every task of every suite: its information against its density, shapes, names."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.tasks import (
    SUITES,
    Task,
    suite,
)

PAIRS = ["bmi40", "families", "high-mi", "images", "mixed", "smoke", "staircase"]
TASKS = {task.name: task for name in PAIRS for task in suite(name)}
# One task of each kind is always checked; tests of the others are slow.
KINDS = [
    "1v1-normal-0.75",
    "normal-3-2-1.0-random-rotated",
    "student-3-2-5.0-1.0",
    "1v1-additive-0.1",
    "smoothed_uniform-2-2.0",
    "gamma_exponential-2-2.0",
    "mixture-cross",
    "smoothed_discrete-8-0.8",
    "quantized-normal-[0.1, 0.2, 0.3, 0.4]",
    "symmetric-10-0.1",
    "rare_event-1.0-0.05",
    "zero_inflated_poisson-0.15",
    "rectangles-16-5.0",
]
CHEAP = [TASKS[name] for name in KINDS]
REST = [task for task in TASKS.values() if task not in CHEAP]

# The table of Czyz et al. 2023, recomputed: tasks 1 to 40 in order.
BMI40 = [0.41334, 0.41334, 1.70944, 0.33333, 0.41334, 0.41334, 0.41334, 0.22417]
BMI40 += [0.22417, 0.41334, 0.29389, 0.41334, 0.59281, 1.29218, 1.62427]
BMI40 += 4 * [1.02165] + [0.43195, 0.19315, 0.29092, 0.17871, 0.44815, 0.29854]
BMI40 += 12 * [1.02165] + [0.43195, 0.29092, 0.44815]


def named(tasks):
    return pytest.mark.parametrize("task", tasks, ids=lambda task: task.name)


def check_information(task, num_samples):
    density_of_draws = jax.jit(lambda key: task.pmi(*task.sample(key, num_samples)))
    values = density_of_draws(jax.random.key(0))
    assert values.shape == (num_samples,)
    error = np.hypot(np.std(values) / num_samples**0.5, task.mi_se)
    # float32 rounding is the only error of tasks with constant pmi.
    assert abs(np.mean(values) - task.mi) < 4 * error + 1e-5 * (1 + task.mi)


@named(CHEAP)
def test_information_is_the_mean_of_its_density(task):
    check_information(task, 4_000)


@pytest.mark.slow
@named(REST)
def test_information_is_the_mean_of_its_density_everywhere(task):
    check_information(task, 20_000)


@pytest.mark.parametrize("name", PAIRS)
def test_shapes_and_dtypes_over_keys(name):
    keys = jax.random.split(jax.random.key(0), 3)
    for task in suite(name):
        assert isinstance(task, Task)
        draw = functools.partial(task.sample, n=5)
        x, y = jax.eval_shape(jax.vmap(draw), keys)
        assert x.shape == (3, 5, *task.shape_x), task.name
        assert y.shape == (3, 5, *task.shape_y), task.name
        assert (task.dim_x, task.dim_y) == (x.size // 15, y.size // 15)
        for side, discrete in [(x, task.discrete_x), (y, task.discrete_y)]:
            assert side.dtype == (jnp.int32 if discrete else jnp.float32), task.name
        assert jax.eval_shape(jax.vmap(task.pmi), x, y).shape == (3, 5)


@named([suite("smoke")[0], suite("smoke")[6]])
def test_vmap_over_keys_draws_the_same_samples(task):
    keys = jax.random.split(jax.random.key(1), 3)
    batch = jax.jit(jax.vmap(lambda key: task.sample(key, 7)))(keys)
    alone = task.sample(keys[1], 7)
    for many, one in zip(batch, alone, strict=True):
        np.testing.assert_allclose(many[1], one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SUITES)
def test_names_are_unique(name):
    tasks = suite(name)
    assert len({task.name for task in tasks}) == len(tasks)
    assert len({hash(task) for task in tasks}) == len(tasks)


def test_bmi40_information_and_names():
    tasks = suite("bmi40")
    np.testing.assert_allclose([task.mi for task in tasks], BMI40, atol=1e-5)
    assert [task.name for task in tasks[3:10]] == [
        "1v1-additive-0.75",
        "1v1-bimodal-0.75",
        "wiggly-1v1-normal-0.75",
        "half_cube-1v1-normal-0.75",
        "student-identity-1-1-1",
        "asinh-student-identity-1-1-1",
        "swissroll_x-normal_cdf-1v1-normal-0.75",
    ]
    assert tasks[31].name == "spiral-multinormal-sparse-3-3-2-2.0"
    assert tasks[36].name == "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0"


def test_bmi40_has_unit_variances():
    # The benchmark scales its sparse Gaussians to unit variances.
    x, y = suite("bmi40")[16].sample(jax.random.key(0), 20_000)
    np.testing.assert_allclose(np.cov(x.T), np.eye(3), atol=0.05)
    correlations = np.corrcoef(x.T, y.T)[:3, 3:]
    np.testing.assert_allclose(correlations, np.diag([0.8, 0.8, 0]), atol=0.04)


def test_unknown_suite():
    with pytest.raises(ValueError, match="unknown name 'bmi41'"):
        suite("bmi41")
