"""Tasks of conditional information and of transfer entropy."""

import math

import jax
import numpy as np
import pytest

from jaxinfo import tasks as t

CMI = t.suite("cmi")


@pytest.mark.parametrize("task", CMI, ids=lambda task: task.name)
def test_conditional_information_is_the_mean_of_its_density(task):
    num_samples = 4_000
    density_of_draws = jax.jit(lambda key: task.pcmi(*task.sample(key, num_samples)))
    values = np.asarray(density_of_draws(jax.random.key(0)))
    # Rows of a series depend on each other; means of batches of 40 hardly do.
    batches = values.reshape(-1, 40).mean(1)
    error = batches.std() / len(batches) ** 0.5
    assert abs(values.mean() - task.cmi) < 4 * error + 1e-5


@pytest.mark.parametrize("task", CMI, ids=lambda task: task.name)
def test_shapes_and_dtypes(task):
    keys = jax.random.split(jax.random.key(0), 3)
    parts = jax.eval_shape(jax.vmap(lambda key: task.sample(key, 5)), keys)
    for part, shape in zip(
        parts, (task.shape_x, task.shape_y, task.shape_z), strict=True
    ):
        assert part.shape == (3, 5, *shape)
        assert (part.dtype == np.int32) == task.discrete


def test_closed_forms():
    # Given z, the correlation is (0.7 - 0.5^2) / (1 - 0.5^2) = 0.6.
    gaussian = t.gaussian_cmi()
    assert gaussian.mi == pytest.approx(-math.log(1 - 0.7**2) / 2)
    assert gaussian.cmi == pytest.approx(-math.log(1 - 0.6**2) / 2)
    common_cause = t.common_cause(0.8)
    assert common_cause.mi == pytest.approx(0.8)
    assert common_cause.cmi == 0.0
    assert (t.xor().mi, t.xor().cmi) == (0.0, pytest.approx(math.log(2)))
    assert t.xor(0.5).cmi == pytest.approx(0.0)


def gaussian_cmi_of(cov):
    """I(X; Y | Z) of the Gaussian with this covariance of (x, y, z)."""
    det = np.linalg.det
    ratio = det(cov[::2, ::2]) * det(cov[1:, 1:]) / (cov[2, 2] * det(cov))
    return math.log(ratio) / 2


@pytest.mark.parametrize("memory_x", [0.0, 0.6])
def test_transfer_entropy(memory_x):
    a, c, phi = 0.4, 0.9, memory_x
    task = t.ar_pair(2, coupling=c, memory_x=phi, memory_y=a)
    g = c * phi / (1 - a * phi)
    v = (c**2 + 2 * a * c * g + 1) / (1 - a**2)
    closed = math.log1p(c**2 * (1 - g**2 / v)) / 2
    assert task.transfer_entropy == pytest.approx(closed)
    draw = jax.jit(lambda key: task.sample(key, 20_000))
    x, y = map(np.asarray, draw(jax.random.key(0)))
    x, y = x[:, 0], y[:, 0]
    rows = np.stack([x[:-2], y[2:], y[1:-1]])
    cov = np.cov(rows)
    expected = [[1, c + a * g, g], [c + a * g, v, a * v + c * g], [g, a * v + c * g, v]]
    np.testing.assert_allclose(cov, expected, atol=0.12)
    assert gaussian_cmi_of(cov) == pytest.approx(task.transfer_entropy, abs=0.02)
    reverse = gaussian_cmi_of(np.cov(np.stack([y[:-2], x[2:], x[1:-1]])))
    assert reverse == pytest.approx(task.reverse_transfer_entropy, abs=5e-4)
    assert np.corrcoef(x[1:], x[:-1])[0, 1] == pytest.approx(phi, abs=0.03)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("dim_x", lambda: t.gaussian_cmi(dim_x=2, dim_y=1)),
        ("mi", lambda: t.common_cause(0.0)),
        ("noise", lambda: t.xor(0.7)),
        ("lag", lambda: t.ar_pair(0)),
        ("memory_y", lambda: t.ar_pair(1, memory_y=1.0)),
    ],
)
def test_errors_name_the_argument(name, make):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        make()
