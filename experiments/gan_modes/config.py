"""What to run, and the two laws."""

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

__all__ = ["LAWS", "Config", "Law", "sample_law", "sample_signs_first"]


class Law(NamedTuple):
    """An equal mixture of round Gaussians in the plane.

    Attributes:
        centers: of the modes.
        sd: of every coordinate of a mode.
        scale: that networks see the samples divided by, near a coordinate's own spread.
    """

    centers: tuple[tuple[float, float], ...]
    sd: float
    scale: float


_ANGLES = [2 * math.pi * mode / 8 for mode in range(8)]
_GRID = [2.0 * place for place in range(-2, 3)]
LAWS = {
    "ring": Law(tuple((math.cos(a), math.sin(a)) for a in _ANGLES), 0.01, 0.7),
    "grid": Law(tuple((x, y) for x in _GRID for y in _GRID), 0.05, 2.8),
}


def sample_law(key: jax.Array, law: Law, num_samples: int) -> jax.Array:
    """Draws scaled samples, [N, 2]."""
    for_mode, for_noise = jax.random.split(key)
    centers = jnp.asarray(law.centers)
    modes = jax.random.randint(for_mode, (num_samples,), 0, len(centers))
    noise = law.sd * jax.random.normal(for_noise, (num_samples, 2))
    return (centers[modes] + noise) / law.scale


def sample_signs_first(
    num_signs: int, key: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """Draws noise, [N, Z]: +1 or -1 in the first coordinates, Gaussian in the others.

    A continuous map of Gaussian noise must join the modes by a thread of samples.
    """
    for_signs, for_rest = jax.random.split(key)
    signs = jax.random.rademacher(for_signs, shape, float)
    return jnp.where(
        jnp.arange(shape[1]) < num_signs, signs, jax.random.normal(for_rest, shape)
    )


@dataclasses.dataclass(frozen=True)
class Config:
    """What to run.

    Attributes:
        out: folder for results.json, table.md and the figures; settings that
            results.json holds already are not run again.
        laws: ring, grid.
        objectives: names of `jaxinfo.adversarial.OBJECTIVES`, comma-separated; left
            out: all but the saddle forms.
        solvers: names of `jaxinfo.adversarial.SOLVERS`, or optimistic_adam.
        num_seeds: trainings of each setting, in one program.
        num_steps: updates of the generator.
        batch_size: samples of each update.
        hidden_size: units of each hidden layer of either network.
        num_layers: hidden layers of either network.
        num_signs: coordinates of the noise that are +1 or -1; 0 for none.
        num_gaussians: Gaussian coordinates of the noise.
        num_frequencies: waves of each coordinate that the discriminator sees; 0 for
            none.
        learning_rate: of Adam for both, which decays to 0.
        penalty: weight of R1 and of R2; 0 for neither.
        smoke: the same path end to end with two objectives, two seeds and few steps.
    """

    out: Path = Path("results/gan_modes")
    laws: str = "ring,grid"
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
