"""The pure run: under the user's jit and vmap, seed by seed, whatever the critic."""

import functools
import os
import subprocess
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx

from jaxinfo import divergences, networks
from jaxinfo.core.types import Network
from jaxinfo.estimation import (
    information_bound,
    information_bound_names,
    make_divergence_run,
    make_run,
)
from jaxinfo.training import sweep
from tests.marks import slowly

KEY = jax.random.key(0)
SHORT = {"num_steps": 6, "eval_every": 3, "batch_size": 16}
CRITIC = networks.joint_critic((8,))


@functools.partial(jax.jit, static_argnames=("num_rows", "dtype"))
def _pairs(num_rows=60, correlation=0.8, key=KEY, dtype=None):
    key_x, key_y = jax.random.split(key)
    x = jax.random.normal(key_x, (num_rows, 2), dtype)
    noise = jax.random.normal(key_y, (num_rows, 2), dtype)
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


# Of the f-family two stand for all, which the slow tests compare with closed forms.
NAMES = [
    name
    for name in information_bound_names()
    if name not in divergences.DIVERGENCES or name in ("PEARSON", "LE_CAM")
]
# One of each kind: beside a auxiliary, from above, of entropies and of the f-family.
# Over the margins and in the batch, "mine" and "info_nce" train in the tests below.
FAST = {"flo", "club", "doe_gaussian", "PEARSON"}
PARTS = (_pairs(), _pairs(key=jax.random.key(1)), _pairs(37, key=jax.random.key(2)))


@pytest.mark.parametrize("bound", [n if n in FAST else slowly(n) for n in NAMES])
def test_every_bound_runs_by_name(bound):
    run = make_run(CRITIC, bound=bound, **SHORT)
    result = jax.jit(run)(KEY, *PARTS)
    chex.assert_tree_all_finite((result.value, result.influence, result.history))
    chex.assert_shape(result.influence[0], (37,))
    chex.assert_shape(result.history, (2,))
    assert result.num_nonfinite == 0


@pytest.mark.parametrize(
    "divergence", ["KL", *map(slowly, ["PEARSON", "TOTAL_VARIATION"])]
)
def test_members_run_by_name(divergence):
    run = make_divergence_run(
        networks.discriminator((8,)), divergence=divergence, **SHORT
    )
    parts = [(x[:23], y) for x, y in PARTS]
    result = jax.jit(run)(KEY, *parts)
    chex.assert_tree_all_finite((result.value, result.influence, result.history))
    chex.assert_shape(result.influence, [(23,), (37,)])


OF_KL = ["renyi", *map(slowly, ["mine", "f_divergence", "nwj", "smile"])]


@pytest.mark.parametrize("bound", OF_KL)
def test_every_bound_of_kl_runs_by_name(bound):
    run = make_divergence_run(networks.discriminator((8,)), bound=bound, **SHORT)
    chex.assert_tree_all_finite(jax.jit(run)(KEY, *PARTS).value)


class _LinenCritic(linen.Module):
    @linen.compact
    def __call__(self, x, y):
        return linen.Dense(1)(jnp.concatenate([x, y, x * y], axis=1))[:, 0]


class _NnxCritic(nnx.Module):
    def __init__(self, rngs):
        self.layer = nnx.Linear(6, 1, rngs=rngs)

    def __call__(self, x, y):
        return self.layer(jnp.concatenate([x, y, x * y], axis=1))[:, 0]


STRANGERS = {
    "lambdas": (
        lambda key, x, y: jnp.zeros(2),
        lambda params, x, y: params[0] * (x * y).sum(1) + params[1],
    ),
    "network": Network(
        lambda key, x, y: jnp.zeros(2),
        lambda params, x, y: params[0] * (x * y).sum(1) + params[1],
    ),
    "linen": networks.from_linen(_LinenCritic()),
    "nnx": networks.from_nnx(_NnxCritic),
}


# All pairs in the batch by one module; the other kinds differ as they do for "mine".
IN_THE_BATCH = [name if name == "linen" else slowly(name) for name in STRANGERS]


def _train(stranger, bound):
    run = make_run(
        STRANGERS[stranger],
        bound=bound,
        num_steps=60,
        eval_every=30,
        batch_size=16,
        optimizer=optax.sgd(0.1),
    )
    return jax.jit(run)(KEY, *PARTS)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_train(stranger):
    assert _train(stranger, "mine").value > 0.1


@pytest.mark.parametrize("stranger", IN_THE_BATCH)
def test_strangers_train_on_all_pairs_of_a_batch(stranger):
    assert _train(stranger, "info_nce").value > 0.1


COMPANIONS = {
    "tuba": (lambda key, y: jnp.zeros(()), lambda params, y: params + 0 * y[:, 0]),
    "flo": (lambda key, x, y: jnp.zeros(()), lambda params, x, y: params * x[:, 0]),
    "doe_gaussian": networks.logistic_density(),
}


