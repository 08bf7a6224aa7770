"""Classical estimators against closed forms, NumPy restatements and scikit-learn."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import norm, rankdata
from sklearn.feature_selection import mutual_info_regression

from jaxinfo.information import (
    fit_gaussian,
    gaussian_copula_information,
    gaussian_information,
    gaussian_log_ratio,
    ksg1_information,
    ksg2_information,
    mixed_ksg_information,
    normal_scores,
    plug_in_information,
)
from tests.marks import slowly

NEIGHBORS = {
    "ksg1": ksg1_information,
    "ksg2": ksg2_information,
    "mixed_ksg": mixed_ksg_information,
}
EVERY = {
    **NEIGHBORS,
    "gaussian": gaussian_information,
    "gaussian_copula": gaussian_copula_information,
    "plug_in": plug_in_information,
}
JITTED = {name: jax.jit(information) for name, information in EVERY.items()}
each = pytest.mark.parametrize("name", EVERY)
each_neighbors = pytest.mark.parametrize("name", NEIGHBORS)


def _gaussian_rows(num_rows, dim_x=2, dim_y=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_rows, dim_x))
    y = rng.normal(size=(num_rows, dim_y))
    y[:, :1] += 0.8 * x[:, :1]
    return x, y


def _rows_with_ties(num_rows):
    """Rounded, so that distances tie, with whole rows that coincide."""
    x, y = _gaussian_rows(num_rows)
    x, y = np.round(x), np.round(y)
    y[: num_rows // 3] += 0.01 * np.arange(num_rows // 3)[:, None]
    return x, y


# Nearest neighbors, row by row and from sorted distances -------------------------


def _restated(name, x, y, k):
    terms = []
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i]
        dx = np.array([max(abs(x[j] - x[i])) for j in others])
        dy = np.array([max(abs(y[j] - y[i])) for j in others])
        dz = np.maximum(dx, dy)
        radius = sorted(dz)[k - 1]
        if name == "ksg2":
            near = dz <= radius
            n = [(d <= d[near].max()).sum() for d in (dx, dy)]
            terms.append(digamma(k) - 1 / k - digamma(n).sum())
        elif name == "mixed_ksg" and radius == 0:
            n = [(d == 0).sum() + 1 for d in (dz, dx, dy)]
            terms.append(digamma(n[0]) - digamma(n[1:]).sum())
        else:
            n = [(d < radius).sum() + 1 for d in (dx, dy)]
            terms.append(digamma(k) - digamma(n).sum())
    return np.array(terms) + digamma(len(x))


@each_neighbors
@pytest.mark.parametrize(("k", "dim_y"), [(1, 3), (3, 1)])
def test_neighbors_are_those_counted_one_by_one(name, k, dim_y):
    # Columns of one shape, so that one program serves both data sets.
    information = functools.partial(NEIGHBORS[name], num_neighbors=k, chunk_size=16)
    with jax.enable_x64(True):
        compiled = jax.jit(information)
        for x, y in (_gaussian_rows(60), _rows_with_ties(60)):
            _check_against_restated(name, k, x, y[:, :dim_y], compiled)


def _check_against_restated(name, k, x, y, information):
    found = information(x, y)
    # Digammas of two whole numbers differ by far more than this.
    np.testing.assert_allclose(found.contributions, _restated(name, x, y, k), atol=1e-9)
    np.testing.assert_allclose(
        found.value, np.asarray(found.contributions).mean(), rtol=1e-12
    )


@each_neighbors
def test_chunks_change_nothing(name):
    x, y = _gaussian_rows(50)
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
    # Theirs scales by sd, adds noise of 1e-10 and clips at 0, and else is the same.
    theirs = mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0]
    ours = JITTED["ksg1"](x / x.std(), y / y.std()).value
    np.testing.assert_allclose(max(float(ours), 0), theirs, atol=2e-3)


def test_mixed_is_ksg1_without_ties_and_the_plug_in_without_neighbors():
    x, y = _gaussian_rows(80)
    found, of_ksg1 = JITTED["mixed_ksg"](x, y), JITTED["ksg1"](x, y)
    np.testing.assert_array_equal(found.contributions, of_ksg1.contributions)
    rng = np.random.default_rng(1)
    x = rng.integers(3, size=(600, 1))
    y = np.where(rng.random((600, 1)) < 0.5, x, rng.integers(3, size=(600, 1)))
    # Digammas of counts of about 67 and more are logarithms to half a percent.
    np.testing.assert_allclose(
        JITTED["mixed_ksg"](x, y).value, JITTED["plug_in"](x, y).value, atol=5e-3
    )


def test_mixed_on_a_label_and_a_number():
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=(1_000, 1))
    y = x + 2 * rng.random((1_000, 1))
    truth = np.log(5) - 4 / 5 * np.log(2)  # Gao et al. 2017, experiment II.
    local = JITTED["mixed_ksg"](x, y)
    error = np.asarray(local.contributions).std() / np.sqrt(1_000)
    assert abs(local.value - truth) < 4 * error + 0.02


# Gaussians ------------------------------------------------------------------------


def _restated_gaussian(x, y):
    def entropy(rows):
        n, d = rows.shape
        halves = (n - np.arange(1, d + 1)) / 2
        mean_error = digamma(halves).sum() - d * np.log((n - 1) / 2)
        return 0.5 * (np.linalg.slogdet(np.cov(rows.T).reshape(d, d))[1] - mean_error)

    return entropy(x) + entropy(y) - entropy(np.hstack([x, y]))


def test_gaussian_matches_the_corrected_log_determinants():
    x, y = _gaussian_rows(20)
    with jax.enable_x64(True):
        local = JITTED["gaussian"](x, y)
        np.testing.assert_allclose(local.value, _restated_gaussian(x, y), rtol=1e-10)
        np.testing.assert_allclose(local.value, np.asarray(local.contributions).mean())


def test_gaussian_is_unbiased_for_few_rows():
    truth = -0.5 * np.log(1 - 0.6**2)

    def one(key):
        x, noise = jax.random.normal(key, (2, 8, 2))
        y = jnp.concatenate([0.6 * x[:, :1] + 0.8 * noise[:, :1], noise[:, 1:]], axis=1)
        return gaussian_information(x, y).value

    values = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 4_000))
    # Without the correction the mean is 0.55 too large.
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(4_000)


def test_gaussian_log_ratio_is_the_ratio_of_densities():
    x, y = _gaussian_rows(50, 1, 1)
    with jax.enable_x64(True):
        ratio = jax.jit(lambda x, y: gaussian_log_ratio(fit_gaussian(x, y), x, y))(x, y)
    z = np.hstack([x, y])
    mean, cov = z.mean(axis=0), np.cov(z.T, ddof=0)
    quadratic = np.einsum("ni,ij,nj->n", z - mean, np.linalg.inv(cov), z - mean)
    joint = -quadratic / 2 - np.log(2 * np.pi) - np.log(np.linalg.det(cov)) / 2
    alone = norm.logpdf(z, mean, z.std(axis=0)).sum(axis=1)
    np.testing.assert_allclose(ratio, joint - alone, rtol=1e-9)


@pytest.mark.parametrize("make", [_gaussian_rows, _rows_with_ties])
def test_normal_scores_are_quantiles_of_mean_ranks(make):
    x, _ = make(40)
    with jax.enable_x64(True):
        scores, again = jax.jit(
            lambda x: (normal_scores(x), normal_scores(x[:5], reference=x))
        )(x)
    expected = norm.ppf(rankdata(x, axis=0) / 41)
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    np.testing.assert_array_equal(again, scores[:5])


def test_copula_is_the_gaussian_of_scores_and_blind_to_monotone_maps():
    x, y = _gaussian_rows(40)
    with jax.enable_x64(True):
        found, mapped = (
            JITTED["gaussian_copula"](x, y),
            JITTED["gaussian_copula"](np.exp(x), y**3),
        )
    scores = [norm.ppf(rankdata(z, axis=0) / 41) for z in (x, y)]
    np.testing.assert_allclose(found.value, _restated_gaussian(*scores), rtol=1e-9)
    assert found.value == mapped.value


# Counts ---------------------------------------------------------------------------


@pytest.mark.parametrize("miller_madow", [False, True])
def test_plug_in_matches_the_entropies_of_a_table(miller_madow):
    rng = np.random.default_rng(0)
    x, y = rng.integers(3, size=(100, 2)), rng.integers(4, size=(100, 1))

    def entropy(rows):
        shares = np.unique(rows, axis=0, return_counts=True)[1] / 100
        correction = (len(shares) - 1) / 200 if miller_madow else 0
        return -(shares * np.log(shares)).sum() + correction

    expected = entropy(x) + entropy(y) - entropy(np.hstack([x, y]))
    plug_in = functools.partial(plug_in_information, miller_madow=miller_madow)
    found = jax.jit(plug_in)(x, y).value
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_plug_in_of_a_binary_symmetric_channel():
    flips = np.repeat([0, 0, 0, 0, 1], 20)  # Exactly a fifth of each input is flipped.
    x = np.repeat([[0], [1]], 100, axis=0)
    y = (x[:, 0] + np.tile(flips, 2))[:, None] % 2
    capacity = np.log(2) + 0.2 * np.log(0.2) + 0.8 * np.log(0.8)
    plug_in = functools.partial(plug_in_information, miller_madow=False)
    found = jax.jit(plug_in)(x, y).value
    np.testing.assert_allclose(found, capacity, rtol=1e-5)


# Laws of all ----------------------------------------------------------------------


# Columns of one shape, so that one program serves the tests of this part.
def _rounded_rows():
    return [np.round(z, 1).astype(np.float32) for z in _gaussian_rows(60, 2, 2)]


@each
def test_the_order_of_rows_changes_nothing(name):
    x, y = _rounded_rows()
    value = JITTED[name](x, y).value
    assert value.dtype == jnp.float32
    order = np.random.default_rng(1).permutation(60)
    other = JITTED[name](x[order], y[order])
    np.testing.assert_allclose(other.value, value, rtol=1e-4, atol=1e-6)


# "mixed_ksg" counts neighbors as the other two do, and "gaussian_copula" fits the Gaussian.
@pytest.mark.parametrize(
    "name",
    [
        *map(slowly, ["ksg1", "ksg2", "gaussian"]),
        "mixed_ksg",
        "gaussian_copula",
        "plug_in",
    ],
)
def test_jit_changes_nothing(name):
    x, y = _rounded_rows()
    value = JITTED[name](x, y).value
    np.testing.assert_allclose(EVERY[name](x, y).value, value, rtol=1e-4, atol=1e-6)


@each
def test_precision_changes_nothing(name):
    # Multiples of 1/8 have exact differences, and so the same ties, in both.
    x, y = (np.round(8 * z) / 8 for z in _gaussian_rows(60, 2, 2))
    with jax.enable_x64(True):
        exact = JITTED[name](x, y)
        assert exact.value.dtype == jnp.float64
    rounded = JITTED[name](x.astype(np.float32), y.astype(np.float32))
    np.testing.assert_allclose(
        rounded.contributions, exact.contributions, rtol=1e-3, atol=1e-4
    )


@each
def test_whole_numbers_are_numbers_and_x_and_y_may_change_places(name):
    x, y = (np.round(20 * z).astype(np.int32) for z in _gaussian_rows(60, 2, 2))
    value = JITTED[name](x, y).value
    np.testing.assert_allclose(
        JITTED[name](y.astype(np.float32), x.astype(np.float32)).value,
        value,
        rtol=1e-4,
        atol=1e-6,
    )


@each
@pytest.mark.parametrize(
    ("x", "y", "named"),
    [
        (np.ones(9), np.ones((9, 1)), "x must have 2 axes"),
        (np.ones((9, 1)), np.ones(9), "y must have 2 axes"),
        (np.ones((9, 1)), np.ones((8, 1)), "y must have the 9 rows of x"),
    ],
)
def test_shapes_that_do_not_fit_are_named(name, x, y, named):
    with pytest.raises(ValueError, match=named):
        EVERY[name](x, y)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (functools.partial(ksg1_information, num_neighbors=0), "num_neighbors"),
        (functools.partial(ksg2_information, chunk_size=0), "chunk_size"),
        (functools.partial(mixed_ksg_information, num_neighbors=4), "more than 4 rows"),
        (gaussian_information, "more than 5 rows"),
    ],
)
def test_settings_that_do_not_fit_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(*_gaussian_rows(4))
