"""Metrics against NumPy, SciPy and scikit-learn, and against known values."""

import functools

import jax
import numpy as np
import pytest
from sklearn.neighbors import KernelDensity

from jaxinfo import adversarial as metrics

RNG = np.random.default_rng(0)


def _rows(n, d=3, shift=0.0):
    return (RNG.normal(size=(n, d)) + shift).astype(np.float32)


def _jitted(metric, **settings):
    """As one program."""
    return jax.jit(functools.partial(metric, **settings))


def test_modes_of_a_mixture():
    centers = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], np.float32)
    # Two at the first mode, one nearest to the second but too far, one at the third.
    samples = np.array([[0.0, 0.1], [0.2, 0.0], [10.0, 4.0], [0.0, 9.0]], np.float32)
    report = _jitted(metrics.count_modes, sd=0.5)(samples, centers)
    assert report.num_modes == 2
    assert report.good_share == 0.75
    shares = np.array([0.5, 0.25, 0.25])
    expected = np.sum(shares * np.log(shares / 0.25))
    np.testing.assert_allclose(report.reverse_kl, expected, rtol=1e-6)


def test_a_perfect_sample_has_all_modes():
    centers = np.array([[-2.0, 0.0], [2.0, 0.0]], np.float32)
    samples = np.repeat(centers, 5_000, axis=0) + np.float32(0.1) * _rows(10_000, 2)
    report = _jitted(metrics.count_modes, sd=0.1)(samples, centers)
    assert report.num_modes == 2
    # P(|x| < 3) in two dimensions is 1 - exp(-9 / 2).
    np.testing.assert_allclose(report.good_share, 1 - np.exp(-4.5), atol=0.004)
    np.testing.assert_allclose(report.reverse_kl, 0, atol=1e-6)


def test_labels():
    counts = _jitted(metrics.count_labels, num_labels=5)(np.array([0, 0, 3, 1]))
    assert counts.num_labels == 3
    shares = np.array([0.5, 0.25, 0.25])
    np.testing.assert_allclose(
        counts.reverse_kl, np.sum(shares * np.log(shares / 0.2)), rtol=1e-6
    )


@pytest.mark.parametrize("chunk_size", [1, 7, 100])
def test_parzen_is_a_kernel_density(chunk_size):
    points, samples = _rows(20), _rows(30)
    values = _jitted(
        metrics.parzen_log_likelihood, bandwidth=0.3, chunk_size=chunk_size
    )(points, samples)
    expected = KernelDensity(bandwidth=0.3).fit(samples).score_samples(points)
    np.testing.assert_allclose(values, expected, rtol=1e-4)


def test_the_bandwidth_maximizes_the_likelihood():
    points, samples = _rows(50, 1), _rows(400, 1)
    grid = np.logspace(-1, 0, 10)
    chosen = _jitted(metrics.choose_bandwidth)(points, samples)
    scores = [KernelDensity(bandwidth=b).fit(samples).score(points) for b in grid]
    np.testing.assert_allclose(chosen, grid[np.argmax(scores)], rtol=1e-6)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda: metrics.frechet_distance(_rows(4), _rows(4, 2)), "real and fake"),
        (
            lambda: metrics.kernel_distance(_rows(1), _rows(4)),
            "real must have more than one row",
        ),
        (
            lambda: metrics.compare_neighborhoods(_rows(9), _rows(5)),
            "fake must have more than num_neighbors = 5",
        ),
        (
            lambda: metrics.frechet_distance(_rows(9), _rows(1)),
            "fake must have more than one row, got 1",
        ),
        (
            lambda: metrics.count_labels(np.array([0, 3, 7]), 3),
            r"labels must lie in \[0, 3\); 2 do not, the first is 3",
        ),
        (
            lambda: metrics.count_labels(np.zeros(4, np.float32), 3),
            "labels must be whole numbers, got float32",
        ),
        (lambda: metrics.count_modes(_rows(4), _rows(2), sd=0.0), "sd"),
        (lambda: metrics.count_labels(_rows(4), 3), "labels must have 1 axis"),
        (
            lambda: metrics.parzen_log_likelihood(_rows(4), _rows(0), bandwidth=1.0),
            "points and samples",
        ),
    ],
)
def test_bad_input_is_named(metric, message):
    with pytest.raises(ValueError, match=message):
        metric()


def test_metrics_are_programs_of_many_seeds():
    samples = np.stack([_rows(50, 2), _rows(50, 2, shift=1.0)])
    centers = np.zeros((1, 2), np.float32)
    reports = jax.jit(
        jax.vmap(lambda rows: metrics.count_modes(rows, centers, sd=0.5))
    )(samples)
    alone = [metrics.count_modes(rows, centers, sd=0.5).good_share for rows in samples]
    np.testing.assert_allclose(reports.good_share, alone)
