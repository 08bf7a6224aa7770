"""Representations show functions by name and leave defaults out."""

import dataclasses
from typing import Any, NamedTuple

import jax

from jaxinfo import networks
from jaxinfo.core.display import short_repr
from jaxinfo.estimation import CrossFitted, TrainConfig, Variational


class Pair(NamedTuple):
    function: Any
    size: int = 3
    __repr__ = short_repr


def test_functions_have_names_and_defaults_are_left_out():
    assert repr(Pair(jax.nn.relu)) == "Pair(function=relu)"
    assert repr(Pair(len, 4)) == "Pair(function=len, size=4)"


def test_estimators_print_what_differs_from_the_default():
    assert repr(CrossFitted()) == "CrossFitted()"
    changed = dataclasses.replace(CrossFitted(), num_folds=2)
    assert repr(changed) == "CrossFitted(num_folds=2)"
    quick = Variational(
        "nwj", critic=networks.joint_critic((4,)), train=TrainConfig(num_steps=9)
    )
    assert " at 0x" not in repr(quick)
    assert "num_steps=9" in repr(quick)
