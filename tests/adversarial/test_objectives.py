"""Objectives: losses as in the papers, and optimal bounds equal to the divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo.adversarial import OBJECTIVES, f_gan
from jaxinfo.adversarial.objectives import find_objective
from jaxinfo.divergences import DIVERGENCES, GAN, skewed_jensen_shannon
from tests.marks import slowly

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

# Counts of P and of Q over three values; a discriminator is a table of three scores.
COUNTS_P, COUNTS_Q = np.array([6, 3, 1]), np.array([2, 3, 5])


def _scores(n=7):
    return RNG.normal(size=(2, n)).astype(np.float32)


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
def test_the_losses_of_an_f_gan_in_both_forms(name):
    @jax.jit
    def compute(p, q):
        member, saddle = DIVERGENCES[name], f_gan(DIVERGENCES[name])
        practical = f_gan(member, form="practical")
        activated = member.output_activation(q).mean()
        conjugate = member.conjugate_of_activation(q).mean()
        f = member.output_activation(p).mean() - conjugate
        return [
            (saddle.discriminator_loss(p, q), -f),
            (practical.discriminator_loss(p, q), -f),
            # In the saddle form both losses are the same function, up to its sign.
            (
                jax.grad(saddle.generator_loss, 1)(p, q),
                -jax.grad(saddle.discriminator_loss, 1)(p, q),
            ),
            (practical.generator_loss(p, q), -activated),
            (practical.bound(p, q), saddle.bound(p, q)),
        ]

    for found, expected in compute(*_scores()):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


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


# Both forms of a divergence have the same discriminator loss and bound.
DISCRIMINATED = [
    slowly(name) if name.endswith("_practical") else name
    for name in sorted(set(OBJECTIVES) - {"wasserstein"})
]


@pytest.mark.parametrize("name", DISCRIMINATED)
def test_the_optimal_bound_is_the_divergence(name):
    objective = OBJECTIVES[name]
    sides = [np.repeat(np.arange(3), counts) for counts in (COUNTS_P, COUNTS_Q)]
    if objective.is_paired:  # Every sample of P with every one of Q.
        sides = [side.ravel() for side in np.meshgrid(*sides)]

    def loss(table):
        return objective.discriminator_loss(table[sides[0]], table[sides[1]])

    optimizer = optax.adam(optax.cosine_decay_schedule(0.1, 3_000))
    gradient = jax.grad(loss)

    def step(carry, _):
        table, state = carry
        updates, state = optimizer.update(gradient(table), state)
        return (optax.apply_updates(table, updates), state), None

    @jax.jit
    def learn(start):
        carry = start, optimizer.init(start)
        table = jax.lax.scan(step, carry, length=3_000)[0][0]
        other = table + jnp.array([0.5, -0.3, 0.4])
        return [objective.bound(*(t[side] for side in sides)) for t in (table, other)]

    best, worse = learn(np.float32([0.1, 0.0, -0.1]))
    np.testing.assert_allclose(best, _truth(objective), atol=2e-3)
    # Any other discriminator gives a smaller bound.
    assert worse < best


def test_wasserstein_by_the_best_lipschitz_discriminator():
    # On the line, P at 1 and 2 and Q at 0 and 1: all mass moves by 1.
    bound = OBJECTIVES["wasserstein"].bound(np.float32([1, 2]), np.float32([0, 1]))
    assert bound == 1


def _losses(objective):
    return objective.discriminator_loss, objective.generator_loss, objective.bound


@pytest.fixture(scope="module")
def values():
    """All losses of the same scores, computed four times by two programs."""

    def every(p, q):
        return {
            name: jnp.stack([loss(p, q) for loss in _losses(objective)])
            for name, objective in OBJECTIVES.items()
        }

    rng = np.random.default_rng(1)
    p, q = rng.normal(size=(2, 7)).astype(np.float32)
    order = rng.permutation(len(p))
    jitted = jax.jit(every)
    many = jax.jit(jax.vmap(every))(np.stack([p, q]), np.stack([q, p]))
    plain, exchanged, shuffled = jitted(p, q), jitted(q, p), jitted(p[order], q[order])
    return (p, q), jax.device_get([plain, exchanged, shuffled, many])


@each_objective
def test_jit_vmap_and_permutation_leave_a_loss_unchanged(name, values):
    scores, found = values
    jitted, exchanged, shuffled, many = (losses[name] for losses in found)
    for i, loss in enumerate(_losses(OBJECTIVES[name])):
        value = loss(*scores)
        assert value.shape == ()
        np.testing.assert_allclose(jitted[i], value, rtol=1e-5)
        np.testing.assert_allclose(shuffled[i], value, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(many[:, i], [value, exchanged[i]], rtol=1e-5)
        with pytest.raises(ValueError, match="scores_"):
            loss(*(side[None] for side in scores))


@pytest.mark.parametrize("name", CLASSIC)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_losses_and_gradients_are_finite_at_extreme_scores(name, size):
    p, q = np.float32([size, 0.0]), np.float32([-size, size])
    objective = OBJECTIVES[name]
    for loss in (objective.discriminator_loss, objective.generator_loss):
        value, gradients = jax.value_and_grad(loss, (0, 1))(p, q)
        assert np.isfinite([value, *gradients[0], *gradients[1]]).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"unknown objective 'wgan'.*wasserstein"):
        find_objective("wgan")
    with pytest.raises(ValueError, match=r"unknown form 'max'.*practical"):
        f_gan(GAN, form="max")
    with pytest.raises(ValueError, match=r"scores_p has 2 .*scores_q 3"):
        OBJECTIVES["relativistic"].generator_loss(np.zeros(2), np.zeros(3))
