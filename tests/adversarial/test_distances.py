"""Distances of samples in an embedding, against SciPy, scikit-learn and all pairs."""

import functools

import jax
import numpy as np
import scipy.linalg
from sklearn.neighbors import NearestNeighbors

from jaxinfo import adversarial as metrics

RNG = np.random.default_rng(0)


def _rows(n, d=3, shift=0.0):
    return (RNG.normal(size=(n, d)) + shift).astype(np.float32)


def _jitted(metric, **settings):
    """As one program."""
    return jax.jit(functools.partial(metric, **settings))


def test_frechet_of_scipy():
    real, fake = _rows(40), 2 * _rows(60, shift=1.0)
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = np.mean(real, 0) - np.mean(fake, 0)
    expected = gap @ gap + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    distance = _jitted(metrics.frechet_distance)
    np.testing.assert_allclose(distance(real, fake), expected, rtol=1e-4)
    np.testing.assert_allclose(distance(real, real), 0, atol=1e-4)
    line = distance(real[:, :1], fake[:, :1])
    sds = np.std(real[:, 0], ddof=1), np.std(fake[:, 0], ddof=1)
    np.testing.assert_allclose(line, gap[0] ** 2 + (sds[0] - sds[1]) ** 2, rtol=1e-4)


def test_kernel_distance_by_all_pairs():
    real, fake = _rows(9), _rows(7, shift=0.5)

    def kernel(x, y):
        return (np.dot(x, y) / 3 + 1) ** 3

    def mean(left, right, *, apart):
        pairs = [
            kernel(x, y)
            for i, x in enumerate(left)
            for j, y in enumerate(right)
            if not (apart and i == j)
        ]
        return np.mean(pairs)

    expected = (
        mean(real, real, apart=True)
        + mean(fake, fake, apart=True)
        - 2 * mean(real, fake, apart=False)
    )
    value = _jitted(metrics.kernel_distance, chunk_size=4)(real, fake)
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_neighborhoods_by_brute_force():
    real, fake = _rows(40, 2), 0.5 * _rows(30, 2, shift=0.5)
    k = 3

    def radii(rows):
        return NearestNeighbors(n_neighbors=k + 1).fit(rows).kneighbors(rows)[0][:, -1]

    apart = np.linalg.norm(np.asarray(real)[:, None] - np.asarray(fake)[None], axis=2)
    in_real = apart <= radii(real)[:, None]
    in_fake = apart <= radii(fake)[None]
    found = _jitted(metrics.compare_neighborhoods, num_neighbors=k, chunk_size=16)(
        real, fake
    )
    expected = (
        in_real.any(axis=0).mean(),
        in_fake.any(axis=1).mean(),
        in_real.sum() / k / len(fake),
        in_real.any(axis=1).mean(),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_distances_of_equal_and_of_different_distributions():
    real, same, other = _rows(500), _rows(500), _rows(500, shift=3.0)
    compare = _jitted(metrics.compare_neighborhoods)
    near, far = (compare(real, fake) for fake in (same, other))
    assert min(near) > 0.9 > 0.1 > max(far)
    distance = _jitted(metrics.kernel_distance)
    assert abs(distance(real, same)) < 0.1
    assert distance(real, other) > 10
