"""Programs under JAX's checks of key reuse and of rank promotion."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.adversarial import SOLVERS, dragan, gradient_penalty, make_gan, train_gan
from jaxinfo.training import make_row_sampler, train

DATA = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
STRICT = {
    "key_reuse": lambda: jax.debug_key_reuse(True),
    "rank_promotion": lambda: jax.numpy_rank_promotion("raise"),
}


@pytest.fixture(params=STRICT)
def strict(request):
    with STRICT[request.param]():
        yield


def _make_gan(**settings):
    return make_gan(
        networks.generator((4,), (2,)),
        networks.discriminator((4,)),
        "non_saturating",
        generator_optimizer=optax.adam(1e-3),
        discriminator_optimizer=optax.adam(1e-3),
        noise_size=2,
        **settings,
    )


@pytest.mark.usefixtures("strict")
def test_the_loop():
    def step(key, state, rows):
        noise = jax.random.normal(key, (2,))
        return state + jnp.mean(jnp.asarray(DATA)[rows], axis=0) + noise, jnp.sum(noise)

    result = jax.jit(
        lambda key: train(
            key,
            jnp.zeros(2),
            step=step,
            sample_batch=make_row_sampler(len(DATA), 4),
            evaluate=jnp.sum,
            patience=5,
            num_steps=7,
            eval_every=3,
        )
    )(jax.random.key(0))
    # The evaluated value is the sum of the coordinates of the best state.
    np.testing.assert_allclose(jnp.sum(result.state), jnp.nanmax(result.evaluations))


@pytest.mark.slow
@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("update", ["alternating", "extragradient"])
def test_a_gan(update):
    gan = _make_gan(
        update=update,
        num_discriminator_steps=2,
        penalties=[dragan(0.1, every=2), gradient_penalty(0.1)],
        ema_decay=0.9,
    )
    assert update in SOLVERS
    result = jax.jit(
        lambda key: train_gan(
            key,
            gan,
            DATA,
            num_steps=4,
            batch_size=4,
            eval_every=2,
            observe=lambda key, state: gan.sample(key, state, 3),
        )
    )(jax.random.key(0))
    assert result.state.stopped_at == -1


def test_a_reused_key_would_be_found():
    def step(key, state, batch):
        del batch
        return state + jax.random.normal(key) - jax.random.normal(key), ()

    def run(key):
        return train(key, jnp.zeros(()), step=step, num_steps=2).state

    with jax.debug_key_reuse(True), pytest.raises(jax.errors.KeyReuseError):
        jax.jit(run)(jax.random.key(0))
