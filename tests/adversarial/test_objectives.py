"""Each objective: its losses by the papers, its bound at its best by the divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.adversarial import OBJECTIVES, f_gan
from jaxinfo.adversarial.objectives import find_objective
from jaxinfo.divergences import DIVERGENCES, GAN, skewed_jensen_shannon

RNG = np.random.default_rng(0)


def _softplus(v):
    return np.logaddexp(0, v)


def _relu(v):
    return np.maximum(0, v)


# The discriminator's loss and the generator's, float64, from scores p and q.
CLASSIC = {
    "minimax": (
        lambda p, q: (
            -np.log(1 / (1 + np.exp(-p))).mean()
            - np.log(1 - 1 / (1 + np.exp(-q))).mean()
        ),
        lambda p, q: np.log(1 - 1 / (1 + np.exp(-q))).mean(),
    ),
    "non_saturating": (
        lambda p, q: _softplus(-p).mean() + _softplus(q).mean(),
        lambda p, q: -np.log(1 / (1 + np.exp(-q))).mean(),
    ),
    "least_squares": (
        lambda p, q: 0.5 * ((p - 1) ** 2).mean() + 0.5 * (q**2).mean(),
        lambda p, q: 0.5 * ((q - 1) ** 2).mean(),
    ),
    "hinge": (
        lambda p, q: _relu(1 - p).mean() + _relu(1 + q).mean(),
        lambda p, q: -q.mean(),
    ),
    "wasserstein": (lambda p, q: q.mean() - p.mean(), lambda p, q: -q.mean()),
    "relativistic": (
        lambda p, q: _softplus(q - p).mean(),
        lambda p, q: _softplus(p - q).mean(),
    ),
}


each_objective = pytest.mark.parametrize("name", OBJECTIVES)
each_member = pytest.mark.parametrize("name", DIVERGENCES)

# Counts of P and of Q over three values; the scores of a table are a critic's.
COUNTS_P, COUNTS_Q = np.array([6, 3, 1]), np.array([2, 3, 5])


def _scores(n=7):
    return jnp.asarray(RNG.normal(size=(2, n)), float)


@pytest.mark.parametrize("name", CLASSIC)
def test_losses_as_in_the_papers(name):
    p, q = _scores()
    wide = np.asarray(p, float), np.asarray(q, float)
    objective = OBJECTIVES[name]
    for loss, restated in zip(
        (objective.discriminator_loss, objective.generator_loss),
        CLASSIC[name],
        strict=True,
    ):
        np.testing.assert_allclose(loss(p, q), restated(*wide), rtol=1e-5)


@each_member
def test_the_family_climbs_its_bound_and_descends_it_in_two_forms(name):
    p, q = _scores()
    member, saddle = DIVERGENCES[name], f_gan(DIVERGENCES[name])
    practical = f_gan(member, form="practical")
    f = member.output_activation(p).mean() - member.conjugate_of_activation(q).mean()
    np.testing.assert_allclose(saddle.discriminator_loss(p, q), -f, rtol=1e-5)
    np.testing.assert_allclose(practical.discriminator_loss(p, q), -f, rtol=1e-5)
    # The saddle's generator descends the very function that its opponent climbs.
    np.testing.assert_allclose(
        jax.grad(saddle.generator_loss, 1)(p, q),
        -jax.grad(saddle.discriminator_loss, 1)(p, q),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        practical.generator_loss(p, q), -member.output_activation(q).mean(), rtol=1e-5
    )


def test_the_practical_gan_is_the_non_saturating_loss():
    p, q = _scores()
    practical = f_gan(GAN, form="practical").generator_loss(p, q)
    non_saturating = OBJECTIVES["non_saturating"].generator_loss(p, q)
    np.testing.assert_allclose(practical, non_saturating, rtol=1e-6)


def _truth(objective):
    """The divergence that an objective estimates, of P from Q."""
    p, q = COUNTS_P / COUNTS_P.sum(), COUNTS_Q / COUNTS_Q.sum()
    if objective.is_paired:
        p, q = np.outer(p, q).ravel(), np.outer(q, p).ravel()
        divergence = skewed_jensen_shannon(0.5)
    else:
        divergence = DIVERGENCES[objective.estimates]
    return float(divergence.perspective(np.log(p), np.log(q)).sum())


@pytest.mark.parametrize("name", sorted(set(OBJECTIVES) - {"wasserstein"}))
def test_the_best_discriminator_tells_the_divergence(name):
    objective = OBJECTIVES[name]
    sides = [np.repeat(np.arange(3), counts) for counts in (COUNTS_P, COUNTS_Q)]
    if objective.is_paired:  # Every sample of P beside every one of Q.
        sides = [side.ravel() for side in np.meshgrid(*sides)]

    def loss(table):
        return objective.discriminator_loss(table[sides[0]], table[sides[1]])

    optimizer = optax.adam(optax.cosine_decay_schedule(0.1, 3_000))
    slope = jax.grad(loss)

    def step(carry, _):
        table, state = carry
        updates, state = optimizer.update(slope(table), state)
        return (optax.apply_updates(table, updates), state), None

    start = jnp.array([0.1, 0.0, -0.1])
    (table, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), length=3_000)
    bound = objective.bound(table[sides[0]], table[sides[1]])
    np.testing.assert_allclose(bound, _truth(objective), atol=2e-3)
    # Any other discriminator tells less.
    other = table + jnp.array([0.5, -0.3, 0.4])
    assert objective.bound(other[sides[0]], other[sides[1]]) < bound


def test_wasserstein_by_the_best_lipschitz_discriminator():
    # On the line, P at 1 and 2 and Q at 0 and 1: everything moves by 1.
    bound = OBJECTIVES["wasserstein"].bound(
        jnp.array([1.0, 2.0]), jnp.array([0.0, 1.0])
    )
    assert bound == 1


@each_objective
def test_laws_of_a_loss(name):
    objective = OBJECTIVES[name]
    p, q = _scores()
    for loss in (
        objective.discriminator_loss,
        objective.generator_loss,
        objective.bound,
    ):
        assert loss(p, q).shape == ()
        np.testing.assert_allclose(jax.jit(loss)(p, q), loss(p, q), rtol=1e-5)
        order = RNG.permutation(len(p))
        shuffled = loss(p[order], q[order])
        np.testing.assert_allclose(shuffled, loss(p, q), rtol=1e-4, atol=1e-6)
        many = jax.vmap(loss)(jnp.stack([p, q]), jnp.stack([q, p]))
        np.testing.assert_allclose(many, [loss(p, q), loss(q, p)], rtol=1e-5)
        with pytest.raises(ValueError, match="scores_"):
            loss(p[None], q[None])


@pytest.mark.parametrize("name", CLASSIC)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_the_modern_losses_stay_finite_at_extreme_scores(name, size):
    p, q = jnp.array([size, 0.0]), jnp.array([-size, size])
    objective = OBJECTIVES[name]
    for loss in (objective.discriminator_loss, objective.generator_loss):
        value, slopes = jax.value_and_grad(loss, (0, 1))(p, q)
        assert np.isfinite([value, *slopes[0], *slopes[1]]).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"unknown objective 'wgan'.*wasserstein"):
        find_objective("wgan")
    with pytest.raises(ValueError, match=r"unknown form 'max'.*practical"):
        f_gan(GAN, form="max")
    with pytest.raises(ValueError, match=r"scores_p has 2 .*scores_q 3"):
        OBJECTIVES["relativistic"].generator_loss(jnp.zeros(2), jnp.zeros(3))
