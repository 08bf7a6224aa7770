"""Losses, bounds and metrics give their float64 values with and without jit."""

import functools
import inspect

import jax.numpy as jnp
import numpy as np

from jaxinfo import infomax
from jaxinfo.core import Critic, Network
from jaxinfo.divergences import PEARSON
from jaxinfo.infomax.bounds import find_pair_bound
from jaxinfo.infomax.probes import standardize
from tests.variants import KEY, covered, make_variants_test

RNG = np.random.default_rng(0)
SOME_BOUNDS = ("info_nce", "jensen_shannon", "donsker_varadhan")
SCORES = RNG.normal(size=(5, 3, 5))
GRID, REPRESENTATIONS = RNG.normal(size=(4, 3, 2, 3)), RNG.normal(size=(4, 2))
ROWS = RNG.normal(size=(4, 3))
IMAGES = RNG.random((2, 2, 16, 16, 1))
PREDICTED, LABELS = RNG.integers(3, size=(2, 20))
# Weights of [features, representation] for 3 rows and 2 columns, and of two features
# for 5 and 3 displacements.
COORDINATES, DISPLACEMENTS = RNG.normal(size=(5, 5)), RNG.normal(size=(8, 8))
LINEAR = Network(lambda key, x: (), lambda params, x: x @ params)
DOT = Critic(lambda *_: (), lambda _, x, y: jnp.sum(x[:, :2] * y[:, :2], axis=1), None)
# What is no pure function of arrays: makers, trainings, probes on the host.
PREFIXES = ("make_", "train_")
OTHERS = {"network_probe", "node_probe", "linear_svm_probe", "clustering_probe"}
OTHERS |= {"nearest_neighbors_probe", "information_probe", "dependence_probe"}
OTHERS |= {"reconstruction_probe", "probe_accuracy"}


def _cosine(x, y):
    critic = infomax.cosine_critic(0.5)
    return critic.apply((), x, y), critic.pairwise((), x, y)


CASES = {
    # The bounds of two score vectors are cases of `divergences`.
    **{f"bound[{name}]": (infomax.BOUNDS[name], (SCORES,)) for name in SOME_BOUNDS},
    "pair_bound": (
        functools.partial(infomax.pair_bound, find_pair_bound(PEARSON)),
        (SCORES,),
    ),
    "local_scores": (
        functools.partial(infomax.local_scores, DOT, ()),
        (SCORES[:4], REPRESENTATIONS),
    ),
    "coordinate_loss": (
        functools.partial(infomax.coordinate_loss, LINEAR),
        (COORDINATES, GRID, REPRESENTATIONS),
    ),
    "displacement_loss": (
        functools.partial(infomax.displacement_loss, KEY, LINEAR),
        (DISPLACEMENTS, GRID, REPRESENTATIONS),
    ),
    "cosine_critic": (_cosine, (ROWS, ROWS[::-1])),
    "mean_summary": (infomax.mean_summary, (ROWS,)),
    "shuffle_nodes": (functools.partial(infomax.shuffle_nodes, KEY), (ROWS,)),
    "f1_scores": (
        functools.partial(infomax.f1_scores, num_classes=4),
        (PREDICTED, LABELS),
    ),
    "structural_similarity": (
        functools.partial(infomax.structural_similarity, window_size=7),
        tuple(IMAGES),
    ),
    "standardize": (standardize, (ROWS, ROWS[:2])),
}

VariantsTest = make_variants_test(CASES)


def test_every_pure_public_function_is_a_case():
    exported = {name: getattr(infomax, name) for name in infomax.__all__}
    public = {
        name
        for name, value in exported.items()
        if inspect.isfunction(value) and not name.startswith(PREFIXES)
    }
    assert public - OTHERS == covered(CASES) - {"bound", "standardize"}
