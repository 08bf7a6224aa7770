"""The pure run of mutual information: jit, vmap, shard_map, seeds and any critic."""

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
from jaxinfo.estimation import BOUNDS, information_bound, make_run
from jaxinfo.training import sweep
from tests.fakes import PRODUCT_CRITIC, init_weight
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


# Of the f-family two members represent the others, which the slow tests of learning
# compare with closed forms.
MEMBERS = {name.lower() for name in divergences.DIVERGENCES}
NAMES = [n for n in BOUNDS if n not in MEMBERS or n in ("pearson", "le_cam")]
# One bound of each kind: an upper bound, a difference of entropies, a member of the
# f-family. "mine", "info_nce" and "flo" are trained below.
FAST = {"club", "doe_gaussian", "pearson"}
PARTS = (_pairs(), _pairs(key=jax.random.key(1)), _pairs(37, key=jax.random.key(2)))


@pytest.mark.parametrize("bound", [n if n in FAST else slowly(n) for n in NAMES])
def test_every_bound_runs_by_name(bound):
    run = make_run(CRITIC, bound=bound, **SHORT)
    result = jax.jit(run)(KEY, *PARTS)
    chex.assert_tree_all_finite((result.value, result.influence, result.history))
    chex.assert_shape(result.influence[0], (37,))
    chex.assert_shape(result.history, (2,))
    assert result.num_steps == 6
    assert result.best_step == 3 * (1 + int(jnp.argmax(result.history)))
    assert result.num_nonfinite == 0
    # Values are unchanged if all rows weigh twice as much (Euler's theorem).
    psi = np.asarray(result.influence[0], float)
    assert abs(psi.mean()) < 1e-5 * (1 + np.abs(psi).max())
    assert psi.std() > 0


class _LinenCritic(linen.Module):
    @linen.compact
    def __call__(self, x, y):
        return linen.Dense(1)(jnp.concatenate([x, y, x * y], axis=1))[:, 0]


class _NnxCritic(nnx.Module):
    def __init__(self, rngs):
        self.layer = nnx.Linear(6, 1, rngs=rngs)

    def __call__(self, x, y):
        return self.layer(jnp.concatenate([x, y, x * y], axis=1))[:, 0]


