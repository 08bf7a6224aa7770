"""Bounds of local features and representations: NumPy, one location, memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import Critic
from jaxinfo.divergences import DIVERGENCES, KL, f_divergence_bound
from jaxinfo.infomax import BOUNDS, local_scores
from jaxinfo.infomax.bounds import find_bound
from jaxinfo.information import info_nce_bound, off_diagonal, split_scores
from jaxinfo.networks import embedding_critic

N, L = 5, 3
KEY = jax.random.key(0)
SCORES = np.random.default_rng(0).normal(size=(N, L, N))
DOT = Critic(
    lambda key, x, y: (),
    lambda params, x, y: jnp.sum(x * y, axis=1),
    lambda params, x, y: x @ y.T,
)


def _positives_and_negatives(scores):
    is_positive = np.eye(len(scores), dtype=bool)[:, None] & np.ones((1, L, 1), bool)
    return scores[is_positive], scores[~is_positive]


def _softplus(x):
    return np.log1p(np.exp(x))


# The formulas of the paper; the JSD has f-GAN's constants.
PRINTED = {
    "jensen_shannon": lambda p, q: (
        2 * np.log(2) + np.mean(-_softplus(-p)) - np.mean(_softplus(q))
    ),
    "donsker_varadhan": lambda p, q: np.mean(p) - np.log(np.mean(np.exp(q))),
    "nwj": lambda p, q: np.mean(p) - np.mean(np.exp(q - 1)),
    "KL": lambda p, q: np.mean(p) - np.mean(np.exp(q - 1)),
    "REVERSE_KL": lambda p, q: np.mean(-np.exp(-p)) - np.mean(q - 1),
    "SQUARED_HELLINGER": lambda p, q: np.mean(1 - np.exp(-p)) - np.mean(np.exp(q) - 1),
    # The conjugate is constant below -2, where the printed formula increases again.
    "PEARSON": lambda p, q: np.mean(p) - np.mean(np.where(q < -2, -1, q**2 / 4 + q)),
}


@pytest.mark.parametrize("name", PRINTED)
def test_bounds_and_gradients_match_the_formulas_of_the_paper(name):
    with jax.enable_x64(True):
        value, gradient = jax.jit(jax.value_and_grad(BOUNDS[name]))(SCORES)
        gradient = np.asarray(gradient)
        expected = PRINTED[name](*_positives_and_negatives(SCORES))
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        for index in [(0, 0, 0), (1, 2, 1), (0, 1, 3)]:
            step = np.zeros_like(SCORES)
            step[index] = 1e-6
            up, down = (
                PRINTED[name](*_positives_and_negatives(SCORES + sign * step))
                for sign in (1, -1)
            )
            np.testing.assert_allclose(gradient[index], (up - down) / 2e-6, atol=1e-9)


@pytest.fixture(scope="module")
def one_location():
    """Both bounds of every divergence for one location, compiled as one program."""

    def compute(plain):
        pairs = split_scores(plain, off_diagonal(N))
        return {
            name: (find_bound(name)(plain[:, None]), f_divergence_bound(member, *pairs))
            for name, member in DIVERGENCES.items()
        }

    with jax.enable_x64(True):
        return jax.device_get(jax.jit(compute)(SCORES[:, 0]))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_one_location_gives_the_bound_of_two_score_vectors(name, one_location):
    value, expected = one_location[name]
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_one_location_of_info_nce_gives_the_bound_of_a_score_matrix():
    value = jax.jit(BOUNDS["info_nce"])(SCORES[:, :1])
    expected = jax.jit(info_nce_bound)(SCORES[:, 0].T)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


GRADIENTS = {
    name: jax.jit(jax.grad(BOUNDS[name]))
    for name in ("jensen_shannon", "donsker_varadhan", "info_nce")
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_gradients_are_finite_at_extreme_scores(name, size):
    scores = np.asarray(size * np.sign(SCORES), np.float32)
    assert np.isfinite(GRADIENTS[name](scores)).all()


def test_local_scores_are_the_critics_scores_of_all_pairs():
    features, representations = (
        np.random.default_rng(1).normal(size=shape).astype(np.float32)
        for shape in ((N, L, 4), (N, 4))
    )
    scores = local_scores(DOT, (), features, representations)
    np.testing.assert_allclose(
        scores, np.einsum("ilc,jc->ilj", features, representations), rtol=1e-5
    )


def test_pairwise_scores_match_scores_of_single_pairs():
    critic = embedding_critic(8)
    x, y = np.asarray(jax.random.normal(KEY, (2, 6, 3)))
    params = jax.jit(critic.init)(jax.random.key(1), x, y)
    pairs = np.asarray(jax.jit(critic.pairwise)(params, x, y))
    one_by_one = jax.jit(critic.apply)
    for shift in (0, 1):
        rows = np.arange(6)
        # The embedding standardizes over all rows, so both calls need the same rows.
        expected = one_by_one(params, x, np.roll(y, -shift, axis=0))
        np.testing.assert_allclose(
            pairs[rows, (rows + shift) % 6], expected, rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: local_scores(DOT, (), np.ones((2, 3)), np.ones((2, 3))), "features"),
        (
            lambda: local_scores(DOT, (), np.ones((2, 1, 3)), np.ones(2)),
            "representations must have 2 axes",
        ),
        (
            lambda: local_scores(DOT, (), np.ones((2, 1, 3)), np.ones((3, 3))),
            "representations must have the 2 rows",
        ),
        (lambda: find_bound("nce"), "unknown bound 'nce'"),
        (lambda: BOUNDS["info_nce"](np.ones((2, 2))), "scores"),
        (lambda: BOUNDS["KL"](np.ones((2, 2))), "scores"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_find_bound_takes_a_divergence_or_a_function():
    assert jax.jit(find_bound(KL))(SCORES) == jax.jit(BOUNDS["KL"])(SCORES)
    assert find_bound(jnp.sum) is jnp.sum
