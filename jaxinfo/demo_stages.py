"""The stages of the demo: data in, a list of results out."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo.adversarial import make_gan, train_gan
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.demo_codes import Reading, read_digit_codes
from jaxinfo.divergences import DIVERGENCES
from jaxinfo.estimation import (
    Estimate,
    estimate_divergence,
    estimate_mutual_information,
)
from jaxinfo.networks import discriminator, gaussian_generator, separable_critic
from jaxinfo.tasks import gaussian_to_mixture, sample_mixture
from jaxinfo.training import sweep

__all__ = [
    "LARGEST_SURPRISE",
    "STAGES",
    "Reading",
    "Result",
    "Stage",
    "sample_correlated_gaussians",
]

# In standard errors, as once in a thousand: one 95 % interval of forty starts above the
# truth, and a demo that shows several would often fail for nothing.
LARGEST_SURPRISE = 3.09


class Result(NamedTuple):
    """One estimate beside what is known of the truth.

    Attributes:
        label: what was estimated, in few words.
        estimate: the estimate.
        truth: the exact value in nats; None where nobody knows it.
        limit: the most that the truth can be, nats; None for no limit.
        limit_name: the limit as a formula, "" for none.
    """

    label: str
    estimate: Estimate
    truth: float | None = None
    limit: float | None = None
    limit_name: str = ""

    @property
    def at_most(self) -> float:
        """What an estimate must not exceed beyond chance, nats."""
        known = [bound for bound in (self.truth, self.limit) if bound is not None]
        return min(known, default=math.inf)

    @property
    def is_held(self) -> bool:
        """Whether the 95 % interval reaches down to what the truth can be."""
        return self.estimate.lower <= self.at_most

    @property
    def is_possible(self) -> bool:
        """Whether chance explains an estimate above what the truth can be."""
        least = self.estimate.value - LARGEST_SURPRISE * self.estimate.standard_error
        return least <= self.at_most


class Stage(NamedTuple):
    """A part of the demo.

    Attributes:
        name: its name in the JSON.
        title: its heading in the table and in the figure.
        run: `run(key, num_seeds) -> results`, lazily, one after the other: estimates
            or readings of codes.
    """

    name: str
    title: str
    run: Callable[[Key[Array, ""], int], Iterator[Result | Reading]]


STAIRS = (2.0, 4.0, 6.0)
STAIR_ROWS, STAIR_SIZE = 10_000, 5
# Bounded members: two laws that hardly overlap have finite answers.
MEMBERS = {
    "JENSEN_SHANNON": "Jensen-Shannon",
    "SQUARED_HELLINGER": "squared Hellinger",
    "TOTAL_VARIATION": "total variation",
    "LE_CAM": "Le Cam",
}
# The first covers the mixture, the second seeks its larger part.
FITTED_BY = ("KL", "REVERSE_KL")
FIT_STEPS, FIT_RATE, FIT_ROWS = 1_500, 5e-3, 40_000
FIT_DISCRIMINATOR = discriminator((32, 32), activation=jnp.tanh)
# A thousand images are soon overfitted: small networks, validated often.
SMALL: Any = {"eval_every": 50, "patience": 200, "learning_rate": 2e-3}


def sample_correlated_gaussians(
    key: Key[Array, ""], num_rows: int, *, nats: float, size: int
) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Draws pairs of standard normal vectors with this mutual information.

    y = rho x + sqrt(1 - rho^2) e with rho = sqrt(1 - exp(-2 nats / size)).

    Args:
        key: random key.
        num_rows: N.
        nats: mutual information of x and y, nats.
        size: coordinates of x, and of y.

    Returns:
        x and y, [N, size] each.
    """
    key_x, key_noise = jax.random.split(key)
    rest = jnp.exp(-2 * nats / size)
    x = jax.random.normal(key_x, (num_rows, size))
    noise = jax.random.normal(key_noise, (num_rows, size))
    return x, jnp.sqrt(1 - rest) * x + jnp.sqrt(rest) * noise


def _gaussian_staircase(key: Array, num_seeds: int) -> Iterator[Result]:
    # Equal shapes and settings: the three share one compiled program.
    for nats in STAIRS:
        data_key, key = jax.random.split(key)
        x, y = sample_correlated_gaussians(
            data_key, STAIR_ROWS, nats=nats, size=STAIR_SIZE
        )
        estimate = estimate_mutual_information(
            key,
            x,
            y,
            num_seeds=num_seeds,
            num_steps=1_000,
        )
        yield Result(f"{nats:.0f} nats", estimate, truth=nats)


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's handwritten digits, [1797, 8, 8] of 0 to 16, and their classes."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    return digits.images, digits.target


