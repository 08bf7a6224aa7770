"""The stages of the demo: each yields results, one after the other."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.adversarial import make_gan, train_gan
from jaxinfo.cli.demo.digit_representations import ProbeResult, probe_digits
from jaxinfo.core.checks import check_positive
from jaxinfo.core.extras import import_extra
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.divergences import DIVERGENCES, FDivergence
from jaxinfo.estimation import (
    CrossFitted,
    Estimate,
    TrainConfig,
    Variational,
    VariationalDivergence,
    estimate_divergence,
    estimate_mutual_information,
)
from jaxinfo.networks import discriminator, gaussian_generator, separable_critic
from jaxinfo.tasks import gaussian_to_mixture, normal_target, sample_mixture
from jaxinfo.training import sweep

__all__ = [
    "MAX_STANDARD_ERRORS",
    "STAGES",
    "Result",
    "Results",
    "Stage",
    "run_stages",
]

# An estimate exceeds the truth by more than this many standard errors once in a
# thousand times. The 95 % interval lies above the truth once in forty times, which is
# too often for a check of several estimates.
MAX_STANDARD_ERRORS = 3.09

GAUSSIAN_NATS, GAUSSIAN_ROWS, GAUSSIAN_SIZE = (2.0, 4.0, 6.0), 10_000, 5
# Bounded divergences: they are finite for distributions that hardly overlap.
DIGIT_DIVERGENCES = {
    "JENSEN_SHANNON": "Jensen-Shannon",
    "SQUARED_HELLINGER": "squared Hellinger",
    "TOTAL_VARIATION": "total variation",
    "LE_CAM": "Le Cam",
}
# KL makes the Gaussian cover the mixture, REVERSE_KL makes it fit the larger component.
GAN_DIVERGENCES = ("KL", "REVERSE_KL")
GAN_STEPS, GAN_LEARNING_RATE, GAN_ROWS = 1_500, 5e-3, 40_000
GAN_DISCRIMINATOR = discriminator((32, 32), activation=jnp.tanh)
# A critic overfits the few hundred images of a digit soon: validate often.
DIGIT_TRAINING: Any = {"eval_every": 50, "patience": 200}
DIGIT_SETTINGS = {"learning_rate": 2e-3}


class Result(NamedTuple):
    """An estimate and what is known of the exact value.

    Attributes:
        label: what was estimated, in a few words.
        estimate: the estimate.
        truth: the exact value in nats; None if it is not known.
        limit: the largest possible exact value in nats; None if there is none.
        limit_name: the limit as a formula, for a line that reports its check; "" for
            no such line.
    """

    label: str
    estimate: Estimate
    truth: float | None = None
    limit: float | None = None
    limit_name: str = ""

    @property
    def largest(self) -> float:
        """The truth or else the limit, nats; inf if neither is known."""
        known = [value for value in (self.truth, self.limit) if value is not None]
        return min(known, default=math.inf)

    @property
    def is_in_interval(self) -> bool:
        """Whether the 95 % interval starts at or below `largest`."""
        return self.estimate.lower <= self.largest

    @property
    def is_plausible(self) -> bool:
        """Whether the estimate exceeds `largest` by at most 3.09 standard errors."""
        error = MAX_STANDARD_ERRORS * self.estimate.standard_error
        return self.estimate.value - error <= self.largest


class Stage(NamedTuple):
    """A part of the demo.

    Attributes:
        name: its name in the JSON.
        title: its heading in the table and in the figure.
        run: `run(key, num_seeds)` yields the results, one after the other.
    """

    name: str
    title: str
    run: Callable[[Key[Array, ""], int], Iterator[Result | ProbeResult]]


Results = dict[str, list[Result | ProbeResult]]


# Correlated Gaussians -----------------------------------------------------------------


def _gaussian_information(key: Array, num_seeds: int) -> Iterator[Result]:
    estimator = CrossFitted(train=TrainConfig(num_seeds=num_seeds, num_steps=1_000))
    keys = jax.random.split(key, len(GAUSSIAN_NATS))
    for nats, key in zip(GAUSSIAN_NATS, keys, strict=True):
        sample_key, estimate_key = jax.random.split(key)
        task = normal_target(nats, GAUSSIAN_SIZE, GAUSSIAN_SIZE)
        x, y = task.sample(sample_key, GAUSSIAN_ROWS)
        estimate = estimate_mutual_information(estimate_key, x, y, estimator=estimator)
        yield Result(f"{nats:.0f} nats", estimate, truth=task.mi)


# A Gaussian fitted to a mixture by f-GAN ----------------------------------------------


def _fitted_gaussians(key: Array, num_seeds: int) -> Iterator[Result]:
    estimator = VariationalDivergence(
        discriminator=GAN_DISCRIMINATOR,
        settings={"learning_rate": GAN_LEARNING_RATE},
        train=TrainConfig(num_seeds=num_seeds, num_steps=GAN_STEPS),
    )
    keys = jax.random.split(key, len(GAN_DIVERGENCES))
    for name, key in zip(GAN_DIVERGENCES, keys, strict=True):
        training_key, key_p, key_q, estimate_key = jax.random.split(key, 4)
        seeds = jax.random.split(training_key, num_seeds)
        fits = sweep(_gaussian_fit(name), seeds)
        mean, sd = map(float, np.mean(fits, axis=0))
        estimate = estimate_divergence(
            estimate_key,
            sample_mixture(key_p, GAN_ROWS),
            mean + sd * jax.random.normal(key_q, (GAN_ROWS, 1)),
            divergence=name,
            estimator=estimator,
        )
        truth = gaussian_to_mixture(DIVERGENCES[name], mean, sd)
        yield Result(f"{name}: N({mean:.2f}, {sd:.2f}²)", estimate, truth=truth)


def _gaussian_fit(divergence: str) -> Callable[[Array], Array]:
    """Makes a training run that returns the fitted mean and standard deviation."""
    gan = make_gan(
        gaussian_generator(),
        GAN_DISCRIMINATOR,
        divergence,
        generator_optimizer=optax.adam(
            optax.cosine_decay_schedule(GAN_LEARNING_RATE, GAN_STEPS)
        ),
        discriminator_optimizer=optax.adam(GAN_LEARNING_RATE),
        noise_size=1,
        update="simultaneous",
    )

    def run(key: Array) -> Float[Array, "2"]:
        trained = train_gan(
            key, gan, sample_mixture, num_steps=GAN_STEPS, batch_size=256
        )
        params = trained.state.players.generator
        return jnp.concatenate([params["mean"], jnp.exp(params["log_sd"])])

    return run


# Handwritten digits -------------------------------------------------------------------


def _load_digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits, [1797, 8, 8] from 0 to 16, and their classes, [1797]."""
    digits = import_extra("sklearn.datasets", "cli").load_digits()
    return digits.images, digits.target