CRITICS = {
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


# Score matrices by one kind of critic; the others differ in the same way as for "mine".
MATRIX_CASES = [name if name == "linen" else slowly(name) for name in CRITICS]


def _train(critic, bound):
    run = make_run(
        CRITICS[critic],
        bound=bound,
        num_steps=90,
        eval_every=30,
        batch_size=16,
        optimizer=optax.sgd(0.1),
    )
    return jax.jit(run)(KEY, *PARTS)


def _best_value_of_one_weight():
    """The largest Donsker-Varadhan value of weight * x.y on the test rows."""
    x, y = (np.asarray(rows, float) for rows in PARTS[2])
    products = x @ y.T
    others = products[~np.eye(len(x), dtype=bool)]
    return max(
        weight * np.diagonal(products).mean() - np.log(np.exp(weight * others).mean())
        for weight in np.linspace(0, 1, 101)
    )


def _check_trained(result):
    information = -np.log(1 - 0.8**2)
    error = float(result.influence[0].std() / np.sqrt(37))
    assert result.value > 0.7 * _best_value_of_one_weight()
    assert result.value < information + 2 * error


@pytest.mark.parametrize("critic", CRITICS)
def test_critics_of_any_origin_train(critic):
    _check_trained(_train(critic, "mine"))


@pytest.mark.parametrize("critic", MATRIX_CASES)
def test_critics_of_any_origin_train_on_score_matrices(critic):
    _check_trained(_train(critic, "info_nce"))


AUXILIARIES = {
    "tuba": (lambda key, y: jnp.zeros(()), lambda params, y: params + 0 * y[:, 0]),
    "flo": (lambda key, x, y: jnp.zeros(()), lambda params, x, y: params * x[:, 0]),
    "doe_gaussian": networks.logistic_density(),
}


@pytest.mark.parametrize("bound", [slowly("tuba"), "flo", "doe_gaussian"])
def test_auxiliary_networks_of_the_user_are_trained_with_the_critic(bound):
    run = make_run(
        CRITICS["lambdas"], bound=bound, auxiliary=AUXILIARIES[bound], **SHORT
    )
    jitted = jax.jit(run)
    result, start = (jitted(KEY, *PARTS, learning_rate=rate) for rate in (1e-3, 0.0))
    for trained, initial in zip(result.params, start.params, strict=True):
        pairs = zip(*map(jax.tree.leaves, (trained, initial)), strict=True)
        assert any((a != b).any() for a, b in pairs)
    chex.assert_shape(result.params[0], (2,))
    chex.assert_tree_all_finite((result.value, result.params))


def test_thirty_two_seeds_under_jit_and_vmap_take_one_trace():
    run = make_run(CRITIC, **SHORT)
    traced = jax.jit(
        jax.vmap(
            chex.assert_max_traces(run.__call__, n=1), in_axes=(0, None, None, None)
        )
    )
    for seed in range(2):
        result = traced(jax.random.split(jax.random.key(seed), 32), *PARTS)
        chex.assert_shape(result.value, (32,))


def test_equal_arguments_make_equal_runs():
    assert make_run(CRITIC, **SHORT) == make_run(CRITIC, **SHORT)
    assert hash(make_run(CRITIC, **SHORT)) == hash(make_run(CRITIC, **SHORT))
    by_object = make_run(CRITIC, bound=BOUNDS["mine"], **SHORT)
    assert by_object == make_run(CRITIC, bound="mine", **SHORT)
    others = [
        make_run(CRITIC, **SHORT | {"num_steps": 7}),
        make_run(CRITIC, bound="nwj", **SHORT),
        make_run(networks.joint_critic((9,)), **SHORT),
        make_run(CRITIC, num_negatives=5, **SHORT),
        make_run(CRITIC, optimizer=optax.sgd, **SHORT),
    ]
    assert make_run(CRITIC, **SHORT) not in others


@pytest.mark.slow
def test_equal_runs_are_traced_once():
    calls = []

    def apply(params, x, y):
        calls.append(len(x))
        return params * (x * y).sum(1)

    critic = (lambda key, x, y: jnp.ones(()), apply)
    keys = jax.random.split(KEY, 3)
    sweep(make_run(critic, **SHORT), keys, *PARTS)
    traced = len(calls)
    assert traced > 0
    sweep(make_run(critic, **SHORT), keys[::-1], *PARTS)
    assert len(calls) == traced


def test_a_run_is_legal_under_shard_map_with_the_default_checks():
    run = make_run(PRODUCT_CRITIC, **SHORT)
    keys = jax.random.split(KEY, 4)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("seeds",))
    seeds, whole = jax.P("seeds"), jax.P()

    def over_seeds(keys, *parts):
        return jax.vmap(lambda key: run(key, *parts))(keys)

    sharded = jax.shard_map(
        over_seeds, mesh=mesh, in_specs=(seeds, *[whole] * 3), out_specs=seeds
    )
    chex.assert_trees_all_close(
        jax.device_get(jax.jit(sharded)(keys, *PARTS)),
        jax.device_get(jax.jit(over_seeds)(keys, *PARTS)),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.slow
def test_seed_i_by_map_equals_seed_i_alone_to_the_bit():
    run = make_run(CRITIC, bound="mine", **SHORT | {"num_steps": 60, "eval_every": 20})
    keys = jax.random.split(KEY, 4)
    together = jax.device_get(sweep(run, keys, *PARTS, layout="map"))
    jitted = jax.jit(run)
    for i in range(4):
        alone = jitted(keys[i], *PARTS)
        chex.assert_trees_all_equal(
            jax.tree.map(lambda leaf, i=i: leaf[i], together), alone
        )


OPTIMIZED = """
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
def test_seed_i_by_map_equals_seed_i_alone_in_fully_optimized_programs():
    """With the flags of users, where only the influence may round differently."""
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    subprocess.run([sys.executable, "-c", OPTIMIZED], env=environment, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["mine", "info_nce"])
def test_seed_i_by_vmap_equals_seed_i_alone_in_float64_after_300_steps(bound):
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
            # Parameters are left out: the gradient of a score's constant is rounding
            # error, which Adam scales up; the log normalizer cancels the constant.
            chex.assert_trees_all_close(
                *[r._replace(params=(), log_normalizer=()) for r in (one, alone)],
                rtol=1e-10,
                atol=1e-10,
            )


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["vmap", "mesh"])
def test_seed_i_by_vmap_equals_seed_i_alone_in_float32_after_5_steps(layout):
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


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["vmap", "map", "mesh"])
def test_a_nan_in_one_seed_leaves_the_bits_of_the_others_unchanged(layout):
    run = make_run(CRITIC, **SHORT | {"num_steps": 30}, patience=9)
    rates = np.full(4, 1e-2)
    sound, spoilt = (
        jax.device_get(
            sweep(run, KEY[None], *PARTS, settings={"learning_rate": r}, layout=layout)
        )
        for r in (rates, np.where(np.arange(4) == 1, np.nan, rates))
    )
    others = np.array([0, 2, 3])
    chex.assert_trees_all_equal(
        *[jax.tree.map(lambda leaf: leaf[others], r) for r in (sound, spoilt)]
    )
    assert spoilt.num_nonfinite[1, 0] == spoilt.num_steps[1, 0]
    assert (spoilt.num_nonfinite[others] == 0).all()


def test_an_update_with_a_nan_is_skipped_and_the_seed_continues():
    def apply(params, x, y):
        scores = params * (x * y).sum(1)
        # Only the row planted below reaches 50.
        return jnp.where((x[:, 0] > 50).any(), jnp.nan, 1.0) * scores

    x, y = PARTS[0]
    parts = ((x.at[0, 0].set(99.0), y), *PARTS[1:])
    run = make_run((init_weight, apply), **SHORT | {"num_steps": 60})
    result = jax.jit(run)(KEY, *parts)
    # A row is in a batch of 16 of 60 with probability 16 / 60.
    assert 4 < result.num_nonfinite < 32
    assert result.params > 0
    assert jnp.isfinite(result.value)


@pytest.mark.slow
def test_settings_reach_the_bound_and_the_optimizer_without_a_new_trace():
    run = make_run(CRITIC, bound="smile", **SHORT)
    traced = chex.assert_max_traces(run.__call__, n=1)
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
    best = int(jnp.nanargmax(result.history))
    assert result.best_step == 3 * (best + 1)
    # The same updates, ended there, leave the same parameters.
    steps = {"num_steps": int(result.best_step), "eval_every": 3}
    ended = make_run(CRITIC, bound="donsker_varadhan", **SHORT | steps)
    chex.assert_trees_all_close(
        result.params, jax.jit(ended)(KEY, *PARTS).params, rtol=1e-6
    )


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


@pytest.mark.slow
@pytest.mark.parametrize("bound", INFLUENCES)
def test_influence_is_the_derivative_in_the_weight_of_a_row(bound):
    """Against finite differences, with all test rows in one block."""
    with jax.enable_x64(True):
        parts = [_pairs(12, key=jax.random.key(i), dtype=jnp.float64) for i in range(3)]
        run = jax.jit(make_run(CRITIC, bound=bound, num_steps=2, batch_size=12))
        result = run(KEY, *parts)
        x, y = parts[2]
        chosen = information_bound(bound)
        settings = {s.name: s.default for s in chosen.settings}
        params, auxiliary = result.params, ()
        if chosen.auxiliary is not None:
            params, auxiliary_params = result.params
            inputs = (y,) if chosen.auxiliary_inputs == "y" else (x, y)
            auxiliary = (chosen.auxiliary().apply(auxiliary_params, *inputs),)
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
            gradient = (value(ones + step) - value(ones - step)) / 2e-5
            np.testing.assert_allclose(
                result.influence[0][i], 12 * gradient, rtol=1e-5, atol=1e-8
            )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bound": "infonce"}, "unknown bound 'infonce'.*info_nce"),
        ({"bound": "PEARSON"}, "unknown bound 'PEARSON'; did you mean 'pearson'"),
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
        ({"num_steps": 0}, "num_steps must be a positive whole number"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"eval_every": 0}, "eval_every must be a positive whole number"),
        ({"patience": 0}, "patience must be a positive whole number"),
        ({"num_negatives": 0}, "num_negatives"),
        ({"ema_decay": 1.0}, r"ema_decay must lie in \(0.0, 1.0\)"),
        ({"critic": 3}, "critic.*init, apply"),
    ],
)
def test_bad_arguments_are_named(changes, message):
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
def test_a_critic_of_the_wrong_shape_gets_an_error_with_the_right_one(apply, message):
    run = make_run((lambda key, x, y: jnp.ones(()), apply))
    with pytest.raises(ValueError, match=message):
        jax.jit(run)(KEY, *PARTS)


def test_an_auxiliary_network_of_the_wrong_shape_gets_an_error():
    auxiliary = (lambda key, y: jnp.ones(()), lambda params, y: y)
    run = make_run(CRITIC, bound="tuba", auxiliary=auxiliary)
    with pytest.raises(ValueError, match=r"auxiliary must return.*\(60, 2\)"):
        jax.jit(run)(KEY, *PARTS)


def test_data_and_settings_that_do_not_fit_are_named():
    x, y = PARTS[0]
    with pytest.raises(ValueError, match="batch_size must be at most the 60"):
        make_run(CRITIC, batch_size=61)(KEY, *PARTS)
    with pytest.raises(ValueError, match="train must be a pair"):
        make_run(CRITIC)(KEY, (x, y[:5]), *PARTS[1:])
    with pytest.raises(ValueError, match="test must have at least 2 rows, got 1"):
        make_run(CRITIC)(KEY, *PARTS[:2], (x[:1], y[:1]))
    with pytest.raises(ValueError, match="unknown settings \\['clip'\\]"):
        make_run(CRITIC, optimizer=optax.adam(1e-3))(KEY, *PARTS, clip=3.0)
    with pytest.raises(ValueError, match="bound 'mine' has the settings: decay"):
        make_run(CRITIC)(KEY, *PARTS, clip=3.0)
    with pytest.raises(ValueError, match="learning_rate must be a number, got a fun"):
        make_run(CRITIC)(KEY, *PARTS, learning_rate=optax.constant_schedule(0.1))
