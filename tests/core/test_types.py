"""Networks from pairs of functions, and errors that name the adapter of a module."""

import typing

import jax.numpy as jnp
import pytest
from flax import linen, nnx

from jaxinfo import core
from jaxinfo.core.types import Critic, Network, as_network, with_statistics


class LinenDense(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(1)(x)


class NnxDense(nnx.Module):
    def __init__(self, rngs):
        self.dense = nnx.Linear(2, 1, rngs=rngs)


def _init(key, x):
    return ()


def _apply(params, x):
    return x


def test_package_exports_what_annotations_use():
    names = ["Array", "Bool", "Critic", "Float", "Int", "Key", "Network", "PyTree"]
    assert {*names} <= {*core.__all__}
    assert core.Network is Network
    # A mask, weights or None.
    assert len(typing.get_args(core.Where)) == 3
    assert type(None) in typing.get_args(core.Where)


def test_network_is_returned_and_a_pair_is_converted():
    network = Network(_init, _apply, _apply)
    assert as_network(network, name="encoder") is network
    assert as_network((_init, _apply), name="encoder") == Network(_init, _apply)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (LinenDense(), r"LinenDense, a Flax Linen.*networks\.from_linen\(module\)"),
        (LinenDense, r"class LinenDense.*from_linen\(LinenDense\(\.\.\.\)\)"),
        (linen.Dense(1), r"Dense, a Flax Linen.*from_linen\(module\)"),
        (NnxDense(nnx.Rngs(0)), r"NnxDense, a Flax NNX.*from_nnx\(lambda rngs: NnxD"),
        (NnxDense, r"class NnxDense, a Flax NNX.*from_nnx a class that takes only"),
        (
            _apply,
            r"pair of functions \(init, apply\), got the function _apply; call it",
        ),
        ((_init,), r"pair of functions \(init, apply\), got tuple$"),
        (Critic(_init, _apply), "got Critic$"),
        (int, "got the class int$"),
    ],
)
def test_error_names_the_argument_and_the_way_out(network, message):
    with pytest.raises(ValueError, match=f"^encoder must be a Network.*{message}"):
        as_network(network, name="encoder")


def test_with_statistics_replaces_entries_of_params():
    params = {"params": 1, "batch_stats": 2}
    assert with_statistics(params, {"batch_stats": 3}) == params | {"batch_stats": 3}
    assert with_statistics(jnp.pi, ()) == jnp.pi
