"""Whole trainings under the caller's own jit, vmap, scan and shard_map."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo import adversarial, estimation, infomax, networks
from tests.calls import ADAM, CRITIC, IMAGES, X, Y, make_deep_infomax

PARTS = [(X[i::3], Y[i::3]) for i in range(3)]
# Of a bound that a shift of the scores changes: Adam moves a bias without a gradient
# by rounding errors.
RUN = estimation.make_run(CRITIC, bound="nwj", num_steps=6, eval_every=3, batch_size=8)
GAN = adversarial.make_gan(
    networks.generator((4,), (2,)),
    networks.discriminator((4,)),
    "non_saturating",
    generator_optimizer=ADAM,
    discriminator_optimizer=ADAM,
    noise_size=2,
    penalties=[adversarial.r1(0.1, every=2)],
    ema_decay=0.9,
)
INFOMAX = make_deep_infomax()
TRAININGS = {
    "run": lambda key: RUN(key, *PARTS),
    "gan": lambda key: adversarial.train_gan(
        key, GAN, jnp.asarray(X), num_steps=4, batch_size=8, eval_every=2
    ),
    "deep_infomax": lambda key: infomax.train_deep_infomax(
        key, INFOMAX, jnp.asarray(IMAGES), num_steps=4, batch_size=8, eval_every=2
    ),
}


def _assert_close(found, expected):
    # Not the parameters: a bias that cancels in the loss moves by rounding errors.
    found, expected = found.history, expected.history
    chex.assert_trees_all_close(
        jax.device_get(found), jax.device_get(expected), rtol=1e-4, atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_seeds_may_be_split_over_devices_with_the_default_checks(name):
    run, keys = TRAININGS[name], jax.random.split(jax.random.key(0), 2)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("seeds",))
    split = jax.shard_map(
        jax.vmap(run), mesh=mesh, in_specs=jax.P("seeds"), out_specs=jax.P("seeds")
    )
    _assert_close(jax.jit(split)(keys), jax.jit(jax.vmap(run))(keys))


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_seeds_may_be_scanned(name):
    run, keys = TRAININGS[name], jax.random.split(jax.random.key(0), 2)
    _, scanned = jax.jit(
        lambda keys: jax.lax.scan(lambda carry, key: (carry, run(key)), (), keys)
    )(keys)
    first = jax.tree.map(lambda leaf: leaf[0], scanned)
    _assert_close(first, jax.jit(run)(keys[0]))


@pytest.mark.slow
def test_estimates_of_the_callers_own_vmap():
    keys = jax.random.split(jax.random.key(0), 3)
    rates = jnp.array([1e-3, 1e-2])
    of_seeds = jax.vmap(
        lambda key, rate: RUN(key, *PARTS, learning_rate=rate), (0, None)
    )
    results = jax.jit(jax.vmap(of_seeds, (None, 0)))(keys, rates)
    estimates = estimation.estimates_of_runs(RUN, results, num_samples=len(X))
    assert [len(e.diagnostics.per_seed) for e in estimates] == [3, 3]
    alone = RUN(keys[1], *PARTS, learning_rate=rates[1])
    np.testing.assert_allclose(
        estimates[1].diagnostics.per_seed[1], alone.value, rtol=1e-4, atol=1e-5
    )