@pytest.mark.parametrize("bound", COMPANIONS)
def test_companions_of_ones_own_are_trained_beside_the_critic(bound):
    auxiliary = COMPANIONS[bound]
    run = make_run(STRANGERS["lambdas"], bound=bound, auxiliary=auxiliary, **SHORT)
    assert run is make_run(
        STRANGERS["lambdas"], bound=bound, auxiliary=auxiliary, **SHORT
    )
    result = jax.jit(run)(KEY, *PARTS)
    critic_params, auxiliary_params = result.params
    chex.assert_shape(critic_params, (2,))
    chex.assert_tree_all_finite((result.value, auxiliary_params))
    assert any((leaf != 0).any() for leaf in jax.tree.leaves(auxiliary_params))


def test_one_trace_for_thirty_two_seeds_under_the_users_own_jit_and_vmap():
    run = make_run(CRITIC, **SHORT)
    traced = jax.jit(
        jax.vmap(chex.assert_max_traces(run, n=1), in_axes=(0, None, None, None))
    )
    for seed in range(2):
        result = traced(jax.random.split(jax.random.key(seed), 32), *PARTS)
        chex.assert_shape(result.value, (32,))


def test_equal_arguments_make_the_same_run_and_critics_are_traced_once():
    calls = []

    def apply(params, x, y):
        calls.append(len(x))
        return params * (x * y).sum(1)

    critic = (lambda key, x, y: jnp.ones(()), apply)
    keys = jax.random.split(KEY, 3)
    assert make_run(critic, **SHORT) is make_run(critic, **SHORT)
    for _ in range(2):
        sweep(make_run(critic, **SHORT), keys, *PARTS)
        traced = len(calls)
    sweep(make_run(critic, **SHORT), keys[::-1], *PARTS)
    assert len(calls) == traced


def test_seed_i_by_map_is_seed_i_alone_to_the_bit():
    run = make_run(CRITIC, bound="mine", **SHORT | {"num_steps": 60, "eval_every": 20})
    keys = jax.random.split(KEY, 4)
    together = jax.device_get(sweep(run, keys, *PARTS, layout="map"))
    jitted = jax.jit(run)
    for i in range(4):
        alone = jitted(keys[i], *PARTS)
        chex.assert_trees_all_equal(
            jax.tree.map(lambda leaf, i=i: leaf[i], together), alone
        )


OPTIMIzED = """
import jax
import jax.numpy as jnp
from jaxinfo import estimation, networks, training

x = jax.random.normal(jax.random.key(0), (300, 2))
parts = [(x[i::3], 0.5 * x[i::3] + x[i::3] ** 2) for i in range(3)]
run = estimation.make_run(
    networks.joint_critic((8,)), num_steps=60, eval_every=20, batch_size=16
)
keys = jax.random.split(jax.random.key(0), 3)
together = training.sweep(run, keys, *parts, layout="map")
jitted = jax.jit(run)
for i in range(3):
    one, alone = jax.tree.map(lambda leaf: leaf[i], together), jitted(keys[i], *parts)
    for name in ("value", "params", "history", "log_normalizer", "best_step"):
        pairs = zip(*(jax.tree.leaves(getattr(r, name)) for r in (one, alone)))
        assert all((a == b).all() for a, b in pairs), name
    assert jnp.abs(one.influence[0] - alone.influence[0]).max() < 1e-5
"""


@pytest.mark.slow
def test_seed_i_by_map_is_seed_i_alone_in_fully_optimised_programs():
    """As users compile: there the influence alone may round in another order."""
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    subprocess.run([sys.executable, "-c", OPTIMIzED], env=environment, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["mine", "info_nce"])
def test_seed_i_by_vmap_is_seed_i_alone_in_float64_after_300_steps(bound):
    with jax.enable_x64(True):
        parts = [_pairs(60, key=jax.random.key(i), dtype=jnp.float64) for i in range(3)]
        run = make_run(CRITIC, bound=bound, **SHORT | {"num_steps": 300})
        keys = jax.random.split(KEY, 3)
        together = jax.device_get(sweep(run, keys, *parts, layout="vmap"))
        assert together.value.dtype == jnp.float64
        jitted = jax.jit(run)
        for i in range(3):
            alone = jitted(keys[i], *parts)
            one = jax.tree.map(lambda leaf, i=i: leaf[i], together)
            # Not the parameters: a score's constant has no gradient but rounding, which
            # Adam scales up, and no effect but on the normalizer that takes it off.
            chex.assert_trees_all_close(
                *[r._replace(params=(), log_normalizer=()) for r in (one, alone)],
                rtol=1e-10,
                atol=1e-10,
            )


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["vmap", "mesh"])
def test_seed_i_by_vmap_is_seed_i_alone_in_float32_after_5_steps(layout):
    run = make_run(CRITIC, bound="mine", **SHORT | {"num_steps": 5, "eval_every": 5})
    keys = jax.random.split(KEY, 4)
    together = jax.device_get(sweep(run, keys, *PARTS, layout=layout))
    jitted = jax.jit(run)
    for i in range(4):
        alone = jitted(keys[i], *PARTS)
        one = jax.tree.map(lambda leaf, i=i: leaf[i], together)
        chex.assert_trees_all_close(
            (one.params, one.value, one.history),
            (alone.params, alone.value, alone.history),
            atol=1e-5,
        )


