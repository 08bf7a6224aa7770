"""Losses, penalties and metrics give their float64 values with and without jit."""

import functools
import inspect

import numpy as np

from jaxinfo import adversarial
from jaxinfo.adversarial.penalties import penalty_value_and_grad
from tests.variants import KEY, covered, make_variants_test

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(2, 7))
# Differences of multiples of 1/8 are exact, so nearest neighbors are the same in
# float32 and float64.
REAL, FAKE = np.round(8 * RNG.normal(size=(2, 20, 2))) / 8
CENTERS = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 9.0]])
PENALTIES = ("r1", "r2", "gradient_penalty", "dragan")
# What is no pure function of arrays: makers, trainings, files.
OTHERS = {"f_gan", "make_gan", "restore_gan", "save_gan", "train_gan"}
OTHERS |= set(adversarial.SOLVERS) | {"lookahead", "consensus"}


def _losses(name, scores_p, scores_q):
    objective = adversarial.OBJECTIVES[name]
    return (
        objective.discriminator_loss(scores_p, scores_q),
        objective.generator_loss(scores_p, scores_q),
        objective.bound(scores_p, scores_q),
    )


def _score(params, sample):
    return params @ sample**2


def _linear_score(params, sample):
    return params @ sample


def _penalty(name, score, params, real, fake, number, key=KEY):
    penalty = getattr(adversarial, name)(0.5, every=3)
    return penalty_value_and_grad(
        penalty, key, score, params, real, fake, number=number
    )


def _parzen(points, samples, bandwidth):
    return adversarial.parzen_log_likelihood(
        points, samples, bandwidth=bandwidth, chunk_size=8
    )


WEIGHTS = np.array([0.3, -1.1])
CASES = {
    **{
        f"losses[{name}]": (functools.partial(_losses, name), tuple(SCORES))
        for name in adversarial.OBJECTIVES
    },
    # Of a linear score, the random points do not matter.
    **{
        f"{name}[update {number}]": (
            functools.partial(_penalty, name, _linear_score),
            (WEIGHTS, REAL, FAKE, np.array(number)),
        )
        for name in PENALTIES
        for number in (0, 1)
    },
    **{
        f"{name}[quadratic]": (
            functools.partial(_penalty, name, _score),
            (WEIGHTS, REAL, FAKE, np.array(3)),
        )
        for name in ("r1", "r2")
    },
    "count_modes": (
        functools.partial(adversarial.count_modes, sd=0.5),
        (REAL, CENTERS),
    ),
    "count_labels": (
        functools.partial(adversarial.count_labels, num_labels=5),
        (np.array([0, 0, 3, 1]),),
    ),
    "parzen_log_likelihood": (_parzen, (REAL, FAKE, np.array(0.4))),
    "choose_bandwidth": (adversarial.choose_bandwidth, (REAL, FAKE)),
    "frechet_distance": (adversarial.frechet_distance, (REAL, FAKE)),
    "kernel_distance": (
        functools.partial(adversarial.kernel_distance, chunk_size=8),
        (REAL, FAKE),
    ),
    "compare_neighborhoods": (
        functools.partial(adversarial.compare_neighborhoods, chunk_size=8),
        (REAL, FAKE),
    ),
}
SAMPLED = {
    f"{name}[quadratic]": functools.partial(
        lambda key, name: _penalty(
            name,
            _score,
            *(x.astype(np.float32) for x in (WEIGHTS, REAL, FAKE)),
            np.array(0),
            key,
        ),
        name=name,
    )
    for name in ("gradient_penalty", "dragan")
}

# JAX's `xlogy` takes the logarithm of a share of zero and drops it.
VariantsTest = make_variants_test(CASES, SAMPLED, debug_infs=False)


def test_every_pure_public_function_is_a_case():
    exported = {name: getattr(adversarial, name) for name in adversarial.__all__}
    public = {name for name, value in exported.items() if inspect.isfunction(value)}
    assert public - OTHERS == covered(CASES, SAMPLED) - {"losses"}