def _frequent_pixels(images: np.ndarray) -> np.ndarray:
    """Pixels that are positive in at least one image of twenty, [N, D].

    A pixel that is positive in one image of a thousand has a small standard deviation;
    after standardization that image would be an extreme outlier.
    """
    pixels = images.reshape(len(images), -1)
    return pixels[:, (pixels > 0).mean(axis=0) >= 0.05]


def _digit_information(key: Array, num_seeds: int) -> Iterator[Result]:
    images, classes = _load_digits()
    # The images are ordered by writers, whose names are not in the data set.
    order = np.random.default_rng(0).permutation(len(images))
    images, classes = images[order], classes[order]
    left, right = (_frequent_pixels(half) for half in np.split(images, 2, axis=2))
    num_classes = classes.max() + 1
    # I(image; label) <= H(label) <= ln(number of classes).
    entropy_limit = {"limit": math.log(num_classes), "limit_name": f"ln {num_classes}"}
    pairs: list[tuple[str, np.ndarray, np.ndarray, dict[str, Any]]] = [
        ("left, right half", left, right, {}),
        (
            "image, label",
            _frequent_pixels(images),
            np.eye(num_classes)[classes],
            entropy_limit,
        ),
    ]
    estimator = Variational(
        "info_nce",
        critic=separable_critic((128,)),
        settings=DIGIT_SETTINGS,
        train=TrainConfig(num_seeds=num_seeds, num_steps=400, **DIGIT_TRAINING),
    )
    keys = jax.random.split(key, len(pairs))
    for key, (label, x, y, limit) in zip(keys, pairs, strict=True):
        estimate = estimate_mutual_information(key, x, y, estimator=estimator)
        yield Result(label, estimate, **limit)