@pytest.mark.parametrize("layout", [slowly("vmap"), slowly("map"), "mesh"])
def test_a_nan_in_one_seed_leaves_the_other_seeds_bits_unchanged(layout):
    run = make_run(CRITIC, **SHORT | {"num_steps": 30}, patience=9)
    rates = np.full(4, 1e-2)
    sound, sick = (
        jax.device_get(
            sweep(run, KEY[None], *PARTS, settings={"learning_rate": r}, layout=layout)
        )
        for r in (rates, np.where(np.arange(4) == 1, np.nan, rates))
    )
    others = np.array([0, 2, 3])
    chex.assert_trees_all_equal(
        *[jax.tree.map(lambda leaf: leaf[others], r) for r in (sound, sick)]
    )
    assert sick.num_nonfinite[1, 0] == sick.num_steps[1, 0]
    assert (sick.num_nonfinite[others] == 0).all()


def test_a_nan_in_one_batch_is_skipped_and_the_seed_goes_on():
    def apply(params, x, y):
        scores = params * (x * y).sum(1)
        # Only the row planted below reaches 50.
        return jnp.where((x[:, 0] > 50).any(), jnp.nan, 1.0) * scores

    x, y = PARTS[0]
    parts = ((x.at[0, 0].set(99.0), y), *PARTS[1:])
    run = make_run(
        (lambda key, x, y: jnp.zeros(()), apply), **SHORT | {"num_steps": 60}
    )
    result = jax.jit(run)(KEY, *parts)
    # A row is in a batch of 16 of 60 with probability 16 / 60.
    assert 4 < result.num_nonfinite < 32
    assert result.params > 0
    assert jnp.isfinite(result.value)


def test_settings_reach_the_bound_and_the_optimizer_without_a_new_trace():
    traced = chex.assert_max_traces(make_run(CRITIC, bound="smile", **SHORT), n=1)
    settings = {"learning_rate": [0.0, 1e-2], "clip": [0.1, 5.0]}
    result = jax.device_get(sweep(traced, KEY[None], *PARTS, settings=settings))
    chex.assert_shape(result.value, (2, 1))
    assert (result.best_step > 0).all()
    still, moved = (
        jax.tree.map(lambda leaf, i=i: leaf[i, 0], result.params) for i in (0, 1)
    )
    start = jax.jit(CRITIC.init)(jax.random.split(KEY)[0], *[z[:16] for z in PARTS[0]])
    chex.assert_trees_all_close(still, start, rtol=1e-6)
    pairs = zip(*map(jax.tree.leaves, (still, moved)), strict=True)
    assert any((a != b).any() for a, b in pairs)


def test_the_state_with_the_best_validation_is_reported():
    run = make_run(CRITIC, bound="donsker_varadhan", **SHORT | {"num_steps": 60})
    result = jax.jit(run)(KEY, *PARTS)
    longest = int(jnp.nanargmax(result.history))
    assert result.best_step == 3 * (longest + 1)


@pytest.mark.slow
def test_averaged_parameters_are_the_moving_average_of_every_update():
    start, first, second = (
        jax.jit(make_run(CRITIC, **SHORT | {"num_steps": count, "eval_every": count}))(
            KEY, *PARTS, learning_rate=rate
        ).params
        for count, rate in [(1, 0.0), (1, 0.1), (2, 0.1)]
    )
    expected = optax.incremental_update(first, start, 0.3)
    expected = optax.incremental_update(second, expected, 0.3)
    run = make_run(CRITIC, **SHORT | {"num_steps": 2}, ema_decay=0.7)
    averaged = jax.jit(run)(KEY, *PARTS, learning_rate=0.1).params
    chex.assert_trees_all_close(averaged, expected, rtol=1e-5, atol=1e-7)


INFLUENCES = ["info_nce", "smile", "club", "interpolated", "flo", "doe_gaussian"]
INFLUENCES = ["donsker_varadhan", *map(slowly, INFLUENCES)]


