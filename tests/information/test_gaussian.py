"""Gaussian and Gaussian-copula information against NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import norm, rankdata

from jaxinfo.information import (
    fit_gaussian,
    gaussian_information,
    gaussian_log_ratio,
    normal_scores,
)

from .table import JITTED, gaussian_rows, rows_with_ties


def _from_log_determinants(x, y):
    def entropy(rows):
        n, d = rows.shape
        halves = (n - np.arange(1, d + 1)) / 2
        bias = digamma(halves).sum() - d * np.log((n - 1) / 2)
        return 0.5 * (np.linalg.slogdet(np.cov(rows.T).reshape(d, d))[1] - bias)

    return entropy(x) + entropy(y) - entropy(np.hstack([x, y]))


def test_gaussian_matches_bias_corrected_log_determinants():
    x, y = gaussian_rows(20)
    with jax.enable_x64(True):
        local = JITTED["gaussian"](x, y)
        np.testing.assert_allclose(
            local.value, _from_log_determinants(x, y), rtol=1e-10
        )
        np.testing.assert_allclose(local.value, np.asarray(local.contributions).mean())


def test_gaussian_is_unbiased_for_few_rows():
    truth = -0.5 * np.log(1 - 0.6**2)

    def one(key):
        x, noise = jax.random.normal(key, (2, 8, 2))
        y = jnp.concatenate([0.6 * x[:, :1] + 0.8 * noise[:, :1], noise[:, 1:]], axis=1)
        return gaussian_information(x, y).value

    values = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 4_000))
    # Without the bias correction the mean would be 0.55 too large.
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(4_000)


def test_gaussian_log_ratio_is_the_ratio_of_densities():
    x, y = gaussian_rows(50, 1, 1)
    with jax.enable_x64(True):
        ratio = jax.jit(lambda x, y: gaussian_log_ratio(fit_gaussian(x, y), x, y))(x, y)
    z = np.hstack([x, y])
    mean, cov = z.mean(axis=0), np.cov(z.T, ddof=0)
    quadratic = np.einsum("ni,ij,nj->n", z - mean, np.linalg.inv(cov), z - mean)
    joint = -quadratic / 2 - np.log(2 * np.pi) - np.log(np.linalg.det(cov)) / 2
    alone = norm.logpdf(z, mean, z.std(axis=0)).sum(axis=1)
    np.testing.assert_allclose(ratio, joint - alone, rtol=1e-9)


@pytest.mark.parametrize("make", [gaussian_rows, rows_with_ties])
def test_normal_scores_are_normal_quantiles_of_mean_ranks(make):
    x, _ = make(40)

    def compute(x):
        return normal_scores(x), normal_scores(x[:5], reference=x)

    with jax.enable_x64(True):
        scores, of_five = jax.jit(compute)(x)
    expected = norm.ppf(rankdata(x, axis=0) / 41)
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    np.testing.assert_array_equal(of_five, scores[:5])
    on_host, of_five_on_host = compute(x)
    assert isinstance(on_host, np.ndarray)
    assert on_host.dtype == np.float64
    np.testing.assert_allclose(on_host, expected, atol=1e-12)
    np.testing.assert_array_equal(of_five_on_host, on_host[:5])


def test_normal_scores_name_bad_input():
    with pytest.raises(ValueError, match="rows must have 2 axes"):
        normal_scores(np.ones(3))
    with pytest.raises(ValueError, match="reference must have the 2 columns of rows"):
        normal_scores(jnp.ones((3, 2)), reference=jnp.ones((4, 1)))


def test_gaussian_copula_is_gaussian_of_scores_and_invariant_to_increasing_maps():
    x, y = gaussian_rows(40)
    with jax.enable_x64(True):
        found, mapped = (
            JITTED["gaussian_copula"](x, y),
            JITTED["gaussian_copula"](np.exp(x), y**3),
        )
    scores = [norm.ppf(rankdata(z, axis=0) / 41) for z in (x, y)]
    np.testing.assert_allclose(found.value, _from_log_determinants(*scores), rtol=1e-9)
    assert found.value == mapped.value
