"""Nearest-neighbor estimators against counts row by row and against scikit-learn."""

import functools

import jax
import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from jaxinfo.information import mixed_ksg_information

from .table import JITTED, NEIGHBORS, gaussian_rows, rows_with_ties

each_neighbors = pytest.mark.parametrize("name", NEIGHBORS)


def _by_counting(name, x, y, k, clusters=None):
    clusters = np.arange(len(x)) if clusters is None else clusters
    terms = []
    for i in range(len(x)):
        others = np.flatnonzero(clusters != clusters[i])
        dx = np.array([max(abs(x[j] - x[i])) for j in others])
        dy = np.array([max(abs(y[j] - y[i])) for j in others])
        dz = np.maximum(dx, dy)
        radius = sorted(dz)[k - 1]
        total = digamma(len(others) + 1)
        if name == "ksg2":
            near = dz <= radius
            n = [(d <= d[near].max()).sum() for d in (dx, dy)]
            terms.append(total + digamma(k) - 1 / k - digamma(n).sum())
        elif name == "mixed_ksg" and radius == 0:
            n = [(d == 0).sum() + 1 for d in (dz, dx, dy)]
            terms.append(total + digamma(n[0]) - digamma(n[1:]).sum())
        elif name == "mixed_ksg":
            n = [max((d < radius).sum() + 1, (d <= radius).sum()) for d in (dx, dy)]
            terms.append(total + digamma((dz <= radius).sum()) - digamma(n).sum())
        else:
            n = [(d < radius).sum() + 1 for d in (dx, dy)]
            terms.append(total + digamma(k) - digamma(n).sum())
    return np.array(terms)


@each_neighbors
@pytest.mark.parametrize(("k", "dim_y"), [(1, 3), (3, 1)])
def test_matches_counts_row_by_row(name, k, dim_y):
    # Both data sets have the same shape and share one program.
    information = functools.partial(NEIGHBORS[name], num_neighbors=k, chunk_size=16)
    with jax.enable_x64(True):
        compiled = jax.jit(information)
        for x, y in (gaussian_rows(60), rows_with_ties(60)):
            _check_against_by_counting(name, k, x, y[:, :dim_y], compiled)


def _check_against_by_counting(name, k, x, y, information):
    found = information(x, y)
    # A wrong count would change the digamma by much more than this.
    np.testing.assert_allclose(
        found.contributions, _by_counting(name, x, y, k), atol=1e-9
    )
    np.testing.assert_allclose(
        found.value, np.asarray(found.contributions).mean(), rtol=1e-12
    )


@each_neighbors
def test_chunk_size_does_not_change_the_value(name):
    x, y = gaussian_rows(50)
    whole, parts = (
        jax.jit(functools.partial(NEIGHBORS[name], chunk_size=size))(x, y).contributions
        for size in (64, 7)
    )
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_ksg1_agrees_with_scikit_learn(correlation):
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 600, 1))
    y = correlation * x + np.sqrt(1 - correlation**2) * noise
    # scikit-learn also scales by the sd, adds noise of 1e-10 and clips at 0.
    expected = mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0]
    got = JITTED["ksg1"](x / x.std(), y / y.std()).value
    np.testing.assert_allclose(max(float(got), 0), expected, atol=2e-3)


def test_mixed_ksg_is_ksg1_without_ties_and_near_plug_in_for_discrete_data():
    x, y = gaussian_rows(80)
    found, of_ksg1 = JITTED["mixed_ksg"](x, y), JITTED["ksg1"](x, y)
    np.testing.assert_array_equal(found.contributions, of_ksg1.contributions)
    rng = np.random.default_rng(1)
    x = rng.integers(3, size=(600, 1))
    y = np.where(rng.random((600, 1)) < 0.5, x, rng.integers(3, size=(600, 1)))
    # The digamma of a count above 67 is its logarithm to within 1 %.
    np.testing.assert_allclose(
        JITTED["mixed_ksg"](x, y).value, JITTED["plug_in"](x, y).value, atol=5e-3
    )


def test_mixed_ksg_of_a_discrete_and_a_continuous_variable():
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=(1_000, 1))
    y = x + 2 * rng.random((1_000, 1))
    truth = np.log(5) - 4 / 5 * np.log(2)  # Gao et al. 2017, experiment II.
    local = JITTED["mixed_ksg"](x, y)
    error = np.asarray(local.contributions).std() / np.sqrt(1_000)
    assert abs(local.value - truth) < 4 * error + 0.02


@each_neighbors
def test_rows_of_one_cluster_are_no_neighbors(name):
    x, y = gaussian_rows(60)
    clusters = np.random.default_rng(0).integers(15, size=60)
    with jax.enable_x64(True):
        found = NEIGHBORS[name](x, y, clusters=clusters).contributions
        own = NEIGHBORS[name](x, y, clusters=np.arange(60)).contributions
        plain = NEIGHBORS[name](x, y).contributions
    np.testing.assert_allclose(found, _by_counting(name, x, y, 3, clusters), atol=1e-9)
    np.testing.assert_array_equal(own, plain)
    with pytest.raises(ValueError, match=r"clusters must have shape \(60,\)"):
        NEIGHBORS[name](x, y, clusters=clusters[:5])


def test_mixed_ksg_keeps_labels_apart():
    """Codes 10 apart: the terms are those of Ross, psi(N) + psi(k) - psi(Nx) - psi(m).

    A label of one row has no neighbor and adds nothing.
    """
    rng = np.random.default_rng(0)
    labels = np.append(np.repeat([0, 1], 20), 2)
    y = rng.normal(size=41) + labels
    local = mixed_ksg_information(
        10.0 * labels[:, None], y[:, None], num_neighbors=2, max_radius=10.0
    )
    for i in range(40):
        same = np.flatnonzero((labels == labels[i]) & (np.arange(41) != i))
        radius = np.sort(np.abs(y[same] - y[i]))[1]
        m = (np.abs(np.delete(y, i) - y[i]) < radius).sum() + 1
        # 19 other rows have the label, and are nearer than another label.
        expected = digamma(41) + digamma(2) - digamma(19 + 1) - digamma(m)
        assert local.contributions[i] == pytest.approx(expected, abs=1e-4)
    assert local.contributions[40] == 0