@pytest.mark.parametrize("bound", INFLUENCES)
def test_influence_is_the_derivative_in_the_weight_of_a_row(bound):
    """Against a finite difference: the row counted twice, test rows in one block."""
    with jax.enable_x64(True):
        parts = [_pairs(12, key=jax.random.key(i), dtype=jnp.float64) for i in range(3)]
        run = jax.jit(make_run(CRITIC, bound=bound, num_steps=2, batch_size=12))
        result = run(KEY, *parts)
        x, y = parts[2]
        chosen = information_bound(bound)
        settings = {s.name: s.default for s in chosen.settings}
        params, auxiliary = result.params, ()
        if chosen.auxiliary is not None:
            params, beside = result.params
            seen = (y,) if chosen.auxiliary_inputs == "y" else (x, y)
            auxiliary = (chosen.auxiliary().apply(beside, *seen),)
        scores = jax.jit(
            jax.vmap(
                lambda row: CRITIC.apply(params, jnp.broadcast_to(row, x.shape), y)
            )
        )(x)

        @jax.jit
        def value(weights):
            if chosen.form == "matrix":
                return chosen.value(scores, *auxiliary, weights, **settings)
            if chosen.form == "joint":
                return chosen.value(jnp.diagonal(scores), *auxiliary, weights)
            where = jnp.outer(weights, weights) * (1 - jnp.eye(12))
            joint = jnp.diagonal(scores)
            return chosen.value(
                joint, scores.reshape(-1), where.reshape(-1), weights, **settings
            )

        ones = np.ones(12)
        np.testing.assert_allclose(result.value, value(ones), rtol=1e-9)
        for i in range(12):
            step = 1e-5 * (np.arange(12) == i)
            slope = (value(ones + step) - value(ones - step)) / 2e-5
            np.testing.assert_allclose(
                result.influence[0][i], 12 * slope, rtol=1e-5, atol=1e-8
            )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bound": "infonce"}, "unknown bound 'infonce'.*info_nce"),
        ({"bound": divergences.TOTAL_VARIATION}, "TOTAL_VARIATION|sign"),
        (
            {"negative_sampling": "shuffle"},
            "unknown negative_sampling 'shuffle'.*derangement",
        ),
        (
            {"bound": "info_nce", "negative_sampling": "roll"},
            "negative_sampling.*off_diagonal",
        ),
        (
            {"bound": "tuba", "negative_sampling": "roll"},
            "negative_sampling.*off_diagonal",
        ),
        ({"auxiliary": CRITIC}, "auxiliary must be None: bound 'mine'"),
        ({"bound": "flo", "auxiliary": 3}, "auxiliary.*init, apply"),
        ({"num_steps": 0}, "num_steps"),
        ({"batch_size": 1}, "batch_size"),
        ({"num_negatives": 0}, "num_negatives"),
        ({"ema_decay": 1.0}, r"ema_decay must lie in \(0.0, 1.0\)"),
        ({"critic": 3}, "critic.*init, apply"),
    ],
)
def test_bad_choices_are_named(changes, message):
    arguments = {"critic": CRITIC} | changes
    with pytest.raises(ValueError, match=message):
        make_run(arguments.pop("critic"), **arguments)


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (
            lambda params, x, y: x * y,
            r"critic must return.*\(60,\).*got shape \(60, 2\)",
        ),
        (lambda params, x, y: x.sum(), r"got shape \(\)"),
        (lambda params, x, y: jnp.arange(len(x)), "int32"),
    ],
    ids=["matrix", "scalar", "integers"],
)
def test_a_critic_of_the_wrong_shape_is_told_what_to_return(apply, message):
    run = make_run((lambda key, x, y: jnp.ones(()), apply))
    with pytest.raises(ValueError, match=message):
        jax.jit(run)(KEY, *PARTS)


def test_a_companion_of_the_wrong_shape_is_told_what_to_return():
    auxiliary = (lambda key, y: jnp.ones(()), lambda params, y: y)
    run = make_run(CRITIC, bound="tuba", auxiliary=auxiliary)
    with pytest.raises(ValueError, match=r"auxiliary must return.*\(60, 2\)"):
        jax.jit(run)(KEY, *PARTS)


def test_what_does_not_fit_at_the_call_is_named():
    x, y = PARTS[0]
    with pytest.raises(ValueError, match="batch_size must be at most the 60"):
        make_run(CRITIC, batch_size=61)(KEY, *PARTS)
    with pytest.raises(ValueError, match="train must be a pair"):
        make_run(CRITIC)(KEY, (x, y[:5]), *PARTS[1:])
    with pytest.raises(ValueError, match="unknown settings \\['clip'\\]"):
        make_run(CRITIC, optimizer=optax.adam(1e-3))(KEY, *PARTS, clip=3.0)
    with pytest.raises(ValueError, match="clip"):
        make_run(CRITIC)(KEY, *PARTS, clip=3.0)
