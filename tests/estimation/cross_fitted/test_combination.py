"""Combined critics: the bound, its influence function, weights and clip."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.divergences import donsker_varadhan_bound
from jaxinfo.estimation.cross_fitted.combination import (
    fit_combination,
    report_blocks,
)
from jaxinfo.estimation.cross_fitted.config import FLEXIBLE, SMOOTH, CrossFittedConfig

RNG = np.random.default_rng(0)
OFF = ~np.eye(8, dtype=bool)
FIRST = CrossFittedConfig()
SECOND = CrossFittedConfig(critic_kinds=(FLEXIBLE, SMOOTH))
BOTH = CrossFittedConfig(critic_kinds=(SMOOTH,))


def _split(matrices):
    return np.diagonal(matrices, axis1=1, axis2=2).reshape(-1), matrices[:, OFF]


def test_the_report_is_donsker_varadhan_and_its_gradient():
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
        expected, gradient = jax.jit(jax.value_and_grad(value))(np.ones((5, 8)))
    np.testing.assert_allclose(report.value, expected, rtol=1e-9)
    gradient = 40 * np.asarray(gradient).reshape(-1)
    centered = report.influence - report.influence.mean()
    np.testing.assert_allclose(centered, gradient, atol=1e-9)
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


def test_one_absurd_pair_is_clipped():
    scores = _gaussian_scores()
    scores[:, 0, 0, 1] = 30.0
    combination = fit_combination(scores, BOTH)
    joint = np.diagonal(scores[0], axis1=1, axis2=2)
    assert combination.largest <= joint.max()
    clipped = report_blocks(combination.apply(scores))
    unclipped = report_blocks(scores[0])
    assert clipped.value > 0.3 > 0 > unclipped.value


def test_one_absurd_pair_takes_no_weight_from_a_good_critic():
    scores = _gaussian_scores(noise=3.0)
    scores[0, 0, 0, 1] = 30.0
    combination = fit_combination(scores, BOTH)
    np.testing.assert_array_equal(combination.weights, [1, 0])


def test_equal_critics_share_the_weight():
    combination = fit_combination(_gaussian_scores(), BOTH)
    np.testing.assert_array_equal(combination.weights, [0.5, 0.5])


def test_without_a_gain_the_preferred_critic_is_taken():
    # So far apart that no critic separates the pairs better than another.
    joint = np.broadcast_to(np.eye(8, dtype=bool), (2, 60, 8, 8))
    scores = np.where(joint, 30.0, -30.0) * np.array([1.0, 0.8])[:, None, None, None]
    for config, weights in ((FIRST, [1, 0]), (SECOND, [0, 1]), (BOTH, [0.5, 0.5])):
        combination = fit_combination(scores, config)
        np.testing.assert_array_equal(combination.weights, weights)


def test_a_gain_takes_the_weight_from_the_preferred_critic():
    scores = _gaussian_scores(noise=3.0)[::-1]
    np.testing.assert_array_equal(fit_combination(scores, FIRST).weights, [0, 1])


def test_the_clip_above_the_largest_score_hardly_changes_validation_bounds():
    scores = _gaussian_scores()
    combination = fit_combination(scores, BOTH)
    assert combination.largest > np.diagonal(scores[0], axis1=1, axis2=2).max()
    values = [report_blocks(s).value for s in (combination.apply(scores), scores[0])]
    assert abs(values[0] - values[1]) < 0.005
    # A pair that no validation row resembles does not dominate the normalizer.
    scores[:, 0, 0, 1] = 50.0
    assert report_blocks(combination.apply(scores)).value > 0.3


def test_equal_weights_and_no_clip_can_be_asked_for():
    config = CrossFittedConfig(num_picks=0, clip_quantiles=(), clip_margin=np.inf)
    combination = fit_combination(_gaussian_scores(noise=3.0), config)
    np.testing.assert_array_equal(combination.weights, [0.5, 0.5])
    assert combination.largest == np.inf
