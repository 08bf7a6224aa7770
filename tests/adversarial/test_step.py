"""One step: gradients and update counts of both players, metrics, and the stop."""

import dataclasses
import functools
import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx
from jax.core import Tracer
from jax.sharding import Mesh, PartitionSpec

from jaxinfo import networks
from jaxinfo.adversarial import (
    SOLVERS,
    Objective,
    r1,
    r2,
)
from jaxinfo.core.types import Network
from jaxinfo.divergences import donsker_varadhan_bound
from tests.adversarial.small_gan import (
    BATCH,
    DISCRIMINATOR,
    GENERATOR,
    KEY,
    assert_close,
    make_small_gan,
    take_step,
)
from tests.marks import slowly


@pytest.mark.parametrize("num_steps", [slowly(1), 3])
@pytest.mark.parametrize("update", ["alternating", "simultaneous", "lookahead"])
def test_update_counts_of_each_player(num_steps, update):
    gan = make_small_gan(
        update=update,
        num_discriminator_steps=num_steps,
        generator_optimizer=optax.adam(0.1),
        discriminator_optimizer=optax.adam(0.1),
    )
    _, after, _ = take_step(gan, np.tile(BATCH, (num_steps, 1, 1)))
    counts = [optimizer[0].count for optimizer in after.solver.optimizers]
    assert counts == [num_steps, 1]
    assert after.step == 1


def test_each_discriminator_update_gets_new_noise_and_data():
    # Its gradient is the mean of p less that of q, so its weight is the sum of these.
    linear = Network(
        lambda key, x: {"w": jnp.zeros(2)}, lambda params, x: x @ params["w"]
    )
    seen = []

    def watched(params, z):
        jax.debug.callback(lambda z: seen.append(z), z, ordered=True)
        return z + params["shift"]

    batch = np.concatenate([BATCH, BATCH + 1, BATCH - 3])
    gan = make_small_gan(
        "wasserstein",
        generator=GENERATOR._replace(apply=watched),
        discriminator=linear,
        discriminator_optimizer=optax.sgd(1.0),
        generator_optimizer=optax.sgd(0.0),
        num_discriminator_steps=3,
    )
    _, after, _ = take_step(gan, batch)
    jax.effects_barrier()
    noise = np.stack(seen)
    assert noise.shape == (4, 8, 2)  # The last is the generator's.
    assert len(np.unique(noise.reshape(-1, 2), axis=0)) == 4 * 8
    expected = np.sum(np.mean(batch - noise[:3], axis=1), axis=0)
    assert_close(after.players.discriminator["w"], expected)


# Averages, samples, dropout -------------------------------------------------------


def test_samples_come_from_the_average_of_the_generator():
    gan = make_small_gan(ema_decay=0.5)
    before, after, _ = take_step(gan)
    # (1 + 0) / (10 + 0) at the first update.
    expected = jax.tree.map(
        lambda new, old: 0.1 * np.asarray(old) + 0.9 * np.asarray(new),
        after.players.generator,
        before.players.generator,
    )
    assert_close(after.average, expected)
    samples = gan.sample(KEY, after, 5)
    assert samples.shape == (5, 2)
    noise = jax.random.normal(KEY, (5, 2))
    assert_close(samples, GENERATOR.apply(after.average, noise))
    plain = make_small_gan()
    _, after, _ = take_step(plain)
    assert after.average is None
    assert_close(
        plain.sample(KEY, after, 5), GENERATOR.apply(after.players.generator, noise)
    )


def test_dropout_is_applied_in_training_only():
    def apply_train(key, params, state, x):
        assert state == ()
        kept = jax.random.bernoulli(key, 0.5, x.shape)
        return DISCRIMINATOR.apply(params, x * kept), state

    noisy = DISCRIMINATOR._replace(apply_train=apply_train)
    one, plain = (
        take_step(make_small_gan(discriminator=d))[2] for d in (noisy, DISCRIMINATOR)
    )
    assert one.bound != plain.bound
    other = take_step(make_small_gan(discriminator=noisy), key=jax.random.key(3))[2]
    assert one.bound != other.bound


# Metrics and the stop -------------------------------------------------------------


def test_a_game_stops_alone_at_an_update_that_is_not_finite():
    gan = make_small_gan(ema_decay=0.9)
    keys = jax.random.split(KEY, 3)
    states = jax.jit(jax.vmap(gan.init, (0, None)))(keys, BATCH[0])
    step = jax.jit(jax.vmap(gan.step, (0, 0, None)))
    broken = states
    for number in range(4):
        steps = jax.vmap(jax.random.fold_in, (0, None))(keys, number)
        states, _ = step(steps, states, BATCH)
        broken, info = step(steps, broken, BATCH)
        if number == 1:
            kept = broken
            poisoned = broken.players.generator["shift"].at[1].set(jnp.nan)
            own = broken.players.generator | {"shift": poisoned}
            broken = broken._replace(players=broken.players._replace(generator=own))
    np.testing.assert_array_equal(broken.stopped_at, [-1, 2, -1])
    np.testing.assert_array_equal(info.is_stopped, [False, True, False])

    def others(state):
        return jax.tree.map(lambda x: x[np.array([0, 2])], state)

    chex.assert_trees_all_equal(others(broken), others(states))
    own = broken.players.discriminator, kept.players.discriminator
    chex.assert_trees_all_equal(*(jax.tree.map(lambda x: x[1], d) for d in own))


