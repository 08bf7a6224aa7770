"""Errors say what was given and what to write instead."""

import flax.linen
import flax.nnx
import jax
import numpy as np
import optax
import pytest

import jaxinfo
from jaxinfo import adversarial, estimation, infomax, networks, training
from jaxinfo.estimation import (
    KSG,
    CrossFitted,
    TrainConfig,
    Variational,
    VariationalDivergence,
)
from tests.infomax import small_encoder

KEY, LEGACY = jax.random.key(0), jax.random.PRNGKey(0)
X = np.random.default_rng(0).normal(size=(60, 2))
LABELED = infomax.LabeledData(X, np.arange(60) % 2)
IMAGES = infomax.RepresentedImages(X[:4], np.zeros((4, 8, 8, 1), np.float32))
CRITIC = networks.joint_critic((4,))
GENERATOR = networks.generator((4,), (2,))
DISCRIMINATOR = networks.discriminator((4,))
ADAM = optax.adam(1e-3)
TERM = infomax.LocalTerm(CRITIC)


class Linen(flax.linen.Module):
    """A raw Linen module."""

    @flax.linen.compact
    def __call__(self, x, y=None):
        return flax.linen.Dense(1)(x)[:, 0]


class Nnx(flax.nnx.Module):
    """A raw NNX module."""

    def __init__(self, rngs):
        self.dense = flax.nnx.Linear(2, 1, rngs=rngs)


LINEN, NNX = Linen(), Nnx(flax.nnx.Rngs(0))
FROM_LINEN, FROM_NNX = r"from_linen\(module\)", r"from_nnx\(lambda rngs: Nnx\("


def _mi(key=KEY, x=X, **settings):
    return jaxinfo.estimate_mutual_information(key, x, X, **settings)


def _divergence(key=KEY, x=X, **settings):
    return jaxinfo.estimate_divergence(key, x, X, **settings)


def _conditional(key=KEY, x=X, **settings):
    return jaxinfo.estimate_conditional_mutual_information(key, x, X, X, **settings)


def _gan(generator=GENERATOR, discriminator=DISCRIMINATOR, objective="hinge", **given):
    settings = {
        "generator_optimizer": ADAM,
        "discriminator_optimizer": ADAM,
        "noise_size": 2,
    }
    return adversarial.make_gan(generator, discriminator, objective, **settings | given)


def _step(method):
    return method.step(KEY, small_encoder.init_small(method), small_encoder.IMAGES)


def _bound(value=jaxinfo.divergences.nwj_bound, objective=None):
    objective = objective or estimation.Stateless(value)
    return estimation.Bound("own", "lower_bound", objective, value)


class _BareLoss:
    """A term whose loss returns no metrics."""

    name, weight = "bare", 1.0

    def init(self, key, features, representations):
        return ()

    def loss(self, key, params, features, representations):
        return representations.mean()


def _infomax(encoder=GENERATOR, terms=(TERM,), optimizer=ADAM):
    return infomax.make_deep_infomax(encoder, terms=terms, optimizer=optimizer)


def _heco(encoder=GENERATOR, head=GENERATOR, optimizer=ADAM):
    return infomax.make_heco(encoder, head=head, optimizer=optimizer, num_samples={})


def _returns_a_float(key, x, y):
    return 0.3


