"""Transforms: they change the samples and keep the information."""

import jax
import numpy as np
import pytest
import scipy.stats

from jaxinfo import tasks as t

BASE = t.normal_pairs(3, 2, 0.8)
# The map of x of each transform.
TRANSFORMS = {
    "normal_cdf": (t.normal_cdf, t.NORMAL_CDF),
    "half_cube": (t.half_cube, t.HALF_CUBE),
    "asinh": (t.asinh, t.ASINH),
    "wiggly": (t.wiggly, t.WIGGLY_X),
    "spiral": (lambda task: t.spiral(task, speed=2.0), t.spiral_map(2.0)),
    "random_mlp": (t.random_mlp, t.mlp_map(3)),
    "embed": (lambda task: t.embed(task, 50), t.embedding_map(3, 50)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_pointwise_information_is_kept(name):
    transform, map_x = TRANSFORMS[name]
    task, key = transform(BASE), jax.random.key(0)
    assert task.mi == BASE.mi
    assert task.name.endswith(BASE.name)
    x, y = BASE.sample(key, 200)
    mapped_x, mapped_y = task.sample(key, 200)
    assert (mapped_x.shape, mapped_y.shape) == ((200, task.dim_x), (200, task.dim_y))
    np.testing.assert_allclose(mapped_x, map_x.forward(x), rtol=1e-5, atol=1e-6)
    # float32 probabilities have few digits in the tails.
    tolerance = 2e-2 if name == "normal_cdf" else 1e-3
    np.testing.assert_allclose(
        task.pmi(mapped_x, mapped_y), BASE.pmi(x, y), atol=tolerance
    )


@pytest.mark.parametrize("transform", [t.spiral, t.wiggly, t.random_mlp, t.embed])
def test_x_and_y_get_different_maps(transform):
    # With rho near 1, x equals y up to noise of 0.0014.
    same = t.normal_pairs(3, 3, 0.999999)
    task = transform(same, 5) if transform is t.embed else transform(same)
    x, y = task.sample(jax.random.key(0), 50)
    # The maps of x and y differ by more than a hundred times that noise.
    assert np.abs(np.asarray(x - y)).max() > 100 * 0.0014


def test_rows_may_be_numpy_arrays():
    task = t.spiral(BASE)
    rows = task.sample(jax.random.key(0), 5)
    np.testing.assert_allclose(
        task.pmi(*map(np.asarray, rows)), task.pmi(*rows), rtol=1e-4, atol=1e-4
    )


@pytest.mark.slow
def test_swiss_roll_maps_x_alone():
    line, key = t.normal_cdf(t.normal(0.75)), jax.random.key(0)
    task = t.swiss_roll(line)
    assert (task.shape_x, task.shape_y) == ((2,), (1,))
    x, y = line.sample(key, 200)
    rolled, same_y = task.sample(key, 200)
    np.testing.assert_array_equal(same_y, y)
    np.testing.assert_allclose(task.pmi(rolled, y), line.pmi(x, y), atol=2e-2)


def test_bimodal_marginals():
    task, line = t.bimodal(0.75), t.normal(0.75)

    @jax.jit
    def draw(key):
        x, y = task.sample(key, 20_000)
        return x, y, task.pmi(x, y) - line.pmi(*line.sample(key, 20_000))

    x, y, error = map(np.asarray, draw(jax.random.key(0)))
    assert np.abs(error).max() < 2e-2

    def cdf(weights, means):
        return lambda v: sum(
            w * scipy.stats.norm.cdf(v, m) for w, m in zip(weights, means, strict=True)
        )

    # Kolmogorov-Smirnov distances, exceeded with a probability of 0.1 %.
    for values, marginal in [
        (x, cdf((0.3, 0.7), (0.0, 5.0))),
        (y, cdf((0.5, 0.5), (-1.0, 3.0))),
    ]:
        distance = scipy.stats.kstest(values[:, 0], marginal).statistic
        assert distance < 1.95 / 20_000**0.5


def test_custom_map():
    double = t.Map(lambda v: 2 * v, lambda w: w / 2)
    task = t.transformed(BASE, name="double_y", map_y=double)
    x, y = np.random.default_rng(0).normal(size=(2, 10, 3)).astype(np.float32)
    np.testing.assert_allclose(task.pmi(x, 2 * y), BASE.pmi(x, y), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: t.spiral(t.normal_pairs(2, 1, 0.5)), "dim 2"),
        (lambda: t.swiss_roll(BASE), "dim 3"),
        (lambda: t.embed(BASE, 2), "dim_out"),
        (lambda: t.random_mlp(BASE, num_layers=0), "num_layers"),
        (lambda: t.asinh(t.symmetric_channel(3, 0.1)), "x of task must be continuous"),
        (lambda: t.half_cube(t.gaussian_blobs(1.0, 8)), "x of task must be vectors"),
    ],
)
def test_errors_name_the_problem(make, message):
    with pytest.raises(ValueError, match=message):
        make()