def test_constant_losses_are_reported_after_a_hundred_updates():
    still = {
        "discriminator_optimizer": optax.sgd(0.0),
        "generator_optimizer": optax.sgd(0.0),
        # The same noise in every update, so that the losses are constant.
        "sample_noise": lambda key, shape: jnp.ones(shape),
    }
    gan = make_small_gan(**still)
    state = gan.init(KEY, BATCH[0])
    step = jax.jit(gan.step)
    reported = []
    for number in range(102):
        state, info = step(jax.random.fold_in(KEY, number), state, BATCH)
        reported.append(bool(info.has_constant_losses))
    assert reported == [False] * 100 + [True] * 2
    assert not info.has_vanishing_gradient


def _affine(weight, shift):
    return Network(
        lambda key, x: {"w": jnp.full(2, weight)},
        lambda params, x: x @ params["w"] + shift,
    )


@pytest.mark.parametrize(
    ("objective", "discriminator", "vanishes"),
    [
        ("minimax", _affine(1.0, -20.0), True),
        ("non_saturating", _affine(1.0, -20.0), False),
        ("hinge", _affine(1.0, 0.0), False),
        ("hinge", _affine(0.0, 0.0), True),  # The gradient in the score is still one.
    ],
)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_vanishing_gradients_are_reported(objective, discriminator, vanishes, update):
    gan = make_small_gan(
        objective,
        discriminator=discriminator,
        discriminator_optimizer=optax.sgd(0.0),
        update=update,
    )
    assert take_step(gan)[2].has_vanishing_gradient == vanishes


def test_the_sample_gradient_norm_does_not_depend_on_the_units_of_the_data():
    for scale in (1.0, 100.0):
        gan = make_small_gan("wasserstein", discriminator=_affine(3.0 / scale, 0.0))
        _, after, info = take_step(gan, scale * BATCH)
        spread = np.sqrt(np.var(BATCH[0], axis=0).sum())
        # The discriminator is updated before the generator.
        norm = scale * np.linalg.norm(after.players.discriminator["w"])
        np.testing.assert_allclose(info.sample_gradient_norm, norm * spread, rtol=1e-4)


def test_gradient_norms_match_the_updates_of_sgd():
    before, after, info = take_step(make_small_gan())
    for rate, own, norm in zip(
        (0.2, 0.1),
        jax.tree.map(lambda a, b: a - b, before.players, after.players),
        (info.discriminator_gradient_norm, info.generator_gradient_norm),
        strict=True,
    ):
        np.testing.assert_allclose(optax.tree.norm(own) / rate, norm, rtol=1e-4)


# The game as a value, and its programs --------------------------------------------


def test_a_gan_is_a_hashable_value_with_documented_methods():
    gan = make_small_gan(penalties=[r1()], ema_decay=0.9)
    assert hash(gan) == hash(dataclasses.replace(gan))
    assert gan == dataclasses.replace(gan)
    assert repr(gan) == (
        "Gan('non_saturating', noise_size=2, num_discriminator_steps=1, ema_decay=0.9)"
    )
    signature = inspect.signature(gan.step)
    assert list(signature.parameters) == ["key", "state", "batch"]
    assert all(inspect.getdoc(m) for m in (gan.init, gan.step, gan.sample))

    @functools.partial(jax.jit, static_argnames="gan")
    def step(key, state, batch, *, gan):
        return gan.step(key, state, batch)

    state = gan.init(KEY, BATCH[0])
    expected = jax.jit(gan.step)(KEY, state, BATCH)
    assert_close(step(KEY, state, BATCH, gan=gan), expected)


def test_init_is_one_program():
    traces = []

    def init(key, z):
        traces.append(isinstance(z, Tracer))
        return GENERATOR.init(key, z)

    gan = make_small_gan(generator=GENERATOR._replace(init=init))
    for seed in range(3):
        gan.init(jax.random.key(seed), BATCH[0])
    assert traces == [True]


@pytest.mark.parametrize("update", SOLVERS)
def test_the_step_keeps_the_structure_of_its_state(update):
    gan = make_small_gan(update=update, ema_decay=0.9, penalties=[r1(every=4)])
    state = jax.eval_shape(gan.init, KEY, BATCH[0])
    after, _ = jax.eval_shape(gan.step, KEY, state, BATCH)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, after)


def test_one_trace_for_all_updates_of_many_seeds():
    gan = make_small_gan()

    def plain(key, state, batch):
        return gan.step(key, state, batch)

    traced = chex.assert_max_traces(plain, n=1)
    step = jax.jit(jax.vmap(traced, in_axes=(0, 0, None)))
    keys = jax.random.split(KEY, 16)
    states = jax.jit(jax.vmap(gan.init, (0, None)))(keys, BATCH[0])
    for _ in range(3):
        states, _ = step(keys, states, BATCH)
    assert states.step.shape == (16,)


