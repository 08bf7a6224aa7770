"""The loop: best state, early stop, history, continued trainings, seeds under vmap."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training import make_row_sampler, sample_rows, train

KEY = jax.random.key(0)


class Info(NamedTuple):
    value: jax.Array
    count: jax.Array
    is_large: jax.Array


def _count(key, state, batch):
    """A step whose state is the number of updates."""
    del key, batch
    return state + 1, Info(state, jnp.int32(1), state > 12)


def _train(**changes):
    """A training whose state counts updates and evaluates best at 30 of them."""
    arguments = {
        "step": _count,
        "evaluate": lambda state: -jnp.abs(state - 30),
        "num_steps": 100,
        "eval_every": 10,
    } | changes
    return train(KEY, jnp.zeros(()), **arguments)


# Evaluation -----------------------------------------------------------------------


def test_the_best_state_is_returned_and_not_the_last():
    result = _train()
    assert result.state == 30
    assert result.best_step == 30
    assert result.best_value == 0
    assert result.num_steps == 100
    np.testing.assert_array_equal(
        result.evaluations, -np.abs(np.arange(10, 101, 10) - 30.0)
    )


def test_without_evaluation_the_last_state_is_returned():
    result = _train(evaluate=None)
    assert result.state == 100
    assert result.evaluations is None
    assert result.best_value is None
    assert result.best_step is None


def test_patience_skips_the_remaining_updates():
    result = _train(patience=20)
    assert result.num_steps == 50
    assert jnp.isnan(result.evaluations[5:]).all()
    assert jnp.isnan(result.history.value[5:]).all()
    np.testing.assert_array_equal(result.history.count, [10] * 5 + [0] * 5)
    assert result.state == 30


@pytest.mark.parametrize(("keep_initial", "best"), [(True, 0), (False, 10)])
def test_the_initial_state_is_kept_if_asked_and_better(keep_initial, best):
    result = _train(evaluate=lambda state: -state, keep_initial=keep_initial)
    assert result.state == result.best_step == best
    assert result.best_value == -best


def test_a_nan_evaluation_is_never_the_best():
    result = _train(evaluate=lambda state: jnp.where(state > 20, jnp.nan, state))
    assert result.state == 20
    assert jnp.isnan(result.evaluations[2:]).all()


def test_without_a_finite_evaluation_the_initial_state_is_returned():
    result = _train(evaluate=lambda state: jnp.full((), jnp.nan))
    assert result.state == 0
    assert result.best_value == -jnp.inf


# Monitoring a metric --------------------------------------------------------------

# Losses of a training that stalls twice, the second time for good.
LOSSES = jnp.array([5.0, 4, 6, 6, 3, 7, 7, 7, 1, 1])


def _train_by_loss(losses=LOSSES, **settings):
    def step(key, state, batch):
        del key, batch
        return state + 1, losses[state]

    arguments = {"num_steps": 10, "eval_every": 1} | settings
    return jax.jit(
        lambda key: train(
            key, jnp.zeros((), int), step=step, monitor=lambda x: -x, **arguments
        )
    )(KEY)


@pytest.mark.parametrize(
    ("patience", "best", "steps"), [(1, 1, 3), (2, 1, 4), (3, 4, 8), (4, 8, 10)]
)
def test_monitor_keeps_the_state_before_the_update_with_the_best_metric(
    patience, best, steps
):
    result = _train_by_loss(patience=patience)
    assert (result.best_step, result.num_steps) == (best, steps)
    assert result.state == best
    np.testing.assert_array_equal(result.history[:steps], LOSSES[:steps])
    assert np.isnan(result.history[steps:]).all()


def test_monitor_stops_at_num_steps():
    result = _train_by_loss(patience=5, num_steps=3)
    assert (result.best_step, result.num_steps) == (1, 3)


def test_a_nan_metric_is_never_the_best():
    losses = jnp.array([3.0, jnp.nan, jnp.nan, jnp.nan])
    result = _train_by_loss(losses, patience=2, num_steps=4)
    assert (result.state, result.num_steps) == (0, 3)


def test_smoothing_compares_the_running_mean_of_finite_values():
    patience = 1  # Without smoothing, the training would end after three updates.
    losses = np.array([5, 4, 4.5, 3.5, np.nan, 3, 6, 2, 7, 7], np.float32)
    result = _train_by_loss(jnp.asarray(losses), patience=patience, smoothing=0.75)
    means, mean = [], losses[0]
    for loss in losses:
        mean = mean if np.isnan(loss) else 0.75 * mean + 0.25 * loss
        means.append(mean)
    lowest, num_steps = 0, 0
    while num_steps < len(means) and num_steps - lowest <= patience:
        lowest = num_steps if means[num_steps] < means[lowest] else lowest
        num_steps += 1
    assert (result.state, result.best_step, result.num_steps) == (
        lowest,
        lowest,
        num_steps,
    )
    np.testing.assert_allclose(result.best_value, -means[lowest], rtol=1e-6)


@pytest.mark.parametrize("layout", ["vmap", "map"])
def test_seeds_stop_independently(layout):
    def step(key, state, batch):
        del batch
        move = jnp.sign(state - 3) + 0.3 * jax.random.normal(key)
        return state - move, jnp.abs(state - 3)

    def run(key):
        start_key, train_key = jax.random.split(key)
        return train(
            train_key,
            10 * jax.random.uniform(start_key),
            step=step,
            monitor=lambda loss: -loss,
            num_steps=40,
            eval_every=1,
            patience=3,
        )

    keys = jax.random.split(jax.random.key(0), 4)
    together = {
        "vmap": jax.jit(jax.vmap(run)),
        "map": jax.jit(lambda keys: jax.lax.map(run, keys)),
    }[layout](keys)
    alone = [jax.jit(run)(key) for key in keys]
    assert len(set(together.num_steps.tolist())) > 1
    for i, one in enumerate(alone):
        assert together.num_steps[i] == one.num_steps
        np.testing.assert_allclose(together.state[i], one.state, rtol=1e-5)


# Blocks ---------------------------------------------------------------------------


def test_history_has_means_of_floats_sums_of_integers_and_any_of_booleans():
    history = _train(evaluate=None, num_steps=30).history
    np.testing.assert_allclose(history.value, [4.5, 14.5, 24.5])
    np.testing.assert_array_equal(history.count, [10, 10, 10])
    np.testing.assert_array_equal(history.is_large, [False, True, True])


def test_the_last_block_may_be_shorter():
    result = _train(num_steps=25, evaluate=lambda state: state)
    assert result.state == result.best_step == result.num_steps == 25
    np.testing.assert_allclose(result.history.value, [4.5, 14.5, 22])
    np.testing.assert_array_equal(result.history.count, [10, 10, 5])


def test_a_block_is_at_most_the_whole_training():
    result = _train(num_steps=4, eval_every=10)
    assert result.num_steps == 4
    assert result.history.value.shape == (1,)


def test_observations_are_stacked():
    observed = _train(observe=lambda state: {"square": state**2}, num_steps=30).observed
    np.testing.assert_array_equal(observed["square"], [100, 400, 900])


# Random numbers -------------------------------------------------------------------


def _add_noise(key, state, batch):
    return state + batch + jax.random.normal(key), ()


def _sample_noise(key):
    batch_key, step_key = jax.random.split(key)
    return step_key, jax.random.normal(batch_key)


@pytest.mark.parametrize("eval_every", [1, 4, 5, 12])
def test_update_i_draws_the_same_numbers_for_every_block_size(eval_every):
    result = train(
        KEY,
        jnp.zeros(()),
        sample_batch=_sample_noise,
        step=_add_noise,
        num_steps=12,
        eval_every=eval_every,
    )
    total = 0.0
    for index in range(12):
        batch_key, step_key = jax.random.split(jax.random.fold_in(KEY, index))
        total += jax.random.normal(batch_key) + jax.random.normal(step_key)
    np.testing.assert_allclose(result.state, total, rtol=1e-5)


def test_a_continued_training_is_the_unbroken_one():
    settings = {"sample_batch": _sample_noise, "step": _add_noise, "eval_every": 3}
    whole = train(KEY, jnp.zeros(()), num_steps=12, **settings).state
    half = train(KEY, jnp.zeros(()), num_steps=6, **settings).state
    assert train(KEY, half, num_steps=6, first_step=6, **settings).state == whole


def test_without_a_batch_the_step_gets_the_whole_key():
    def step(key, state, batch):
        assert batch is None
        return state, jax.random.normal(key)

    found = train(KEY, (), step=step, num_steps=3, eval_every=1).history
    expected = [jax.random.normal(jax.random.fold_in(KEY, i)) for i in range(3)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("num_rows", "batch_size"), [(10, 10), (11, 5), (100, 7)])
def test_sampled_rows_are_distinct_and_in_range(num_rows, batch_size):
    draw = jax.jit(jax.vmap(lambda key: sample_rows(key, num_rows, batch_size)))
    for rows in np.asarray(draw(jax.random.split(KEY, 30))):
        assert len(set(rows.tolist())) == batch_size
        assert ((rows >= 0) & (rows < num_rows)).all()


def test_every_row_is_equally_likely():
    num_rows, batch_size, repeats = 11, 3, 20_000
    keys = jax.random.split(KEY, repeats)
    rows = jax.vmap(lambda key: sample_rows(key, num_rows, batch_size))(keys)
    counts = np.bincount(rows.ravel(), minlength=num_rows)
    expected = repeats * batch_size / num_rows
    # Five standard deviations of a binomial count.
    assert abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_the_row_sampler_splits_its_key():
    step_key, rows = make_row_sampler(100, 7)(KEY)
    batch_key, expected_key = jax.random.split(KEY)
    assert step_key == expected_key
    np.testing.assert_array_equal(rows, sample_rows(batch_key, 100, 7))


# Bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_steps": 0}, "num_steps must be a positive"),
        ({"eval_every": -1}, "eval_every must be a positive"),
        ({"patience": 0}, "patience must be a positive"),
        ({"smoothing": 1.0}, r"smoothing must lie in \[0, 1\), got 1"),
        ({"monitor": lambda info: info.value}, "evaluate and monitor"),
        (
            {"monitor": lambda info: info.value, "evaluate": None},
            "eval_every must be 1 with monitor, got 10",
        ),
        ({"evaluate": None, "patience": 3}, "patience requires evaluate or monitor"),
        ({"evaluate": None, "smoothing": 0.5}, "smoothing requires"),
        ({"evaluate": None, "report_progress": True}, "report_progress requires"),
        ({"evaluate": None, "keep_initial": True}, "keep_initial requires evaluate"),
    ],
    ids=range(10),
)
def test_bad_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        _train(**changes)


@pytest.mark.parametrize("batch_size", [0, 6])
def test_a_batch_has_at_least_one_and_at_most_all_rows(batch_size):
    with pytest.raises(ValueError, match="batch_size must be"):
        sample_rows(KEY, 5, batch_size)
