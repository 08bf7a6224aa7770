"""Maps: reference formulas, inverses, tails and errors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.special

from jaxinfo import tasks as t

MAPS = {
    "ASINH": t.ASINH,
    "CUBE": t.CUBE,
    "HALF_CUBE": t.HALF_CUBE,
    "NORMAL_CDF": t.NORMAL_CDF,
    "WIGGLY_X": t.WIGGLY_X,
    "WIGGLY_Y": t.WIGGLY_Y,
    "embedding": t.embedding_map(3, 5),
    "mixture_quantile": t.mixture_quantile_map((0.3, 0.7), (0.0, 5.0)),
    "mlp": t.mlp_map(3),
    "spiral": t.spiral_map(1.5, plane=(1, 2)),
}


@pytest.mark.parametrize("name", MAPS)
def test_inverse_undoes_forward(name):
    v = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    mapped = MAPS[name].forward(jnp.asarray(v))
    np.testing.assert_allclose(MAPS[name].inverse(mapped), v, atol=2e-4)


def test_swiss_roll_unrolls():
    v = np.linspace(0.01, 0.99, 50, dtype=np.float32)[:, None]
    mapped = t.SWISS_ROLL.forward(jnp.asarray(v))
    np.testing.assert_allclose(t.SWISS_ROLL.inverse(mapped), v, atol=1e-5)


def test_formulas():
    v = np.array([[-2.0], [0.3], [1.1]])
    w = jnp.asarray(v, jnp.float32)
    x = v + 0.4 * np.sin(v) + 0.2 * np.sin(1.7 * v + 1) + 0.03 * np.sin(3.3 * v - 2.5)
    y = v - 0.4 * np.sin(0.4 * v) + 0.17 * np.sin(1.3 * v + 3.5)
    y = y + 0.02 * np.sin(4.3 * v - 2.5)
    angle = 1.5 * np.pi * (1 + 2 * v)
    roll = np.concatenate([angle * np.cos(angle), angle * np.sin(angle)], 1) / 21
    for map_, expected in [
        (t.WIGGLY_X, x),
        (t.WIGGLY_Y, y),
        (t.HALF_CUBE, v * np.sqrt(np.abs(v))),
        (t.CUBE, v**3),
        (t.ASINH, np.arcsinh(v)),
        (t.NORMAL_CDF, scipy.special.ndtr(v)),
        (t.SWISS_ROLL, roll),
    ]:
        np.testing.assert_allclose(map_.forward(w), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("plane", [(0, 1), (1, 2)])
def test_spiral_is_the_exponential_of_a_generator(plane):
    v = np.array([[0.3, -1.2, 2.0], [1.0, 0.5, -0.1]])
    generator = np.zeros((3, 3))
    generator[plane], generator[plane[::-1]] = -1, 1
    mapped = t.spiral_map(1.5, plane=plane).forward(jnp.asarray(v, jnp.float32))
    for row, got in zip(v, mapped, strict=True):
        rotation = scipy.linalg.expm(generator * 1.5 / 3 * (row @ row))
        np.testing.assert_allclose(got, rotation @ row, rtol=1e-4, atol=1e-5)


def test_embedding_is_an_isometry():
    v = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    mapped = np.asarray(t.embedding_map(3, 5).forward(jnp.asarray(v)))
    np.testing.assert_allclose(mapped @ mapped.T, v @ v.T, rtol=1e-4, atol=1e-5)


def test_mlp_jacobian_at_the_origin():
    # asinh has derivative 1 there, so the Jacobian is a product of three matrices with
    # singular values in [1/2, 2].
    jacobian = jax.jacobian(t.mlp_map(4, num_layers=2).forward)(jnp.zeros(4))
    singular = np.linalg.svd(jacobian, compute_uv=False)
    assert singular.min() > 1 / 8
    assert singular.max() < 8
    assert singular.max() / singular.min() > 1.2, "more than a rotation"


def test_far_tails():
    far = jnp.array([[-7.0, 0.0, 7.0]])
    back = t.NORMAL_CDF.inverse(t.NORMAL_CDF.forward(far))
    # Phi(7) rounds to 1 in float32; the inverse is that of the largest number below 1.
    largest = scipy.special.ndtri(1 - 2.0**-24)
    np.testing.assert_allclose(back, [[-7.0, 0.0, largest]], atol=0.01)
    # A mixture has an accurate upper tail, as each tail is computed from its own side.
    mixture = t.mixture_quantile_map((0.3, 0.7), (0.0, 5.0))
    back = mixture.inverse(mixture.forward(far))
    np.testing.assert_allclose(back, far, atol=0.01)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("speed", lambda: t.spiral_map(math.inf)),
        ("plane", lambda: t.spiral_map(1.0, plane=(1, 1))),
        ("dim_out", lambda: t.embedding_map(3, 2)),
        ("num_layers", lambda: t.mlp_map(3, num_layers=0)),
        ("weights", lambda: t.mixture_quantile_map((0.5, 0.6), (0.0, 1.0))),
        ("means", lambda: t.mixture_quantile_map((0.5, 0.5), (0.0,))),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
