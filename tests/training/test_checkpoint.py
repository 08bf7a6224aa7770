"""Checkpoints on disk: saving, restoring, and trainings that continue from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training import (
    read_info,
    restore_checkpoint,
    save_checkpoint,
    train_in_chunks,
)

TREE = {"w": jnp.arange(6.0).reshape(3, 2), "count": jnp.array(4), "none": None}


def test_a_saved_tree_is_restored(tmp_path):
    save_checkpoint(tmp_path / "run", TREE, step=3, info={"widths": [64, 64]})
    found = restore_checkpoint(tmp_path / "run", TREE)
    np.testing.assert_array_equal(found["w"], TREE["w"])
    assert found["count"] == 4
    assert found["none"] is None
    assert read_info(tmp_path / "run") == {"widths": [64, 64]}


def test_the_latest_is_restored_and_few_are_kept(tmp_path):
    for step in range(1, 5):
        save_checkpoint(tmp_path, {"w": jnp.full(2, float(step))}, step=step)
    assert restore_checkpoint(tmp_path, {"w": jnp.zeros(2)})["w"][0] == 4
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit()) == ["3", "4"]


def test_arrays_are_placed_on_the_devices_of_the_example(tmp_path):
    first, second = jax.devices()[:2]
    save_checkpoint(tmp_path, jax.device_put({"w": jnp.ones(2)}, second), step=1)
    shapes = {"w": jax.ShapeDtypeStruct((2,), jnp.float32)}
    assert restore_checkpoint(tmp_path, shapes)["w"].devices() == {first}
    placed = jax.device_put({"w": jnp.zeros(2)}, second)
    assert restore_checkpoint(tmp_path, placed)["w"].devices() == {second}


def test_numbers_of_python_and_numpy_are_restored(tmp_path):
    tree = {"rate": 0.5, "w": np.ones(2, np.float32)}
    save_checkpoint(tmp_path, tree, step=1)
    found = restore_checkpoint(tmp_path, tree)
    assert found["rate"] == 0.5
    np.testing.assert_array_equal(found["w"], tree["w"])


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="nothing holds no checkpoint"):
        restore_checkpoint(tmp_path / "nothing", TREE)
    with pytest.raises(ValueError, match="holds no checkpoint"):
        read_info(tmp_path)
    assert not list(tmp_path.iterdir())
    save_checkpoint(tmp_path, TREE, step=3)
    with pytest.raises(ValueError, match=r"holds step 3 already.*step 3"):
        save_checkpoint(tmp_path, TREE, step=3)
    with pytest.raises(ValueError, match=r"'w'.* is float32\[3, 2\].*\[4, 2\]"):
        restore_checkpoint(tmp_path, TREE | {"w": jnp.zeros((4, 2))})
    with pytest.raises(ValueError, match=r"'more'.* is missing"):
        restore_checkpoint(tmp_path, TREE | {"more": jnp.zeros(2)})
    with pytest.raises(ValueError, match=r"'count'.* expected none"):
        restore_checkpoint(tmp_path, {"w": TREE["w"]})


START = {"w": jnp.array(1.0)}


def _double(state):
    return {"w": 2 * state["w"]}


CHUNKS = {
    "num_chunks": 3,
    "chunk_size": 10,
    "report": lambda state: float(state["w"]),
    "config": {"rate": 2},
}


def test_a_training_in_chunks_reports_and_saves_each(tmp_path):
    run = train_in_chunks(tmp_path, _double, START, **CHUNKS)
    assert run.state["w"] == 8
    assert run.reports == [1, 2, 4, 8]
    assert len(run.seconds) == 3
    assert [p.name for p in tmp_path.iterdir() if p.name.isdigit()] == ["30"]


def test_a_training_in_chunks_continues_from_the_latest(tmp_path):
    calls = []

    def fail_in_the_second_chunk(state):
        calls.append(state)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return _double(state)

    with pytest.raises(KeyboardInterrupt):
        train_in_chunks(tmp_path, fail_in_the_second_chunk, START, **CHUNKS)
    run = train_in_chunks(tmp_path, _double, START, **CHUNKS)
    assert run.state["w"] == 8
    assert run.reports == [1, 2, 4, 8]
    assert len(run.seconds) == 2
    again = train_in_chunks(tmp_path, fail_in_the_second_chunk, run.state, **CHUNKS)
    assert again.state["w"] == 8
    assert (again.reports, again.seconds) == ([1, 2, 4, 8], [])


def test_chunks_of_another_training_are_refused(tmp_path):
    train_in_chunks(tmp_path, _double, START, **CHUNKS)
    with pytest.raises(ValueError, match=r"with \{'rate': 2\}.*\{'rate': 3\}"):
        train_in_chunks(tmp_path, _double, START, **(CHUNKS | {"config": {"rate": 3}}))
    with pytest.raises(ValueError, match="num_chunks must be a positive"):
        train_in_chunks(tmp_path, _double, START, num_chunks=0, chunk_size=1)