# A log-mean-exp of all scores of Q is not a mean over devices.
LOG_MEAN = Objective(
    "donsker_varadhan",
    lambda scores_p, scores_q: -donsker_varadhan_bound(scores_p, scores_q),
    lambda scores_p, scores_q: -jax.nn.logsumexp(scores_q),
    donsker_varadhan_bound,
    "KL",
)


SPLITS = {
    f"{name}-{update}-{checks}": (objective, update, checks == "checked")
    for name, objective in {"pairs": "relativistic", "logs": LOG_MEAN}.items()
    for update in ("alternating", "simultaneous", "extragradient")
    for checks in ("checked", "unchecked")
}
# Each objective and check once, with separate gradients and with one pass.
FAST = {"pairs-alternating-checked", "logs-extragradient-unchecked"}


@pytest.mark.parametrize("split", [s if s in FAST else slowly(s) for s in SPLITS])
def test_a_batch_split_over_devices_gives_the_same_step(split):
    objective, update, check_vma = SPLITS[split]
    settings = {
        "update": update,
        "penalties": [r1(0.1), r2(0.1, every=2)],
        "ema_decay": 0.9,
        "num_discriminator_steps": 2,
    }
    batch = np.concatenate([BATCH, BATCH + 0.5])
    alone = make_small_gan(objective, **settings)
    before, expected, expected_info = take_step(alone, batch)
    split = make_small_gan(objective, **settings, axis_name="samples")
    whole = PartitionSpec()
    step = jax.shard_map(
        split.step,
        mesh=Mesh(np.array(jax.devices()), ("samples",)),
        in_specs=(whole, whole, PartitionSpec(None, "samples")),
        out_specs=whole,
        check_vma=check_vma,
    )
    after, info = jax.jit(step)(KEY, before, batch)
    assert_close(after, expected, rtol=1e-5, atol=1e-5)
    assert_close(info, expected_info, rtol=1e-5, atol=1e-5)


# Networks of users, and bad input -------------------------------------------------


class _Linen(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(2)(x)


NETWORKS = {
    "lambdas": (GENERATOR[:2], DISCRIMINATOR[:2]),
    "linen": (networks.from_linen(_Linen()), networks.discriminator((4,))),
    "nnx": (networks.from_nnx(lambda rngs: nnx.Linear(2, 2, rngs=rngs)), DISCRIMINATOR),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_of_other_kinds(kind):
    generator, discriminator = NETWORKS[kind]
    gan = make_small_gan(generator=generator, discriminator=discriminator)
    _, after, _ = take_step(gan)
    assert after.stopped_at == -1
    assert gan.sample(KEY, after, 3).shape == (3, 2)


def _returning(network, change):
    return network._replace(apply=lambda p, x: change(network.apply(p, x)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"discriminator": _returning(DISCRIMINATOR, lambda s: s[:, None])},
            r"discriminator must return one .*score.*got shape \(2, 1\)",
        ),
        (
            {"generator": _returning(GENERATOR, lambda s: s[:, :1])},
            r"generator must return samples like the data's, shape \(2, 2\)",
        ),
        ({"num_discriminator_steps": 0}, "num_discriminator_steps"),
        ({"noise_size": 0}, "noise_size"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"update": "newton"}, "unknown update 'newton'"),
        ({"update": "consensus", "axis_name": "samples"}, "axis_name='samples'"),
        ({"generator": linen.Dense(2)}, "generator must be a Network"),
    ],
    ids=range(8),
)
def test_bad_games_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        take_step(make_small_gan(**settings))


def test_bad_data_are_named():
    gan, broken = make_small_gan(), BATCH[0].copy()
    broken[3, 1] = np.inf
    with pytest.raises(ValueError, match="unknown objective 'wgan'"):
        make_small_gan("wgan")
    with pytest.raises(ValueError, match=r"samples must be finite; 1 of 8.*row 3"):
        gan.init(KEY, broken)
    with pytest.raises(ValueError, match="samples must have rows"):
        gan.init(KEY, BATCH[0, 0])
    with pytest.raises(ValueError, match="samples must be floating-point"):
        gan.init(KEY, np.ones((4, 2), int))
    state = gan.init(KEY, BATCH[0])
    with pytest.raises(ValueError, match=r"batch must .* \[1, N, 2\].*\(1, 8, 3\)$"):
        gan.step(KEY, state, np.ones((1, 8, 3)))
    with pytest.raises(ValueError, match=r"got \(8, 2\): pass batch\[None\]$"):
        gan.step(KEY, state, BATCH[0])
    twice = make_small_gan(num_discriminator_steps=2)
    with pytest.raises(ValueError, match=r"\[2, N, 2\].*pass jnp\.stack of one batch"):
        twice.step(KEY, state, BATCH[0])
    with pytest.raises(ValueError, match="num_samples"):
        gan.sample(KEY, state, 0)
