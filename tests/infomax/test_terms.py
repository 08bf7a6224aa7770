"""The terms of Deep InfoMax: NumPy from the paper, one location, bounded memory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.core.types import Critic, Network
from jaxinfo.divergences import DIVERGENCES, KL, f_divergence_bound
from jaxinfo.infomax import BOUNDS, coordinate_loss, displacement_loss, local_scores
from jaxinfo.infomax.terms import find_bound
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


def _joint_and_product(scores):
    own = np.eye(len(scores), dtype=bool)[:, None] & np.ones((1, L, 1), bool)
    return scores[own], scores[~own]


def _softplus(x):
    return np.log1p(np.exp(x))


# As the paper prints them; f-GAN's constants beside the JSD.
PRINTED = {
    "jensen_shannon": lambda p, q: (
        2 * np.log(2) + np.mean(-_softplus(-p)) - np.mean(_softplus(q))
    ),
    "donsker_varadhan": lambda p, q: np.mean(p) - np.log(np.mean(np.exp(q))),
    "nwj": lambda p, q: np.mean(p) - np.mean(np.exp(q - 1)),
    "KL": lambda p, q: np.mean(p) - np.mean(np.exp(q - 1)),
    "REVERSE_KL": lambda p, q: np.mean(-np.exp(-p)) - np.mean(q - 1),
    "SQUARED_HELLINGER": lambda p, q: np.mean(1 - np.exp(-p)) - np.mean(np.exp(q) - 1),
    # The conjugate is flat below -2, where the printed one turns up again.
    "PEARSON": lambda p, q: np.mean(p) - np.mean(np.where(q < -2, -1, q**2 / 4 + q)),
}


@pytest.mark.parametrize("name", PRINTED)
def test_bounds_and_slopes_as_printed(name):
    with jax.enable_x64(True):
        value, slope = jax.jit(jax.value_and_grad(BOUNDS[name]))(SCORES)
        slope = np.asarray(slope)
        expected = PRINTED[name](*_joint_and_product(SCORES))
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        for index in [(0, 0, 0), (1, 2, 1), (0, 1, 3)]:
            step = np.zeros_like(SCORES)
            step[index] = 1e-6
            up, down = (
                PRINTED[name](*_joint_and_product(SCORES + sign * step))
                for sign in (1, -1)
            )
            np.testing.assert_allclose(slope[index], (up - down) / 2e-6, atol=1e-9)


@pytest.fixture(scope="module")
def one_location():
    """Each member of one location, and its plain bound: one program for all."""

    def compute(plain):
        pairs = split_scores(plain, off_diagonal(N))
        return {
            name: (find_bound(name)(plain[:, None]), f_divergence_bound(member, *pairs))
            for name, member in DIVERGENCES.items()
        }

    with jax.enable_x64(True):
        return jax.device_get(jax.jit(compute)(SCORES[:, 0]))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_one_location_is_the_plain_bound(name, one_location):
    value, expected = one_location[name]
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_one_location_of_info_nce_is_the_plain_bound():
    value = jax.jit(BOUNDS["info_nce"])(SCORES[:, :1])
    expected = jax.jit(info_nce_bound)(SCORES[:, 0].T)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


SLOPES = {
    name: jax.jit(jax.grad(BOUNDS[name]))
    for name in ("jensen_shannon", "donsker_varadhan", "info_nce")
}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_slopes_stay_finite(name, size):
    scores = np.asarray(size * np.sign(SCORES), np.float32)
    assert np.isfinite(SLOPES[name](scores)).all()


def test_scores_of_all_locations():
    features, codes = (
        np.random.default_rng(1).normal(size=shape).astype(np.float32)
        for shape in ((N, L, 4), (N, 4))
    )
    scores = local_scores(DOT, (), features, codes)
    np.testing.assert_allclose(
        scores, np.einsum("ilc,jc->ilj", features, codes), rtol=1e-5
    )


def test_all_pairs_by_a_critic_are_pairs_one_by_one():
    critic = embedding_critic(8)
    x, y = np.asarray(jax.random.normal(KEY, (2, 6, 3)))
    params = jax.jit(critic.init)(jax.random.key(1), x, y)
    pairs = np.asarray(jax.jit(critic.pairwise)(params, x, y))
    one_by_one = jax.jit(critic.apply)
    for shift in (0, 1):
        rows = np.arange(6)
        # The embedding standardizes over its rows: all of them in either call.
        expected = one_by_one(params, x, np.roll(y, -shift, axis=0))
        np.testing.assert_allclose(
            pairs[rows, (rows + shift) % 6], expected, rtol=1e-4, atol=1e-4
        )


# Tasks of place --------------------------------------------------------------------


def _cross_entropy(logits, label):
    return np.log(np.sum(np.exp(logits))) - logits[label]


def test_coordinates_by_hand():
    features, codes = (
        np.random.default_rng(2).normal(size=shape) for shape in ((2, 3, 2, 4), (2, 5))
    )
    weights = np.random.default_rng(3).normal(size=(9, 5))
    network = Network(lambda key, x: (), lambda params, x: x @ params)
    terms = []
    for n, i, j in np.ndindex(2, 3, 2):
        logits = np.concatenate([features[n, i, j], codes[n]]) @ weights
        terms.append(_cross_entropy(logits[:3], i) + _cross_entropy(logits[3:], j))
    with jax.enable_x64(True):
        compute = jax.jit(functools.partial(coordinate_loss, network))
        loss = compute(weights, features, codes)
        np.testing.assert_allclose(loss, np.mean(terms), rtol=1e-12)


def test_displacements_can_be_told_from_features_that_name_their_place():
    rows, columns = np.indices((3, 4))
    grid = np.stack([rows, columns], axis=-1).astype(np.float32)[None]
    codes = np.zeros((1, 1), np.float32)

    def find_loss(network):
        return jax.jit(displacement_loss, static_argnums=1)(
            KEY, network, (), grid, codes
        )

    def tell(params, x):
        row, column = (x[:, :2] - x[:, 2:4]).T
        return 50.0 * jnp.concatenate(
            [
                jax.nn.one_hot((row + 2).astype(int), 5),
                jax.nn.one_hot((column + 3).astype(int), 7),
            ],
            axis=1,
        )

    network = Network(lambda key, x: (), tell)
    np.testing.assert_allclose(find_loss(network), 0, atol=1e-6)
    blind = Network(lambda key, x: (), lambda params, x: jnp.zeros((len(x), 12)))
    np.testing.assert_allclose(find_loss(blind), np.log(5 * 7), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: local_scores(DOT, (), np.ones((2, 3)), np.ones((2, 3))), "features"),
        (lambda: local_scores(DOT, (), np.ones((2, 1, 3)), np.ones(2)), "codes"),
        (
            lambda: local_scores(DOT, (), np.ones((2, 1, 3)), np.ones((3, 3))),
            "codes must have the 2 rows",
        ),
        (lambda: find_bound("nce"), "unknown bound 'nce'"),
        (lambda: BOUNDS["info_nce"](np.ones((2, 2))), "scores"),
        (lambda: BOUNDS["KL"](np.ones((2, 2))), "scores"),
        (
            lambda: coordinate_loss(
                Network(lambda key, x: (), lambda params, x: x),
                (),
                np.ones((2, 2, 2, 1)),
                np.ones((2, 1)),
            ),
            "network must return 2 \\+ 2",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_member_and_a_function_are_bounds_too():
    assert jax.jit(find_bound(KL))(SCORES) == jax.jit(BOUNDS["KL"])(SCORES)
    assert find_bound(jnp.sum) is jnp.sum
