"""One small call of every kind that the library offers, for tests of JAX's checks."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxinfo
from jaxinfo import adversarial, data, estimation, infomax, networks, training
from tests.marks import slowly

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2)).astype(np.float32)
Y = (X + RNG.normal(size=(200, 2))).astype(np.float32)
Z = (X[:, :1] + RNG.normal(size=(200, 1))).astype(np.float32)
LABELS = RNG.integers(3, size=(200, 2))
IMAGES = RNG.uniform(size=(20, 8, 8, 1)).astype(np.float32)
GRAPH = data.make_heterogeneous_graph(
    {"paper": 12, "author": 5, "subject": 3},
    {
        ("paper", "author"): [(i, i % 5) for i in range(12)],
        ("paper", "subject"): [(i, i % 3) for i in range(12)],
    },
)
HECO_GRAPH = infomax.make_heco_graph(
    GRAPH,
    "paper",
    {"PAP": ("paper", "author", "paper"), "PSP": ("paper", "subject", "paper")},
    {},
    num_positives=2,
)
ADJACENCY = data.normalize_adjacency(np.eye(12) + np.eye(12, k=1) + np.eye(12, k=-1))

FEW = estimation.TrainConfig(num_steps=20, num_seeds=2, eval_every=10)
DEFAULT = estimation.CrossFitted(
    train=estimation.TrainConfig(num_steps=20, num_seeds=4, eval_every=10)
)
CRITIC, DISCRIMINATOR = networks.joint_critic((8,)), networks.discriminator((8,))
ADAM = optax.adam(1e-3)

# Every way to draw negatives, every form of scores, with and without auxiliary network.
BOUNDS = [
    "mine",
    "donsker_varadhan",
    "nwj",
    "smile",
    "kl_dime",
    "info_nce",
    "tuba",
    "interpolated",
    "flo",
    "club",
    "leave_one_out",
    "doe_gaussian",
    "doe_logistic",
    "jeffreys",
]
DIVERGENCES = {
    "KL": {},
    "JENSEN_SHANNON": {},
    "PEARSON": {},
    "smile": {"bound": "smile"},
    "renyi": {"bound": "renyi"},
    "mine": {"bound": "mine"},
}


def _variational(key, bound, **settings):
    estimator = estimation.Variational(bound, train=FEW, **settings)
    estimate = estimator(key, X, Y)
    return estimate, estimate.density_ratio(X, Y)


def _divergence(key, name, **settings):
    estimator = estimation.VariationalDivergence(
        discriminator=DISCRIMINATOR, train=FEW, **settings
    )
    divergence = name if name in jaxinfo.divergences.DIVERGENCES else "KL"
    estimate = jaxinfo.estimate_divergence(
        key, X, Y, divergence=divergence, estimator=estimator
    )
    return estimate, estimate.density_ratio(X)


def _default(key, x=X, y=Y):
    estimate = jaxinfo.estimate_mutual_information(key, x, y, estimator=DEFAULT)
    return estimate, estimate.density_ratio(x, y)


def _conditional(key):
    estimate = jaxinfo.estimate_conditional_mutual_information(
        key, X, Y, Z, estimator=DEFAULT
    )
    return estimate, estimate.density_ratio(X, Y, Z)


def _transfer(key):
    return jaxinfo.estimate_transfer_entropy(
        key, X[:, 0], Y[:, 0], lags=2, estimator=DEFAULT
    )


def _self_checks(key):
    return jaxinfo.check_mutual_information(
        key, X, Y, estimator=estimation.GaussianCopula()
    )


def _gan(key, update, objective, **settings):
    gan = adversarial.make_gan(
        networks.generator((8,), (2,)),
        DISCRIMINATOR,
        objective,
        generator_optimizer=ADAM,
        discriminator_optimizer=ADAM,
        noise_size=2,
        update=update,
        num_discriminator_steps=2,
        ema_decay=0.9,
        **settings,
    )
    train_key, sample_key = jax.random.split(key)
    result = adversarial.train_gan(
        train_key,
        gan,
        X,
        num_steps=6,
        batch_size=8,
        eval_every=3,
        observe=lambda key, state: gan.sample(key, state, 4),
    )
    return result.history, gan.sample(sample_key, result.state, 3)


def make_deep_infomax(**settings):
    """A Deep InfoMax of 8 x 8 images with every term."""
    return infomax.make_deep_infomax(
        (_init_encoder, _encode),
        optimizer=ADAM,
        terms=[
            infomax.GlobalTerm(networks.joint_critic((4,)), bound="donsker_varadhan"),
            infomax.LocalTerm(networks.separable_critic((4,)), bound="info_nce"),
            infomax.CoordinateTerm(networks.mlp((4,), 4)),
            infomax.DisplacementTerm(networks.mlp((4,), 6)),
            infomax.PriorTerm(DISCRIMINATOR),
        ],
        **settings,
    )


def _init_encoder(key, images):
    return {"w": jax.random.normal(key, (16, 3)), "v": jnp.ones((3, 2)) / 3}


def _encode(params, images):
    patches = images.reshape(len(images), 2, 4, 2, 4).transpose(0, 1, 3, 2, 4)
    features = jnp.tanh(patches.reshape(len(images), 2, 2, 16) @ params["w"])
    return features, jnp.mean(features, axis=(1, 2)) @ params["v"]


def _deep_infomax(key):
    model = make_deep_infomax()
    result = infomax.train_deep_infomax(
        key,
        model,
        IMAGES,
        num_steps=6,
        batch_size=8,
        eval_every=3,
        observe=lambda key, state: jax.random.normal(key),
    )
    return result.history, model.encode(result.state, IMAGES)


def _heco(key):
    model = infomax.make_heco(
        networks.heco_encoder("paper", size=4),
        head=networks.projection_head(size=4),
        optimizer=ADAM,
        num_samples={"author": 2, "subject": 1},
    )
    train_key, encode_key = jax.random.split(key)
    result = infomax.train_heco(train_key, model, HECO_GRAPH, max_steps=4, patience=4)
    return result.history, model.encode(encode_key, result.state, HECO_GRAPH)


def _deep_graph_infomax(key):
    model = infomax.make_deep_graph_infomax(
        networks.graph_encoder(sizes=(4,)),
        critic=networks.bilinear_critic(use_bias=False),
        optimizer=ADAM,
    )
    result = infomax.train_deep_graph_infomax(
        key, model, X[:12], ADJACENCY, max_steps=4, patience=4
    )
    return result.history, model.encode(result.state, X[:12], ADJACENCY)


def _labeled(start, stop):
    return infomax.LabeledData(X[start:stop], np.arange(start, stop) % 3)


def _network_probe(key):
    return infomax.network_probe(
        key,
        networks.mlp((4,), 3),
        _labeled(0, 90),
        _labeled(90, 200),
        num_steps=20,
        num_seeds=2,
    )


def _node_probe(key):
    parts = _labeled(0, 60), _labeled(60, 120), _labeled(120, 200)
    return infomax.node_probe(key, *parts, num_steps=10, num_seeds=2)


def _reconstruction_probe(key):
    return infomax.reconstruction_probe(
        key,
        networks.generator((4,), (8, 8, 1)),
        infomax.RepresentedImages(X[:10], IMAGES[:10]),
        infomax.RepresentedImages(X[10:20], IMAGES[10:]),
        num_steps=10,
        batch_size=4,
        window_size=3,
        num_seeds=2,
    )


def _dependence_probe(key):
    estimator = estimation.VariationalDivergence(train=FEW)
    return infomax.dependence_probe(key, X, estimator=estimator)


def _sweep(key):
    run = estimation.make_run(CRITIC, num_steps=20, eval_every=10, batch_size=16)
    parts = [(X[i::3], Y[i::3]) for i in range(3)]
    rates = {"learning_rate": jnp.array([1e-3, 1e-2])}
    return training.sweep(run, jax.random.split(key), *parts, settings=rates)


CALLS = {
    "cross_fitted": _default,
    "cross_fitted-labels": lambda key: _default(key, LABELS[:, 0], LABELS.sum(1)),
    **{
        f"variational-{bound}": lambda key, bound=bound: _variational(key, bound)
        for bound in BOUNDS
    },
    **{
        f"variational-{sampling}": lambda key, sampling=sampling: _variational(
            key, "donsker_varadhan", critic=CRITIC, negative_sampling=sampling
        )
        for sampling in jaxinfo.information.NEGATIVE_SAMPLERS
    },
    **{
        f"divergence-{name}": lambda key, name=name, settings=settings: _divergence(
            key, name, **settings
        )
        for name, settings in DIVERGENCES.items()
    },
    **{
        name: lambda key, name=name: estimation.find_estimator(name)(key, X, Y)
        for name in ("ksg1", "ksg2", "mixed_ksg", "gaussian", "gaussian_copula")
    },
    "plug_in": lambda key: estimation.PlugIn()(key, LABELS[:, 0], LABELS.sum(1)),
    "conditional": _conditional,
    "transfer_entropy": _transfer,
    "self_checks": _self_checks,
    "sweep": _sweep,
    "gan-alternating": lambda key: _gan(
        key,
        "alternating",
        "non_saturating",
        penalties=[adversarial.r1(0.1, every=2), adversarial.dragan(0.1)],
    ),
    "gan-extragradient": lambda key: _gan(
        key, "extragradient", "hinge", penalties=[adversarial.gradient_penalty(0.1)]
    ),
    "deep_infomax": _deep_infomax,
    "heco": _heco,
    "deep_graph_infomax": _deep_graph_infomax,
    "network_probe": _network_probe,
    "node_probe": _node_probe,
    "reconstruction_probe": _reconstruction_probe,
    "linear_svm_probe": lambda key: infomax.linear_svm_probe(
        key, _labeled(0, 90), _labeled(90, 200), num_seeds=2
    ),
    "clustering_probe": lambda key: infomax.clustering_probe(
        key, _labeled(0, 90), num_seeds=2
    ),
    "dependence_probe": _dependence_probe,
    "information_probe": lambda key: infomax.information_probe(
        key, IMAGES[:, 0, :2, 0], X[:20], estimator=estimation.Gaussian()
    ),
}

# Compiling under the checks is slow: of each kind of program one is in the fast set.
FAST = {"variational-info_nce", "divergence-KL", "gan-alternating", "gaussian"}
each_call = pytest.mark.parametrize(
    "name", [name if name in FAST else slowly(name) for name in CALLS]
)
