"""Settings of the experiment, and the two distributions."""

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

__all__ = ["MIXTURES", "Config", "Mixture", "sample_mixture", "sample_signs_first"]


class Mixture(NamedTuple):
    """An equal mixture of isotropic Gaussians in the plane.

    Attributes:
        centers: centers of the modes.
        sd: standard deviation of each coordinate of a mode.
        scale: divisor of the samples that the networks get, close to the standard
            deviation of a coordinate.
    """

    centers: tuple[tuple[float, float], ...]
    sd: float
    scale: float


_ANGLES = [2 * math.pi * mode / 8 for mode in range(8)]
_GRID = [2.0 * index for index in range(-2, 3)]
MIXTURES = {
    "ring": Mixture(tuple((math.cos(a), math.sin(a)) for a in _ANGLES), 0.01, 0.7),
    "grid": Mixture(tuple((x, y) for x in _GRID for y in _GRID), 0.05, 2.8),
}


def sample_mixture(key: jax.Array, mixture: Mixture, num_samples: int) -> jax.Array:
    """Draws scaled samples, [N, 2]."""
    mode_key, noise_key = jax.random.split(key)
    centers = jnp.asarray(mixture.centers)
    modes = jax.random.randint(mode_key, (num_samples,), 0, len(centers))
    noise = mixture.sd * jax.random.normal(noise_key, (num_samples, 2))
    return (centers[modes] + noise) / mixture.scale


def sample_signs_first(
    num_signs: int, key: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """Draws noise, [N, Z]: +1 or -1 in the first coordinates, Gaussian in the others.

    A continuous map of Gaussian noise alone would place samples between the modes.
    """
    sign_key, normal_key = jax.random.split(key)
    signs = jax.random.rademacher(sign_key, shape, float)
    return jnp.where(
        jnp.arange(shape[1]) < num_signs, signs, jax.random.normal(normal_key, shape)
    )


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json, table.md and the figures; settings that are
            already in results.json are not run again.
        mixtures: ring, grid, or both, comma-separated.
        objectives: names in `jaxinfo.adversarial.OBJECTIVES`, comma-separated; by
            default all but the saddle forms.
        solvers: names in `jaxinfo.adversarial.SOLVERS`, or optimistic_adam.
        num_seeds: trainings of each setting, in one program.
        num_steps: generator updates.
        batch_size: samples of each update.
        hidden_size: units of each hidden layer of both networks.
        num_layers: hidden layers of both networks.
        num_signs: coordinates of the noise that are +1 or -1; 0 for none.
        num_gaussians: Gaussian coordinates of the noise.
        num_frequencies: Fourier frequencies of each coordinate in the discriminator's
            input; 0 for none.
        learning_rate: learning rate of Adam for both networks, which decays to 0.
        penalty: weight of R1 and of R2; 0 for no penalty.
        smoke: run the whole experiment with two objectives, two seeds and few steps.
    """

    out: Path = Path("results/gan_modes")
    mixtures: str = "ring,grid"
    objectives: str | None = None
    solvers: str = "alternating"
    num_seeds: int = 32
    num_steps: int = 10_000
    batch_size: int = 64
    hidden_size: int = 64
    num_layers: int = 3
    num_signs: int = 8
    num_gaussians: int = 1
    num_frequencies: int = 5
    learning_rate: float = 1e-3
    penalty: float = 0.05
    smoke: bool = False