def _often_lit(pixels: np.ndarray) -> np.ndarray:
    """Pixels that are lit in at least one image of twenty, [N, D].

    In units of its small standard deviation a pixel lit once in a thousand images is
    an outlier that a critic has never seen.
    """
    pixels = pixels.reshape(len(pixels), -1)
    return pixels[:, (pixels > 0).mean(axis=0) >= 0.05]


def _digit_information(key: Array, num_seeds: int) -> Iterator[Result]:
    images, classes = _digits()
    left, right = (_often_lit(half) for half in np.split(images, 2, axis=2))
    num_classes = classes.max() + 1
    pairs = {
        "left, right half": (left, right, {}),
        "image, label": (
            _often_lit(images),
            np.eye(num_classes)[classes],
            # H(label) bounds it, and H is at most the logarithm of the classes.
            {"limit": math.log(num_classes), "limit_name": f"ln {num_classes}"},
        ),
    }
    for label, (x, y, known) in pairs.items():
        # Two towers score all pairs of a batch for the price of the batch.
        estimate = estimate_mutual_information(
            key,
            x,
            y,
            bound="info_nce",
            critic=separable_critic((128,)),
            num_seeds=num_seeds,
            num_steps=400,
            **SMALL,
        )
        yield Result(label, estimate, **known)


def _digit_codes(key: Array, num_seeds: int) -> Iterator[Reading]:
    return read_digit_codes(*_digits())(key, num_seeds)


def _digit_divergence(key: Array, num_seeds: int) -> Iterator[Result]:
    from sklearn.decomposition import PCA

    images, classes = _digits()
    components = PCA(5, svd_solver="full").fit_transform(_often_lit(images))
    threes, eights = components[classes == 3], components[classes == 8]
    for name, label in MEMBERS.items():
        estimate = estimate_divergence(
            key,
            threes,
            eights,
            divergence=name,
            discriminator=discriminator((32,)),
            num_seeds=num_seeds,
            num_steps=1_500,
            **SMALL,
        )
        # Laws that nowhere overlap are as far apart as can be: f(0) + f'(inf).
        gone, certain = -math.inf, 0.0
        apart = DIVERGENCES[name].perspective(
            jnp.array([gone, certain]), jnp.array([certain, gone])
        )
        yield Result(
            label,
            estimate,
            limit=float(apart.sum()),
            limit_name="apart",
        )


def _fitted_gaussians(key: Array, num_seeds: int) -> Iterator[Result]:
    for index, name in enumerate(FITTED_BY):
        for_training, for_p, for_q, for_estimate = jax.random.split(
            jax.random.fold_in(key, index), 4
        )
        keys = jax.random.split(for_training, num_seeds)
        mean, sd = map(float, np.mean(sweep(_fit_gaussian(name), keys), axis=0))
        # The generator is a law by now: how far it is from the data is an estimate.
        estimate = estimate_divergence(
            for_estimate,
            sample_mixture(for_p, FIT_ROWS),
            mean + sd * jax.random.normal(for_q, (FIT_ROWS, 1)),
            divergence=name,
            discriminator=FIT_DISCRIMINATOR,
            learning_rate=FIT_RATE,
            num_seeds=num_seeds,
            num_steps=FIT_STEPS,
        )
        truth = gaussian_to_mixture(DIVERGENCES[name], mean, sd)
        yield Result(f"{name}: N({mean:.2f}, {sd:.2f}²)", estimate, truth=truth)


@functools.cache
def _fit_gaussian(name: str) -> Callable[[Array], Array]:
    """Mean and standard deviation that one training with this divergence ends at."""
    gan = make_gan(
        gaussian_generator(),
        FIT_DISCRIMINATOR,
        name,
        generator_optimizer=optax.adam(
            optax.cosine_decay_schedule(FIT_RATE, FIT_STEPS)
        ),
        discriminator_optimizer=optax.adam(FIT_RATE),
        noise_size=1,
        update="simultaneous",
    )

    def run(key: Array) -> Float[Array, "2"]:
        state = train_gan(
            key, gan, sample_mixture, num_steps=FIT_STEPS, batch_size=256
        ).state
        learned = state.players.generator
        return jnp.concatenate([learned["mean"], jnp.exp(learned["log_sd"])])

    return run


STAGES: tuple[Stage, ...] = (
    Stage("gaussians", "Correlated Gaussians, 5 + 5", _gaussian_staircase),
    Stage("f_gan", "A Gaussian fitted to a mixture by f-GAN", _fitted_gaussians),
    Stage("digits", "Digits: information", _digit_information),
    Stage("digits_3_8", "Digits 3 and 8: divergence", _digit_divergence),
    Stage("digit_codes", "Digits: codes", _digit_codes),
)
