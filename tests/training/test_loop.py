"""The loop keeps the best state, stops early, skips what is not finite, and counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training import guard, sample_rows, train
from jaxinfo.training.loop import num_validations

KEY = jax.random.key(0)


def _count_up(**changes):
    """A run whose state counts updates and validates best at 30 of them."""
    arguments = {
        "draw": lambda key: (),
        "step": lambda state, draws: (state + 1, ()),
        "validate": lambda state: -jnp.abs(state - 30),
        "num_steps": 100,
        "eval_every": 10,
    } | changes
    return train(KEY, jnp.zeros(()), **arguments)


def test_the_best_state_is_kept_and_not_the_last():
    result = _count_up()
    assert result.state == 30
    assert result.best_step == 30
    assert result.best_value == 0
    assert result.num_steps == 100
    np.testing.assert_array_equal(
        result.history, -np.abs(np.arange(10, 101, 10) - 30.0)
    )


def test_patience_saves_the_work_that_is_left():
    result = _count_up(patience=20)
    assert result.num_steps == 50
    assert jnp.isnan(result.history[5:]).all()
    assert result.state == 30


def test_steps_past_the_end_of_the_last_block_are_not_taken():
    result = _count_up(num_steps=25, validate=lambda state: state)
    assert result.state == 25
    assert result.best_step == 25
    assert result.num_steps == 25
    assert result.num_nonfinite == 0
    assert len(result.history) == num_validations(25, 10) == 3


def test_update_i_draws_the_same_numbers_whatever_the_cadence():
    def collect(eval_every):
        return train(
            KEY,
            jnp.zeros(()),
            draw=jax.random.normal,
            step=lambda state, draws: (state + draws, ()),
            validate=lambda state: jnp.zeros(()),
            num_steps=12,
            eval_every=eval_every,
        )

    # Every validation is 0, so the first is the best: compare the states after 12.
    np.testing.assert_allclose(collect(12).state, jnp.sum(_draws(12)), rtol=1e-5)
    np.testing.assert_allclose(collect(4).state, jnp.sum(_draws(4)), rtol=1e-5)


def _draws(count):
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(count))
    return jax.vmap(jax.random.normal)(keys)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_step_that_is_not_finite_is_skipped_and_counted(bad):
    def step(state, draws):
        gradient = jnp.where(state["tried"] == 5, bad, 1.0)
        return state | {"sum": state["sum"] + gradient}, ()

    guarded = guard(step)
    state = {"sum": jnp.zeros(()), "tried": jnp.int32(5)}
    kept, finite = guarded(state, ())
    assert not finite
    assert kept == state
    moved, finite = guarded(state | {"tried": jnp.int32(4)}, ())
    assert finite
    assert moved["sum"] == 1


def test_a_gradient_that_is_not_finite_is_caught_where_the_state_hides_it():
    guarded = guard(
        lambda state, draws: (jnp.clip(state + 1, 0, 1), (jnp.array(jnp.inf),))
    )
    kept, finite = guarded(jnp.zeros(()), ())
    assert not finite
    assert kept == 0


def test_skipped_steps_are_counted_over_the_run():
    def step(state, draws):
        return state + jnp.where(draws > 0.5, jnp.nan, 1.0), ()

    result = _count_up(step=step, draw=jax.random.uniform, validate=lambda state: state)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(100))
    expected = (jax.vmap(jax.random.uniform)(keys) > 0.5).sum()
    assert 0 < expected < 100
    assert result.num_nonfinite == expected
    assert result.state == 100 - expected


def test_a_validation_that_is_nan_is_never_the_best():
    result = _count_up(validate=lambda state: jnp.where(state > 20, jnp.nan, state))
    assert result.state == 20
    assert jnp.isnan(result.history[2:]).all()


def test_a_run_without_a_finite_validation_keeps_its_start():
    result = _count_up(validate=lambda state: jnp.full((), jnp.nan))
    assert result.state == 0
    assert result.best_value == -jnp.inf


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


@pytest.mark.parametrize(
    "changes", [{"num_steps": 0}, {"eval_every": -1}, {"patience": 0}], ids=str
)
def test_counts_must_be_positive(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        _count_up(**changes)
