"""The settings of training: a frozen value with checked fields."""

import dataclasses
import pickle

import numpy as np
import pytest

from jaxinfo.estimation import TrainConfig


def test_a_config_is_a_hashable_value():
    config = TrainConfig(num_steps=500)
    assert config == TrainConfig(num_steps=500)
    assert hash(config) == hash(TrainConfig(num_steps=500))
    assert dataclasses.replace(config, num_steps=2_000) == TrainConfig()
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.num_steps = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_counts_may_be_numpy_integers_and_limits_may_be_missing():
    assert TrainConfig(num_steps=np.int64(5)) == TrainConfig(num_steps=5)
    config = TrainConfig(batch_size=None, patience=None)
    assert config.batch_size is config.patience is None


@pytest.mark.parametrize(
    "name", ["num_seeds", "num_steps", "batch_size", "eval_every", "patience"]
)
@pytest.mark.parametrize("value", [0, -1, 2.5, 3.0, True])
def test_counts_are_positive_whole_numbers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive whole number"):
        TrainConfig(**{name: value})


def test_a_batch_has_at_least_two_rows():
    with pytest.raises(ValueError, match="batch_size must be at least 2, got 1"):
        TrainConfig(batch_size=1)


def test_unknown_layouts_and_fields_are_named():
    with pytest.raises(ValueError, match="unknown layout 'pmap'; did you mean 'map'"):
        TrainConfig(layout="pmap")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="cadence"):
        TrainConfig(cadence=3)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("changes", "on_a_terminal", "shows"),
    [
        ({}, True, False),
        ({"num_steps": 100_000}, True, True),
        ({"num_steps": 100_000}, False, False),
        ({"progress": True}, False, True),
        ({"num_steps": 100_000, "progress": False}, True, False),
    ],
)
def test_long_runs_on_a_terminal_show_a_progress_bar(
    monkeypatch, changes, on_a_terminal, shows
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: on_a_terminal)
    assert TrainConfig(**changes).shows_progress == shows
