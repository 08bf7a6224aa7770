"""Combining critics: the value, its influence function, and what is chosen."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.divergences import donsker_varadhan_bound
from jaxinfo.estimation.combine import fit_combination, report_blocks

RNG = np.random.default_rng(0)
OFF = ~np.eye(8, dtype=bool)
BOTH, FIRST = np.array([True, True]), np.array([True, False])


def _split(matrices):
    return np.diagonal(matrices, axis1=1, axis2=2).reshape(-1), matrices[:, OFF]


def test_the_report_is_donsker_varadhan_and_its_slope():
    matrices = 2 * RNG.normal(size=(5, 8, 8))
    report = report_blocks(matrices)

    def value(weights):
        pairs = weights[:, :, None] * weights[:, None, :]
        joint, product = _split(matrices)
        return donsker_varadhan_bound(
            jnp.asarray(joint),
            jnp.asarray(product.reshape(-1)),
            pairs[:, OFF].reshape(-1),
            weights.reshape(-1),
        )

    with jax.enable_x64(True):
        expected, slope = jax.jit(jax.value_and_grad(value))(np.ones((5, 8)))
    np.testing.assert_allclose(report.value, expected, rtol=1e-9)
    slope = 40 * np.asarray(slope).reshape(-1)
    centered = report.influence - report.influence.mean()
    np.testing.assert_allclose(centered, slope, atol=1e-9)
    ratios = np.exp(_split(matrices)[1])
    size = ratios.sum() ** 2 / (ratios**2).sum()
    np.testing.assert_allclose(report.effective_sample_size, size)


def _gaussian_scores(noise=0.0):
    x = RNG.normal(size=(60, 8))
    y = 0.8 * x + 0.6 * RNG.normal(size=(60, 8))
    cross = 2 * 0.8 * x[:, :, None] * y[:, None, :]
    squares = 0.64 * (x[:, :, None] ** 2 + y[:, None, :] ** 2)
    exact = (cross - squares) / 0.72 - 0.5 * np.log(0.36)
    return np.stack([exact, exact + noise * RNG.normal(size=exact.shape)])


def test_a_noisy_critic_gets_no_weight_and_a_good_one_is_left_alone():
    combination = fit_combination(_gaussian_scores(noise=3.0), BOTH)
    np.testing.assert_array_equal(combination.weights, [1, 0])


def test_one_absurd_pair_is_cut():
    scores = _gaussian_scores()
    scores[:, 0, 0, 1] = 30.0
    combination = fit_combination(scores, BOTH)
    joint = np.diagonal(scores[0], axis1=1, axis2=2)
    assert combination.largest <= joint.max()
    cut, uncut = (report_blocks(s) for s in (combination.apply(scores), scores[0]))
    assert cut.value > 0.3 > 0 > uncut.value


def test_one_absurd_pair_takes_no_weight_from_a_good_critic():
    scores = _gaussian_scores(noise=3.0)
    scores[0, 0, 0, 1] = 30.0
    combination = fit_combination(scores, BOTH)
    np.testing.assert_array_equal(combination.weights, [1, 0])


def test_equal_critics_share_the_weight():
    combination = fit_combination(_gaussian_scores(), BOTH)
    np.testing.assert_array_equal(combination.weights, [0.5, 0.5])


def test_without_a_gain_the_preferred_critic_is_taken():
    # So far apart that no critic tells the pairs better than another.
    joint = np.broadcast_to(np.eye(8, dtype=bool), (2, 60, 8, 8))
    scores = np.where(joint, 30.0, -30.0) * np.array([1.0, 0.8])[:, None, None, None]
    for preferred, weights in ((FIRST, [1, 0]), (~FIRST, [0, 1]), (BOTH, [0.5, 0.5])):
        combination = fit_combination(scores, preferred)
        np.testing.assert_array_equal(combination.weights, weights)


def test_a_gain_takes_the_weight_from_the_preferred_critic():
    scores = _gaussian_scores(noise=3.0)[::-1]
    np.testing.assert_array_equal(fit_combination(scores, FIRST).weights, [0, 1])


def test_the_cut_that_is_always_made_changes_nothing_that_validation_shows():
    scores = _gaussian_scores()
    combination = fit_combination(scores, BOTH)
    assert combination.largest > np.diagonal(scores[0], axis1=1, axis2=2).max()
    values = [report_blocks(s).value for s in (combination.apply(scores), scores[0])]
    assert abs(values[0] - values[1]) < 0.005
    # A pair such as none of the validation rows has, rules no normalizer.
    scores[:, 0, 0, 1] = 50.0
    assert report_blocks(combination.apply(scores)).value > 0.3
