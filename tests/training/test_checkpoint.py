"""Checkpoints on disk: what was saved comes back, or an error says why not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxinfo.training import read_info, restore_checkpoint, save_checkpoint

TREE = {"w": jnp.arange(6.0).reshape(3, 2), "count": jnp.array(4), "none": None}


def test_what_was_saved_comes_back(tmp_path):
    save_checkpoint(tmp_path / "run", TREE, step=3, info={"widths": [64, 64]})
    found = restore_checkpoint(tmp_path / "run", TREE)
    np.testing.assert_array_equal(found["w"], TREE["w"])
    assert found["count"] == 4
    assert found["none"] is None
    assert read_info(tmp_path / "run") == {"widths": [64, 64]}


def test_the_latest_is_read_and_few_are_kept(tmp_path):
    for step in range(1, 5):
        save_checkpoint(tmp_path, {"w": jnp.full(2, float(step))}, step=step)
    assert restore_checkpoint(tmp_path, {"w": jnp.zeros(2)})["w"][0] == 4
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit()) == ["3", "4"]


def test_arrays_come_to_where_they_are_wanted(tmp_path):
    first, second = jax.devices()[:2]
    save_checkpoint(tmp_path, jax.device_put({"w": jnp.ones(2)}, second), step=1)
    shapes = {"w": jax.ShapeDtypeStruct((2,), jnp.float32)}
    assert restore_checkpoint(tmp_path, shapes)["w"].devices() == {first}
    placed = jax.device_put({"w": jnp.zeros(2)}, second)
    assert restore_checkpoint(tmp_path, placed)["w"].devices() == {second}


def test_numbers_of_python_and_numpy_come_back(tmp_path):
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
    with pytest.raises(ValueError, match=r"'count'.* wanted none"):
        restore_checkpoint(tmp_path, {"w": TREE["w"]})
