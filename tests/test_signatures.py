"""Signatures and representations of all public objects are readable."""

import importlib
import inspect
import re

import flax.nnx
import jax
import optax
import pytest

from jaxinfo import adversarial, estimation, infomax, networks, tasks, training
from tests.test_protocols import PACKAGES

ADAM = optax.adam(1e-3)
CRITIC, NETWORK = networks.joint_critic((4,)), networks.mlp((4,), 2)
PUBLIC = [
    pytest.param(getattr(module, name), id=f"{package}.{name}")
    for package in PACKAGES
    for module in [importlib.import_module(f"jaxinfo.{package}")]
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
    or inspect.isclass(getattr(module, name))
]


def _is_named_function(value):
    """Whether a default is a public function, whose name tells what it does."""
    name = getattr(value, "__name__", "<lambda>")
    is_function = inspect.isroutine(value) or isinstance(
        value, jax.custom_jvp | jax.stages.Wrapped
    )
    return is_function and not name.startswith(("<", "_"))


@pytest.mark.parametrize("public", PUBLIC)
def test_defaults_are_readable(public):
    parameters = inspect.signature(public).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    unreadable = {
        name: repr(default)
        for name, default in defaults.items()
        if not _is_named_function(default)
        and re.search(r" at 0x|functools|<function", repr(default))
    }
    assert not unreadable


VALUES = {
    "variational": estimation.Variational("nwj", critic=CRITIC),
    "divergence": estimation.VariationalDivergence(),
    "cross_fitted": estimation.CrossFitted(),
    **{
        name: estimation.find_estimator(name)
        for name in ("ksg1", "mixed_ksg", "gaussian", "gaussian_copula", "plug_in")
    },
    "train": estimation.TrainConfig(),
    "run": estimation.make_run(CRITIC),
    "divergence_run": estimation.make_divergence_run(networks.discriminator((4,))),
    "bound": estimation.BOUNDS["mine"],
    "critic": CRITIC,
    "network": NETWORK,
    "nnx": networks.from_nnx(lambda rngs: flax.nnx.Linear(2, 1, rngs=rngs)),
    "objective": adversarial.OBJECTIVES["hinge"],
    "solver": adversarial.lookahead(),
    "penalty": adversarial.dragan(0.1),
    "gan": adversarial.make_gan(
        networks.generator((4,), (2,)),
        networks.discriminator((4,)),
        "hinge",
        generator_optimizer=ADAM,
        discriminator_optimizer=ADAM,
        noise_size=2,
    ),
    "deep_infomax": infomax.make_deep_infomax(
        NETWORK,
        terms=[infomax.GlobalTerm(CRITIC), infomax.CoordinateTerm(NETWORK)],
        optimizer=ADAM,
    ),
    "gradient_descent": training.make_gradient_descent(lambda key: {}, min, ADAM),
    "task": tasks.normal(0.5),
    "map": tasks.WIGGLY_X,
}


@pytest.mark.parametrize("name", VALUES)
def test_representations_are_short(name):
    text = repr(VALUES[name])
    assert len(text) < 250
    assert " at 0x" not in text
    assert "\n" not in text


def test_a_representation_shows_what_was_chosen():
    estimator = estimation.Variational(
        "smile", critic=CRITIC, settings={"clip": 1.0}, train=estimation.TrainConfig(2)
    )
    assert repr(estimator).startswith(
        "Variational(bound='smile', critic=Critic(Joint(hidden_sizes=(4,), "
        "activation=relu)), settings=(('clip', 1.0),), train=TrainConfig(num_seeds=2,"
    )
