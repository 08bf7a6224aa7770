"""The whole training of a GAN as a pure function of a key and data."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.adversarial.state import GanInfo, GanState
from jaxinfo.adversarial.step import Gan
from jaxinfo.core.checks import check_finite_rows, check_key, check_positive
from jaxinfo.core.types import Array, Float, Key, PyTree
from jaxinfo.training import TrainResult, sample_rows, train

__all__ = ["train_gan"]

Data = Float[Array, "n ..."] | Callable[[Array, int], Array]


def train_gan(
    key: Key[Array, ""],
    gan: Gan,
    data: Data,
    *,
    num_steps: int,
    batch_size: int,
    eval_every: int = 100,
    state: GanState | None = None,
    observe: Callable[[Array, GanState], PyTree] | None = None,
) -> TrainResult:
    """Trains a GAN, or continues a training: legal under `jit`, `vmap`, `shard_map`.

    Update number i draws the same random numbers from the key whether the training ran
    in one call or in several, and whether the seed is trained alone or under `vmap`.

    Args:
        key: random key; pass the same one when a training is continued.
        gan: from `make_gan`.
        data: samples [N, ...] to draw batches from, whose order carries no information;
            or a function `data(key, num_samples)` that draws new samples.
        num_steps: generator updates.
        batch_size: samples of each discriminator update.
        eval_every: updates between two entries of the history.
        state: the state to continue from; None to start a new training.
        observe: `observe(key, state) -> arrays`, computed after each block of
            `eval_every` updates and stacked.

    Returns:
        A `TrainResult` with the last state. Its history is a `GanInfo` of arrays [T].

    Raises:
        ValueError: if a count is not positive, `batch_size` is above N, the data are
            not finite, or the networks do not fit the data.
    """
    check_key(0, key=key)
    check_positive(batch_size=batch_size)
    init_key, example_key, steps_key, observe_key = jax.random.split(key, 4)
    sample, gather = _make_sampler(data, gan.num_discriminator_steps, batch_size)
    if state is None:
        example = data(example_key, 2) if callable(data) else data
        state = gan.init(init_key, example)

    def sample_batch(key: Array) -> tuple[Array, Any]:
        batch_key, step_key = jax.random.split(key)
        return step_key, sample(batch_key)

    def step(key: Array, state: GanState, batch: Any) -> tuple[GanState, GanInfo]:
        return gan.step(key, state, gather(batch))

    def observe_state(state: GanState) -> PyTree:
        assert observe is not None
        return observe(jax.random.fold_in(observe_key, state.step), state)

    return train(
        steps_key,
        state,
        sample_batch=sample_batch,
        step=step,
        num_steps=num_steps,
        eval_every=eval_every,
        first_step=state.step,
        observe=None if observe is None else observe_state,
    )


def _make_sampler(
    data: Data, num_batches: int, batch_size: int
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """`sample(key)`, small, and `gather`, which turns it into a batch [k, N, ...]."""
    if callable(data):

        def split(key: Array) -> Array:
            return jax.random.split(key, num_batches)

        return split, jax.vmap(lambda key: data(key, batch_size))
    check_finite_rows(samples=data)
    if batch_size > len(data):
        raise ValueError(
            f"batch_size must be at most the {len(data)} samples, got {batch_size}"
        )
    samples = jnp.asarray(data)

    def sample_batches(key: Array) -> Array:
        keys = jax.random.split(key, num_batches)
        return jax.vmap(lambda k: sample_rows(k, len(samples), batch_size))(keys)

    return sample_batches, lambda rows: samples[rows]
