"""Whole trainings: seeds, continued trainings, history, and what is learned."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxinfo import networks
from jaxinfo.adversarial import GanInfo, make_gan, r1, train_gan
from jaxinfo.core.types import Network
from tests.marks import slowly

KEY = jax.random.key(0)
DATA = 2 + 0.5 * jax.random.normal(jax.random.key(1), (500, 1))

GENERATOR = Network(
    lambda key, z: {"mean": jnp.zeros(1), "log_sd": jnp.zeros(1)},
    lambda params, z: params["mean"] + jnp.exp(params["log_sd"]) * z,
)


def _gan(objective="non_saturating", *, rate=1e-2, **settings):
    return make_gan(
        GENERATOR,
        networks.discriminator((16,), activation=jnp.tanh),
        objective,
        generator_optimizer=optax.adam(rate),
        discriminator_optimizer=optax.adam(rate),
        noise_size=1,
        **settings,
    )


SETTINGS = {"num_steps": 20, "batch_size": 32, "eval_every": 10}


def _trained(gan, key, data=DATA, **settings):
    return train_gan(key, gan, data, **(SETTINGS | settings))


def _close(tree, other, **tolerance):
    chex.assert_trees_all_close(tree, other, **tolerance)


def test_history_has_one_entry_for_each_block():
    run = jax.jit(functools.partial(_trained, _gan()))(KEY)
    assert isinstance(run.history, GanInfo)
    assert run.history.bound.shape == (2,)
    assert run.state.step == 20
    assert run.observed is None


def test_observations_are_stacked():
    gan = _gan()

    def observe(key, state):
        return gan.sample(key, state, 7)

    run = jax.jit(functools.partial(_trained, gan, observe=observe))(KEY)
    assert run.observed.shape == (2, 7, 1)


def test_data_may_be_numpy_arrays():
    runs = [
        jax.jit(functools.partial(_trained, _gan(), data=data))(KEY)
        for data in (DATA, np.asarray(DATA))
    ]
    chex.assert_trees_all_equal(*(run.state for run in runs))


@pytest.mark.parametrize("layout", ["vmap", slowly("map")])
def test_seeds_match_seeds_alone(layout):
    with jax.enable_x64(True):
        gan, data = _gan(penalties=[r1(0.1, every=4)]), DATA.astype(float)

        def one(key):
            return _trained(gan, key, data, num_steps=300, eval_every=100).state

        keys = jax.random.split(jax.random.key(3), 3)
        alone = jax.jit(one)
        expected = [alone(key) for key in keys]
        mapped = {"vmap": jax.vmap(one), "map": functools.partial(jax.lax.map, one)}
        states = jax.jit(mapped[layout])(keys)
    for seed, single in enumerate(expected):
        own = jax.tree.map(lambda x, seed=seed: x[seed], states)
        if layout == "map":
            chex.assert_trees_all_equal(own, single)
        else:
            _close(own.players, single.players, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True])
def test_a_training_in_chunks_is_the_unbroken_one(fresh):
    def sample(key, n):
        return 2 + jax.random.normal(key, (n, 1))

    gan = _gan(ema_decay=0.9)
    data = sample if fresh else DATA
    chunk = jax.jit(functools.partial(_trained, gan, data=data))
    state = jax.jit(lambda key: _trained(gan, key, data, num_steps=10).state)(KEY)
    whole = jax.jit(functools.partial(_trained, gan, data=data, num_steps=30))(KEY)
    broken = chunk(KEY, state=state)
    chex.assert_trees_all_equal(broken.state, whole.state)


def test_a_lazy_penalty_stays_lazy_under_vmap():
    gan = _gan(penalties=[r1(0.1, every=4)])
    jaxpr = jax.make_jaxpr(jax.vmap(lambda key: _trained(gan, key).state))
    assert " cond[" in str(jaxpr(jax.random.split(KEY, 2)))


def test_batches_are_rows_of_the_data():
    # The discriminator records the samples that it is given.
    seen = []
    data = jnp.arange(50.0)[:, None]
    spy = Network(
        lambda key, x: jnp.zeros(()),
        lambda params, x: (jax.debug.callback(seen.append, x), params * x[:, 0])[1],
    )
    gan = make_gan(
        GENERATOR,
        spy,
        "hinge",
        generator_optimizer=optax.sgd(0.0),
        discriminator_optimizer=optax.sgd(0.0),
        noise_size=1,
        num_discriminator_steps=2,
    )
    seen.clear()
    jax.block_until_ready(_trained(gan, KEY, data, num_steps=1, eval_every=1))
    jax.effects_barrier()
    real = [np.asarray(x)[:32, 0] for x in seen if len(x) == 64]
    assert len(real) == 2
    assert not np.array_equal(np.sort(real[0]), np.sort(real[1]))
    for rows in real:
        assert len(set(rows)) == 32
        assert set(rows) <= set(np.arange(50.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_steps": 0}, "num_steps"),
        ({"batch_size": 501}, "batch_size must be at most the 500 samples, got 501"),
        ({"data": DATA.at[2].set(jnp.nan)}, "samples must be finite.*row 2"),
        ({"data": jnp.ones((500, 3))}, r"generator must return .* shape \(2, 3\)"),
        ({"key": 0}, "key must be made by jax.random.key"),
    ],
    ids=range(5),
)
def test_bad_input_is_named(changes, message):
    key = changes.pop("key", KEY)
    with pytest.raises(ValueError, match=message):
        _trained(_gan(), key, **changes)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["non_saturating", "KL", "least_squares"])
def test_a_gaussian_learns_the_mean_of_a_gaussian(objective):
    gan = _gan(objective, rate=3e-3, ema_decay=0.999)

    def one(key):
        return train_gan(
            key,
            gan,
            lambda k, n: 2 + 0.5 * jax.random.normal(k, (n, 1)),
            num_steps=6_000,
            batch_size=256,
            eval_every=1_000,
        ).state.average

    learned = jax.jit(jax.vmap(one))(jax.random.split(KEY, 4))
    # Within a tenth of a standard deviation: a JSD of less than 0.003 nats.
    np.testing.assert_allclose(learned["mean"].mean(), 2, atol=0.05)
    np.testing.assert_allclose(jnp.exp(learned["log_sd"]).mean(), 0.5, atol=0.05)