CASES = {
    # Names and kinds of estimators.
    "classical-as-bound": (
        lambda: Variational("ksg1"),
        "unknown bound 'ksg1': it is an estimator itself, give estimator='ksg1'",
    ),
    "bound-of-divergence": (
        lambda: Variational("renyi"),
        r"give estimate_divergence\(.*VariationalDivergence\('renyi'\)",
    ),
    "estimator-as-bound": (
        lambda: Variational(KSG()),
        r"unknown bound KSG\(.*: give a name",
    ),
    "value-of-bound": (
        lambda: Variational(_bound(lambda p, q: 0.0)).make_run(),
        r"value of Bound\('own'.* must accept \(scores_p, scores_q, where, where_p\)",
    ),
    "vector-of-bound": (
        lambda: Variational(_bound(lambda *scores: scores[0])).make_run(),
        r"value of Bound\('own'.* must return a scalar, got .*shape=\(4,\)",
    ),
    "objective-of-bound": (
        lambda: Variational(_bound(objective=lambda p, q: 0.0)).make_run(),
        r"objective of Bound\('own'.* must accept \(state, scores_p, scores_q\)",
    ),
    "state-of-bound": (
        lambda: Variational(_bound(objective=lambda s, p, q: p.mean())).make_run(),
        r"must return \(scalar, state\), got .*: give Stateless\(value\)",
    ),
    "divergence-case": (lambda: _divergence(divergence="kl"), "did you mean 'KL'"),
    "estimator-case": (lambda: _mi(estimator="KL"), "did you mean 'kl'"),
    "class": (lambda: _mi(estimator=KSG), r"got the class: give KSG\(\)"),
    "class-conditional": (
        lambda: _conditional(estimator=KSG),
        r"got the class: give KSG\(\)",
    ),
    "class-divergence": (
        lambda: _divergence(estimator=VariationalDivergence),
        r"got the class .*; give VariationalDivergence\(BOUND\)",
    ),
    "name-divergence": (
        lambda: _divergence(estimator="nwj"),
        r"got 'nwj'; give VariationalDivergence\('nwj'\)",
    ),
    "divergence-for-information": (
        lambda: _mi(estimator=VariationalDivergence()),
        "give it to estimate_divergence",
    ),
    "critic-as-estimator": (
        lambda: _mi(estimator=CRITIC),
        r"got Critic\(.*: give Variational\(BOUND, critic=it\)",
    ),
    "config-as-estimator": (
        lambda: _mi(estimator=TrainConfig()),
        r"got TrainConfig: give CrossFitted\(train=it\)",
    ),
    "array-as-estimator": (lambda: _mi(estimator=X), "got ndarray"),
    "float": (
        lambda: _mi(estimator=_returns_a_float),
        r"got float: return jaxinfo.Estimate\(value",
    ),
    "float-conditional": (
        lambda: _conditional(estimator=_returns_a_float),
        r"got float: return jaxinfo.Estimate\(value",
    ),
    # Settings.
    "schedule": (
        lambda: Variational(
            "mine", settings={"learning_rate": optax.constant_schedule(1e-3)}
        ),
        r"got function; give .* optimizer=optax.adam\(schedule\)",
    ),
    "array-setting": (
        lambda: Variational("smile", settings={"clip": np.ones(2)}),
        r"got ndarray of shape \(2,\); .*jaxinfo.training.sweep\(",
    ),
    "no-dict": (lambda: Variational("smile", settings=3), "dict of numbers.* got 3"),
    "train-dict": (
        lambda: CrossFitted(train={"num_steps": 5}),
        r"got dict: give train=TrainConfig\(",
    ),
    "optimizer-name": (
        lambda: Variational("mine", optimizer="adam").make_run(),
        r"optimizer must be .*optax.adam\(1e-3\), got str",
    ),
    "optimizer-maker": (
        lambda: _gan(generator_optimizer=optax.adam),
        r"generator_optimizer must be .* got the maker adam",
    ),
    "infomax-optimizer-maker": (
        lambda: _infomax(optimizer=optax.adam),
        "optimizer must be .* got the maker adam",
    ),
    "one-penalty": (
        lambda: _gan(penalties=adversarial.r1(1.0)),
        r"got a Penalty: give \[penalty\]",
    ),
    "divergence-as-objective": (
        lambda: _gan(objective=jaxinfo.divergences.KL),
        r"got a divergence: give jaxinfo.adversarial.f_gan\(KL\)",
    ),
    "one-term": (
        lambda: _infomax(terms=TERM),
        r"got one LocalTerm: give \[term\]",
    ),
    "loss-of-term": (
        lambda: _step(small_encoder.make_small(_BareLoss())),
        r"loss of the term 'bare' must return \(loss, metrics\)",
    ),
    "class-of-term": (
        lambda: _infomax(terms=[infomax.LocalTerm]),
        r"got the class: give LocalTerm\(...\)",
    ),
    # Raw Flax modules.
    "critic-linen": (lambda: Variational(critic=LINEN), FROM_LINEN),
    "critic-linen-class": (
        lambda: Variational(critic=Linen),
        r"the class Linen.*from_linen\(Linen\(...\)\)",
    ),
    "critic-nnx": (lambda: Variational(critic=NNX), FROM_NNX),
    "critic-nnx-class": (lambda: Variational(critic=Nnx), FROM_NNX),
    "critic-maker": (
        lambda: Variational(critic=networks.joint_critic),
        "got the function joint_critic; call it",
    ),
    "critic-cross-fitted": (lambda: CrossFitted(critic=LINEN), FROM_LINEN),
    "auxiliary": (lambda: Variational("tuba", auxiliary=LINEN), FROM_LINEN),
    "run": (lambda: estimation.make_run(NNX), FROM_NNX),
    "discriminator": (lambda: VariationalDivergence(discriminator=LINEN), FROM_LINEN),
    "gan-generator": (lambda: _gan(generator=NNX), FROM_NNX),
    "gan-discriminator": (lambda: _gan(discriminator=LINEN), FROM_LINEN),
    "encoder": (lambda: _infomax(encoder=LINEN), FROM_LINEN),
    "encoder-nnx": (lambda: _infomax(encoder=Nnx), FROM_NNX),
    "term": (lambda: infomax.LocalTerm(LINEN), FROM_LINEN),
    "prior": (lambda: infomax.PriorTerm(NNX), FROM_NNX),
    "heco-encoder": (lambda: _heco(encoder=LINEN), FROM_LINEN),
    "heco-head": (lambda: _heco(head=LINEN), FROM_LINEN),
    "graph-critic": (
        lambda: infomax.make_deep_graph_infomax(
            GENERATOR, critic=LINEN, optimizer=ADAM
        ),
        FROM_LINEN,
    ),
    "network-probe": (
        lambda: infomax.network_probe(KEY, LINEN, LABELED, LABELED),
        FROM_LINEN,
    ),
    "reconstruction-probe": (
        lambda: infomax.reconstruction_probe(KEY, LINEN, IMAGES, IMAGES),
        FROM_LINEN,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_error_names_the_way_out(name):
    call, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        call()


TAKE_A_KEY = {
    "information": _mi,
    "divergence": _divergence,
    "conditional": _conditional,
    "ksg": lambda key: KSG()(key, X, X),
    "self_checks": lambda key: jaxinfo.check_mutual_information(key, X, X),
    "run": lambda key: estimation.make_run(CRITIC)(key, *[(X, X)] * 3),
    "divergence_run": lambda key: estimation.make_divergence_run(DISCRIMINATOR)(
        key, *[(X, X)] * 3
    ),
    "train": lambda key: training.train(key, 0.0, step=min, num_steps=1),
    "gan": lambda key: adversarial.train_gan(key, _gan(), X, num_steps=1, batch_size=2),
    "network_probe": lambda key: infomax.network_probe(
        key, GENERATOR, LABELED, LABELED
    ),
    "node_probe": lambda key: infomax.node_probe(key, *[LABELED] * 3),
    "clustering_probe": lambda key: infomax.clustering_probe(key, LABELED),
    "linear_svm_probe": lambda key: infomax.linear_svm_probe(key, *[LABELED] * 2),
    "reconstruction_probe": lambda key: infomax.reconstruction_probe(
        key, GENERATOR, IMAGES, IMAGES
    ),
    "dependence_probe": lambda key: infomax.dependence_probe(key, X),
}


@pytest.mark.parametrize("name", TAKE_A_KEY)
def test_a_legacy_key_is_an_error(name):
    with pytest.raises(ValueError, match=r"legacy key.* give jax.random.key\(seed\)"):
        TAKE_A_KEY[name](LEGACY)


ON_THE_HOST = ("information", "divergence", "conditional", "ksg", "self_checks")


@pytest.mark.parametrize("name", ON_THE_HOST)
def test_a_traced_key_is_an_error(name):
    with pytest.raises(TypeError, match=r"key is traced.*make_run"):
        jax.jit(TAKE_A_KEY[name])(KEY)


@pytest.mark.parametrize("call", [_mi, _divergence, _conditional])
def test_traced_data_are_an_error(call):
    with pytest.raises(TypeError, match=r"is traced.*make_run"):
        jax.jit(lambda x: call(x=x))(X)