def _digit_divergences(key: Array, num_seeds: int) -> Iterator[Result]:
    images, classes = _load_digits()
    pca = import_extra("sklearn.decomposition", "cli").PCA(5, svd_solver="full")
    components = pca.fit_transform(_frequent_pixels(images))
    estimator = VariationalDivergence(
        discriminator=discriminator((32,)),
        settings=DIGIT_SETTINGS,
        train=TrainConfig(num_seeds=num_seeds, num_steps=1_500, **DIGIT_TRAINING),
    )
    keys = jax.random.split(key, len(DIGIT_DIVERGENCES))
    for key, (name, label) in zip(keys, DIGIT_DIVERGENCES.items(), strict=True):
        estimate = estimate_divergence(
            key,
            components[classes == 3],
            components[classes == 8],
            divergence=name,
            estimator=estimator,
        )
        yield Result(label, estimate, limit=_largest_value(DIVERGENCES[name]))


def _largest_value(divergence: FDivergence) -> float:
    """The divergence of distributions that do not overlap, f(0) + f'(inf), nats."""
    log_p, log_q = jnp.array([-math.inf, 0.0]), jnp.array([0.0, -math.inf])
    return float(divergence.perspective(log_p, log_q).sum())


def _digit_representations(key: Array, num_seeds: int) -> Iterator[ProbeResult]:
    return probe_digits(*_load_digits())(key, num_seeds)


STAGES: tuple[Stage, ...] = (
    Stage("gaussians", "Gaussian vectors of size 5", _gaussian_information),
    Stage("f_gan", "A Gaussian fitted to a mixture by f-GAN", _fitted_gaussians),
    Stage("digits", "Digits: mutual information", _digit_information),
    Stage("digits_3_8", "Digits 3 and 8: divergences", _digit_divergences),
    Stage("digit_representations", "Digits: representations", _digit_representations),
)


def run_stages(
    key: Key[Array, ""],
    *,
    stages: Sequence[Stage] = STAGES,
    num_seeds: int = 16,
    announce: Callable[[str], None] = lambda line: None,
) -> Results:
    """Runs stages one after the other.

    Args:
        key: random key. The numbers of a stage depend on this key and on the stage's
            position, not on the stages after it.
        stages: the stages.
        num_seeds: training seeds of each estimate.
        announce: called with a line of text when a stage starts and for each result.

    Returns:
        The results of each stage, by the stage's name.

    Raises:
        ValueError: if num_seeds is not a positive integer.
    """
    check_positive(num_seeds=num_seeds)
    results: Results = {}
    for index, stage in enumerate(stages):
        announce(f"{stage.title} ...")
        results[stage.name] = []
        for result in stage.run(jax.random.fold_in(key, index), num_seeds):
            results[stage.name].append(result)
            announce(f"{stage.title}: {result.label} {_value(result)} ...")
    return results


def _value(result: Result | ProbeResult) -> str:
    if isinstance(result, ProbeResult):
        return f"{result.probe.value:.1f} %"
    return f"{result.estimate.value:.3f} nats"
