"""Maps undo themselves, keep the information, and are those of the literature."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import tasks as t

BASE = t.normal_pairs(3, 2, 0.8)
TRANSFORMS = {
    "normal_cdf": t.normal_cdf,
    "half_cube": t.half_cube,
    "cube": t.cube,
    "asinh": t.asinh,
    "wiggly": t.wiggly,
    "spiral": lambda task: t.spiral(task, speed=2.0),
    "power": lambda task: t.power(task, 0.7),
    "rotate": t.rotate,
    "random_mlp": t.random_mlp,
    "embed": lambda task: t.embed(task, 50),
}


@functools.partial(jax.jit, static_argnums=0)
def draw_and_score(task, key):
    mapped = task.sample(key, 200)
    return mapped, task.pmi(*mapped)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_density_survives(name):
    task, key = TRANSFORMS[name](BASE), jax.random.key(0)
    assert task.mi == BASE.mi
    (x, _), expected = draw_and_score(BASE, key)
    mapped, values = draw_and_score(task, key)
    assert mapped[0].shape == (200, task.dim_x)
    assert np.abs(np.asarray(mapped[0][:, 0]) - np.asarray(x[:, 0])).max() > 0.01
    # float32 probabilities lose digits of the tails.
    tolerance = 2e-2 if name == "normal_cdf" else 1e-3
    np.testing.assert_allclose(values, expected, atol=tolerance)


def test_rows_may_be_numpy_arrays():
    task = t.spiral(BASE)
    rows = task.sample(jax.random.key(0), 5)
    np.testing.assert_allclose(
        task.pmi(*map(np.asarray, rows)), task.pmi(*rows), rtol=1e-4, atol=1e-4
    )


def test_swiss_roll_unrolls():
    line = t.normal(0.75)
    task = t.swiss_roll(t.normal_cdf(line))
    (_, expected), (_, values) = (
        draw_and_score(one, jax.random.key(0)) for one in (line, task)
    )
    np.testing.assert_allclose(values, expected, atol=2e-2)


def test_bimodal_margins():
    task, line = t.bimodal(0.75), t.normal(0.75)

    @jax.jit
    def draw(key):
        x, y = task.sample(key, 20_000)
        return x, y, task.pmi(x, y) - line.pmi(*line.sample(key, 20_000))

    x, y, error = map(np.asarray, draw(jax.random.key(0)))
    assert np.abs(error).max() < 2e-2
    # Mean and variance of .3 N(0, 1) + .7 N(5, 1) and of .5 N(-1, 1) + .5 N(3, 1).
    assert x.mean() == pytest.approx(3.5, abs=0.08)
    assert x.var() == pytest.approx(1 + 0.21 * 25, abs=0.15)
    assert y.mean() == pytest.approx(1.0, abs=0.08)
    assert y.var() == pytest.approx(5.0, abs=0.15)
    assert (x < 2).mean() == pytest.approx(0.3, abs=0.02)


def test_noise_and_copies():
    task = t.duplicate_noise_dims(BASE, 4)
    assert (task.dim_x, task.dim_y, task.mi) == (10, 10, BASE.mi)

    @jax.jit
    def draw(key):
        x, y = task.sample(key, 100)
        return x, task.pmi(x, y), BASE.pmi(x[:, 3:6], y[:, 3:6])

    x, values, expected = draw(jax.random.key(0))
    np.testing.assert_array_equal(x[:, :3], x[:, 3:6])
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("plane", [(0, 1), (1, 2)])
def test_spiral_is_the_exponential_of_a_generator(plane):
    v = np.array([[0.3, -1.2, 2.0], [1.0, 0.5, -0.1]])
    generator = np.zeros((3, 3))
    generator[plane], generator[plane[::-1]] = -1, 1
    turned = t.spiral_map(1.5, plane=plane).forward(jnp.asarray(v, jnp.float32))
    for row, got in zip(v, turned, strict=True):
        # The exponential of a matrix through its eigenvectors.
        values, vectors = np.linalg.eig(generator * 1.5 / 3 * (row @ row))
        turn = (vectors * np.exp(values)) @ np.linalg.inv(vectors)
        np.testing.assert_allclose(got, (turn @ row).real, rtol=1e-4, atol=1e-5)


def test_formulas_of_the_benchmark():
    v = np.array([[-2.0], [0.3], [1.1]])
    w = jnp.asarray(v, jnp.float32)
    x = v + 0.4 * np.sin(v) + 0.2 * np.sin(1.7 * v + 1) + 0.03 * np.sin(3.3 * v - 2.5)
    y = v - 0.4 * np.sin(0.4 * v) + 0.17 * np.sin(1.3 * v + 3.5)
    y = y + 0.02 * np.sin(4.3 * v - 2.5)
    np.testing.assert_allclose(t.WIGGLY_X.forward(w), x, rtol=1e-5)
    np.testing.assert_allclose(t.WIGGLY_Y.forward(w), y, rtol=1e-5)
    half_cube = v * np.sqrt(np.abs(v))
    np.testing.assert_allclose(t.HALF_CUBE.forward(w), half_cube, rtol=1e-5)
    angle = 1.5 * np.pi * (1 + 2 * v)
    roll = np.concatenate([angle * np.cos(angle), angle * np.sin(angle)], 1) / 21
    np.testing.assert_allclose(t.SWISS_ROLL.forward(w), roll, atol=1e-5)


def test_far_tails_stay_finite():
    far = jnp.array([[-7.0, 0.0, 7.0]])
    back = jax.jit(lambda v: t.NORMAL_CDF.inverse(t.NORMAL_CDF.forward(v)))(far)
    assert np.isfinite(back).all()
    assert float(back[0, 0]) == pytest.approx(-7.0, abs=0.01)
    # Each tail of a mixture is computed from its own side.
    bend = t.mixture_quantile_map((0.3, 0.7), (0.0, 5.0))
    back = jax.jit(lambda v: bend.inverse(bend.forward(v)))(far)
    np.testing.assert_allclose(back, far, atol=0.01)


def test_a_map_of_ones_own():
    double = t.Map(lambda v: 2 * v, lambda w: w / 2)
    task = t.transformed(BASE, name="double_y", map_y=double)
    x, y = np.random.default_rng(0).normal(size=(2, 10, 3)).astype(np.float32)
    both = jax.jit(lambda x, y: (task.pmi(x, 2 * y), BASE.pmi(x, y)))(x, y)
    np.testing.assert_allclose(*both, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: t.spiral(t.normal_pairs(2, 1, 0.5)), "dim 2"),
        (lambda: t.swiss_roll(BASE), "dim 3"),
        (lambda: t.embed(BASE, 2), "dim_out"),
        (lambda: t.power(BASE, 0.0), "exponent"),
        (lambda: t.random_mlp(BASE, num_layers=0), "num_layers"),
        (lambda: t.duplicate_noise_dims(BASE, 0), "num_noise"),
        (lambda: t.asinh(t.symmetric_channel(3, 0.1)), "labels"),
        (lambda: t.cube(t.gaussian_blobs(1.0, 8)), "x must be vectors"),
        (lambda: t.spiral_map(math.inf), "speed"),
        (lambda: t.spiral_map(1.0, plane=(1, 1)), "plane"),
        (lambda: t.mixture_quantile_map((0.5, 0.6), (0.0, 1.0)), "weights"),
        (lambda: t.mixture_quantile_map((0.5, 0.5), (0.0,)), "means"),
    ],
)
def test_misfits_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
